"""What intake watches, and what of it concerns answers that do not change themselves (pure)."""

from shared.events import ResourceEvent

INPUTS = ("ImagingStudy", "DocumentReference")
"""Each may have an answer of its own."""
PASSING = (
    "DiagnosticReport",
    "Condition",
    "MedicationRequest",
    "AllergyIntolerance",
    "Observation",
)
"""Treatment looks again when one comes, changes or goes; none is told again on its own."""
WATCHED = (*INPUTS, *PASSING)
RELATED = ("Patient", "Consent")
"""What all answers about a patient rest on: a change has no event of its own, the patient's inputs
and her plan are told again. So is a document when another one says that it replaces it, or says so
no more."""
SEARCHED = ("Consent", "DocumentReference")
"""What others rest on and find by search: a denial, the document that replaces theirs (the patient
is read). An EHR may find late what it wrote, so what rests on it is told once more, when the EHR
must find it."""
SWEPT = (*RELATED, *WATCHED)
"""In this order: on a first start a patient has no inputs yet that would be told twice."""
NO_ORDER = (None, "proposal", "option")
"""Values of `MedicationRequest.intent` (R4 valueset-medicationrequest-intent) that order nothing.
"""


def draws_plan(event: ResourceEvent) -> bool:
    """Whether a plan may stand because of it: each plan rests on a report of careloop or on an
    order, whatever else it reads.

    The plan is the patient's, not the event's: one such event, told again, has it drawn again,
    whatever became of its focus.
    """
    match event.type:
        case "DiagnosticReport":
            return event.answer_of is not None
        case "MedicationRequest":
            return event.answer_of is None and event.intent not in NO_ORDER
        case _:
            return False
