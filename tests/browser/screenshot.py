"""Take the pictures of the documents anew: `python -m tests.browser.screenshot`.

It runs the demo in a folder of its own until all is settled (about a minute), goes through the
pages as a clinician does, and photographs the first screen of each at 1280 x 900. `--into FOLDER`
puts the pictures elsewhere than in docs/.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS

ROOT: Final = Path(__file__).parents[2]
LOGIN: Final = re.compile(r"Review page: (?P<url>\S+) +user (?P<user>\S+) +password (?P<word>\S+)")
RESULT: Final = re.compile(r"(\w+) +(http://\S+/results/\S+)$")
SERVING: Final = "Serving until Ctrl-C"
MASSES: Final = "Masses in both lungs, not pneumonia."


@dataclass(frozen=True)
class Running:
    """A demo that has settled.

    Attributes:
        results: the address of each service's result.
    """

    url: str
    user: str
    password: str
    results: Mapping[str, str]


@contextmanager
def demo(state: Path) -> Iterator[Running]:
    """Run the demo; it is stopped at the end."""
    command = [sys.executable, "-m", "services.cli", "demo", "--state", str(state)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield settled(process.stdout)
        finally:
            process.send_signal(signal.SIGINT)


def settled(lines: Iterable[str]) -> Running:
    """Read what the demo prints until it serves.

    Raises:
        RuntimeError: it ended before.
    """
    results: dict[str, str] = {}
    login: re.Match[str] | None = None
    for line in lines:
        print(line, end="", flush=True)
        if found := RESULT.search(line.rstrip()):
            results[found[1]] = found[2]
        login = LOGIN.search(line) or login
        if SERVING in line and login:
            return Running(login["url"], login["user"], login["word"], results)
    raise RuntimeError("the demo ended before it served its pages")


def take(page: Page, running: Running, folder: Path) -> None:
    """Log in, walk through the pages and photograph them."""

    def picture(name: str) -> None:
        page.mouse.move(0, 0)
        page.screenshot(path=folder / name)

    page.goto(f"{running.url}/login")
    page.get_by_label("Name").fill(running.user)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("a.go")).to_have_count(len(running.results))
    picture("worklist.png")
    for service, name in (("imaging", "review.png"), ("treatment", "plan.png")):
        page.goto(running.results[service])
        picture(name)
    amend(page, running.results["imaging"])
    picture("amended.png")


def amend(page: Page, result: str) -> None:
    """Amend the film's report: it shows masses, and the model knows only pneumonia."""
    page.goto(result)
    page.get_by_text("Amend and sign…").click()
    form = page.locator("#amend")
    form.get_by_label("Conclusion").fill(MASSES)
    for refuted in form.get_by_label("Refute").all():
        refuted.check()
    form.get_by_label("I have reviewed").check()
    form.get_by_role("button", name="Amend and sign").click()
    expect(page.get_by_role("heading", name="What the AI said")).to_be_visible()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.screenshot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--into", metavar="FOLDER", type=Path, default=ROOT / "docs")
    folder: Path = parser.parse_args().into
    with TemporaryDirectory() as state, demo(Path(state)) as running, sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        take(chromium.new_page(viewport={"width": 1280, "height": 900}), running, folder)
        chromium.close()


if __name__ == "__main__":
    main()
