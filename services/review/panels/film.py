"""The heat maps of a result, and the film that they are laid over."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.review.panels.material import Material
from services.review.result.film import Film, film_of
from shared.json import Json


@dataclass(frozen=True)
class Figures:
    """Pictures by key of the output, and the film beneath them."""

    images: Mapping[str, Json]
    film: Film


def figures(material: Material) -> Figures | None:
    """Return the pictures; None where the result has none."""
    images = material.result.of_kind("Media")
    if not images:
        return None
    film = film_of(material.ehr, material.settings, material.films, material.result)
    return Figures(images, film)
