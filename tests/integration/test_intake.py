"""Intake against EHRs of both habits: nothing that the EHR told, or would have told while we were
down, is missed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.clinic.ports import free_port
from services.intake.notifications.notification import parse
from services.intake.notifications.subscriptions import SECRET_HEADER, Keeper
from services.intake.notifications.topics import R5, fitting
from services.intake.notifications.webhook import Doorway, paths, webhook
from services.intake.publish import Publisher
from services.intake.state import State
from services.intake.sweep import Sweep
from services.intake.watched import installed
from shared.ehr.client import Ehr, open_ehr
from shared.errors import InvalidInput, Misconfigured, Unavailable
from shared.events import ResourceEvent, decode
from shared.fhir import codes
from shared.instants import instant
from shared.instants import parse as parse_instant
from shared.settings import Settings
from shared.stream.base import EVENTS_TOPIC, Message, Sink
from shared.stream.memory import MemoryLog
from shared.web.app import Probes, create_app, serve
from tests.fakes import HAPI, SEKMET, FakeEhr
from tests.peers import sekmet
from tests.toy import note

SECRET = "knock-knock"
STEPS = (
    "Patient/..",
    "Patient/.",
    "patient/1",
    "DocumentReference/a b",
    "DocumentReference/%2e%2e",
    "DocumentReference",
    "urn:uuid:1",
)


def notification(kind: str, events: list[tuple[int, str]]) -> dict[str, Any]:
    told = [
        {
            "name": "notification-event",
            "part": [
                {"name": "event-number", "valueString": str(number)},
                {
                    "name": "focus",
                    "valueReference": {
                        "reference": focus
                        if focus in STEPS
                        else f"https://elsewhere.example/fhir/{focus}"
                    },
                },
            ],
        }
        for number, focus in events
    ]
    head = [
        {
            "name": "subscription",
            "valueReference": {"reference": "https://elsewhere.example/fhir/Subscription/s"},
        },
        {"name": "type", "valueCode": kind},
    ]
    return {
        "resourceType": "Bundle",
        "type": "history",
        "entry": [{"resource": {"resourceType": "Parameters", "parameter": head + told}}],
    }


def handshake(since_start: int | None) -> dict[str, Any]:
    body = notification("handshake", [])
    if since_start is not None:  # 64-bit integers are strings in R4 Backport
        body["entry"][0]["resource"]["parameter"].append(
            {"name": "events-since-subscription-start", "valueString": str(since_start)}
        )
    return body


@dataclass
class Intake:
    """Intake's parts around one log, without its threads."""

    ehr: Ehr
    log: MemoryLog
    sink: Sink
    settings: Settings
    state: State

    def close(self) -> None:
        self.ehr.close()
        self.sink.close()
        self.state.close()

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.ehr, self.sink, self.state, threading.Lock())

    @property
    def sweep(self) -> Sweep:
        return Sweep(self.publisher, self.state, self.settings, threading.Event())

    @property
    def keeper(self) -> Keeper:
        return Keeper(self.ehr, self.settings, threading.Event())

    def app(self) -> Flask:
        app = create_app(
            "intake",
            Probes(list, CollectorRegistry()),
            title="t",
            max_body_bytes=2000,
            paths=paths(installed()),
        )
        app.register_blueprint(
            webhook(
                Doorway(self.ehr, self.publisher, self.sweep, self.state, threading.Event()), SECRET
            )
        )
        return app

    def door(self) -> FlaskClient:
        return self.app().test_client()

    def events(self) -> list[ResourceEvent]:
        return [decode(r.value, r.headers) for r in self.log.scan(EVENTS_TOPIC)]

    def restarted(self) -> "Intake":
        path = self.settings.state_dir / "intake.sqlite"
        self.state.close()
        return Intake(self.ehr, self.log, self.sink, self.settings, State(path))


FAKES = ["fake-sekmet", "fake-hapi"]
everywhere = pytest.mark.parametrize("base", [*FAKES, "sekmet"], indirect=True)


@pytest.fixture(params=FAKES)
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sekmet":
        with sekmet(tmp_path / "sekmet") as peer:
            yield peer.base
    else:
        with FakeEhr(SEKMET if request.param == "fake-sekmet" else HAPI) as fake:
            yield fake.base


