"""The subject of an input, and the consent of the patient."""

from dataclasses import replace

from shared.ehr.ahead import Question
from shared.errors import Conflict, FhirError, NoPatient, NotAnalysed, Withdrawn
from shared.fhir.person import Person
from shared.json import Json
from shared.privacy.consent import permit, question
from shared.privacy.person import find_person, linked_questions
from shared.references import is_a, subject_of, why_nobody
from shared.runtime.line.case import Case
from shared.runtime.line.workplace import Workplace
from shared.service import Inputs

GONE = (404, 410)
RECORDS_CHANGED = "records of the patient were merged or parted meanwhile"


def with_consent(at: Workplace, case: Case) -> Case:
    """Ask for consent before the input is read; return the case of the patient asked.

    An old event may name a former subject, and the consent of a former subject does not count. So
    after a refusal the EHR is asked for the input's subject, and for nothing else of the input. If
    it names another patient, that patient's consent decides. The result is then the same in
    whatever order the events come.

    Returns:
        The case about the record that is in use, of all that the person has.

    Raises:
        NotAnalysed: the consent denies, the subject is no Patient, or nobody can tell which of its
            records is in use.
        Withdrawn: the input is gone.
    """
    try:
        return _about(case, ask(at, case.event.subject, case.person))
    except NotAnalysed:
        subject = _current_subject(at, case)
        if subject == case.event.subject:
            raise

        return _about(case, ask(at, subject))


def ask(at: Workplace, subject: str | None, known: Person | None = None) -> Person | None:
    """Ask for the consent of a patient, under each of the person's records.

    Args:
        known: the person, where she was just found.

    Returns:
        The person; None without a subject.

    Raises:
        ConsentDenied: it denies. NoPatient: the subject is no Patient of this EHR.
        NotAnalysed: the EHR's links between the patient's records contradict each other.
    """
    if not subject:
        return None
    if not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The subject is not a Patient."))

    person = known or find_person(at.ehr, subject)
    permit(at.ehr, at.settings, person.survivor, at.service.reads, person.consulted)
    return person


def questions(patient: str | None) -> list[Question]:
    """List the first questions of `ask` about a patient."""
    return [*linked_questions(patient), question(patient)] if patient else []


def require_consent(at: Workplace, case: Case, known: Json | None) -> None:
    """Ask once more for the patient's consent, under the same records as before.

    Args:
        known: the input as it was read just now; of a plan it is the Patient.

    Raises:
        NotAnalysed: see `ask`.
        Conflict: records of the patient were merged or parted meanwhile.
    """
    person = case.person
    assert person is not None  # gather found her
    # A retired record may be the only one with a link, and not every server finds it by that.
    if person not in (find_person(at.ehr, record, known) for record in person.records):
        raise Conflict(RECORDS_CHANGED)
    ask(at, person.survivor, person)


def owner(at: Workplace, case: Case, inputs: Inputs) -> Person:
    """Return the gathered input's patient, after asking for her consent.

    An old event or a corrected subject may have named another patient.

    Raises:
        NotAnalysed: see `ask`.
        Conflict: it was gathered from records whose consent was not asked.
    """
    if case.person and inputs.subject in case.person.records:
        read = {inputs.subject, *getattr(inputs, "retired", case.person.records)}
        if read != set(case.person.records):
            raise Conflict(RECORDS_CHANGED)
        return case.person

    person = ask(at, inputs.subject)
    if person is None:
        raise NotAnalysed("The input names no Patient.")
    return person


def _about(case: Case, person: Person | None) -> Case:
    subject = person.survivor if person else None
    return replace(case, event=replace(case.event, subject=subject), person=person)


def _current_subject(at: Workplace, case: Case) -> str | None:
    """Read the input's present subject; Withdrawn where the input is gone.

    An answer about a patient has that patient as its input, so its subject cannot change.
    """
    if case.answer.input != case.event.focus:
        return case.event.subject

    at.access_log(case.event.focus, case.patient)
    try:
        return subject_of(at.ehr.operation(case.event.focus, {"_elements": "subject"}))
    except FhirError as error:
        if error.status in GONE:
            raise Withdrawn(case.event.focus) from error
        # The server refuses the question, so the consent's refusal stands.
        return case.event.subject
