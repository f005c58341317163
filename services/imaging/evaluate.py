"""Measure the chest network.

`python -m services.imaging.evaluate [--data ../shared/data] [--check | --write]`.

Recomputes every number of the model card with the shipped encoder. `--write` puts them into
metrics.json and README.md; `--check` exits 1 where one is under its floor or is not what the card
says. About six minutes on one core.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from services.imaging import model
from services.imaging.preprocess import standardise
from services.imaging.train import DATA, FOLDS, Seen, features, fit, see
from services.imaging.training.films import FILMS, Films, adults, children
from services.imaging.training.statistics import (
    Bools,
    Floats,
    auc,
    auc_interval,
    calibration_error,
    fit_logistic,
    grouped_folds,
)
from shared.dicom.parse import parse
from shared.dicom.pixels import grey
from shared.training.data_sets import require

FLOORS: Final = {"auc": 0.87, "auc_pa": 0.92, "auc_ap": 0.81}
REPEATS: Final = 3
SEEDS: Final = range(100, 100 + REPEATS)
TOLERANCE: Final = 0.005  # between machines
TEMPLATE: Final = Path(__file__).with_name("card.md")


def measure(folder: Path, data: Path) -> dict[str, Any]:
    """Every number of the card."""
    shipped = model.load_folder(folder, "cpu")
    network = shipped.network
    films, kids = adults(data), children(data)
    seen = see(network, films)
    inverted = features(network, films.standardised(inverted=True))
    found = _cross_validated(films, seen, inverted)
    with torch.inference_mode():
        logits = network.classifier(
            torch.from_numpy(features(network, kids.standardised())).float()
        )[:, 0].numpy()
    probabilities = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    flagged = probabilities >= shipped.threshold
    return found | {
        "films": len(films),
        "patients": len(set(films.patients)),
        "films_pa": int((films.views == "PA").sum()),
        "films_ap": int((films.views == "AP").sum()),
        "share": float(films.pneumonia.mean()),
        "features": seen.films.shape[1],
        "folds": FOLDS,
        "repeats": REPEATS,
        "threshold": shipped.threshold,
        "films_children": len(kids),
        "auc_children": auc(kids.pneumonia, probabilities),
        "masses": masses(shipped),
        "flagged_healthy_children": float(flagged[~kids.pneumonia].mean()),
    }


def masses(shipped: model.ChestModel) -> float:
    """The probability on a film that shows masses in both lungs.

    RG1_UNCR.dcm of pydicom-data.
    """
    from pydicom.data import get_testdata_file  # comes with the extras demo and test

    film = parse(Path(str(get_testdata_file("RG1_UNCR.dcm", download=False))).read_bytes())
    return shipped.predict(standardise(grey(film))[None])[0].probability


def _cross_validated(films: Films, seen: Seen, inverted: Floats) -> dict[str, float]:
    """Measure on films of patients new to the layer: means over repeats."""
    rounds = [_round(films, seen, inverted, seed) for seed in SEEDS]
    mean = {
        name: float(np.mean([r[name] for r in rounds]))
        for name in rounds[0]
        if not name.startswith("_")
    }
    low, high = auc_interval(
        films.pneumonia, np.mean([r["_probability"] for r in rounds], axis=0), films.patients
    )
    return mean | {"auc_low": low, "auc_high": high}


def _round(films: Films, seen: Seen, inverted: Floats, seed: int) -> dict[str, Any]:
    labels, count = films.pneumonia, len(films)
    folds = grouped_folds(labels, films.patients, FOLDS, seed)
    probability, upside, confounders, flagged = (
        np.zeros(count),
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, bool),
    )
    beside = np.column_stack([films.views == "PA", films.ages, films.ages**2]).astype(np.float64)
    for fold in range(FOLDS):
        outside = folds == fold
        head = fit(seen, labels, films.patients, ~outside)
        probability[outside], upside[outside] = (
            head.probability(seen.films[outside]),
            head.probability(inverted[outside]),
        )
        flagged[outside] = probability[outside] >= head.threshold
        confounders[outside] = fit_logistic(beside[~outside], labels[~outside], 1.0)(
            beside[outside]
        )
    views = {"pa": films.views == "PA", "ap": films.views == "AP"}
    return {
        "_probability": probability,
        "auc": auc(labels, probability),
        "auc_inverted": auc(labels, upside),
        "auc_confounders": auc(labels, confounders),
        "sensitivity": _share(flagged, labels),
        "specificity": _share(~flagged, ~labels),
        "calibration_error": calibration_error(labels, probability),
        **{f"auc_{name}": auc(labels[view], probability[view]) for name, view in views.items()},
        **{f"specificity_{name}": _share(~flagged, ~labels & view) for name, view in views.items()},
    }


def _share(part: Bools, whole: Bools) -> float:
    return float(part[whole].mean())


def write(folder: Path, found: dict[str, Any]) -> None:
    """metrics.json and README.md of the model folder."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in sorted(found.items())
    }
    content = {"weights_sha256": config["weights_sha256"], "floors": FLOORS, "metrics": rounded}
    (folder / "metrics.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(
        TEMPLATE.read_text(encoding="utf-8").format(**config, **rounded), encoding="utf-8"
    )


def problems(folder: Path, found: dict[str, Any]) -> list[str]:
    """What `--check` fails on.

    A number under its floor, or one that metrics.json does not say; weights that it does not speak
    of.
    """
    published = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    wrong = [
        f"{name} {found[name]:.3f} is under its floor {floor}"
        for name, floor in published["floors"].items()
        if not found[name] >= floor
    ]
    wrong += [
        f"{name}: measured {found[name]:.4f}, said {value}"
        for name, value in published["metrics"].items()
        if abs(found[name] - value) > TOLERANCE
    ]
    if published["weights_sha256"] != config["weights_sha256"]:
        wrong.append("metrics.json speaks of other weights than config.json")
    return wrong


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=DATA, help="folder that holds the films (default: %(default)s)"
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=model.SHIPPED,
        help="model folder (default: the one that ships)",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        "--check",
        action="store_true",
        help="exit 1 where a number is under its floor or differs from the card",
    )
    action.add_argument(
        "--write", action="store_true", help="write the numbers into the model folder"
    )
    options = parser.parse_args()
    require(options.data, *FILMS)
    torch.set_num_threads(1)
    found = measure(options.model, options.data)
    print(json.dumps(found, indent=2))
    if options.write:
        write(options.model, found)
    if options.check and (wrong := problems(options.model, found)):
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
