"""`careloop dead-letters`.

Look at records that services gave up, and try them again.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from services.catalogue import analyser_names
from shared.runtime.dead_letters import DeadLetter, letters, replay
from shared.settings import load_settings
from shared.stream.base import Log
from shared.stream.open import open_log

SERVICE = click.option(
    "--service",
    required=True,
    type=click.Choice(analyser_names()),
    help="The service that gave the record up.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


@click.group(
    epilog="Next: `list`; `show` one and mend its cause; `replay` it. docs/operations.md goes "
    "through it step by step."
)
def dead_letters() -> None:
    """Records that a service gave up: list them, look at one, replay them."""


@dead_letters.command(
    "list",
    epilog="Next: `careloop dead-letters show --service SERVICE ID` says why it was given up.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Choice(analyser_names()),
    help="Only this service's; default: all.",
)
@AS_JSON
def list_letters(services: tuple[str, ...], as_json: bool) -> None:
    """List the dead letters, the oldest first. No record's value is shown."""
    log = open_log(load_settings())
    found = sorted(
        (letter for service in services or with_topic(log) for letter in letters(log, service)),
        key=lambda letter: letter.time,
    )
    if as_json:
        click.echo(json.dumps([described(letter) for letter in found], indent=2))
    elif found:
        Console().print(table(found))
        click.echo(
            "Next: careloop dead-letters show --service SERVICE ID, then careloop dead-letters "
            "replay --service SERVICE ID..."
        )
    else:
        click.echo("No dead letters.")


@dead_letters.command(
    "show", epilog="Next: mend the cause, then `careloop dead-letters replay --service SERVICE ID`."
)
@SERVICE
@click.argument("letter_id", metavar="ID")
@click.option(
    "--value",
    "with_value",
    is_flag=True,
    help="The record's value too. It may identify a patient: mind who sees your screen.",
)
@AS_JSON
def show_letter(service: str, letter_id: str, with_value: bool, as_json: bool) -> None:
    """Show one dead letter. ID is what `list` prints."""
    found = {letter.id: letter for letter in letters(open_log(load_settings()), service)}
    if letter_id not in found:
        raise click.ClickException(
            f"{service} has no dead letter {letter_id}; `careloop dead-letters list --service "
            f"{service}` shows what there is"
        )
    shown = described(found[letter_id])
    if with_value:
        value = found[letter_id].value
        shown["value"] = None if value is None else value.decode(errors="backslashreplace")
    click.echo(
        json.dumps(shown, indent=2)
        if as_json
        else "\n".join(f"{name:<10} {text}" for name, text in shown.items())
    )


@dead_letters.command(
    "replay",
    epilog="Next: the service takes the record up again; see the worklist, or `careloop "
    "dead-letters list` if it fails again.",
)
@SERVICE
@click.argument("letter_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that were not replayed yet.")
@AS_JSON
def replay_letters(
    service: str, letter_ids: tuple[str, ...], everything: bool, as_json: bool
) -> None:
    """Append the records to the event log again.

    Doing it twice changes nothing in the EHR.
    """
    if bool(letter_ids) == everything:
        raise click.UsageError("name the letters (ID...), or say --all")
    log = open_log(load_settings())
    ids: Sequence[str] = (
        [letter.id for letter in letters(log, service) if not letter.replayed]
        if everything
        else letter_ids
    )
    sink = log.sink()
    try:
        done = replay(log, sink, service, ids)
    finally:
        sink.close()
    click.echo(
        json.dumps([letter.id for letter in done])
        if as_json
        else f"Replayed {len(done)} of {service}: {' '.join(letter.id for letter in done)}"
    )


def with_topic(log: Log) -> list[str]:
    """The services whose dead-letter topic exists."""
    return [
        service
        for service in analyser_names()
        if not set(log.missing_topics([service])) - {"careloop.events"}
    ]


def described(letter: DeadLetter) -> dict[str, object]:
    """What may be shown of a letter without being asked: no value."""
    return {
        "service": letter.service,
        "id": letter.id,
        "time": datetime.fromtimestamp(letter.time, UTC).isoformat(timespec="seconds"),
        "error": letter.error,
        "message": letter.message,
        "attempts": letter.attempts,
        "place": letter.place,
        "key": letter.key.decode(errors="backslashreplace"),
        "bytes": len(letter.value or b""),
        "replayed": letter.replayed,
    }


def table(found: Sequence[DeadLetter]) -> Table:
    """The letters for people."""
    columns: Mapping[str, str] = {
        "service": "Service",
        "id": "ID",
        "time": "Since",
        "error": "Error",
        "message": "Message",
        "attempts": "Tries",
        "replayed": "Replayed",
    }
    result = Table(*columns.values(), title=f"{len(found)} dead letter(s)")
    for letter in found:
        row = described(letter)
        result.add_row(
            *(
                "yes" if row[name] is True else "" if row[name] is False else str(row[name])
                for name in columns
            )
        )
    return result
