"""What the numbers of the model card are computed with: folds that keep patients together, AUC, its
interval, a logistic fit (numpy alone).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def auc(labels: Bools, scores: Floats) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    NaN with one class only.
    """
    positive, negative = scores[labels], scores[~labels]
    if not len(positive) or not len(negative):
        return float("nan")
    order = np.sort(negative)
    below, upto = (
        np.searchsorted(order, positive, "left"),
        np.searchsorted(order, positive, "right"),
    )
    return float((below + upto).sum() / 2.0 / len(positive) / len(negative))


def auc_interval(
    labels: Bools, scores: Floats, groups: npt.NDArray[Any], draws: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC; patients are drawn, not films."""
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    drawn = []
    for _ in range(draws):
        films = np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        drawn.append(auc(labels[films], scores[films]))
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def grouped_folds(
    labels: Bools, groups: npt.NDArray[Any], folds: int, seed: int
) -> npt.NDArray[np.int64]:
    """The fold of each film: all films of a patient in one, positives and negatives spread evenly.

    Patients are shuffled, the ones with most films placed first, each into the fold that then is
    most even.
    """
    random = np.random.default_rng(seed)
    names = np.unique(groups)
    counts = {
        g: np.array([(~labels[groups == g]).sum(), labels[groups == g].sum()], float) for g in names
    }
    total = sum(counts.values(), np.zeros(2))
    filled = np.zeros((folds, 2))
    place: dict[Any, int] = {}
    for name in sorted(random.permutation(names), key=lambda g: -counts[g].sum()):
        after = (filled + counts[name]) / total
        cost = [
            np.std(
                np.vstack([after[i] if i == k else filled[i] / total for i in range(folds)]), axis=0
            ).sum()
            for k in range(folds)
        ]
        best = int(np.argmin(cost))
        filled[best] += counts[name]
        place[name] = best
    return np.array([place[g] for g in groups])


@dataclass(frozen=True)
class Linear:
    """score = features @ weights + bias, a log-odds."""

    weights: Floats
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """(films,) log-odds of (films, features)."""
        return np.asarray(features @ self.weights + self.bias)


def fit_logistic(features: Floats, labels: Bools, ridge: float, steps: int = 40) -> Linear:
    """Ridge logistic regression by Newton's method (IRLS); `ridge` weighs |w|^2 / 2, the bias is
    free.

    Features are standardised inside and the scaling folded back. With more features than films the
    fit is solved in the span of the films, where the ridge solution lies, so its cost is that of
    the films.
    """
    mean, deviation = features.mean(0), features.std(0) + 1e-8
    standard = (features - mean) / deviation
    kernel = standard @ standard.T / ridge
    alpha, bias = _newton(kernel, labels.astype(np.float64), steps)
    weights = standard.T @ alpha / ridge / deviation
    return Linear(weights, float(bias - mean @ weights))


def _newton(kernel: Floats, target: Floats, steps: int) -> tuple[Floats, float]:
    """(alpha, bias) that minimise sum log(1 + exp(-y f)) + alpha K alpha / 2, f = K alpha + bias."""
    count = len(target)
    alpha, bias = np.zeros(count), 0.0
    for _ in range(steps):
        probability = 1.0 / (1.0 + np.exp(-(kernel @ alpha + bias)))
        weight = np.clip(probability * (1 - probability), 1e-6, None)
        working = kernel @ alpha + bias + (target - probability) / weight
        system = np.block(
            [
                [kernel + np.diag(1 / weight), np.ones((count, 1))],
                [np.ones((1, count)), np.zeros((1, 1))],
            ]
        )
        solved = np.linalg.solve(system, np.append(working, 0.0))
        change = np.abs(solved[:-1] - alpha).max()
        alpha, bias = solved[:-1], float(solved[-1])
        if change < 1e-8:
            break
    return alpha, bias


def fit_platt(scores: Floats, labels: Bools) -> tuple[float, float]:
    """(slope, intercept) that make sigmoid(slope * score + intercept) a probability on these
    scores.
    """
    linear = fit_logistic(scores[:, None], labels, ridge=1e-6)
    return float(linear.weights[0]), linear.bias


def threshold_for_sensitivity(labels: Bools, probabilities: Floats, sensitivity: float) -> float:
    """The highest threshold at which at least this share of the positives is at or above it."""
    ranked = np.sort(probabilities[labels])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked)))
    return float(ranked[needed - 1])


def calibration_error(labels: Bools, probabilities: Floats, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    parts = np.array_split(np.argsort(probabilities), bins)
    gaps = [abs(labels[p].mean() - probabilities[p].mean()) * len(p) for p in parts if len(p)]
    return float(sum(gaps) / len(labels))
