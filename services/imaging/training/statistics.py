"""What the numbers of the model card are computed with.

Folds, AUC and the logistic fit are scikit-learn's; an interval that draws patients, the threshold
and the calibration error are ours. Train and evaluate commands alone import this.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def auc(labels: Bools, scores: Floats) -> float:
    """Return the area under the ROC curve; NaN with one class only."""
    if labels.all() or not labels.any():
        return float("nan")
    return float(roc_auc_score(labels, scores))


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
    """Return the fold of each film.

    All films of a patient are in one fold; positives and negatives are spread evenly.
    """
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    found = np.zeros(len(labels), np.int64)
    for fold, (_, members) in enumerate(splitter.split(labels, labels, groups)):
        found[members] = fold
    return found


@dataclass(frozen=True)
class Linear:
    """score = features @ weights + bias, a log-odds."""

    weights: Floats
    bias: float

    def __call__(self, features: Floats) -> Floats:
        """(films,) log-odds of (films, features)."""
        return np.asarray(features @ self.weights + self.bias)


def fit_logistic(features: Floats, labels: Bools, ridge: float) -> Linear:
    """Fit ridge logistic regression; `ridge` weighs |w|^2 / 2, the bias is free.

    Features are standardised inside, and the scaling is folded back into the weights.
    """
    scaler = StandardScaler().fit(features)
    fitted = LogisticRegression(C=1 / ridge, tol=1e-8, max_iter=10_000)
    fitted.fit(scaler.transform(features), labels)

    weights = fitted.coef_[0] / scaler.scale_
    return Linear(weights, float(fitted.intercept_[0] - scaler.mean_ @ weights))


def fit_platt(scores: Floats, labels: Bools) -> tuple[float, float]:
    """Fit the slope and intercept that make scores probabilities."""
    linear = fit_logistic(scores[:, None], labels, ridge=1e-6)
    return float(linear.weights[0]), linear.bias


def threshold_for_sensitivity(labels: Bools, probabilities: Floats, sensitivity: float) -> float:
    """Return the highest threshold that reaches this sensitivity."""
    ranked = np.sort(probabilities[labels])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked)))
    return float(ranked[needed - 1])


def calibration_error(labels: Bools, probabilities: Floats, bins: int = 10) -> float:
    """Expected calibration error over equally filled bins."""
    parts = np.array_split(np.argsort(probabilities), bins)
    gaps = [abs(labels[p].mean() - probabilities[p].mean()) * len(p) for p in parts if len(p)]
    return float(sum(gaps) / len(labels))
