"""What stands open to the outside, and under which address."""

import pytest

from services.intake.notifications.webhook import paths
from services.intake.watched import installed
from shared.json import Json
from shared.web.openapi import document
from tests.charts.renders import manifests
from tests.docker.analysers import OURS


def found(values: Json, kind: str) -> dict[str, Json]:
    return {m["metadata"]["name"]: m for m in manifests(values) if m["kind"] == kind}


def review(ingress: Json, **settings: str | int) -> Json:
    return {
        "components": {"review": {"ingress": {"enabled": True, **ingress}, "settings": settings}}
    }


def test_a_wildcard_is_a_host() -> None:
    ingress = found(
        review(
            {"host": "*.clinic.example", "tlsSecret": "1"},
            review_url="https://review.clinic.example",
        ),
        "Ingress",
    )["careloop-review"]
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["*.clinic.example"]
    assert ingress["spec"]["tls"] == [{"secretName": "1", "hosts": ["*.clinic.example"]}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (review({"host": "review.example", "tlsSecret": "review-tls"}), "https://review.example"),
        (
            review({"host": "review.example"}),
            "https://review.example",
        ),  # TLS ends before the Ingress
        (
            review({"host": "review.example"}, review_url="https://front.example"),
            "https://front.example",
        ),
        ({"components": {"review": {"ingress": {"host": "review.example"}}}}, None),
    ],
)
def test_review_knows_the_address_that_people_open(values: Json, expected: str | None) -> None:
    """OpenID Connect sends people back there; the pod itself sees plain HTTP."""
    assert (
        found(values, "ConfigMap")["careloop-review"]["data"].get("CARELOOP_REVIEW_URL") == expected
    )


def test_the_host_of_another_service_is_not_reviews() -> None:
    values = {"components": {"intake": {"ingress": {"enabled": True, "host": "intake.example"}}}}
    assert [
        name for name, m in found(values, "ConfigMap").items() if "CARELOOP_REVIEW_URL" in m["data"]
    ] == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (review({"host": "review.example"}), "1"),
        (review({"host": "review.example"}, review_proxies=2), "2"),
        (review({"host": "review.example"}, review_proxies=0), "0"),
        ({"components": {"review": {}}}, None),
        ({"components": {"intake": {"ingress": {"enabled": True, "host": "x.example"}}}}, None),
    ],
)
def test_behind_an_ingress_review_believes_its_word_for_the_client(
    values: Json, expected: str | None
) -> None:
    """The audit trail names the client, not the Ingress."""
    data = found(values, "ConfigMap")["careloop-review"]["data"]
    assert data.get("CARELOOP_REVIEW_PROXIES") == expected


CONTROLLER: Json = {"namespaceSelector": {"matchLabels": {"name": "ingress"}}}
PROMETHEUS: Json = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
HERE: Json = {"podSelector": {}}
PUBLIC = {"intake", "review"}


@pytest.mark.parametrize(
    ("policy", "public", "inner"),
    [
        ({}, None, [HERE]),
        ({"from": [CONTROLLER]}, [HERE, CONTROLLER], [HERE]),
        ({"metricsFrom": [PROMETHEUS]}, None, [HERE, PROMETHEUS]),
        (
            {"from": [CONTROLLER], "metricsFrom": [PROMETHEUS]},
            [HERE, PROMETHEUS, CONTROLLER],
            [HERE, PROMETHEUS],
        ),
    ],
)
def test_who_reaches_what(policy: Json, public: list[Json] | None, inner: list[Json]) -> None:
    """None: anybody. An analyser's /analyze reads the EHR, so no ingress controller reaches it."""
    policies = found({"networkPolicy": policy}, "NetworkPolicy")
    for name in OURS:
        [rule] = policies[f"careloop-{name}"]["spec"]["ingress"]
        assert rule["ports"] == [{"port": "http"}]
        assert rule.get("from") == (public if name in PUBLIC else inner), name


def test_of_intake_the_notifications_alone_stand_open() -> None:
    values = {"components": {"intake": {"ingress": {"enabled": True, "host": "intake.example"}}}}
    [rule] = found(values, "Ingress")["careloop-intake"]["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert path["pathType"] == "Prefix"
    through = {
        route
        for route in document("intake", "", paths(installed()))["paths"]
        if route.startswith(f"{path['path']}/")
    }
    assert through == {"/notify/{kind}", "/notify/{kind}/{type}/{id}"}
