"""`careloop doctor`: what is there, and what to do about what is not.

Of settings, EHR, scopes, broker, PACS, access logs, models and GPU.
"""

import difflib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from services import catalogue
from services.cli.check import Check, State
from services.cli.ehr_habits import look_at_bases, look_at_guards, look_at_merges
from services.cli.installed import extra, lacks
from services.cli.permissions import scopes_of_process
from shared.ehr.auth.scopes import permissions_of
from shared.ehr.capabilities import subscription_topics
from shared.ehr.opening import open_ehr
from shared.errors import CareloopError, Misconfigured
from shared.privacy.access_log import broken_at, logs_of
from shared.settings import Settings
from shared.stream.open import open_log

FHIR_ADVICE: Final = (
    "Set CARELOOP_FHIR_URL to the base of a FHIR R4 API that answers GET "
    "metadata, and see that it runs."
)
SMART_ADVICE: Final = (
    "Set CARELOOP_FHIR_CLIENT_ID and CARELOOP_FHIR_PRIVATE_KEY_FILE, and "
    "register the client at the EHR with the scopes that `careloop scopes SERVICE` prints."
)
LOG_ADVICE: Final = (
    "Set CARELOOP_KAFKA_BOOTSTRAP_SERVERS to a broker that answers, or unset it "
    "for the SQLite log in CARELOOP_STATE_DIR."
)
PACS_ADVICE: Final = (
    "Set CARELOOP_DICOMWEB_URL to the DICOMweb root of the PACS, or unset it for "
    "the folder in CARELOOP_STATE_DIR."
)
TRAIL_ADVICE: Final = "Compare it with a copy; then keep it elsewhere, a new one begins by itself."
LOGIN_ADVICE: Final = (
    "Set CARELOOP_REVIEW_OIDC_ISSUER or, for a trial, "
    "CARELOOP_REVIEW_LOCAL_USER "
    "and CARELOOP_REVIEW_LOCAL_PASSWORD."
)

Look = Callable[[Settings, Sequence[str]], Iterator[Check]]


def examine(settings: Settings, services: Sequence[str] = ()) -> Iterator[Check]:
    """Look at everything that these services need; nothing is written.

    None named: at all that are installed here.
    """
    absent: State = "missing" if services else "note"
    wanted = services or catalogue.service_names()
    here = [name for name in wanted if not lacks(name)]
    for name in (n for n in wanted if n not in here):
        yield Check(
            name,
            absent,
            f"not installed here: {lacks(name)}",
            f"{extra(name)}, where it is to run.",
        )
    for look, what, advice in LOOKS:
        yield from _guarded(partial(look, settings, here), what, advice, absent)
    for name in _analysers(here):
        yield from _guarded(
            partial(_model, settings, name),
            f"model of {name}",
            f"{extra(name)}, or mend what is named.",
            absent,
        )
    yield from _gpu(here)


def _analysers(services: Sequence[str]) -> list[str]:
    return [name for name in services if name in catalogue.analyser_names()]


def _guarded(
    look: Callable[[], Iterator[Check]], what: str, advice: str, absent: State
) -> Iterator[Check]:
    try:
        yield from look()
    except ImportError as error:
        yield Check(what, absent, f"not installed here: {error}", advice)
    except Misconfigured as error:
        yield Check(what, "missing", str(error))
    except (CareloopError, OSError) as error:
        yield Check(what, "missing", str(error) or type(error).__name__, advice)


def _settings(_: Settings, __: Sequence[str]) -> Iterator[Check]:
    """Variables that look like ours and are none: typing errors, mostly."""
    known = {f"CARELOOP_{name.upper()}" for name in Settings.model_fields}
    for name in sorted(n for n in os.environ if n.startswith("CARELOOP_") and n not in known):
        near = difflib.get_close_matches(name, known, 1)
        yield Check(
            "settings",
            "note",
            f"{name} is none of ours and has no effect",
            f"Is {near[0]} meant?" if near else "`careloop settings` lists them.",
        )


