"""Intake: subscriptions."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.clinic.ports import free_port
from services.intake.notifications.notification import parse
from services.intake.notifications.registered import Registered
from services.intake.notifications.subscriptions import Keeper
from services.intake.notifications.topics import fitting
from services.intake.state import State
from services.intake.watched import installed
from shared.ehr.opening import open_ehr
from shared.errors import InvalidInput, Misconfigured
from shared.settings import Settings
from shared.stream.memory import MemoryLog
from shared.web.app import serve
from tests.fakes import HAPI, FakeEhr
from tests.integration.intake.support import (
    SECRET,
    TOPIC,
    Intake,
    everywhere,
    first_told,
    settle,
    topic,
)
from tests.peers import sekmet


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
                Keeper(
                    ehr, settings, threading.Event(), Registered(State(tmp_path / "intake.sqlite"))
                ).look_after()
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
