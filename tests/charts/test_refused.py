"""What the chart refuses, and why: keys and values by its schema, what does not work together by
its templates.
"""

import helm_python as helm
import pytest

from shared.json import Json
from shared.settings import Settings
from tests.charts.renders import render

REFUSED: dict[str, tuple[str, Json]] = {
    "an unknown key": ("additional properties 'replicas' not allowed", {"replicas": 2}),
    "an unknown service": ("missing property 'image'", {"components": {"imagin": {}}}),
    "a service of somebody's own without its image": (
        "'/components/holter/image': minLength",
        {"components": {"holter": {"image": ""}}},
    ),
    "a name that is none of a service": ("'Ecg'", {"components": {"Ecg": {"image": "a/b:1"}}}),
    "a name too long for a Service": (
        "is longer than 63 characters",
        {"fullnameOverride": "a" * 40, "components": {"b" * 31: {"image": "a/b:1"}}},
    ),
    "an unknown key of a service": (
        "'replica' not allowed",
        {"components": {"imaging": {"replica": 2}}},
    ),
    "an unknown setting": ("'fhir_uri' not allowed", {"settings": {"fhir_uri": "http://x"}}),
    "a secret among the settings": (
        "'kafka_sasl_password' not allowed",
        {"settings": {"kafka_sasl_password": "x"}},
    ),
    "a setting of the chart's own": ("'http_port' not allowed", {"settings": {"http_port": 80}}),
    "a wrong choice": (
        "'/settings/log_level': value must be one of",
        {"settings": {"log_level": "LOUD"}},
    ),
    "text for a number": (
        "'/components/imaging/replicas': got string",
        {"components": {"imaging": {"replicas": "two"}}},
    ),
    "no partition": ("'/settings/partitions': minimum", {"settings": {"partitions": 0}}),
    "too many partitions": ("'/settings/partitions': maximum", {"settings": {"partitions": 1001}}),
    "a session that is over at once": (
        "'/components/notes/settings/kafka_session_timeout_ms': minimum",
        {"components": {"notes": {"settings": {"kafka_session_timeout_ms": 10}}}},
    ),
    "an end before the beginning": (
        "'/settings/shutdown_sec': exclusiveMinimum",
        {"settings": {"shutdown_sec": -5}},
    ),
    "no EHR": ("'/settings/fhir_url': '' does not match", {"settings": {"fhir_url": ""}}),
    "no broker": (
        "'/settings/kafka_bootstrap_servers': minLength",
        {"settings": {"kafka_bootstrap_servers": ""}},
    ),
    "two copies of review": (
        "components.review (with `defaults`) has to be one replica",
        {"components": {"review": {"replicas": 2}}},
    ),
    "a growing review": (
        "components.review (with `defaults`) has to be one replica",
        {"components": {"review": {"autoscaling": {"enabled": True}}}},
    ),
    "two intakes": (
        "components.intake (with `defaults`) has to be one",
        {"components": {"intake": {"replicas": 2}}},
    ),
    "two intakes by the defaults": (
        "components.intake (with `defaults`) has to be one",
        {"defaults": {"replicas": 2}},
    ),
    "intake scaled by load": (
        "components.intake (with `defaults`) has to be one",
        {"components": {"intake": {"autoscaling": {"enabled": True}}}},
    ),
    "intake scaled by load by the defaults": (
        "components.intake (with `defaults`) has to be one",
        {"defaults": {"autoscaling": {"enabled": True}}},
    ),
    "two intakes during an upgrade": (
        "components.intake (with `defaults`) has to be one",
        {
            "components": {
                "intake": {"strategy": "RollingUpdate", "persistence": {"enabled": False}}
            }
        },
    ),
    "more replicas than partitions by load": (
        "components.imaging has more replicas than settings.partitions (4)",
        {
            "settings": {"partitions": 4},
            "components": {"imaging": {"autoscaling": {"enabled": True, "maxReplicas": 5}}},
        },
    ),
    "more replicas than partitions": (
        "components.notes has more replicas than settings.partitions (24)",
        {
            "components": {
                "notes": {"replicas": 1 + int(Settings.model_fields["partitions"].default)}
            }
        },
    ),
    "at least two, at most one": (
        "components.notes.autoscaling.minReplicas is more",
        {"components": {"notes": {"autoscaling": {"enabled": True, "maxReplicas": 1}}}},
    ),
    "one claim for two pods": (
        "components.notes (with `defaults`) has persistence and more",
        {"defaults": {"persistence": {"enabled": True}}, "components": {"notes": {"replicas": 2}}},
    ),
    "one claim for pods by load": (
        "components.notes (with `defaults`) has persistence and more",
        {
            "components": {
                "notes": {"persistence": {"enabled": True}, "autoscaling": {"enabled": True}}
            }
        },
    ),
    "an ingress without a host": (
        "ingress.host is needed",
        {"components": {"review": {"ingress": {"enabled": True}}}},
    ),
    "an ingress to a URL": (
        "/ingress/host': 'https://r.example' does not match",
        {"components": {"review": {"ingress": {"host": "https://r.example"}}}},
    ),
    "an ingress to two stars": (
        "/ingress/host': '*.*.example' does not match",
        {"components": {"review": {"ingress": {"host": "*.*.example"}}}},
    ),
    "review at no address in particular": (
        "components.review.settings.review_url is needed",
        {"components": {"review": {"ingress": {"enabled": True, "host": "*.example"}}}},
    ),
    "films that review can't show": (
        "make it settings.dicomweb_url",
        {
            "components": {
                "imaging": {"settings": {"dicomweb_url": "https://pacs.example/dicom-web"}}
            }
        },
    ),
    "a dot in a name": (
        "'/nameOverride': 'care.loop' does not match",
        {"nameOverride": "care.loop"},
    ),
    "a dot in a full name": (
        "'/fullnameOverride': 'care.loop' does not match",
        {"fullnameOverride": "care.loop"},
    ),
    "a name that leaves no room": ("set fullnameOverride", {"nameOverride": "a" * 45}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_values_are_refused(name: str) -> None:
    why, values = REFUSED[name]
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert why in str(refused.value)


@pytest.mark.parametrize("release", ["123", "care.loop", "a" * 53])
def test_a_release_whose_name_can_not_begin_a_service_is_refused_until_another_is_given(
    release: str,
) -> None:
    with pytest.raises(helm.HelmError, match="set fullnameOverride"):
        render({}, release)
    render({"fullnameOverride": "loop"}, release)


ACCEPTED: dict[str, Json] = {
    "as many replicas as partitions": {
        "components": {"notes": {"replicas": int(Settings.model_fields["partitions"].default)}}
    },
    "several pods without the claim of the defaults": {
        "defaults": {"persistence": {"enabled": True}},
        "components": {"treatment": {"replicas": 3, "persistence": {"enabled": False}}},
    },
    "a PACS for imaging alone, without review": {
        "components": {
            "imaging": {"settings": {"dicomweb_url": "https://pacs.example/dicom-web"}},
            "review": {"enabled": False},
        }
    },
    "what can't run, but is off": {"components": {"notes": {"enabled": False, "replicas": 99}}},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_just_right_is_rendered(name: str) -> None:
    render(ACCEPTED[name])
