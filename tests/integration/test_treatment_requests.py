"""How often a plan asks the EHR."""

from services.treatment.domain import Inputs
from services.treatment.gather import gather
from shared.ehr.guard.abilities import Abilities
from shared.ehr.opening import open_ehr
from shared.events import ResourceEvent
from shared.settings import load_settings
from tests.fakes import HAPI, FakeEhr
from tests.integration.test_treatment_plan import made
from tests.unit.treatment_record import PATIENT, order, patient, report


def test_one_batch_finds_what_a_search_for_each_type_finds() -> None:
    with FakeEhr(HAPI) as fake, open_ehr(load_settings(fhir_url=fake.base)) as ehr:
        subject = made(ehr, patient(), PATIENT)
        for drug, code in (("warfarin", "11289"), ("clopidogrel", "32968")):
            made(ehr, order(drug, code), subject)
        made(ehr, report("genomics", "gen"), subject)
        told = ResourceEvent(subject, "1", "update", subject=subject)
        settings = load_settings(fhir_url=fake.base)

        def asked(*, batches: bool) -> tuple[Inputs, int]:
            before = len(fake.requests)
            inputs = gather(told, ehr.able(Abilities(batches=batches)), settings)
            assert inputs is not None
            return inputs, len(fake.requests) - before

        one_by_one, at_once = asked(batches=False), asked(batches=True)
        assert at_once[0] == one_by_one[0]
        assert len(at_once[0].medications) == 2
        assert (one_by_one[1], at_once[1]) == (7, 1)