@pytest.fixture
def intake(base: str, tmp_path: Path) -> Iterator[Intake]:
    port = free_port()
    settings = Settings(
        fhir_url=base,
        state_dir=tmp_path,
        intake_since="1970-01-01T00:00:00Z",
        intake_webhook_url=f"http://127.0.0.1:{port}/notify",
        intake_webhook_secret=SecretStr(SECRET),
    )
    log = MemoryLog()
    log.create_topics(4, [])
    made = Intake(open_ehr(settings), log, log.sink(), settings, State(tmp_path / "intake.sqlite"))
    yield made
    made.close()


@pytest.fixture
def patient(intake: Intake) -> str:
    return intake.ehr.create({"resourceType": "Patient"}).reference


def settle(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def first_told(intake: Intake, patient: str) -> str | None:
    """Write notes until the EHR tells of one. sekmet calls a Subscription active a moment before it
    heeds it; what is written then is the sweep's.
    """
    for _ in range(10):
        reference = intake.ehr.create(note(patient, "told by the EHR")).reference
        # called within this turn
        if settle(lambda: reference in [e.focus for e in intake.events()], 6.0):  # noqa: B023
            return reference
    return None


class TestSweep:
    @everywhere
    def test_every_version_once_and_deletes_with_their_subject(
        self, intake: Intake, patient: str
    ) -> None:
        written = intake.ehr.create(note(patient, "first"))
        changed = intake.ehr.read(written.reference)
        assert changed
        intake.ehr.update(changed | {"description": "changed"}, written.version)
        intake.sweep.all()
        httpx.delete(f"{intake.ehr.base}/{written.reference}", timeout=60).raise_for_status()
        for _ in range(3):
            intake.sweep.all()
        told = [(e.action, e.version, e.subject) for e in intake.events()]
        assert told == [
            ("create", "1", patient),
            ("update", "2", patient),
            ("delete", "3", patient),
        ]

    def test_a_delete_alone_in_the_window_is_told_once_and_stops_nothing(
        self, intake: Intake, patient: str
    ) -> None:
        """HAPI does not date deletes: the cursor moves all the same, and what was told stays
        remembered.
        """
        written = intake.ehr.create(note(patient, "first"))
        intake.sweep.all()
        time.sleep(0.01)
        began = datetime.now(UTC)
        intake.state.advance(
            "DocumentReference",
            instant(began + timedelta(seconds=intake.settings.intake_overlap_sec)),
        )
        httpx.delete(f"{intake.ehr.base}/{written.reference}", timeout=60).raise_for_status()
        for _ in range(3):
            intake.sweep.all()
        told = [e for e in intake.events() if e.action == "delete"]
        assert [(e.focus, e.subject) for e in told] == [(written.reference, patient)]
        assert parse_instant(told[0].time) >= began - timedelta(milliseconds=1)

    def test_the_event_carries_codes_and_no_content(self, intake: Intake, patient: str) -> None:
        intake.ehr.create(note(patient, "SECRET CONTENT"))
        intake.sweep.all()
        [record] = intake.log.scan(EVENTS_TOPIC)
        [event] = intake.events()
        assert record.key == patient.encode()
        assert (
            event.codes == (f"{codes.LOINC}|34117-2",)
            and event.content_types == ("text/plain",)
            and event.status == "current"
        )
        assert b"SECRET" not in (record.value or b"") and b"data" not in (record.value or b"")
        assert dict(record.headers)["ce_type"] == b"careloop.documentreference.create"

    def test_what_changed_while_intake_was_down_is_found(
        self, intake: Intake, patient: str
    ) -> None:
        intake.ehr.create(note(patient, "before"))
        intake.sweep.all()
        later = intake.ehr.create(note(patient, "while down")).reference
        again = intake.restarted()
        again.sweep.all()
        assert [e.focus for e in again.events()][1:] == [later]

    def test_a_publication_that_failed_is_made_up_for(self, intake: Intake, patient: str) -> None:
        intake.ehr.create(note(patient, "kept"))
        failing = Intake(intake.ehr, intake.log, FailingSink(), intake.settings, intake.state)
        assert "broker" in failing.sweep.all()["DocumentReference"]
        assert intake.state.swept() is None
        intake.sweep.all()
        assert len(intake.events()) == 1 and intake.state.swept()

    def test_a_first_start_without_since_begins_now_and_remembers_it(
        self, intake: Intake, patient: str
    ) -> None:
        intake.ehr.create(note(patient, "old news"))
        time.sleep(0.05)
        fresh = intake.settings.model_copy(update={"intake_since": None, "intake_overlap_sec": 0.0})
        now = Intake(intake.ehr, intake.log, intake.sink, fresh, intake.state)
        now.sweep.all()
        intake.ehr.create(note(patient, "news"))
        now.restarted().sweep.all()
        assert len(intake.events()) == 1


class FailingSink:
    """A log that is away."""

    def send(self, topic: str, messages: list[Message], timeout_sec: float = 5.0) -> None:
        raise Unavailable("broker")

    def close(self) -> None: ...


class TestDoor:
    def test_the_secret_opens_it_and_nothing_else(self, intake: Intake, patient: str) -> None:
        door = intake.door()
        for headers in ({}, {SECRET_HEADER: "wrong"}):
            refused = door.post("/notify/DocumentReference", headers=headers)
            assert refused.status_code == 401 and refused.json["issue"][0]["code"] == "login"
        assert intake.events() == []

    def test_an_empty_post_publishes_before_it_answers(self, intake: Intake, patient: str) -> None:
        reference = intake.ehr.create(note(patient, "told")).reference
        assert (
            intake.door()
            .post("/notify/DocumentReference", headers={SECRET_HEADER: SECRET})
            .status_code
            == 200
        )
        assert [e.focus for e in intake.events()] == [reference]

    def test_a_put_names_the_focus_and_its_body_is_not_believed(
        self, intake: Intake, patient: str
    ) -> None:
        reference = intake.ehr.create(note(patient, "told")).reference
        answer = intake.door().put(
            f"/notify/DocumentReference/{reference}",
            json={"resourceType": "Lie"},
            headers={SECRET_HEADER: SECRET},
        )
        assert answer.status_code == 200 and [e.focus for e in intake.events()] == [reference]

    def test_a_notification_names_foci(self, intake: Intake, patient: str) -> None:
        reference = intake.ehr.create(note(patient, "told")).reference
        answer = post(intake, notification("event-notification", [(1, reference)]))
        assert answer.status_code == 200 and [e.focus for e in intake.events()] == [reference]

    def test_a_gap_in_the_numbers_is_swept(self, intake: Intake, patient: str) -> None:
        first = intake.ehr.create(note(patient, "1")).reference
        post(intake, notification("event-notification", [(1, first)]))
        missed, third = (intake.ehr.create(note(patient, text)).reference for text in "23")
        post(intake, notification("event-notification", [(3, third)]))
        assert {e.focus for e in intake.events()} == {first, missed, third}
        assert intake.state.number("Subscription/s") == 3

    @pytest.mark.parametrize("left_out", ["number", "focus"])
    def test_what_a_notification_leaves_out_in_its_midst_is_swept(
        self, intake: Intake, patient: str, left_out: str
    ) -> None:
        first, missed, third = (intake.ehr.create(note(patient, text)).reference for text in "123")
        body = notification("event-notification", [(1, first), (2, missed), (3, third)])
        events = body["entry"][0]["resource"]["parameter"]
        if left_out == "number":
            events.pop(3)
        else:
            events[3]["part"].pop(1)
        assert post(intake, body).status_code == 200
        assert {e.focus for e in intake.events()} == {first, missed, third}

    @pytest.mark.parametrize("since_start", [None, 0, 4])
    def test_a_gap_before_the_first_notification_after_a_handshake_is_swept(
        self, intake: Intake, patient: str, since_start: int | None
    ) -> None:
        post(intake, handshake(since_start))
        began = since_start or 0
        missed, second = (intake.ehr.create(note(patient, text)).reference for text in "12")
        post(intake, notification("event-notification", [(began + 2, second)]))
        assert {e.focus for e in intake.events()} == {missed, second}
        assert intake.state.number("Subscription/s") == began + 2

    def test_the_first_notification_after_a_handshake_leaves_no_gap(
        self, intake: Intake, patient: str
    ) -> None:
        post(intake, handshake(4))
        intake.ehr.create(note(patient, "nobody told of it"))
        told = intake.ehr.create(note(patient, "5")).reference
        post(intake, notification("event-notification", [(5, told)]))
        assert [e.focus for e in intake.events()] == [told]

    def test_a_handshake_counts_from_nought_and_a_late_one_or_a_heartbeat_moves_no_counter(
        self, intake: Intake
    ) -> None:
        post(intake, notification("heartbeat", []))
        assert intake.state.number("Subscription/s") is None
        post(intake, handshake(None))
        assert intake.state.number("Subscription/s") == 0
        intake.state.record_event_number("Subscription/s", 3)
        for body in (handshake(9), notification("heartbeat", [])):
            assert post(intake, body).status_code == 200
        assert intake.state.number("Subscription/s") == 3 and intake.events() == []

    def test_a_focus_that_is_gone_is_left_to_the_sweep(self, intake: Intake) -> None:
        assert (
            post(
                intake, notification("event-notification", [(1, "DocumentReference/never-was")])
            ).status_code
            == 200
        )
        assert intake.events() == []

    def test_a_focus_that_the_ehr_does_not_show_is_left_to_the_sweep_and_stops_no_other(
        self, tmp_path: Path
    ) -> None:
        with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
            log, settings = (
                MemoryLog(),
                Settings(fhir_url=fake.base, intake_since="1970-01-01T00:00:00Z"),
            )
            log.create_topics(2, [])
            intake = Intake(ehr, log, log.sink(), settings, State(tmp_path / "intake.sqlite"))
            patient = ehr.create({"resourceType": "Patient"}).reference
            hidden, shown = (ehr.create(note(patient, text)).reference for text in "ab")
            fake.faults.fail(1, 403, method="GET", path=hidden)
            assert (
                post(
                    intake, notification("event-notification", [(1, hidden), (2, shown)])
                ).status_code
                == 200
            )
            assert [e.focus for e in intake.events()] == [shown]
            intake.sweep.all()
            assert {e.focus for e in intake.events()} == {shown, hidden}
            intake.close()

    def test_a_focus_of_a_type_that_is_not_watched_is_not_even_read(self, tmp_path: Path) -> None:
        with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
            log = MemoryLog()
            intake = Intake(
                ehr,
                log,
                log.sink(),
                Settings(fhir_url=fake.base),
                State(tmp_path / "intake.sqlite"),
            )
            fake.faults.fail(10, 403, path="Practitioner")
            assert (
                post(
                    intake, notification("event-notification", [(1, "Practitioner/1")])
                ).status_code
                == 200
            )
            intake.close()

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", 400),
            (b"[]", 400),
            (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', 400),
            (b'{"a": NaN}', 400),
            (b"[" * 1000, 400),
            *(
                (orjson.dumps(notification("event-notification", [(1, focus)])), 400)
                for focus in STEPS
            ),
            (b"x" * 3000, 413),
        ],
    )
    def test_bad_bodies_get_an_outcome(self, intake: Intake, body: bytes, status: int) -> None:
        answer = intake.door().post(
            "/notify/DocumentReference", data=body, headers={SECRET_HEADER: SECRET}
        )
        assert answer.status_code == status and answer.json["resourceType"] == "OperationOutcome"

    def test_a_type_that_is_not_watched_is_404(self, intake: Intake) -> None:
        assert (
            intake.door().post("/notify/Practitioner", headers={SECRET_HEADER: SECRET}).status_code
            == 404
        )

    def test_a_log_that_is_away_is_503(self, intake: Intake, patient: str) -> None:
        intake.ehr.create(note(patient, "told"))
        away = Intake(intake.ehr, intake.log, FailingSink(), intake.settings, intake.state)
        assert (
            away.door()
            .post("/notify/DocumentReference", headers={SECRET_HEADER: SECRET})
            .status_code
            == 503
        )

    def test_every_route_is_described(self, intake: Intake) -> None:
        rules = {
            r.rule.replace("<", "{").replace(">", "}") for r in intake.app().url_map.iter_rules()
        }
        described = {
            p.replace("{type}", "{resource_type}").replace("{id}", "{logical_id}")
            for p in paths(installed())
        } - {"/sweep"}
        assert described <= rules


