"""What a plan rests on, with links to the results among it."""

from services.review.panels import plan
from services.review.panels.material import Material
from services.review.result.heads import heads_of
from services.review.result.read import read_all
from shared.references import local_reference, relative, subject_of

SUPPORTING = ("supportingInfo", "addresses")


def supports(material: Material) -> list[plan.Support]:
    """Return what the plan rests on; this patient's alone."""
    result, ehr = material.result, material.ehr
    focus = result.focus
    if focus is None or focus["resourceType"] != "CarePlan":
        return []

    named = [r["reference"] for e in SUPPORTING for r in focus.get(e, []) if "reference" in r]
    read = read_all(ehr, map(relative, named))
    own = {local_reference(r) for r in result.outputs.values()}
    ours = {
        ref: r
        for ref, r in read.items()
        if r is not None and subject_of(r) in result.records and ref not in own
    }

    tasks = list(heads_of(ehr, result.records))
    return plan.supports(focus, ours, plan.report_pages(tasks))
