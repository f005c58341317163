"""What each process may do at the EHR, analysers and the others alike."""

from services import catalogue
from shared.ehr.auth.scopes import scopes_of


def scopes_of_process(name: str) -> str:
    """The SMART v2 scopes of a process, separated by spaces."""
    if name == "intake":
        from services.intake.process import intake_scopes

        return intake_scopes()
    if name == "review":
        from services.review.process import review_scopes

        return review_scopes()
    return scopes_of(catalogue.analyser(name))
