"""Intake: what stands at the EHR is not what is wanted now."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services.intake.notifications.registered import Registered
from services.intake.notifications.subscriptions import SECRET_HEADER, Keeper
from services.intake.state import State
from services.intake.watched import Watch, installed
from shared.ehr.client import Ehr
from shared.ehr.opening import open_ehr
from shared.json import Json
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr
from tests.toy import TOY

KIND = "DocumentReference"
HEADERS = ["shown", "masked", "hidden"]


@pytest.fixture(params=HEADERS)
def fake(request: pytest.FixtureRequest) -> Iterator[FakeEhr]:
    with FakeEhr(replace(HAPI, subscription_headers=request.param)) as made:
        yield made


@pytest.fixture
def ehr(fake: FakeEhr) -> Iterator[Ehr]:
    with open_ehr(Settings(fhir_url=fake.base)) as made:
        yield made


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State(tmp_path / "intake.sqlite")
    yield made
    made.close()


Look = Callable[..., threading.Event]


@pytest.fixture
def look(fake: FakeEhr, ehr: Ehr, state: State) -> Look:
    """Look after the Subscriptions a few times, under this secret and URL."""

    def look_after(
        secret: str = "old", url: str = "http://127.0.0.1:9/notify", watch: Watch | None = None
    ) -> threading.Event:
        settings = Settings(
            fhir_url=fake.base,
            intake_webhook_url=url,
            intake_webhook_secret=SecretStr(secret),
        )
        silence = threading.Event()
        keeper = Keeper(ehr, settings, silence, Registered(state), watch or installed())
        for _ in range(3):
            keeper.look_after()
        return silence

    return look_after


def stored(fake: FakeEhr, kind: str = KIND) -> list[Json]:
    """As the server keeps them, whatever it shows."""
    found = fake.resources("Subscription")
    return [s for s in found if s["channel"]["endpoint"].endswith(f"/{kind}")]


def writes(fake: FakeEhr) -> int:
    return sum(m in ("POST", "PUT") and "Subscription" in path for m, path, _ in fake.requests)


def test_nothing_is_replaced_while_nothing_changes(fake: FakeEhr, look: Look) -> None:
    look()
    before = writes(fake)
    assert before == len(installed().swept)
    assert not look().is_set() and writes(fake) == before


def test_a_new_secret_replaces_the_old_one_once(fake: FakeEhr, look: Look) -> None:
    look()
    before = writes(fake)
    assert look(secret="new").is_set()
    assert [s["channel"]["header"] for s in stored(fake)] == [[f"{SECRET_HEADER}: new"]]
    assert writes(fake) == before + len(installed().swept)


def test_one_that_a_former_version_registered_is_made_ours_once(
    fake: FakeEhr, look: Look, state: State
) -> None:
    look()
    for name in state.facts("registered "):
        state.note(name, None)
    look(secret="new")
    assert [s["channel"]["header"] for s in stored(fake)] == [[f"{SECRET_HEADER}: new"]]
    before = writes(fake)
    look(secret="new")
    assert writes(fake) == before


@pytest.mark.parametrize(
    "altered",
    [
        {"payload": "application/fhir+json"},
        {"type": "message"},
        {"criteria": "DocumentReference?status=current"},
        {"end": "2001-01-01T00:00:00Z"},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_what_somebody_altered_is_put_right(
    fake: FakeEhr, ehr: Ehr, look: Look, altered: dict[str, Any]
) -> None:
    look()
    [before] = stored(fake)
    inner = {k: v for k, v in altered.items() if k in ("payload", "type")}
    outer = {k: v for k, v in altered.items() if k not in inner}
    channel = before["channel"] | inner
    ehr.update(before | outer | {"channel": channel}, before["meta"]["versionId"])
    assert look().is_set()
    [after] = stored(fake)
    for element in ("criteria", "channel", "end"):
        assert after.get(element) == before.get(element)


def test_a_former_endpoint_is_switched_off(fake: FakeEhr, look: Look) -> None:
    look()
    look(url="http://127.0.0.1:9/elsewhere")
    statuses = {s["channel"]["endpoint"].split("/")[3]: s["status"] for s in stored(fake)}
    assert statuses["notify"] == "off" and statuses["elsewhere"] in ("requested", "active")


def test_a_type_that_nobody_watches_now_is_switched_off(fake: FakeEhr, look: Look) -> None:
    more = Watch((*installed().services, replace(TOY, triggers=frozenset({"Procedure"}))))
    look(watch=more)
    look()
    assert [s["status"] for s in stored(fake, "Procedure")] == ["off"]
    assert all(s["status"] != "off" for s in stored(fake))


def test_a_second_one_at_our_endpoint_is_switched_off(fake: FakeEhr, ehr: Ehr, look: Look) -> None:
    look()
    [ours] = stored(fake)
    ehr.create({k: v for k, v in ours.items() if k not in ("id", "meta")})
    look()
    assert sorted(s["status"] == "off" for s in stored(fake)) == [False, True]


def test_another_careloop_is_left_alone(fake: FakeEhr, ehr: Ehr, look: Look) -> None:
    look()
    [ours] = stored(fake)
    theirs = {k: v for k, v in ours.items() if k not in ("id", "meta")}
    theirs["channel"] = theirs["channel"] | {"endpoint": "http://127.0.0.1:9/theirs"}
    reference = ehr.create(theirs).reference
    look(secret="new")
    found = ehr.read(reference)
    assert found and found["status"] != "off" and found["meta"]["versionId"] in ("1", "2")


def test_the_secret_is_not_in_the_file(look: Look, state: State) -> None:
    look(secret="correct-horse")
    dump = "\n".join(state.db.iterdump())
    assert "registered Subscription/" in dump and "correct-horse" not in dump
