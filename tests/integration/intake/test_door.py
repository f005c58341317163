"""Intake: door."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from services.intake.notifications.subscriptions import SECRET_HEADER
from services.intake.notifications.webhook import paths
from services.intake.state import State
from services.intake.watched import installed
from shared.ehr.opening import open_ehr
from shared.settings import Settings
from shared.stream.memory import MemoryLog
from tests.fakes import HAPI, FakeEhr
from tests.integration.intake.support import (
    SECRET,
    STEPS,
    FailingSink,
    Intake,
    handshake,
    notification,
    post,
)
from tests.toy import note


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
            fake.faults.fail(1, 403, method="GET", path="DocumentReference")  # of the search
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
            (b'{"resourceType": "Bundle", "entry": [{"resource": null}]}', 400),
            (orjson.dumps(notification("no-kind", [(1, "DocumentReference/1")])), 400),
            (b"x" * 3000, 413),
        ],
    )
    def test_bad_bodies_get_an_outcome(self, intake: Intake, body: bytes, status: int) -> None:
        answer = intake.door().post(
            "/notify/DocumentReference", data=body, headers={SECRET_HEADER: SECRET}
        )
        assert answer.status_code == status and answer.json["resourceType"] == "OperationOutcome"

    @pytest.mark.parametrize("focus", STEPS)
    def test_a_focus_that_is_no_reference_is_left_to_the_sweep_and_never_asked_for(
        self, tmp_path: Path, focus: str
    ) -> None:
        with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
            log, state = MemoryLog(), State(tmp_path / "intake.sqlite")
            log.create_topics(2, [])
            intake = Intake(ehr, log, log.sink(), Settings(fhir_url=fake.base), state)
            answer = post(intake, notification("event-notification", [(1, focus)]))
            assert answer.status_code == 200
            assert [path for _, path, _ in fake.requests] == ["DocumentReference/_history"]
            intake.close()

    @pytest.mark.parametrize(
        "value",
        [
            *({"valueReference": {"reference": odd}} for odd in (*STEPS, "#x", "Patient/a_1", "")),
            {"valueReference": None},
            {"valueReference": {"reference": None}},
            {"valueReference": {"reference": ["Patient/1"]}},
            {"valueReference": "Patient/a 1"},
            {"valueReference": ["Patient/1"]},
            {"valueReference": {}},
            {"valueCode": True},
            {},
        ],
        ids=str,
    )
    def test_what_stands_beside_a_focus_that_is_not_readable_is_published(
        self, intake: Intake, patient: str, value: dict[str, Any]
    ) -> None:
        first, named, third = (intake.ehr.create(note(patient, text)).reference for text in "123")
        body = notification("event-notification", [(1, first), (2, named), (3, third)])
        body["entry"][0]["resource"]["parameter"][3]["part"][1] = {"name": "focus"} | value
        assert post(intake, body).status_code == 200
        assert {e.focus for e in intake.events()} == {first, named, third}
        assert intake.state.number("Subscription/s") == 3

    @pytest.mark.parametrize("value", [{}, {"valueReference": None}, {"valueReference": "#x"}])
    def test_a_notification_of_no_readable_subscription_has_the_type_swept(
        self, intake: Intake, patient: str, value: dict[str, Any]
    ) -> None:
        skipped, named = (intake.ehr.create(note(patient, text)).reference for text in "12")
        for body in (
            handshake(None),
            notification("heartbeat", []),
            notification("event-notification", [(2, named)]),
        ):
            body["entry"][0]["resource"]["parameter"][0] = {"name": "subscription"} | value
            assert post(intake, body).status_code == 200
        assert {e.focus for e in intake.events()} == {skipped, named}

    @pytest.mark.parametrize("name", ["a_1", "a b", "%25", "x" * 65])
    def test_a_put_whose_id_is_not_readable_has_the_type_swept(
        self, intake: Intake, patient: str, name: str
    ) -> None:
        reference = intake.ehr.create(note(patient, "told")).reference
        answer = intake.door().put(
            f"/notify/DocumentReference/DocumentReference/{name}",
            headers={SECRET_HEADER: SECRET},
        )
        assert answer.status_code == 200 and [e.focus for e in intake.events()] == [reference]

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
