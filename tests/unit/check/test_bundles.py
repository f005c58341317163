"""Check: bundles."""

import copy

import pytest

from shared.errors import InvalidResource
from shared.fhir.check import MAX_BUNDLE_BYTES, check_bundle, check_size
from tests import r4_table
from tests.unit.check.support import RECORD, changed_entry, mutant, ref


def test_a_urn_must_name_an_entry() -> None:
    bundle = copy.deepcopy(RECORD)
    del bundle["entry"][0]  # the Patient, whom everything refers to
    with pytest.raises(
        InvalidResource,
        match=r"Bundle\.entry\[\d+\]\.resource\.subject: no entry of the Bundle has that fullUrl",
    ):
        check_bundle(bundle)


def test_a_urn_is_checked_for_its_kind() -> None:
    bundle = copy.deepcopy(RECORD)
    device = next(
        e["fullUrl"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Device"
    )
    report = next(
        e["resource"]
        for e in bundle["entry"]
        if e["resource"]["resourceType"] == "DiagnosticReport"
    )
    report["performer"] = [ref(device)]
    with pytest.raises(
        InvalidResource, match=r"resource\.performer\[0\]: a Device can't stand here"
    ):
        check_bundle(bundle)


def test_two_entries_may_not_share_a_full_url() -> None:
    patient = RECORD["entry"][0]
    with pytest.raises(InvalidResource, match=r"Bundle: fullUrl must be unique"):
        check_bundle({"resourceType": "Bundle", "type": "transaction", "entry": [patient, patient]})


def test_a_put_names_what_it_carries() -> None:
    resource = RECORD["entry"][0]["resource"] | {"id": "p1"}
    check_bundle(
        changed_entry(
            0, resource=resource, request={"method": "PUT", "url": "Patient/p1", "ifMatch": 'W/"1"'}
        )
    )
    with pytest.raises(InvalidResource, match=r"Bundle\.entry\[0\]: a PUT's url must name"):
        check_bundle(
            changed_entry(
                0,
                resource=resource,
                request={"method": "PUT", "url": "Patient/p2", "ifMatch": 'W/"1"'},
            )
        )


def test_an_entry_of_a_transaction_says_what_to_do() -> None:
    bundle = copy.deepcopy(RECORD)
    del bundle["entry"][3]["request"]
    with pytest.raises(InvalidResource, match=r"Bundle: request on every entry"):
        check_bundle(bundle)


def test_an_entry_of_a_bad_resource_is_refused_by_its_place() -> None:
    with pytest.raises(InvalidResource, match=r"Bundle\.entry\[2\]\.resource\.status: required"):
        check_bundle(
            changed_entry(
                2,
                resource={k: v for k, v in RECORD["entry"][2]["resource"].items() if k != "status"},
            )
        )


def test_a_bundle_that_a_proxy_refuses_is_refused() -> None:
    media = mutant("Media", content={"contentType": "image/png", "data": "A" * MAX_BUNDLE_BYTES})
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:00000000-0000-5000-8000-00000000aaaa", "resource": media}],
    }
    with pytest.raises(InvalidResource, match=rf"more than {MAX_BUNDLE_BYTES}"):
        check_size(bundle)


def test_the_table_is_the_standards_own() -> None:
    """R4's StructureDefinitions make exactly the file that ships; `python -m tests.r4_table` renews
    it.
    """
    assert r4_table.render(r4_table.table()) == r4_table.TABLE.read_text(encoding="utf-8")
