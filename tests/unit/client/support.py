"""What the tests of client share."""

from collections.abc import Callable

from shared.ehr.client import Ehr
from shared.json import Json
from tests.served import Respond

STATEMENT: Json = {"resourceType": "CapabilityStatement"}
TASK: Json = {"resourceType": "Task", "status": "draft", "intent": "order"}
Answering = Callable[[Respond], Ehr]
"""Opens an Ehr whose server is a function."""
