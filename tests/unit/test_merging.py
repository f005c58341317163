"""tests/merging.py: a `$merge` that is missing is simulated, one that fails is not."""

import httpx
import pytest

from shared.ehr.opening import open_ehr
from shared.settings import Settings
from tests.fakes import HAPI, FakeEhr
from tests.merging import merge


@pytest.mark.parametrize("status", [400, 404, 405, 501, 401, 409, 422, 500, 503])
def test_only_a_server_that_has_no_merge_is_simulated(status: int) -> None:
    with FakeEhr(HAPI) as fake, open_ehr(Settings(fhir_url=fake.base)) as ehr:
        one, other = (ehr.create({"resourceType": "Patient"}).reference for _ in range(2))
        fake.faults.fail(1, status, method="POST", path="Patient/$merge")
        if status in (404, 405, 501):
            merge(ehr, one, other, "rewritten")
            return
        with pytest.raises(httpx.HTTPStatusError, match=str(status)):
            merge(ehr, one, other, "rewritten")
        assert all(method != "PUT" for method, _, _ in fake.requests)