def _ehr(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    with open_ehr(settings) as ehr:
        statement, bases = ehr.capabilities(), ehr.bases()
        software = statement.get("software", {}).get("name", "FHIR server")
        yield Check(
            "EHR",
            "ok",
            f"{software}, FHIR {statement.get('fhirVersion', '?')} at {settings.fhir_url}",
        )
        yield look_at_bases(bases)
        for name in _analysers(services):
            missing = ehr.missing(permissions_of(catalogue.analyser(name)))
            advice = "Put a FHIR server that has them beside this EHR." if missing else ""
            yield Check(
                f"EHR for {name}",
                "missing" if missing else "ok",
                ", ".join(missing) or "it has all that is read and written",
                advice,
            )
        yield from look_at_guards(ehr)
        yield look_at_merges(ehr)
    if "intake" in services:
        topics = len(subscription_topics(statement))
        yield Check(
            "Subscriptions",
            "ok" if topics else "note",
            f"{topics} Backport topics",
            "" if topics else "None needed: classic rest-hooks or the sweep do.",
        )


def _scopes(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    if not settings.fhir_client_id:
        yield Check(
            "authorisation",
            "note",
            "none; right for an EHR that is open or behind a proxy",
            f"For SMART Backend Services: {SMART_ADVICE}",
        )
        return
    for name in services:
        with open_ehr(settings, scopes_of_process(name)) as ehr:
            next(
                ehr.search("Patient" if name != "intake" else "Subscription", {"_count": "1"}), None
            )
        yield Check(f"token for {name}", "ok", "granted")


def _event_log(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    where = (
        f"Kafka at {settings.kafka_bootstrap_servers}"
        if settings.kafka_bootstrap_servers
        else f"SQLite in {settings.state_dir}"
    )
    missing = open_log(settings).missing_topics(_analysers(services))
    yield Check(
        "event log",
        "missing" if missing else "ok",
        f"{where}{'; no topic ' + ', '.join(missing) if missing else ''}",
        "Run `careloop topics`." if missing else "",
    )


def _pacs(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    reads_films = any("ImagingStudy" in catalogue.analyser(n).reads for n in _analysers(services))
    if not reads_films and "review" not in services:
        return
    from shared.dicom.store import open_pacs

    yield Check("PACS", "ok", open_pacs(settings).describe())


def _access_logs(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    for path in (
        path for name in services for path in logs_of(settings.state_dir / "access", name)
    ):
        line = broken_at(path)
        found = (
            "the chain is whole"
            if line is None
            else f"the chain is broken at line {line}: the line before was changed or is missing, "
            "or this one was torn"
        )
        yield Check(
            f"access log {path.name}",
            "ok" if line is None else "missing",
            found,
            "" if line is None else TRAIL_ADVICE,
        )


def _login(settings: Settings, services: Sequence[str]) -> Iterator[Check]:
    if "review" not in services:
        return
    if settings.review_oidc_issuer:
        yield Check("login of review", "ok", f"OpenID Connect at {settings.review_oidc_issuer}")
    elif settings.review_local_user and settings.review_local_password:
        yield Check(
            "login of review",
            "note",
            "one local user",
            "Fit for a trial. In a clinic set CARELOOP_REVIEW_OIDC_ISSUER.",
        )
    else:
        yield Check("login of review", "missing", "nobody can sign", LOGIN_ADVICE)


def _model(settings: Settings, name: str) -> Iterator[Check]:
    service = catalogue.analyser(name)
    for card in service.cards(service.load(settings)):
        yield Check(f"model of {name}", "ok", f"{card.name} {card.version}, {card.digest[:19]}")


def _gpu(services: Sequence[str]) -> Iterator[Check]:
    if not _analysers(services):
        return
    try:
        import torch
    except ImportError:
        advice = "It comes with the extras of the services that need it."
        yield Check("GPU", "note", "not asked: torch is not installed", advice)
        return
    if torch.cuda.is_available():
        yield Check("GPU", "ok", torch.cuda.get_device_name())
    else:
        yield Check(
            "GPU", "note", "none that torch sees", "None needed: the models run on the CPU, slower."
        )


LOOKS: Final[tuple[tuple[Look, str, str], ...]] = (
    (_settings, "settings", ""),
    (_ehr, "EHR", FHIR_ADVICE),
    (_scopes, "authorisation", SMART_ADVICE),
    (_event_log, "event log", LOG_ADVICE),
    (_pacs, "PACS", PACS_ADVICE),
    (_login, "login of review", LOGIN_ADVICE),
    (_access_logs, "access logs", TRAIL_ADVICE),
)
