"""Makes `shared/fhir/r4.json` from R4's own StructureDefinitions: `python -m tests.r4_table`.

They lie in HAPI's jar `hapi-fhir-validation-resources-r4` (profiles-resources.xml,
profiles-types.xml, valuesets.xml), which the tests fetch anyway. `fhir.resources` is no source: it
is generated from R4B, which widened some targets, and it abbreviates value sets ("final | +").
tests/unit/check compares the file with what this makes.

A row says of one element: `type`; `min` if it is required; `list` if it repeats; `to` the kinds a
Reference may point at;
`codes` the name of its value set where the binding is required; `choice` which [x] it is one of.
"""

import argparse
import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.jars import VALIDATOR, jars

TABLE: Final = Path(__file__).parents[1] / "shared" / "fhir" / "r4.json"
F: Final = "{http://hl7.org/fhir}"
CANONICAL: Final = "http://hl7.org/fhir/StructureDefinition/"
# what careloop writes, what it loads for the demo and the tests, and what carries them
KINDS: Final = """
AllergyIntolerance AuditEvent Basic Binary Bundle CarePlan Condition Consent DetectedIssue Device
DiagnosticReport DocumentReference Encounter Endpoint Goal ImagingStudy Media Medication
MedicationRequest MedicationStatement Observation OperationOutcome Organization Parameters Patient
Practitioner PractitionerRole Provenance RequestGroup ServiceRequest Subscription Task
""".split()  # noqa: SIM905 - a page of quotation marks otherwise
# no plain lists of codes, or fhir.resources' business
UNBOUNDED: Final = frozenset(
    {"mimetypes", "languages", "all-types", "all-languages", "currencies", "units-of-time"}
)

Rows = dict[str, dict[str, dict[str, Any]]]


def text(node: ET.Element | None, path: str) -> str:
    found = None if node is None else node.find("/".join(F + step for step in path.split("/")))
    return "" if found is None else found.get("value", "")


def xml_of(name: str) -> ET.Element:
    jar = next(
        path
        for path in jars(VALIDATOR)
        if path.name.startswith("hapi-fhir-validation-resources-r4")
    )
    with zipfile.ZipFile(jar) as archive:
        return ET.fromstring(archive.read(f"org/hl7/fhir/r4/model/{name}"))


def resources(name: str, kind: str) -> Iterator[ET.Element]:
    return xml_of(name).iter(F + kind)


class ValueSets:
    """Required bindings: the codes of each value set, listed or of a whole code system."""

    def __init__(self) -> None:
        bundle = xml_of("valueset/valuesets.xml")
        self.systems = {text(s, "url"): s for s in bundle.iter(F + "CodeSystem")}
        self.sets = {text(s, "url"): s for s in bundle.iter(F + "ValueSet")}
        self.used: dict[str, list[str]] = {}

    def name(self, url: str) -> str | None:
        """Its short name, once its codes are known; None where it is no plain list."""
        url = url.partition("|")[0]
        name = url.rsplit("/", 1)[-1]
        if name in UNBOUNDED or url not in self.sets:
            return None
        codes = self._codes(self.sets[url])
        if codes:
            self.used[name] = sorted(codes)
        return name if codes else None

    def _codes(self, value_set: ET.Element) -> set[str]:
        found: set[str] = set()
        for include in value_set.findall(f"{F}compose/{F}include"):
            listed = [text(concept, "code") for concept in include.findall(f"{F}concept")]
            system = self.systems.get(text(include, "system"))
            whole = (
                []
                if system is None
                else [text(concept, "code") for concept in system.iter(F + "concept")]
            )
            if include.find(F + "filter") is not None or not (listed or whole):
                return set()
            found |= set(listed or whole)
        return found


def row(element: ET.Element, kind: str, path: str, sets: ValueSets) -> dict[str, Any]:
    """What holds for an element whatever its type."""
    made: dict[str, Any] = {"type": kind}
    if text(element, "min") not in ("", "0"):
        made["min"] = 1
    if text(element, "max") not in ("0", "1"):
        made["list"] = 1
    if kind in ("BackboneElement", "Element"):
        made["type"] = path
    if text(element, "binding/strength") == "required" and kind in (
        "code",
        "CodeableConcept",
        "Coding",
    ):
        codes = sets.name(text(element, "binding/valueSet"))
        made |= {"codes": codes} if codes else {}
    return made