def post(intake: Intake, body: dict[str, Any]) -> Any:
    return intake.door().post(
        "/notify/DocumentReference", json=body, headers={SECRET_HEADER: SECRET}
    )


class TestSubscriptions:
    @everywhere
    def test_registered_once_per_type_and_revived(self, intake: Intake) -> None:
        for _ in range(2):
            intake.keeper.look_after()
        ours = list(intake.ehr.search("Subscription", {}))
        assert {s["criteria"] for s in ours} >= {
            f"{kind}?" for kind in (*installed().watched, "Consent")
        }  # sekmet has a topic for Patient
        assert len(ours) == len({s["channel"]["endpoint"] for s in ours}) == len(installed().swept)
        broken = intake.ehr.read(f"Subscription/{ours[0]['id']}")
        assert broken
        intake.ehr.update(broken | {"status": "off"}, broken["meta"]["versionId"])
        keeper = intake.keeper
        keeper.look_after()
        again = intake.ehr.read(f"Subscription/{ours[0]['id']}")
        assert again and again["status"] in ("requested", "active") and keeper.on_silence.is_set()
        assert len(list(intake.ehr.search("Subscription", {}))) == len(installed().swept)

    @everywhere
    def test_the_ehr_really_knocks(self, intake: Intake, patient: str) -> None:
        port = int(str(intake.settings.intake_webhook_url).split(":")[2].split("/")[0])
        serving = serve(intake.app(), "127.0.0.1", port)
        try:
            intake.keeper.look_after()
            mine = lambda: [  # noqa: E731
                s["status"]
                for s in intake.ehr.search("Subscription", {})
                if s["channel"]["endpoint"].endswith("/DocumentReference")
            ]
            assert settle(
                lambda: mine() == ["active"]
            )  # what is written before that is the sweep's
            assert first_told(intake, patient)
        finally:
            serving.close()

    def test_where_a_topic_subscription_is_refused_a_classic_one_stands(
        self, tmp_path: Path
    ) -> None:
        """HAPI wants filter criteria, which would narrow what we hear."""
        with (
            FakeEhr(replace(HAPI, topics={TOPIC: frozenset({"DocumentReference"})})) as fake,
            open_ehr(Settings(fhir_url=fake.base)) as ehr,
        ):
            ehr.create(topic("DocumentReference", "true"))
            settings = Settings(
                fhir_url=fake.base,
                state_dir=tmp_path,
                intake_webhook_url="http://127.0.0.1:9/notify",
                intake_webhook_secret=SecretStr(SECRET),
            )
            for _ in range(2):
                Keeper(ehr, settings, threading.Event()).look_after()
            assert sorted(s["criteria"] for s in ehr.search("Subscription", {})) == sorted(
                f"{kind}?" for kind in installed().swept
            )

    def test_a_topic_that_fits_is_used_and_handshaken(self, tmp_path: Path) -> None:
        port = free_port()
        with sekmet(tmp_path / "ehr") as peer:
            settings = Settings(
                fhir_url=peer.base,
                state_dir=tmp_path,
                intake_webhook_url=f"http://127.0.0.1:{port}/notify",
                intake_webhook_secret=SecretStr(SECRET),
            )
            ehr, log = open_ehr(settings), MemoryLog()
            log.create_topics(4, [])
            intake = Intake(ehr, log, log.sink(), settings, State(tmp_path / "intake.sqlite"))
            ehr.create(topic("DocumentReference", "true"))
            serving = serve(intake.app(), "127.0.0.1", port)
            try:
                intake.keeper.look_after()
                mine = lambda: [s for s in ehr.search("Subscription", {}) if s["criteria"] == TOPIC]  # noqa: E731
                assert settle(lambda: [s["status"] for s in mine()] == ["active"])
                patient = ehr.create({"resourceType": "Patient"}).reference
                reference = first_told(intake, patient)
                assert [e.focus for e in intake.events()] == [reference]
                assert intake.state.number(f"Subscription/{mine()[0]['id']}") == 1
            finally:
                serving.close()
                intake.close()


