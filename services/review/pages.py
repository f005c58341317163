"""The listing, a result with its evidence, a model card."""

from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, abort, redirect, render_template, request, url_for

from services.catalogue import analyser_names
from services.review import present
from services.review.access import signing
from services.review.access.session import User, current
from services.review.decision import choices, decide
from services.review.decision.parts import parts
from services.review.panels import findings, genes, passages, plan
from services.review.result import evidence, standing
from services.review.result.film import film_of
from services.review.result.result import NoResult, Result, gather, newest_head
from services.review.state import Review, review
from services.review.worklist import listing
from shared import instants
from shared.fhir import codes
from shared.privacy import audit

MAX_PAGES: Final = 40


def register(bp: Blueprint) -> None:
    """The routes."""
    bp.add_url_rule("/", "worklist", show_worklist)
    bp.add_url_rule("/results/<task_id>", "result", show_result)
    bp.add_url_rule("/models/<device_id>", "model", show_model)


def show_worklist() -> str:
    """The heads of one outcome, with how many there are of each."""
    shared = review()
    wanted, words = _filter()
    counts = {
        o: listing.count(shared.ehr, listing.Filter(o, wanted.service, wanted.patients))
        for o in listing.OUTCOMES
    }
    return render_template(
        "worklist.html",
        wanted=wanted,
        words=words,
        counts=counts,
        limit=listing.COUNT_LIMIT,
        listed=listing.worklist(shared.ehr, wanted),
        services=analyser_names(),
        help=listing.OUTCOME_HELP,
        letters=shared.letters.seen(),
    )


def _filter() -> tuple[listing.Filter, str]:
    asked = request.args
    outcome = asked.get("outcome", "requested")
    service = asked.get("service") or None
    if outcome not in listing.OUTCOMES or (service and service not in analyser_names()):
        abort(400, "There is no such list. Start again from the listing.")
    page = asked.get("page", "1")
    if not (page.isdecimal() and 1 <= int(page) <= MAX_PAGES):
        abort(400, "There is no such page. Narrow the list by patient or service.")
    words = asked.get("patient", "").strip()[:100]
    patients = listing.find_patients(review().ehr, words) if words else None
    return listing.Filter(outcome, service, patients, int(page)), words


def show_result(task_id: str) -> Any:
    """One result, with the forms to decide on it.

    The answer's uuid is an address, too: it leads to its newest revision.
    """
    ehr = review().ehr
    try:
        return result_page(gather(ehr, task_id))
    except NoResult:
        head = newest_head(ehr, task_id)
        if head is None:
            raise
        return redirect(url_for("review.result", task_id=head.reference.split("/", 1)[1]))


def result_page(result: Result, *, error: str = "", changed: bool = False) -> str:
    """The page.

    Args:
        error: what was wrong with a form; what was typed is kept.
        changed: the result changed while somebody was about to decide on it.
    """
    shared, user = review(), current()
    assert user is not None  # require_login
    _audit_read(shared, user, result)
    names = evidence.names(shared.ehr, result)
    focus, listed = result.focus, parts(result.outputs)
    swept = decide.with_dependants(result.outputs, decide.taken_back(result.outputs))
    return render_template(
        "result.html",
        result=result,
        title=listing.title(result.head.task),
        focus=focus,
        text=decide.text_of(focus or {}),
        age=present.age((result.patient or {}).get("birthDate"), datetime.now(UTC).date()),
        decision=codes.first_code(result.head.task.get("businessStatus"), codes.DECISION),
        reason=present.concept_text(result.head.task.get("statusReason")),
        refusal=signing.refusal(user, focus, shared.roles) if focus else None,
        findings=findings.findings(result.outputs),
        alerts=findings.alerts(result.outputs, names),
        genes=genes.gene_calls(result.outputs),
        advice=genes.drug_advice(result.outputs),
        variants=[findings.finding(k, r) for k, r in genes.others(result.outputs).items()],
        problems=passages.problems(result.outputs),
        notes=evidence.notes(shared.ehr, result),
        proposals=plan.proposals(result.outputs, names),
        plan_advice=plan.advice(focus or {}),
        supports=evidence.supports(shared.ehr, result),
        images=result.of_kind("Media"),
        film=film_of(shared.ehr, shared.settings, shared.films, result)
        if result.of_kind("Media")
        else None,
        models=evidence.models(result.devices),
        parts=listed,
        along=[part.name for part in listed if part.key in swept],
        choices=choices.choices(result.outputs),
        sources=[
            (present.ref(r), findings.name_of(r) or r["resourceType"]) for r in result.sources
        ],
        fallen=_fallen(result) if result.waits else [],
        authors=_agents(result, "author"),
        verifiers=_agents(result, "verifier"),
        error=error,
        changed=changed,
        entered=request.form,
    )


def _fallen(result: Result) -> list[tuple[str, str, str]]:
    """(reference, name, state) of everything that the result rests on and that does not stand any
    more.
    """
    found = ((ref, result.find(ref)) for ref in result.fallen)
    return [
        (ref, findings.name_of(r) or r["resourceType"], standing.state(r))
        if r
        else (ref, ref, "no longer in the record")
        for ref, r in found
    ]


def _agents(result: Result, kind: str) -> list[dict[str, str]]:
    """Who did it and when, of each Provenance with such an agent."""
    return [
        {
            "who": agent.get("who", {}).get("display") or agent.get("who", {}).get("reference", ""),
            "when": provenance.get("recorded", ""),
        }
        for provenance in result.provenance
        for agent in provenance.get("agent", [])
        if codes.has_code(agent.get("type"), codes.PROVENANCE_AGENT, kind)
    ]


def _audit_read(shared: Review, user: User, result: Result) -> None:
    """Written before the page is: where the access can't be recorded, it does not happen."""
    read = [result.head.reference, *result.head.outputs.values()]
    who = user.practitioner or shared.observer()
    shared.ehr.create(
        audit.access(
            "R",
            device=who,
            ehr=shared.ehr.base,
            patient=result.patient_reference,
            data=read,
            now=instants.now(),
        )
    )


def show_model(device_id: str) -> Any:
    """The card of a model that spoke."""
    shared = review()
    device = shared.ehr.read(f"Device/{device_id}")
    if device is None or not any(
        i.get("system") == codes.MODEL for i in device.get("identifier", [])
    ):
        abort(404, "There is no such model.")
    return render_template(
        "model.html", model=evidence.model(device), card=evidence.card_html(shared.ehr, device)
    )
