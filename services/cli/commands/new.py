"""`careloop new`: the folder of a new analyser."""

from pathlib import Path

import click


@click.command(epilog="Next: the three commands that it prints. CONTRIBUTING.md says more.")
@click.argument("name")
@click.option(
    "--package",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a package of its own into this new folder, for a service that is not part of "
    "careloop. Default: services/NAME of the checkout here.",
)
def new(name: str, package: Path | None) -> None:
    """Write the folder of a new analyser, with its test, and register it.

    NAME is a lower-case word, such as ecg. What is written works: it answers one kind of
    Observation with a report. Replace what it reads, analyses and writes, file by file.
    """
    from services.cli.scaffold import in_checkout, in_package, write

    plan = in_package(name, package) if package else in_checkout(name, Path())

    for path in write(plan):
        click.echo(f"wrote {path}")
    click.echo("Next:")
    for command in next_commands(name, package):
        click.echo(f"  {command}")


def next_commands(name: str, package: Path | None) -> list[str]:
    """Return what to type after it: install, test, see it at work."""
    if package:
        return [f"pip install -e {package}", f"python -m pytest {package}", "careloop demo"]
    return ["make check", f"make test ARGS=services/{name}", "make demo"]
