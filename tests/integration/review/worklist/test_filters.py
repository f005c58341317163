"""Every filter of the list, alone and with others: its rows, and its counts."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.fhir import codes
from shared.instants import instant
from tests.browser.clinic import Clinic, a_film, fill, open_clinic
from tests.integration.review.support import Visitor
from tests.integration.review.worklist.support import change, counts, listed, path
from tests.merging import merge

URGENCY = {"imaging": "stat", "genomics": "asap", "notes": "urgent", "treatment": "routine"}
WAITED = {
    "imaging": timedelta(hours=2),
    "genomics": timedelta(hours=5),
    "notes": timedelta(days=2),
    "treatment": timedelta(days=8),
}
FITS: dict[tuple[str, str], set[str]] = {
    ("service", "imaging"): {"imaging"},
    ("service", "treatment"): {"treatment"},
    ("urgency", "stat"): {"imaging"},
    ("urgency", "asap"): {"genomics"},
    ("urgency", "urgent"): {"notes"},
    ("urgency", "routine"): {"treatment"},
    ("age", "1h"): {"imaging", "genomics", "notes", "treatment"},
    ("age", "4h"): {"genomics", "notes", "treatment"},
    ("age", "1d"): {"notes", "treatment"},
    ("age", "3d"): {"treatment"},
    ("age", "7d"): {"treatment"},
    ("owner", "mine"): {"imaging", "notes"},
    ("owner", "nobody"): {"treatment"},
    ("text", "pneumonia"): {"imaging"},
    ("text", "PNEUMONIA keeping"): {"imaging"},
    ("text", "clopidogrel"): {"genomics", "treatment"},
    ("text", "notes"): {"notes"},
    ("text", "nothing of the kind"): set(),
}


@pytest.fixture
def tasks(clinic: Clinic) -> dict[str, str]:
    """A result of each service, no two alike."""
    made = dict(fill(clinic))
    other = clinic.ehr.create({"resourceType": "Practitioner", "name": [{"family": "Sommer"}]})
    owners = dict.fromkeys(("imaging", "notes"), clinic.practitioner)
    for service, task in made.items():
        since = instant(datetime.now(UTC) - WAITED[service])
        owner = owners.get(service, other.reference if service == "genomics" else None)
        change(
            clinic,
            task,
            priority=URGENCY[service],
            authoredOn=since,
            owner=codes.reference(owner, "Somebody") if owner else None,
        )
    return made


def test_every_filter_alone_and_with_each_other_one(
    doctor: Visitor, clinic: Clinic, tasks: dict[str, str]
) -> None:
    chosen = [*itertools.combinations(FITS, 1), *itertools.combinations(FITS, 2)]
    for filters in chosen:
        asked = dict(filters)
        if len(asked) < len(filters):
            continue  # two values of one filter
        expected = set.intersection(*(FITS[each] for each in filters))
        page = doctor.get(path(clinic, **asked))
        assert listed(page) == [tasks[s] for s in URGENCY if s in expected], asked
        assert counts(page)["requested"] == len(expected), asked


def test_counts_are_of_the_filter_whatever_tab_is_open(
    doctor: Visitor, clinic: Clinic, tasks: dict[str, str]
) -> None:
    change(clinic, tasks["imaging"], status="failed", statusReason={"text": "The film is torn."})
    change(clinic, tasks["genomics"], status="completed")
    for outcome in ("requested", "failed", "rejected", "completed"):
        page = doctor.get(path(clinic, outcome=outcome))
        assert counts(page) == {
            "requested": 2,
            "failed": 1,
            "rejected": 0,
            "draft": 0,
            "completed": 1,
            "cancelled": 0,
        }
    found = doctor.get(path(clinic, outcome="failed", text="torn"))
    assert listed(found) == [tasks["imaging"]] and sum(counts(found).values()) == 1


FOUND = ("Zoë", "zoe", "ZOË mül", "Müll", "muller", "Straße", "strasse", "MRN-7%_x")
FOUND_BY_ID = ("{id}", "Patient/{id}", "zoe {id}")
NOT_FOUND = ("usterman", "Erika Otto", "{id} Otto", "Patient", "%", "_")


def test_a_patient_is_found_by_the_beginnings_of_names_by_number_and_id(
    doctor: Visitor, clinic: Clinic
) -> None:
    task, patient = a_film(clinic), clinic.ehr.read(clinic.patient)
    assert patient
    named = {
        "name": [{"use": "official", "family": "Müller-Straße", "given": ["Zoë", "Straße"]}],
        "identifier": [{"system": "https://hospital.example/mrn", "value": "MRN-7%_x"}],
    }
    clinic.ehr.update(patient | named, patient["meta"]["versionId"])
    for words in FOUND + FOUND_BY_ID + NOT_FOUND:
        asked = {"patient": words.format(id=clinic.patient.split("/")[1])}
        found = task in listed(doctor.client.get("/", query_string=asked).text)
        assert found is (words not in NOT_FOUND), words


NAMES = {
    "Ørsted-Đặng": ("orsted", "ørsted", "dang", "đặng", "Đặng", "ORSTED-DANG", "orsteddang"),
    "Łukasz Wałęsa": ("lukasz", "walesa", "Wałęsa", "WALESA"),
    "Groß-Weiß": ("gross", "groß", "GROSS", "weiss", "weiß"),
    "Þórður Guðmundsson": ("thordur", "gudmundsson", "þórður", "guðmundsson"),
    "L\u2019H\u0153uvre": ("hoeuvre", "l'hoeuvre", "lhoeuvre", "h\u0153uvre", "L\u2019H\u0153uvre"),
    "Yıldız İnan": ("yildiz", "yıldız", "inan", "İNAN", "YILDIZ"),
    "O\u2019Brien": ("o'brien", "obrien", "brien", "O\u02bcBrien"),
    "Núñez\u2010Ibáñez": ("nunez", "ibanez", "Núñez-Ibáñez", "nunez-ibanez"),
    "al-Ḥusaynī": ("husayni", "alhusayni", "al-husayni"),
    "Kjærgård": ("kjaergard", "kjærgård"),
    "Ħal-Għaxaq": ("hal", "ghaxaq"),
    "Gal·la": ("gal", "galla", "gal·la"),
    "Ёлкин-Шмидт": ("елкин", "шмидт", "ШМИДТ"),
}
"""A family name of each of some languages -> how people type it."""
NOT_NAMES = ("rsted", "ang", "ukasz", "eiss", "udmundsson", "oeuvre", "ildiz", "rien", "banez")


def test_a_name_is_found_by_each_part_however_it_is_typed(doctor: Visitor, clinic: Clinic) -> None:
    task = a_film(clinic)
    for family, typed in NAMES.items():
        patient = clinic.ehr.read(clinic.patient)
        assert patient
        named = {"name": [{"family": family, "given": ["Ada"]}]}
        clinic.ehr.update(patient | named, patient["meta"]["versionId"])
        for words in (*typed, *(f"ada {word}" for word in typed), *NOT_NAMES):
            found = task in listed(doctor.client.get("/", query_string={"patient": words}).text)
            assert found is (words not in NOT_NAMES), (family, words)


@pytest.mark.parametrize("of", ["survivor", "retired", "name of the survivor"])
def test_all_records_of_a_merged_patient_are_found_under_each(
    doctor: Visitor, clinic: Clinic, of: str
) -> None:
    family = f"Sieger{clinic.patient.split('/')[1].replace('-', '')}"
    survivor = open_clinic(clinic.ehr, "Siri", family)
    both = {a_film(clinic), a_film(survivor)}
    doctor.get("/")
    merge(clinic.ehr, clinic.patient, survivor.patient)
    asked = {"survivor": survivor.patient, "retired": clinic.patient}.get(of, family)
    page = doctor.client.get("/", query_string={"patient": asked}).text
    assert set(listed(page)) == both and counts(page)["requested"] == 2


HOSTILE = [
    "%",
    "_",
    "%%%",
    "\\",
    "\\%",
    "'",
    "' OR 1=1 --",
    '"',
    "a' UNION SELECT * FROM patients --",
    "<script>alert(1)</script>",
    "~",
    "\u0301",
    "\u200b",
    "\U0001f600",
    "\u202etxt",
    "{{7*7}}",
    "a" * 100,
    "%" * 100,
    " ".join(["qx"] * 33),
]


def test_a_hostile_search_finds_nothing_and_breaks_nothing(doctor: Visitor, clinic: Clinic) -> None:
    a_film(clinic)
    for name, value in itertools.product(("patient", "text"), HOSTILE):
        answer = doctor.client.get("/", query_string={name: value})
        assert answer.status_code == 200 and listed(answer.text) == [], (name, value)
        assert "<script>alert" not in answer.text


REFUSED = {
    "at most 100 characters": (("patient", "text"), ("a" * 101, "b " * 60, "%" * 5_000)),
    "There is no such list": (
        ("outcome", "service", "urgency", "age", "owner"),
        ("everything", "%", "'", "1h'", "Practitioner/1", "0", "\U0001f600"),
    ),
    "no such list": (
        ("after", "before"),
        (
            "x",
            "0~2026",
            "0~a~b~c",
            "-1~a~b",
            "4~a~b",
            "99999999999999999999~a~b",
            "9" * 5_000 + "~a~b",
            "\u0663~a~b",
            "~~",
        ),
    ),
}
"""What the page says -> of which parameters, with which values."""


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_no_question_is_refused_and_not_cut_or_guessed(doctor: Visitor, said: str) -> None:
    for name, value in itertools.product(*REFUSED[said]):
        answer = doctor.client.get("/", query_string={name: value})
        assert answer.status_code == 400 and said in answer.text, (name, value)


def test_any_other_place_is_just_a_place(doctor: Visitor) -> None:
    places = ("0~0~' OR 1=1 --~x", "3~1~~", "0~1~zzzz~%", "3~0~\U0001f600~_")
    for name, value in itertools.product(("after", "before"), places):
        assert doctor.client.get("/", query_string={name: value}).status_code == 200


ROLES = {
    "review_roles": '{"radiologist": ["RAD"], "geneticist": ["GE"], "chief": ["*"]}',
    "review_readers": '{"nurse": ["OTH"]}',
}


@pytest.mark.parametrize(
    ("role", "finds"),
    [
        ("radiologist", {"pneumonia": {"imaging"}, "clopidogrel": set()}),
        ("geneticist", {"pneumonia": set(), "clopidogrel": {"genomics"}}),
        ("nurse", {"pneumonia": set(), "clopidogrel": set()}),
        ("chief", {"pneumonia": {"imaging"}, "clopidogrel": {"genomics", "treatment"}}),
    ],
)
def test_what_a_role_may_not_read_is_listed_and_its_words_are_not_searched(
    visit: Callable[..., Visitor],
    clinic: Clinic,
    tasks: dict[str, str],
    role: str,
    finds: dict[str, set[str]],
) -> None:
    visitor = visit(review_local_user=f"berg:{clinic.practitioner}:{role}", **ROLES)
    assert visitor.log_in().status_code == 303
    assert set(listed(visitor.get(path(clinic)))) == set(tasks.values())
    for word, services in finds.items():
        found = visitor.get(path(clinic, text=word))
        assert set(listed(found)) == {tasks[service] for service in services}
        assert counts(found)["requested"] == len(services), "a count tells what may not be read"
