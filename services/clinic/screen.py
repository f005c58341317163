"""What the demo tells people, with the seconds since it began."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Column, Table

from services.clinic.settled import Outcome
from shared.settings import Settings

USER: Final = "demo"
STYLE: Final = {"requested": "green", "completed": "green", "rejected": "yellow", "draft": "cyan"}


class Screen:
    """The demo's output.

    Args:
        on_stderr: stdout is kept for JSON.
    """

    def __init__(self, *, on_stderr: bool) -> None:
        self._console = Console(stderr=on_stderr, highlight=False)
        self._began = time.monotonic()
        self._shown: set[tuple[str, str, str]] = set()

    @property
    def seconds(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    def line(self, text: str) -> None:
        """Print one line, with the time."""
        self._console.print(f"[dim]{self.seconds:5.1f} s[/]  {text}", soft_wrap=True)

    def steps(self, outcomes: Sequence[Outcome]) -> None:
        """Print each outcome that was not printed yet."""
        for outcome in outcomes:
            step = (outcome.service, outcome.outcome, outcome.resource)
            if step not in self._shown:
                self._shown.add(step)
                self.line(
                    f"[{_style(outcome)}]{outcome.outcome:<9}[/] {outcome.service:<9} "
                    f"{outcome.resource}  {outcome.reason}"
                )

    def table(self, outcomes: Sequence[Outcome], settings: Settings) -> None:
        """Print what stands in the EHR, and the page of each result."""
        table = Table(
            "service",
            "outcome",
            "seconds",
            Column("resource", overflow="fold"),
            title="What stands in the EHR",
        )
        for o in outcomes:
            outcome = f"[{_style(o)}]{o.outcome}[/]"
            table.add_row(o.service, outcome, f"{o.seconds:.1f}", o.resource)
        self._console.print(table)

        for o in outcomes:
            page = f"{settings.review_url}/results/{o.head.removeprefix('Task/')}"
            self.line(f"{o.service:<9} {page}")

    def addresses(self, settings: Settings, state: Path, *, serving: bool) -> None:
        """Print where to look: the review page, the EHR, and how to load a patient."""
        password = settings.review_local_password
        assert password is not None
        how = "" if serving else "   (start without --once to open it)"
        self.line(
            f"Review page: [bold]{settings.review_url}[/]   user [bold]{USER}[/]   password "
            f"[bold]{password.get_secret_value()}[/]{how}"
        )
        self.line(f"EHR (FHIR API): {settings.fhir_url}   logs and state: {state}")
        if not serving:
            return
        self.line(
            f"A patient of your own: CARELOOP_FHIR_URL={settings.fhir_url} "
            f"CARELOOP_STATE_DIR={state} careloop load FOLDER"
        )


def _style(outcome: Outcome) -> str:
    return STYLE.get(outcome.outcome, "red")
