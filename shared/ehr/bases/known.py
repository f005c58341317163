"""KnownBases: this EHR's bases, learned from its answers.

References that lead to one of them become relative, in every resource that it returns. All others
keep their host, so that they never look like resources of this EHR.
"""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from shared.ehr.bases.value import Bases, Source, normal, self_base
from shared.errors import FhirError, Unavailable
from shared.json import Json
from shared.references import ONE_STEP

NOT_RELATIVE: Final = re.compile(rb'"reference"\s*:\s*"(?![A-Z][A-Za-z]*/|#|urn:)')
PROBED: Final = "Task"
"""The type that every process of careloop may search."""


class KnownBases:
    """The bases of one EHR, as far as they are known. Safe to share between threads.

    Args:
        bases: the one that is asked.
        ask: GETs a resource, by its path and query on our base.
    """

    def __init__(self, bases: Bases, ask: Callable[[str], Json]) -> None:
        self._bases = bases
        self._ask = ask
        self._is_learned = False
        self._saw_self = False
        self._failure: Unavailable | None = None
        self._failures = 0
        self._learning = threading.Lock()
        self._adding = threading.Lock()

    def add_aliases(self, aliases: Iterable[str]) -> None:
        """Add the bases of the setting."""
        for alias in aliases:
            self._add(alias, "CARELOOP_FHIR_ALIASES")

    @property
    def now(self) -> Bases:
        """The bases known so far."""
        return self._bases

    def learned(self) -> Bases:
        """Return the bases after the EHR was asked for its own, once.

        Raises:
            Unavailable: it does not tell them.
        """
        before = self._failures
        with self._learning:
            if self._failures != before and self._failure:
                # It failed while we waited: all of us waiting once is enough.
                raise self._failure
            if not self._is_learned:
                self._learn()
        return self._bases

    def note(self, answer: Json, kind: str) -> None:
        """Note the base in the self link of a search or history of this type."""
        if answer.get("resourceType") != "Bundle" or not (base := self_base(answer, kind)):
            return
        self._saw_self = True
        if normal(base) not in self._bases.sources:
            self._add(base, "self links")

    def localise(self, answer: Json, raw: bytes) -> Json:
        """Make references to this EHR relative, in place.

        Args:
            raw: the bytes of the answer: most hold no absolute reference, and are not walked.
        """
        if NOT_RELATIVE.search(raw):
            _point(answer, self.local)
        return answer

    def local(self, reference: str) -> str:
        """Return a reference to this EHR as a relative one, any other as it is.

        Raises:
            Unavailable: its base is unknown, and the EHR does not tell its own.
        """
        if ONE_STEP.fullmatch(reference):
            return reference

        found = self._bases.local(reference)
        if found is None and not self._is_learned and self._bases.is_elsewhere(reference):
            found = self.learned().local(reference)
        return found or reference

    def _learn(self) -> None:
        try:
            self._add(_implementation(self._ask), "CapabilityStatement.implementation")
            if not self._saw_self:
                self._probe()
        except Unavailable as error:
            self._failure, self._failures = error, self._failures + 1
            raise
        self._is_learned = True

    def _probe(self) -> None:
        """Look at one self link; a server may refuse the search, and names no base then."""
        try:
            self.note(self._ask(f"{PROBED}?_summary=count"), PROBED)
        except FhirError:
            return

    def _add(self, base: str, source: Source) -> None:
        with self._adding:
            self._bases = self._bases.plus(base, source)


def _implementation(ask: Callable[[str], Json]) -> str:
    """Read `implementation.url` of the CapabilityStatement; empty without one."""
    try:
        statement = ask("metadata")
    except FhirError as error:
        raise Unavailable("ehr", f"it does not tell its own base ({error})") from error
    if statement.get("resourceType") != "CapabilityStatement":
        raise Unavailable("ehr", "its metadata is not a CapabilityStatement")

    implementation = statement.get("implementation")
    return str(implementation.get("url", "")) if isinstance(implementation, dict) else ""


def _point(answer: Json, local: Callable[[str], str]) -> None:
    nodes: list[Any] = [answer]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            # The `reference` of a resource itself is the address of a paper (DetectedIssue).
            if isinstance(reference := node.get("reference"), str) and "resourceType" not in node:
                node["reference"] = local(reference)
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
