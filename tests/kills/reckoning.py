"""The reckoning: what stands at an EHR, held against what was loaded (pure).

Nobody signs or takes anything back meanwhile. So each input that a service accepts ends in one head
of one outcome, and each draft that stands is listed by a head.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.answers import Answer, Head
from shared.fhir import codes, lifecycle
from shared.fhir.heads import head_of
from shared.json import Json
from shared.references import local_reference


@dataclass(frozen=True)
class Reckoning:
    """What is wrong, in words; nothing of a resource's content.

    Attributes:
        expected: how many answers there must be.
        outcomes: how many heads have which outcome.
        reasons: why there is no result, and how often.
        lost: answers without a head, or whose head has no outcome yet.
        doubled: two heads of one answer, or two standing resources of one identity.
        orphans: standing drafts that no head lists.
        surplus: heads of answers that nobody expects.
    """

    expected: int
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    lost: Sequence[str]
    doubled: Sequence[str]
    orphans: Sequence[str]
    surplus: Sequence[str]

    @property
    def faults(self) -> list[str]:
        """All of them."""
        return [
            *(f"lost: {what}" for what in self.lost),
            *(f"doubled: {what}" for what in self.doubled),
            *(f"orphan: {what}" for what in self.orphans),
            *(f"surplus: {what}" for what in self.surplus),
        ]


def reckon(expected: Iterable[Answer], tasks: Iterable[Json], written: Iterable[Json]) -> Reckoning:
    """Hold what stands against what was loaded.

    Args:
        expected: each answer of a service to an input that it accepts.
        tasks: all Tasks at the EHR; those that are no heads are passed over.
        written: all resources of the kinds that careloop writes.
    """
    answers = {str(answer.uuid): answer for answer in expected}
    heads = heads_by_answer(tasks)
    ours = [r for r in written if _stands(r)]
    listed = {ref for found in heads.values() for h in found for ref in h.outputs.values()}
    doubled = list(_doubled(ours, listed))
    twins = {reference for _, reference in doubled}
    return Reckoning(
        expected=len(answers),
        outcomes=Counter(h.outcome for found in heads.values() for h in found),
        reasons=Counter(
            str(text)
            for found in heads.values()
            for h in found
            if (text := h.task.get("statusReason", {}).get("text"))
        ),
        lost=[
            f"{a.service} of {a.input}"
            for uuid, a in answers.items()
            if all(h.outcome == "draft" for h in heads.get(uuid, []))
        ],
        doubled=[
            *(_named(uuid, found, answers) for uuid, found in heads.items() if len(found) > 1),
            *(f"{reference} beside {first}" for first, reference in doubled),
        ],
        orphans=[
            ref for r in ours if (ref := local_reference(r)) not in listed and ref not in twins
        ],
        surplus=[h.reference for u, found in heads.items() if u not in answers for h in found],
    )


def heads_by_answer(tasks: Iterable[Json]) -> Mapping[str, list[Head]]:
    """Group the heads by the uuid of their answer."""
    found = defaultdict[str, list[Head]](list)
    for task in tasks:
        systems = {i.get("system"): i.get("value", "") for i in task.get("identifier", [])}
        if codes.REVISION in systems:
            found[systems.get(codes.ANSWER, "")].append(head_of(task))
    return found


def _named(uuid: str, found: Sequence[Head], answers: Mapping[str, Answer]) -> str:
    answer = answers.get(uuid)
    whose = f"{answer.service} of {answer.input}" if answer else uuid
    return f"{whose}: {', '.join(h.reference for h in found)}"


def _stands(resource: Json) -> bool:
    """Tell a draft of ours that nobody decided on and nobody took back."""
    labels = resource.get("meta", {}).get("security")
    return (
        resource["resourceType"] in lifecycle.STATUS
        and codes.has_code(labels, codes.OBSERVATION_VALUE, "AIAST")
        and lifecycle.is_draft(resource)
    )


def _doubled(resources: Iterable[Json], listed: set[str]) -> Iterable[tuple[str, str]]:
    """Yield (first, another) of one identity; those that a head lists come first."""
    first: dict[str, str] = {}
    for resource in sorted(resources, key=lambda r: local_reference(r) not in listed):
        for identifier in resource.get("identifier", []):
            if identifier.get("system") == codes.RESOURCE:
                reference = local_reference(resource)
                known = first.setdefault(identifier["value"], reference)
                if known != reference:
                    yield known, reference
