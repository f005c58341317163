"""charts/careloop by Helm's own library: it lints, and each variant renders to what Kubernetes
accepts.
"""

import json
from collections.abc import Iterator

import helm_python as helm
import kubernetes_validate
import pytest

from shared.json import Json
from shared.settings import Settings
from tests.charts import schema
from tests.charts.renders import CHART, GOLDEN, VARIANTS, manifests, render, values_of
from tests.docker.analysers import OURS

KUBERNETES = ["1.28", "1.31", "1.34", "1.37"]


def of_kind(values: Json, kind: str) -> dict[str, Json]:
    return {m["metadata"]["name"]: m for m in manifests(values) if m["kind"] == kind}


def pods(values: Json) -> Iterator[tuple[str, Json]]:
    """Every pod specification of a render, with its owner's name."""
    for manifest in manifests(values):
        if manifest["kind"] in ("Deployment", "Job"):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]
        elif manifest["kind"] == "Pod":
            yield manifest["metadata"]["name"], manifest["spec"]


def environment(container: Json) -> dict[str, Json]:
    return {variable["name"]: variable for variable in container["env"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_lints(variant: str) -> None:
    report = helm.lint(CHART, values_of(variant), strict=True, kube_version="v1.31.0")
    assert report["errors"] == []
    assert [m for m in report["messages"] if m["severity"] > 1] == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_render_is_the_golden_one(variant: str) -> None:
    """After a change that is meant: `python -m tests.charts.renders`, and read the diff."""
    assert render(values_of(variant)) == (GOLDEN / f"{variant}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_kubernetes_accepts_each_manifest(variant: str, version: str) -> None:
    for manifest in manifests(values_of(variant)):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_kubernetes_refuses_a_planted_error() -> None:
    manifest = next(iter(of_kind({}, "Deployment").values()))
    manifest["spec"]["template"]["spec"]["containers"][0]["probe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, KUBERNETES[0], strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_runs_with_the_least_rights(variant: str) -> None:
    for name, pod in pods(values_of(variant)):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            held = container["securityContext"]
            assert (
                held["readOnlyRootFilesystem"],
                held["allowPrivilegeEscalation"],
                held["capabilities"]["drop"],
            ) == (True, False, ["ALL"]), name
            assert {"requests", "limits"} <= set(container["resources"]), name
            assert not container["image"].endswith(":latest"), name


def test_every_pod_finds_its_image_and_its_nodes() -> None:
    """Also the topics' Job and the Pod of `helm test`, which run before and after the services:
    their place is intake's.
    """
    placed: Json = {
        "nodeSelector": {"pool": "clinical"},
        "tolerations": [{"key": "clinical", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    }
    found = dict(pods({"defaults": placed, "image": {"pullSecrets": ["registry"]}}))
    assert set(found) >= {"careloop-topics", "careloop-test"}
    for name, pod in found.items():
        assert {key: pod.get(key) for key in placed} == placed, name
        assert pod.get("imagePullSecrets") == [{"name": "registry"}], name


def test_a_service_of_a_hospitals_own_package_is_one_entry_more() -> None:
    values: Json = {"components": {"ecg": {"image": "registry.example/ecg:2.1", "replicas": 2}}}
    deployment = of_kind(values, "Deployment")["careloop-ecg"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/ecg:2.1"
    assert container["command"] == ["careloop", "run", "ecg"]
    assert deployment["spec"]["replicas"] == 2
    assert set(of_kind(values, "NetworkPolicy")) >= {"careloop-ecg"}


def test_each_service_runs_by_its_name_and_is_probed() -> None:
    deployments = of_kind({}, "Deployment")
    assert set(deployments) == {f"careloop-{name}" for name in OURS}
    for name in OURS:
        [container] = deployments[f"careloop-{name}"]["spec"]["template"]["spec"]["containers"]
        assert container["command"] == ["careloop", "run", name]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert (
            environment(container)["CARELOOP_KAFKA_GROUP_INSTANCE_ID"]["valueFrom"]["fieldRef"][
                "fieldPath"
            ]
            == "metadata.name"
        )


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_is_a_setting_and_its_value_is_valid(variant: str) -> None:
    """A pod's environment as the service will read it: names that exist, values that parse."""
    maps = of_kind(values_of(variant), "ConfigMap")
    for name, deployment in of_kind(values_of(variant), "Deployment").items():
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        given = {k: v["value"] for k, v in environment(container).items() if "value" in v} | maps[
            name
        ]["data"]
        fields = {
            variable.removeprefix("CARELOOP_").lower(): value for variable, value in given.items()
        }
        assert set(fields) <= set(Settings.model_fields)
        # pydantic parses the strings, as it does the environment's
        Settings(**fields)  # type: ignore[arg-type]


def test_review_shows_films_of_the_pacs_that_imaging_reads() -> None:
    """The password comes to both from the one Secret."""
    values = values_of("production")
    pacs = [
        {
            k: v
            for k, v in of_kind(values, "ConfigMap")[f"careloop-{name}"]["data"].items()
            if "DICOMWEB" in k
        }
        for name in ("imaging", "review")
    ]
    assert (
        pacs
        == [
            {
                "CARELOOP_DICOMWEB_URL": "https://pacs.example/dicom-web",
                "CARELOOP_DICOMWEB_USERNAME": "careloop",
            }
        ]
        * 2
    )


def test_intake_is_one_process_that_keeps_its_cursor() -> None:
    intake = of_kind({}, "Deployment")["careloop-intake"]["spec"]
    assert (intake["replicas"], intake["strategy"]["type"]) == (1, "Recreate")
    [claim] = [
        v["persistentVolumeClaim"]["claimName"]
        for v in intake["template"]["spec"]["volumes"]
        if "persistentVolumeClaim" in v
    ]
    assert claim in of_kind({}, "PersistentVolumeClaim")


def test_an_upgrade_needs_no_second_volume_and_no_second_gpu() -> None:
    values = {
        "components": {
            "imaging": {"gpu": {"enabled": True}},
            "notes": {"gpu": {"enabled": True}, "persistence": {"enabled": True}},
        }
    }
    strategy = {
        name: deployment["spec"]["strategy"]
        for name, deployment in of_kind(values, "Deployment").items()
    }
    assert strategy["careloop-imaging"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    }
    assert strategy["careloop-notes"] == {"type": "Recreate"}
    assert strategy["careloop-review"] == {"type": "RollingUpdate"}


def test_a_pod_has_longer_to_end_than_its_work_in_flight() -> None:
    for settings, expected in (({}, 35), ({"shutdown_sec": 27.5}, 38), ({"shutdown_sec": 90}, 100)):
        pod = of_kind({"settings": settings}, "Deployment")["careloop-notes"]["spec"]["template"][
            "spec"
        ]
        assert pod["terminationGracePeriodSeconds"] == expected


def test_other_settings_make_other_pods() -> None:
    def checksum(values: Json) -> dict[str, str]:
        return {
            name: d["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
            for name, d in of_kind(values, "Deployment").items()
        }

    before, after = (
        checksum({}),
        checksum({"components": {"notes": {"settings": {"log_level": "DEBUG"}}}}),
    )
    assert {name for name in before if before[name] != after[name]} == {"careloop-notes"}


def test_the_topics_come_first() -> None:
    job, settings = (
        of_kind({}, "Job")["careloop-topics"],
        of_kind({}, "ConfigMap")["careloop-topics"],
    )
    hook, before = job["metadata"]["annotations"], settings["metadata"]["annotations"]
    assert hook["helm.sh/hook"] == before["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(before["helm.sh/hook-weight"]) < int(
        hook.get("helm.sh/hook-weight", 0)
    )  # else the Job's pod would wait for it
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["careloop", "topics"]


def test_a_secret_wins_over_the_settings_in_every_pod() -> None:
    """Of two sources in envFrom the last one wins; `env` would win over both, so no setting of a
    user stands there.
    """
    values: Json = {
        "secrets": {"existingSecret": "careloop-env"},
        "settings": {"log_level": "DEBUG"},
    }
    maps = of_kind(values, "ConfigMap")
    running = {
        name: pod["containers"][0]
        for name, pod in pods(values)
        if pod["containers"][0]["command"][0] == "careloop"
    }
    assert set(running) == {*(f"careloop-{name}" for name in OURS), "careloop-topics"}
    for name, container in running.items():
        assert container["envFrom"] == [
            {"configMapRef": {"name": name}},
            {"secretRef": {"name": "careloop-env"}},
        ]
        assert maps[name]["data"]["CARELOOP_LOG_LEVEL"] == "DEBUG"
        assert set(environment(container)) <= {
            f"CARELOOP_{name.upper()}" for name in schema.BY_CHART
        }


def test_the_schema_knows_every_setting_but_secrets() -> None:
    """`python -m tests.charts.schema` renews it from shared.settings."""
    read = schema.SCHEMA.read_text(encoding="utf-8")
    assert schema.render(json.loads(read)) == read


def test_the_schema_is_closed_everywhere() -> None:
    def open_objects(node: object, path: str) -> Iterator[str]:
        if isinstance(node, dict):
            if (
                "properties" in node
                and node.get("type") == "object"
                and node.get("additionalProperties") is not False
            ):
                yield path
            for key, value in node.items():
                yield from open_objects(value, f"{path}/{key}")

    read = json.loads(schema.SCHEMA.read_text(encoding="utf-8"))
    # a hospital's own analyser may have any name; what stands below it is closed, too
    assert list(open_objects(read, "")) == ["/properties/components"]
    [closed, _] = read["properties"]["components"]["additionalProperties"]["allOf"]
    assert closed == {"$ref": "#/definitions/component"}