TOPIC = "https://hospital.example/SubscriptionTopic/any"


def topic(kind: str, fhirpath: str) -> dict[str, Any]:
    trigger = [
        {"url": "resource", "valueUri": f"http://hl7.org/fhir/StructureDefinition/{kind}"},
        {"url": "supportedInteraction", "valueCode": "create"},
        {"url": "supportedInteraction", "valueCode": "update"},
        {"url": "fhirPathCriteria", "valueString": fhirpath},
    ]
    return {
        "resourceType": "Basic",
        "extension": [
            {"url": f"{R5}.url", "valueUri": TOPIC},
            {"url": f"{R5}.resourceTrigger", "extension": trigger},
        ],
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]
        },
    }


def test_only_a_topic_that_hides_nothing_fits() -> None:
    assert fitting([TOPIC], [topic("Observation", "true")], installed().watched) == {
        "Observation": TOPIC
    }
    assert (
        fitting([TOPIC], [topic("Observation", "%current.status = 'final'")], installed().watched)
        == {}
    )
    assert fitting([], [topic("Observation", "true")], installed().watched) == {}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Parameters"}}]},
    ],
)
def test_what_is_no_notification_is_refused(body: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(body)


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "intake.sqlite"
    path.write_bytes(b"not a database at all, not at all, not a bit of one" * 40)
    with pytest.raises(Misconfigured, match=r"intake\.sqlite"):
        State(path)
