"""Take the picture of the README: `python -m tests.browser.screenshot URL FILE.png`, with the login
of the running demo.

URL is a page of the review service (`http://127.0.0.1:8425/results/7`); name and password are read
from `CARELOOP_SCREENSHOT_USER` and `CARELOOP_SCREENSHOT_PASSWORD` (the demo prints its own).
"""

import argparse
import os
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS


def take(url: str, path: Path, user: str, password: str) -> None:
    """Log in, go to the page, photograph its first screen at 1280 x 900."""
    parts = urlsplit(url)
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{parts.scheme}://{parts.netloc}/login?{urlencode({'next': parts.path})}")
        page.get_by_label("Name").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=path)
        chromium.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.browser.screenshot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("file", metavar="FILE.png", type=Path)
    options = parser.parse_args()
    login = [os.environ.get(f"CARELOOP_SCREENSHOT_{name}") for name in ("USER", "PASSWORD")]
    if not login[0] or not login[1]:
        parser.error("set CARELOOP_SCREENSHOT_USER and CARELOOP_SCREENSHOT_PASSWORD")
    take(options.url, options.file, login[0], login[1])


if __name__ == "__main__":
    main()
