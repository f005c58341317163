"""A refusal that may pass: tried again with pauses, then a dead letter of this record alone."""

import pytest

from shared.runtime import dead_letters
from tests.integration.runtime.support import World, until


@pytest.mark.parametrize(
    "status", [402, 403, 406, 407, 408, 421, 423, 424, 425, 426, 499, 520, 524]
)
def test_one_refusal_that_passes_is_no_dead_letter(world: World, status: int) -> None:
    reference = world.write("two words")
    world.tell(reference)
    world.fake.faults.fail(1, status, method="GET", path=reference)
    with world.running():
        assert world.settled()
    assert world.outcome(reference) == "requested"
    assert dead_letters.letters(world.log, "toy") == []


@pytest.mark.parametrize("status", [403, 408, 423, 425])
def test_one_that_does_not_pass_stops_no_other_record(world: World, status: int) -> None:
    patients = [world.ehr.create({"resourceType": "Patient"}).reference for _ in range(6)]
    bad, *good = [world.write(f"note {n}", p) for n, p in enumerate(patients)]
    world.tell(bad)
    world.fake.faults.fail(10**6, status, retry_after="0", method="GET", path=bad)
    with world.running():
        for reference in good:
            world.tell(reference)
            assert until(lambda r=reference: world.outcome(r) == "requested")  # type: ignore[misc]
        assert until(lambda: bool(dead_letters.letters(world.log, "toy")))
    [letter] = dead_letters.letters(world.log, "toy")
    assert letter.error in ("FhirError", "Unavailable")


@pytest.mark.parametrize("status", [400, 405, 413, 414, 415, 422, 451])
def test_one_of_the_very_request_is_tried_once(world: World, status: int) -> None:
    reference = world.write("two words")
    world.tell(reference)
    world.fake.requests.clear()
    world.fake.faults.fail(1, status, method="GET", path=reference)
    with world.running():
        assert world.settled()
    assert [letter.error for letter in dead_letters.letters(world.log, "toy")] == ["FhirError"]
