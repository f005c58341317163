"""The subject of an input, and the consent of the patient."""

from dataclasses import replace

from shared.errors import FhirError, NoPatient, NotAnalysed, Withdrawn
from shared.privacy.consent import permit
from shared.references import is_a, subject_of, why_nobody
from shared.runtime.line.case import Case
from shared.runtime.line.workplace import Workplace

GONE = (404, 410)


def with_consent(at: Workplace, case: Case) -> Case:
    """Ask for consent before the first fetch; return the case of the patient asked.

    An old event may name a former subject, and the consent of a former subject does not count. So
    after a refusal the EHR is asked for the input's subject, and for nothing else of the input. If
    it names another patient, that patient's consent decides. The result is then the same in
    whatever order the events come.

    Raises:
        NotAnalysed: the consent denies, or the subject is no Patient.
        Withdrawn: the input is gone.
    """
    try:
        ask(at, case.event.subject)
    except NotAnalysed:
        subject = _current_subject(at, case)
        if subject == case.event.subject:
            raise

        ask(at, subject)
        return replace(case, event=replace(case.event, subject=subject))

    return case


def ask(at: Workplace, subject: str | None) -> None:
    """Ask for the consent of a patient.

    Raises:
        ConsentDenied: it denies. NoPatient: the subject is no Patient of this EHR.
    """
    if subject and not is_a(subject, "Patient"):
        raise NoPatient(why_nobody(subject, "The subject is not a Patient."))

    permit(at.ehr, at.settings, subject, at.service.reads)


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
