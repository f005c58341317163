"""Names, labels and texts from outside stay what they are: YAML reads 123 otherwise."""

from collections.abc import Iterator

import kubernetes_validate
import pytest

from shared.json import Json
from tests.charts.renders import manifests

STRINGS = {
    "app.kubernetes.io/instance",
    "namespace",
    "name",
    "secretName",
    "claimName",
    "ingressClassName",
    "storageClassName",
    "runtimeClassName",
}
DIGITS: Json = {
    "fullnameOverride": "c1",
    "secrets": {"existingSecret": "1", "existingFileSecret": "2"},
    "image": {"pullSecrets": ["3"]},
    "components": {
        "intake": {"persistence": {"enabled": True, "existingClaim": "4"}},
        "imaging": {
            "gpu": {"enabled": True, "runtimeClassName": "5"},
            "persistence": {"enabled": True, "storageClass": "6", "size": 1073741824},
        },
        "review": {
            "ingress": {
                "enabled": True,
                "host": "review.example",
                "className": "7",
                "tlsSecret": "8",
            }
        },
    },
}


def texts(node: object) -> Iterator[tuple[str, object]]:
    """Each name, label and class that stands anywhere in a manifest."""
    if isinstance(node, dict):
        yield from (
            (key, value)
            for key, value in node.items()
            if key in STRINGS and not isinstance(value, dict | list)
        )
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from texts(child)


def test_names_of_digits_stay_names() -> None:
    found = [
        text
        for manifest in manifests(DIGITS, release="123", namespace="9")
        for text in texts(manifest)
    ]
    assert {value for _, value in found} >= {"123", *"123456789"}
    assert [(key, value) for key, value in found if not isinstance(value, str)] == []


def test_kubernetes_accepts_names_of_digits() -> None:
    for manifest in manifests(DIGITS, release="123", namespace="9"):
        kubernetes_validate.validate(manifest, "1.31", strict=True)


@pytest.mark.parametrize(
    ("values", "release", "expected"),
    [
        ({}, "careloop", "careloop-notes"),
        ({}, "test", "test-careloop-notes"),
        ({}, "my-careloop", "my-careloop-notes"),
        ({"nameOverride": "ai"}, "test", "test-ai-notes"),
        ({"nameOverride": "ai", "fullnameOverride": "loop"}, "test", "loop-notes"),
    ],
)
def test_what_objects_are_called(values: Json, release: str, expected: str) -> None:
    names = {m["metadata"]["name"] for m in manifests(values, release) if m["kind"] == "Deployment"}
    assert expected in names
