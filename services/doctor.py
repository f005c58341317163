"""`careloop doctor`: what is there of EHR, scopes, broker, PACS, models and GPU, and what to do about what is not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

from services import catalogue
from services.permissions import scopes_of_process
from shared.errors import CareloopError
from shared.fhir.capabilities import subscription_topics
from shared.fhir.client import open_ehr
from shared.fhir.scopes import permissions_of
from shared.service import ModelCard
from shared.settings import Settings
from shared.stream.open import open_log

State = Literal["ok", "note", "missing"]
MARK = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "missing": "[red]missing[/]"}


@dataclass(frozen=True)
class Check:
    """One thing looked at; `advice` says what to do unless it is ok."""

    what: str
    state: State
    found: str
    advice: str = ""


def examine(settings: Settings, services: Sequence[str]) -> list[Check]:
    """Look at everything that these services need; nothing is written."""
    checks: list[Check] = []
    for look in (_ehr, _scopes, _event_log, _pacs, _models, _gpu, _review):
        checks += _guarded(look, settings, services)
    return checks


def print_report(checks: Sequence[Check]) -> None:
    """The table, with what to do beneath each thing that is not there."""
    table = Table("", "what", "found", "what to do", show_lines=False)
    for check in checks:
        table.add_row(MARK[check.state], check.what, check.found, check.advice)
    Console().print(table)


def model_cards(settings: Settings) -> list[tuple[str, ModelCard]]:
    """(service, card) of every model that would speak."""
    return [(name, card) for name in catalogue.ANALYSERS for card in catalogue.analyser(name).cards(catalogue.analyser(name).load(settings))]


Look = Callable[[Settings, Sequence[str]], Iterator[Check]]


def _guarded(look: Look, settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    try:
        yield from look(settings, services)
    except (CareloopError, ImportError, OSError) as error:
        yield Check(look.__name__.strip("_").replace("_", " "), "missing", f"{type(error).__name__}: {error}", _advice(look.__name__))


def _advice(name: str) -> str:
    return {
        "_ehr": "Set CARELOOP_FHIR_URL to the base of a FHIR R4 API that answers GET metadata.",
        "_scopes": "Set CARELOOP_FHIR_CLIENT_ID and CARELOOP_FHIR_PRIVATE_KEY_FILE, and register the client with the scopes of `careloop scopes SERVICE`.",
        "_event_log": "Set CARELOOP_KAFKA_BOOTSTRAP_SERVERS to a broker that answers, or unset it for the SQLite log; then `careloop topics`.",
        "_pacs": "Set CARELOOP_DICOMWEB_URL to the DICOMweb root of the PACS, or unset it for the folder in the state folder.",
        "_models": "Install the service's extra: pip install 'careloop[imaging,genomics,notes,treatment]'.",
    }.get(name, "")


def _ehr(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    ehr = open_ehr(settings)
    statement = ehr.capabilities()
    software = statement.get("software", {}).get("name", "FHIR server")
    yield Check("EHR", "ok", f"{software}, FHIR {statement.get('fhirVersion', '?')} at {settings.fhir_url}")
    for name in (s for s in services if s in catalogue.ANALYSERS):
        missing = ehr.missing(permissions_of(catalogue.analyser(name)))
        yield Check(
            f"EHR for {name}",
            "missing" if missing else "ok",
            ", ".join(missing) or "all it reads and writes",
            "Put a FHIR server that has them beside this EHR." if missing else "",
        )
    topics = subscription_topics(statement)
    yield Check("Subscriptions", "ok" if topics else "note", f"{len(topics)} Backport topics", "" if topics else "Classic rest-hooks and the sweep are used.")


def _scopes(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    if not settings.fhir_client_id:
        yield Check(
            "authorisation",
            "note",
            "none: the EHR is open or behind a proxy",
            "For SMART Backend Services set CARELOOP_FHIR_CLIENT_ID and CARELOOP_FHIR_PRIVATE_KEY_FILE.",
        )
        return
    for name in services:
        open_ehr(settings, scopes_of_process(name)).capabilities()
        yield Check(f"token for {name}", "ok", "granted")


def _event_log(settings: Settings, _: Sequence[str]) -> Iterator[Check]:
    where = settings.kafka_bootstrap_servers or f"SQLite in {settings.state_dir}"
    missing = open_log(settings).missing_topics(catalogue.ANALYSERS)
    yield Check(
        "event log", "missing" if missing else "ok", f"{where}{'; no ' + ', '.join(missing) if missing else ''}", "Run `careloop topics`." if missing else ""
    )


def _pacs(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    if "imaging" not in services:
        return
    from shared.dicom.store import open_pacs

    yield Check("PACS", "ok", open_pacs(settings).describe())


def _models(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    for name in (s for s in services if s in catalogue.ANALYSERS):
        service = catalogue.analyser(name)
        for card in service.cards(service.load(settings)):
            yield Check(f"model of {name}", "ok", f"{card.name} {card.version}, {card.digest[:19]}")


def _gpu(_: Settings, services: Sequence[str]) -> Iterator[Check]:
    if not {"imaging", "notes"} & set(services):
        return
    import torch

    if torch.cuda.is_available():
        yield Check("GPU", "ok", torch.cuda.get_device_name())
    else:
        yield Check("GPU", "note", "none that torch sees", "The models run on the CPU, slower.")


def _review(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    if "review" in services and not (settings.review_oidc_issuer or settings.review_local_user):
        yield Check(
            "login of review", "missing", "nobody can sign", "Set CARELOOP_REVIEW_OIDC_ISSUER (or, for a trial, CARELOOP_REVIEW_LOCAL_USER and _PASSWORD)."
        )
