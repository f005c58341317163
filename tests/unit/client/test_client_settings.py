"""Client: client settings."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from shared.ehr.auth.scopes import permission_needed, permissions, scope_text
from shared.ehr.capabilities import missing_capabilities, subscription_topics
from shared.ehr.opening import open_ehr
from shared.errors import (
    Misconfigured,
)
from shared.json import Json
from shared.references import subject_of
from shared.settings import ELSEWHERE, Settings, load_settings


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "ehr.example/fhir",
            "ftp://ehr.example",
            "http://",
            "http://ehr.example/fhir?x=1",
            "http://[ehr/fhir",
            "http://ehr:fhir",
        ],
    )
    def test_a_url_that_is_none(self, url: str) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_URL"):
            open_ehr(load_settings(fhir_url=url))

    @pytest.mark.parametrize("name", ELSEWHERE)
    @pytest.mark.parametrize(
        "address",
        [
            "https://user:hunter2@ehr.example/fhir",
            "https://user:hunter2/x@ehr.example",
            "https://u:h#unter2@ehr.example",
        ],
    )
    def test_credentials_stand_in_no_address(self, name: str, address: str) -> None:
        with pytest.raises(
            Misconfigured, match=rf"CARELOOP_{name.upper()}: .*{re.escape(ELSEWHERE[name])}"
        ) as refused:
            load_settings(**{name: address})
        assert "unter2" not in str(refused.value)
        with pytest.raises(ValidationError) as raw:
            Settings(**{name: address})
        assert "unter2" not in str(raw.value)

    @pytest.mark.parametrize("name", ELSEWHERE)
    def test_every_address_is_kept_free_of_credentials(self, name: str) -> None:
        assert (
            getattr(load_settings(**{name: "https://a.example:8443/x%40y"}), name)
            == "https://a.example:8443/x%40y"
        )
        assert {field for field in Settings.model_fields if field.endswith("_url")} <= set(
            ELSEWHERE
        )

    @pytest.mark.parametrize("value", ["inf", "nan", "-1"])
    def test_a_time_that_is_none(self, value: str) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_TIMEOUT_SEC"):
            load_settings(fhir_timeout_sec=value)

    @pytest.mark.parametrize(
        ("name", "several"),
        [
            ("dicomweb_allowed_origins", "https://a.example:8443, https://b.example:8443"),
            ("kafka_bootstrap_servers", "a.example:9092,b.example:9092"),
        ],
    )
    def test_several_addresses_may_have_ports(self, name: str, several: str) -> None:
        assert getattr(load_settings(**{name: several}), name) == several

    def test_a_ca_file_that_is_none(self) -> None:
        with pytest.raises(Misconfigured, match="CARELOOP_FHIR_CA_FILE"):
            open_ehr(load_settings(fhir_ca_file="/no/such/file"))


class TestCapabilities:
    def statement(self, **task: Any) -> Json:
        listed = [{"type": "Task", **task}, {"type": "Provenance"}]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [
                {"mode": "server", "interaction": [{"code": "transaction"}], "resource": listed}
            ],
        }

    def test_what_is_left_open_counts_for_the_ehr(self) -> None:
        assert missing_capabilities(self.statement(), {"Task": "crus"}) == []

    @pytest.mark.parametrize(
        ("task", "expected"),
        [
            (
                {"interaction": [{"code": "read"}, {"code": "search-type"}]},
                "create, update of Task",
            ),
            ({"versioning": "no-version"}, "versions of Task (If-Match)"),
            ({"conditionalCreate": False}, "conditional create of Task"),
        ],
    )
    def test_what_it_denies_counts_against_it(self, task: Json, expected: str) -> None:
        assert missing_capabilities(self.statement(**task), {"Task": "crus"}) == [expected]

    def test_what_is_not_there(self) -> None:
        bare = {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "5.0.0",
            "rest": [{"mode": "server"}],
        }
        found = missing_capabilities(bare, {"Goal": "c"})
        assert found == [
            "FHIR R4 (4.0.1); it speaks 5.0.0",
            "transaction Bundles",
            "the resource type Task",
            "the resource type Provenance",
            "the resource type Goal",
        ]
        assert missing_capabilities({}, {}) == ["the metadata is not a CapabilityStatement"]
        assert subscription_topics(bare) == []


class TestScopes:
    def test_reads_and_writes_make_ordered_letters(self) -> None:
        text = scope_text(permissions(["ImagingStudy", "Task"], ["DiagnosticReport"]))
        assert text == (
            "system/AuditEvent.c system/Consent.rs system/Device.crs system/DiagnosticReport.cru "
            "system/DocumentReference.crs "
            "system/ImagingStudy.rs system/Patient.rs system/Provenance.cs system/Task.crus"
        )

    @pytest.mark.parametrize(
        ("method", "place", "expected"),
        [
            ("GET", "Task", ("Task", "s")),
            ("GET", "Task?a=b", ("Task", "s")),
            ("GET", "Task/_history", ("Task", "s")),
            ("GET", "Task/7", ("Task", "r")),
            ("GET", "Task/7/_history", ("Task", "r")),
            ("POST", "Task", ("Task", "c")),
            ("PUT", "Task/7", ("Task", "u")),
            ("POST", "", None),
            ("GET", "metadata", None),
        ],
    )
    def test_what_a_request_needs(
        self, method: str, place: str, expected: tuple[str, str] | None
    ) -> None:
        assert permission_needed(method, place) == expected


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"resourceType": "Patient", "id": "1"}, "Patient/1"),
        (
            {"resourceType": "Task", "for": {"reference": "http://h/fhir/Patient/1/_history/2"}},
            "http://h/fhir/Patient/1",
        ),
        ({"resourceType": "Consent", "patient": {"reference": "Patient/1"}}, "Patient/1"),
        (
            {"resourceType": "Consent", "patient": {"reference": "Patient/1/_history/2"}},
            "Patient/1",
        ),
        ({"resourceType": "Observation", "subject": {"reference": "Group/1"}}, "Group/1"),
        ({"resourceType": "Observation", "subject": {"identifier": {"value": "x"}}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "#p"}}, None),
        ({"resourceType": "Device"}, None),
    ],
)
def test_whom_a_resource_is_about(resource: Json, expected: str | None) -> None:
    assert subject_of(resource) == expected
