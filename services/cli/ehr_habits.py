"""`careloop doctor`: the EHR's bases, guards and links between patient records."""

from collections.abc import Iterator
from typing import Final

from services.cli.check import Check
from shared.ehr import proof
from shared.ehr.bases.value import Bases
from shared.ehr.client import Ehr
from shared.errors import Misconfigured
from shared.privacy.person import finds_links
from shared.references import version_of

BASE_ADVICE: Final = (
    "Only its self links name one of them. If others refer to the EHR by it, list it in "
    "CARELOOP_FHIR_ALIASES; if not, mend the base in the EHR's own configuration."
)
GUARD_ADVICE: Final = "When it has them, start a service: that tries them again."
VERSION_ADVICE: Final = (
    "careloop needs meta.versionId: have the EHR keep versions, or put a FHIR server that does "
    "beside it."
)
LINKS_ADVICE: Final = (
    "Where it merges records, see that the survivor has a link `replaces`, too: from there alone "
    "the retired record can't be seen."
)


def look_at_merges(ehr: Ehr) -> Check:
    """Tell whether the EHR finds patient records by their links."""
    known = finds_links(ehr)
    return Check(
        "merged patients",
        "ok" if known else "note",
        f"the EHR {'finds' if known else 'does not find'} patient records by their links",
        "" if known else LINKS_ADVICE,
    )


def look_at_guards(ehr: Ehr) -> Iterator[Check]:
    """Report the proof of an earlier start.

    A look writes nothing, so it can prove nothing itself.
    """
    name = "guards of the EHR"
    try:
        abilities = proof.recorded(ehr)
    except Misconfigured as refusal:
        yield Check(name, "missing", f"a service was refused: {refusal}", GUARD_ADVICE)
        return
    patient = next(ehr.search("Patient", {"_count": "1"}), None)
    if patient and not version_of(patient):
        yield Check(name, "missing", "its resources show no version", VERSION_ADVICE)
    elif abilities:
        yield Check(name, "ok", f"proven by a service: {proof.words(abilities)}")
    else:
        yield Check(name, "note", "not proven yet", "Each service tries them at its start.")


def look_at_bases(bases: Bases) -> Check:
    """List what a reference to one of the EHR's own resources may begin with."""
    found = ", ".join(f"{base} ({source})" for base, source in bases.sources.items())
    unsure = "self links" in bases.sources.values()
    return Check(
        "bases of the EHR", "note" if unsure else "ok", found, BASE_ADVICE if unsure else ""
    )
