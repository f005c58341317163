"""What the tests of client share."""

from collections.abc import Callable
from typing import Any

import httpx

from shared.ehr.client import Ehr
from shared.ehr.http import Rest
from shared.json import Json

TASK: Json = {"resourceType": "Task", "status": "draft", "intent": "order"}


def answering(
    respond: Callable[[httpx.Request], httpx.Response],
    base: str = "http://ehr.test/fhir",
    **options: Any,
) -> Ehr:
    """An Ehr whose server is a function."""
    client = httpx.Client(transport=httpx.MockTransport(respond))
    return Ehr(Rest(client, base, 2.0), **options)
