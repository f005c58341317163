"""The register of Devices and model cards at an EHR."""

import threading
from collections.abc import Callable

from shared import VERSION, instants
from shared.ehr.client import Ehr
from shared.json import Json
from shared.runtime import devices
from shared.service import ModelCard


class Register:
    """Devices and model cards, made once per model version and remembered.

    Args:
        ensure: makes the resource unless one with its identifier exists; returns its reference.
    """

    def __init__(self, ensure: Callable[[Json], str]) -> None:
        self._ensure = ensure
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def device(self, card: ModelCard) -> str:
        """Return `Device/id` of a model version."""
        with self._lock:
            token = devices.device_token(card)
            if token not in self._known:
                self._known[token] = self._ensure(devices.device(card, self._card(card)))
            return self._known[token]

    def card(self, card: ModelCard) -> str:
        """Return `DocumentReference/id` of a model card."""
        with self._lock:
            return self._card(card)

    def service(self, name: str) -> str:
        """Return `Device/id` of a service itself."""
        with self._lock:
            if name not in self._known:
                self._known[name] = self._ensure(devices.service_device(name, VERSION))
            return self._known[name]

    def _card(self, card: ModelCard) -> str:
        token = f"card {devices.card_token(card)}"
        if token not in self._known:
            self._known[token] = self._ensure(devices.card_document(card, instants.now()))
        return self._known[token]


def at_ehr(ehr: Ehr) -> Register:
    """Make a Register with the EHR's conditional create."""

    def ensure(resource: Json) -> str:
        identifier = resource["identifier"][0]
        return ehr.ensure(resource, identifier["system"], identifier["value"]).reference

    return Register(ensure)
