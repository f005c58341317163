"""What the chart refuses, and why: keys and values by its schema, what does not work together by its templates."""

from typing import Any

import helm_python as helm
import pytest

from tests.charts.renders import render

Json = dict[str, Any]

REFUSED: dict[str, tuple[str, Json]] = {
    "an unknown key": ("additional properties 'replicas' not allowed", {"replicas": 2}),
    "an unknown service": ("'imagin' not allowed", {"components": {"imagin": {}}}),
    "an unknown key of a service": ("'replica' not allowed", {"components": {"imaging": {"replica": 2}}}),
    "an unknown setting": ("'fhir_uri' not allowed", {"settings": {"fhir_uri": "http://x"}}),
    "a secret among the settings": ("'kafka_sasl_password' not allowed", {"settings": {"kafka_sasl_password": "x"}}),
    "a setting of the chart's own": ("'http_port' not allowed", {"settings": {"http_port": 80}}),
    "a wrong choice": ("'/settings/log_level': value must be one of", {"settings": {"log_level": "LOUD"}}),
    "text for a number": ("'/components/imaging/replicas': got string", {"components": {"imaging": {"replicas": "two"}}}),
    "no EHR": ("'/settings/fhir_url': '' does not match", {"settings": {"fhir_url": ""}}),
    "no broker": ("'/settings/kafka_bootstrap_servers': minLength", {"settings": {"kafka_bootstrap_servers": ""}}),
    "two intakes": ("components/intake/replicas", {"components": {"intake": {"replicas": 2}}}),
    "intake scaled by load": ("components/intake/autoscaling", {"components": {"intake": {"autoscaling": {"enabled": True}}}}),
    "more replicas than partitions": (
        "more than settings.partitions (4)",
        {"settings": {"partitions": 4}, "components": {"imaging": {"autoscaling": {"enabled": True, "maxReplicas": 5}}}},
    ),
    "an ingress without a host": ("ingress.host is needed", {"components": {"review": {"ingress": {"enabled": True}}}}),
    "a dot in a name": ("'/nameOverride': 'care.loop' does not match", {"nameOverride": "care.loop"}),
    "a dot in a full name": ("'/fullnameOverride': 'care.loop' does not match", {"fullnameOverride": "care.loop"}),
    "a name that leaves no room": ("set fullnameOverride", {"nameOverride": "a" * 45}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_values_are_refused(name: str) -> None:
    why, values = REFUSED[name]
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert why in str(refused.value)


@pytest.mark.parametrize("release", ["123", "care.loop", "a" * 53])
def test_a_release_whose_name_can_not_begin_a_service_is_refused_until_another_is_given(release: str) -> None:
    with pytest.raises(helm.HelmError, match="set fullnameOverride"):
        render({}, release)
    render({"fullnameOverride": "loop"}, release)
