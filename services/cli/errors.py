"""Errors on the command line: one line that says what to do, and exit status 2."""

import click

from shared.errors import CareloopError, Unavailable

SETTING_OF = {
    "ehr": "CARELOOP_FHIR_URL",
    "broker": "CARELOOP_KAFKA_BOOTSTRAP_SERVERS",
    "pacs": "CARELOOP_DICOMWEB_URL",
}


class Wrong(click.ClickException):
    """What the caller must mend.

    A setting, an argument, a file, something that does not run.

    Exit status 2, as for wrong usage.
    """

    exit_code = 2


class Commands(click.Group):
    """A group of commands that ends errors of ours in one line and exit status 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CareloopError as error:
            raise Wrong(in_words(error)) from None
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise Wrong(error.format_message()) from None


def in_words(error: CareloopError) -> str:
    """Return the error's one line, and where to look when a part does not answer."""
    if isinstance(error, Unavailable) and error.dependency in SETTING_OF:
        setting = SETTING_OF[error.dependency]
        return f"{error}. Does it run, and is {setting} right? `careloop doctor` tells more."
    return str(error)
