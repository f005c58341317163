"""A visitor of the pages, in a process of its own.

It imports the pages alone, of the checkout in PYTHONPATH, so that an earlier commit's can be
measured beside ours. It logs in, prints `ready`, and answers each path on its standard input with a
line of JSON.
"""

import json
import re
import sys
import time
from pathlib import Path

from flask.testing import FlaskClient

from services.review.app import create_review_app
from shared.ehr.opening import open_ehr
from shared.ehr.proof import prove
from shared.settings import load_settings

NAME, PASSWORD = "bench", "bench of the pages"


def main(base: str, folder: str, practitioner: str) -> None:
    """Ask the pages at this EHR for each path, and tell what it took."""
    settings = load_settings(
        fhir_url=base,
        state_dir=Path(folder),
        review_local_user=f"{NAME}:{practitioner}",
        review_local_password=PASSWORD,
    )
    sent: list[str] = []
    with open_ehr(settings, sent=sent.append) as client:
        visitor = create_review_app(settings, client.able(prove(client))).test_client()
        log_in(visitor)
        print("ready", flush=True)
        for line in sys.stdin:
            sent.clear()
            began = time.perf_counter()
            status = visitor.get(line.strip()).status_code
            took = (time.perf_counter() - began) * 1000
            print(json.dumps({"status": status, "ms": took, "requests": len(sent)}), flush=True)


def log_in(visitor: FlaskClient) -> None:
    """Fill in the form of the local login."""
    found = re.search(r'name="csrf" value="([^"]+)"', visitor.get("/login").text)
    form = {"csrf": found[1] if found else "", "name": NAME, "password": PASSWORD}
    answer = visitor.post("/login", data=form)
    assert answer.status_code in (302, 303), answer.text


if __name__ == "__main__":
    main(*sys.argv[1:])
