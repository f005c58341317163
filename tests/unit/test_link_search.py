"""shared/privacy/person.py: a server without `Patient?link=` refuses it in its own way."""

import pytest

from shared.ehr.opening import open_ehr
from shared.errors import FhirError
from shared.privacy.person import find_person, finds_links
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr


@pytest.mark.parametrize("status", [400, 404, 422, 501])
def test_a_refused_search_by_link_finds_nobody(status: int) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        patient = ehr.create({"resourceType": "Patient"}).reference
        known = ehr.read(patient)
        fake.faults.fail(1, status, method="GET", path="Patient")
        assert not finds_links(ehr)
        fake.faults.fail(1, status, method="GET", path="Patient")
        assert find_person(ehr, patient, known).records == (patient,)


def test_a_forbidden_search_by_link_is_no_answer() -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        fake.faults.fail(1, 403, method="GET", path="Patient")
        with pytest.raises(FhirError, match="403"):
            finds_links(ehr)
