"""A fifth service from a package of its own lives through everything that ours do.

`careloop new` writes the package, pip installs it, and nothing of careloop is touched: intake
watches its Observations, a denial takes its report back, review shows its panel, the demo expects
its result.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.answers import Answer, Head
from shared.json import Json
from tests.contract.line.support import consent
from tests.e2e.clinic import Clinic, until
from tests.e2e.fifth import NAME, demo, installed, recording
from tests.e2e.pages import browser
from tests.peers import sekmet

pytestmark = pytest.mark.timeout(600)
WAIT_SEC = 90


@dataclass
class Ward:
    """A clinic in which intake, the fifth service and review run."""

    clinic: Clinic
    patients: list[str] = field(default_factory=list)

    def patient(self) -> str:
        made = self.clinic.ehr.create({"resourceType": "Patient", "active": True}).reference
        self.patients.append(made)
        return made

    def record(self, patient: str, text: str = "Sinus rhythm, 72 per minute") -> str:
        return self.clinic.ehr.create(recording(patient, text)).reference

    def change(self, reference: str, **elements: object) -> None:
        resource = self.clinic.ehr.read(reference)
        assert resource is not None
        self.clinic.ehr.update(resource | elements, resource["meta"]["versionId"])

    def head(self, reference: str) -> Head | None:
        return self.clinic.ehr.head(Answer(NAME, reference))

    def becomes(self, reference: str, outcome: str) -> Head:
        """Wait for the outcome of this input."""

        def there() -> bool:
            head = self.head(reference)
            return head is not None and head.outcome == outcome

        assert until(there, WAIT_SEC), f"{outcome}, not {self.head(reference)}"
        head = self.head(reference)
        assert head is not None
        return head

    def report(self, head: Head) -> Json:
        found = self.clinic.ehr.read(head.outputs["report"])
        assert found is not None
        return found

    def answered(self, text: str = "Sinus rhythm") -> tuple[str, str, Head]:
        """A patient, her recording, and its answer."""
        patient = self.patient()
        reference = self.record(patient, text)
        return patient, reference, self.becomes(reference, "requested")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed(tmp_path_factory.mktemp("fifth")) as folder:
        yield folder


@pytest.fixture(scope="module")
def ward(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    folder = tmp_path_factory.mktemp("ward")
    with sekmet(folder / "ehr") as ehr:
        clinic = Clinic(folder, ehr, None)
        clinic.start("intake", NAME, "review")
        try:
            yield Ward(clinic)
        finally:
            clinic.close()


def test_an_event_comes_in_and_a_report_goes_out(ward: Ward) -> None:
    patient, _, head = ward.answered("one two three")
    report = ward.report(head)
    assert report["status"] == "preliminary"
    assert report["subject"]["reference"] == patient
    assert report["conclusion"].startswith("The value has 3 words.")


def test_a_consent_denied_later_takes_the_report_back(ward: Ward) -> None:
    patient, reference, head = ward.answered()
    ward.clinic.ehr.create(consent(patient, {"provision": [{"type": "deny"}]}))
    denied = ward.becomes(reference, "rejected")
    assert "consent" in denied.task["statusReason"]["text"].lower()
    assert ward.report(head)["status"] == "cancelled"


def test_an_input_that_moves_to_another_patient_is_hers_alone(ward: Ward) -> None:
    _, reference, head = ward.answered()
    other = ward.patient()
    ward.change(reference, subject={"reference": other})

    def moved() -> bool:
        now = ward.head(reference)
        return now is not None and now.task["for"]["reference"] == other

    assert until(moved, WAIT_SEC)
    now = ward.becomes(reference, "requested")
    assert ward.report(now)["subject"]["reference"] == other
    former = ward.clinic.ehr.read(head.outputs["report"])
    assert former is not None
    stands = former["status"] == "preliminary"
    assert not stands or former["subject"]["reference"] == other


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_an_input_that_is_withdrawn_takes_the_report_back(ward: Ward, status: str) -> None:
    _, reference, head = ward.answered()
    ward.change(reference, status=status)
    ward.becomes(reference, "cancelled")
    assert ward.report(head)["status"] == "cancelled"


@pytest.fixture
def browse(ward: Ward) -> Iterator[Callable[[str], str]]:
    """The text of a page, for the clinician of this clinic."""
    assert until(lambda: ward.clinic.ready("review"), WAIT_SEC)
    with browser(ward.clinic) as client:
        yield lambda path: client.get(path).raise_for_status().text


def test_the_worklist_names_it_and_filters_by_it(ward: Ward, browse: Callable[[str], str]) -> None:
    _, _, head = ward.answered()
    task = head.reference.removeprefix("Task/")
    # the list learns of it within seconds
    assert until(lambda: task in browse(f"/?service={NAME}"), WAIT_SEC)
    assert "Ecgtoy report" in browse(f"/?service={NAME}")
    assert task not in browse("/?service=notes")


def test_its_panel_stands_on_the_page(ward: Ward, browse: Callable[[str], str]) -> None:
    _, _, head = ward.answered("one two three four")
    page = browse(f"/results/{head.reference.removeprefix('Task/')}")
    assert "Ecgtoy report" in page
    assert "What the ecgtoy counted" in page
    assert ">4<" in page.replace(" ", "").replace("\n", "")


def test_the_demo_expects_its_result(site: Path, tmp_path: Path) -> None:
    told = demo(tmp_path / "state")
    ours = {o["service"]: o["outcome"] for o in told["outcomes"]}
    assert ours[NAME] == "requested"
    assert set(ours) == {"genomics", "imaging", "notes", "treatment", NAME}
