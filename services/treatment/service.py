"""Treatment: the patient's reports, problems and medications -> a draft CarePlan.

Its answer is about the Patient. A plan is drawn from what stands in the record when it is drawn, so
an event only says "look again". Accepted is whatever may change what gather reads, in every status:
an order that is stopped or a report that is rejected must redraw as much as a new one. A delete
says nothing of what it deleted; it is accepted where intake still knew whose resource it was.
"""

from services.treatment.analyze import analyze
from services.treatment.domain import NAME
from services.treatment.gather import gather
from services.treatment.model import load, load_rules
from services.treatment.resources import resources
from services.treatment.searches import ACTIVE_PROBLEM, ORDERS, report_services
from shared.events import ResourceEvent
from shared.fhir import codes
from shared.panel import Panel
from shared.service import Service, only_card, only_model

TRIGGERS = frozenset({"DiagnosticReport", "MedicationRequest"})
"""Each plan is drawn from a report of careloop or from an order."""
ALSO_READS = frozenset({"Condition", "AllergyIntolerance", "Observation"})
WATCHED = TRIGGERS | ALSO_READS


def accepts(event: ResourceEvent) -> bool:
    """Tell whether an event may change the plan of a patient.

    careloop's own plans and drafts never do.
    """
    if event.subject is None or event.answer_of == NAME or event.type not in WATCHED:
        return False

    return event.action == "delete" or _matters(event)


def _matters(event: ResourceEvent) -> bool:
    """Tell by what the record says of the resource: its writer, intent, codes."""
    match event.type:
        case "DiagnosticReport":
            return event.answer_of in report_services()
        case "Condition":
            return _problem_matters(event)
        case "MedicationRequest":
            return event.intent in ORDERS
        case "Observation":
            return _observation_matters(event)
        case _:
            return True


def _problem_matters(event: ResourceEvent) -> bool:
    # what our notes found and nobody confirmed or ended comes with the notes' report
    decided = event.verification != "unconfirmed"
    ended = event.status not in (None, *ACTIVE_PROBLEM)

    return event.answer_of is None or decided or ended


def _observation_matters(event: ResourceEvent) -> bool:
    # As it was written it comes with its report. Later a clinician may take back or correct one
    # result of ours, and no report changes.
    if event.answer_of is not None:
        is_as_written = event.action == "create" and event.status == "preliminary"
        return event.answer_of in report_services() and not is_as_written

    return any(f"{codes.LOINC}|{code}" in event.codes for code in load_rules().loinc)


def input_of(event: ResourceEvent) -> str:
    """Name the patient."""
    return event.subject or event.focus


SERVICE = Service(
    name=NAME,
    title="Treatment: care plans",
    triggers=TRIGGERS,
    also_reads=ALSO_READS,
    example="Patient",
    panel=Panel(
        title="Treatment plan",
        input="newest input",
        categories=frozenset({"CarePlan"}),
        parts=("alerts", "proposals", "supports"),
    ),
    accepts=accepts,
    gather=gather,
    load=load,
    cards=only_card,
    models_for=only_model,
    analyze=analyze,
    resources=resources,
    reads=frozenset(
        {
            "Patient",
            "DiagnosticReport",
            "Observation",
            "Condition",
            "MedicationRequest",
            "Medication",
            "AllergyIntolerance",
        }
    ),
    writes=frozenset(
        {"CarePlan", "RequestGroup", "MedicationRequest", "ServiceRequest", "Goal", "DetectedIssue"}
    ),
    input_of=input_of,
    quiet_sec="plan_quiet_sec",
)
