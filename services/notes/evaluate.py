"""Measure the shipped notes model.

`python -m services.notes.evaluate --data ../shared/data [--part test] [--check] [--write]`.

Entities go the way that notes go: sentence text in, character spans out; a span counts when start,
end and kind are those of the corpus
(strict F1). Assertions: the rules on the NegEx set's concepts. `--check` fails below the floors;
`--write` renews the card's metrics.json.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sklearn.metrics import f1_score

from services.notes.analyze import read
from services.notes.assertion.read import statements
from services.notes.domain import Entity, Inputs
from services.notes.model import SHIPPED, NotesModel, load
from services.notes.reading.normal import normalise
from services.notes.reading.sections import find_sections
from services.notes.reading.sentences import find_sentences
from services.notes.training.corpora import (
    Assertion,
    Sentence,
    entity_spans,
    read_assertions,
    read_iob,
)
from shared.settings import load_settings
from shared.training.data_sets import require

Numbers = dict[str, float]
KINDS: Final = {"Chemical": "drug", "Disease": "problem"}
FLOORS: Final = {
    "BC5CDR chemical F1": 0.865,
    "BC5CDR disease F1": 0.75,
    "NCBI disease F1": 0.815,
    "negation F1": 0.95,
    "historical F1": 0.6,
    "hypothetical F1": 0.82,
}
NOTE: Final = Path(__file__).parents[2] / "examples" / "patient" / "note.txt"


def main() -> int:
    """Print the numbers; exit status 1 where one lies below its floor."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("../shared/data"),
        help="folder that holds entities/ and negation/",
    )
    parser.add_argument(
        "--part", default="devel", help="which part of the entity corpora (file name without .tsv)"
    )
    parser.add_argument(
        "--model", default=None, help="folder or hub id of another token classification model"
    )
    parser.add_argument("--check", action="store_true", help="fail below the floors")
    parser.add_argument(
        "--write", action="store_true", help="write metrics.json beside the weights"
    )
    options = parser.parse_args()
    require(options.data, *parts(options.part))
    if options.write:
        write_metrics({})  # the digest of these very weights, which loading checks
    model = load(load_settings(notes_model=options.model))
    numbers = measure(options.data, options.part, model)
    for name, value in numbers.items():
        print(f"{name:32} {value:.4f}")
    if options.write:
        write_metrics(numbers)
    low = [name for name, floor in FLOORS.items() if numbers[name] < floor]
    if options.check and low:
        print(f"below the floor: {', '.join(low)}", file=sys.stderr)
    return int(options.check and bool(low))


def parts(part: str) -> tuple[str, str, str]:
    """Where in the data folder the corpora stand: BC5CDR, NCBI disease, NegEx."""
    return (
        f"entities/BC5CDR-IOB/{part}.tsv",
        f"entities/NCBI-disease-IOB/{part}.tsv",
        "negation/annotations.tsv",
    )


def measure(data: Path, part: str, model: NotesModel) -> Numbers:
    """Every number of the card."""
    drugs_too, diseases, negation = parts(part)
    bc5cdr, ncbi = read_iob(data / drugs_too), read_iob(data / diseases)
    numbers = {
        f"BC5CDR {k.lower()} F1": v
        for k, v in entity_scores(bc5cdr, model, ("Chemical", "Disease")).items()
    }
    numbers |= {
        f"NCBI {k.lower()} F1": v for k, v in entity_scores(ncbi, model, ("Disease",)).items()
    }
    numbers |= assertion_scores(read_assertions(data / negation))
    return numbers | {"seconds per page": seconds_per_page(model)}


def entity_scores(sentences: list[Sentence], model: NotesModel, kinds: Iterable[str]) -> Numbers:
    """Strict F1 by kind."""
    found = model.entities([s.text for s in sentences])
    scores = {}
    for kind in kinds:
        gold = {
            (i, a, b) for i, s in enumerate(sentences) for a, b, k in entity_spans(s) if k == kind
        }
        marked = {
            (i, e.start, e.end)
            for i, entities in enumerate(found)
            for e in entities
            if e.kind == KINDS[kind]
        }
        scores[kind] = f1(len(gold & marked), len(marked), len(gold))
    return scores


def assertion_scores(lines: list[Assertion]) -> Numbers:
    """Measure F1 of `negated`, `historical` and `hypothetical`.

    On the lines whose sentence holds their concept.
    """
    pairs = [(line, marked) for line in lines if (marked := assertion_in(line)) is not None]
    numbers: Numbers = {}
    golds: Mapping[str, list[bool]] = {
        "negated": [line.negation == "negated" for line, _ in pairs],
        "historical": [
            line.temporality == "historical" and line.negation != "negated" for line, _ in pairs
        ],
        "hypothetical": [
            line.temporality == "not particular" and line.negation != "negated" for line, _ in pairs
        ],
    }
    for name, gold in golds.items():
        named = [answer == name for _, answer in pairs]
        title = "negation" if name == "negated" else name
        numbers[f"{title} F1"] = float(f1_score(gold, named))
    return numbers | {"negation lines": float(len(pairs))}


def assertion_in(line: Assertion) -> str | None:
    """What the service says of the line's concept.

    None where the line does not hold it.
    """
    words = r"\s+".join(map(re.escape, line.concept.split()))
    place = re.search(words, normalise(line.sentence).text, re.IGNORECASE)
    if place is None:
        return None
    text = normalise(line.sentence).text
    sections = find_sections(text)
    sentences = find_sentences(text, sections)
    whole = (0, len(text))
    span = next((s for s in sentences if s[0] <= place.start() < s[1]), whole)
    entity = Entity(place.start(), min(place.end(), span[1]), "problem")
    [said] = statements(text, sections, sentences, [(span, [entity])])
    return said.assertion or "not told"


def seconds_per_page(model: NotesModel) -> float:
    """The demo's note (about a page), median of five, on this machine and its threads."""
    text = NOTE.read_text(encoding="utf-8")
    inputs = Inputs("Patient/1", "", {}, "DocumentReference/1", "34117-2", text)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        read(inputs, model)
        taken.append(time.perf_counter() - began)
    return sorted(taken)[2]


def f1(both: int, marked: int, gold: int) -> float:
    """Return the F1 of spans, by their counts; 0 where nothing was right."""
    return 2 * both / (marked + gold) if both else 0.0


def write_metrics(numbers: Numbers) -> None:
    """metrics.json: the digest of the weights and what they reach."""
    digest = hashlib.sha256((SHIPPED / "adapter_model.safetensors").read_bytes()).hexdigest()
    rounded = {name: round(value, 4) for name, value in numbers.items()}
    (SHIPPED / "metrics.json").write_text(
        json.dumps({"sha256": digest, "metrics": rounded}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