def targets(node: ET.Element) -> list[str]:
    """The kinds that a Reference may name; none: any."""
    profiles = [
        p.get("value", "").removeprefix(CANONICAL) for p in node.findall(F + "targetProfile")
    ]
    return [] if "Resource" in profiles else sorted(profiles)


def add_element(rows: Rows, element: ET.Element, sets: ValueSets) -> None:
    path = text(element, "path")
    parent, _, name = path.rpartition(".")
    content = element.find(F + "contentReference")
    if content is not None:
        rows.setdefault(parent, {})[name] = row(
            element, content.get("value", "").removeprefix("#"), path, sets
        )
        return
    for node in element.findall(F + "type"):
        kind = text(node, "code").removeprefix("http://hl7.org/fhirpath/System.")
        made = row(
            element,
            kind[0].lower() + kind[1:] if text(node, "code").startswith("http") else kind,
            path,
            sets,
        )
        if kind == "Reference" and targets(node):
            made["to"] = targets(node)
        shown = name
        if name.endswith("[x]"):
            made["choice"] = name[:-3]
            shown = name[:-3] + kind[0].upper() + kind[1:]
        rows.setdefault(parent, {})[shown] = made


def add_definition(rows: Rows, definition: ET.Element, sets: ValueSets) -> None:
    for element in definition.findall(f"{F}snapshot/{F}element")[1:]:
        add_element(rows, element, sets)


def needed(rows: Rows) -> Rows:
    """The kinds above and every type that they use."""
    kept: Rows = {}
    queue = [*KINDS, "Element"]  # Element: what stands beside a primitive (`_status`)
    while queue:
        kind = queue.pop()
        if kind in rows and kind not in kept:
            kept[kind] = rows[kind]
            queue += [made["type"] for made in rows[kind].values()]
    return dict(sorted(kept.items()))


def table() -> dict[str, Any]:
    """The whole file's content."""
    rows: Rows = {}
    sets = ValueSets()
    kinds: list[str] = []
    for name in ("profile/profiles-types.xml", "profile/profiles-resources.xml"):
        for definition in resources(name, "StructureDefinition"):
            if text(definition, "derivation") != "constraint" and text(definition, "kind") in (
                "complex-type",
                "resource",
            ):
                add_definition(rows, definition, sets)
                kinds += (
                    [text(definition, "name")]
                    if text(definition, "kind") == "resource"
                    and text(definition, "abstract") == "false"
                    else []
                )
    types = needed(rows)
    used = {
        made["codes"]
        for elements in types.values()
        for made in elements.values()
        if "codes" in made
    }
    return {
        "version": "4.0.1",
        "kinds": sorted(kinds),
        "codes": {name: sets.used[name] for name in sorted(used)},
        "types": types,
    }


def render(made: dict[str, Any]) -> str:
    """JSON with one line per value set and per element: a change of the standard shows as a short
    diff.
    """
    lines = [
        f'{{"version": {json.dumps(made["version"])},',
        f'"kinds": {json.dumps(made["kinds"])},',
        '"codes": {',
    ]
    lines += [f"{json.dumps(name)}: {json.dumps(codes)}," for name, codes in made["codes"].items()]
    lines[-1] = lines[-1][:-1] + "},"
    lines.append('"types": {')
    for kind, elements in made["types"].items():
        lines.append(f"{json.dumps(kind)}: {{")
        lines += [f" {json.dumps(name)}: {json.dumps(rule)}," for name, rule in elements.items()]
        lines[-1] = lines[-1][:-1] + "},"
    lines[-1] = lines[-1][:-1] + "}}"
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tests.r4_table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    TABLE.write_text(render(table()), encoding="utf-8")
    print(f"{TABLE}: {TABLE.stat().st_size} bytes")
