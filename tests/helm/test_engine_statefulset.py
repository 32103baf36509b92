"""The engines' pods: vLLM's flags, its GPUs and weights, how it starts and ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from models.flags import LaunchSpec, engine_python, gpu_command
from tests.helm.chart import Manifest, container_of, environment, of_kind, one, pod_of, render
from tests.helm.test_chart import RELEASES
from tests.helm.test_gateway_config import settings

REPOSITORY = Path(__file__).parents[2]
# vLLM's own parser on the flags in standard input; prints what it makes of them.
PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser())
for words in json.load(sys.stdin):
    found = parser.parse_args(words)
    validate_parsed_serve_args(found)
    plain = {name: value for name, value in vars(found).items() if isinstance(value, str | int | float | list)}
    print(json.dumps(plain))
"""


def engine(values: dict[str, Any] | None = None) -> Manifest:
    return one(render(values), "StatefulSet", "preceptor-engine")


def arguments(values: dict[str, Any] | None = None) -> list[str]:
    found = container_of(engine(values))["args"]
    assert isinstance(found, list)
    return found


def flags(words: list[str]) -> dict[str, str | None]:
    """Flag and value, whether they come as one word or as two."""
    found: dict[str, str | None] = {}
    for word, following in zip(words, [*words[1:], "--"], strict=True):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            found[name] = value if equals else (None if following.startswith("--") else following)
    return found


def test_flags_and_environment_are_the_launchers(tmp_path: Path) -> None:
    spec = LaunchSpec(
        model=str(tmp_path), served_model_name="qwen3-30b-a3b", host="0.0.0.0", port=8001, max_model_len=16384
    )
    command = gpu_command(spec, Path("vllm"))
    start = command.index("vllm")
    chart = flags(arguments())
    assert {name: chart.get(name, "missing") for name in flags(list(command))} == flags(list(command))
    env = environment(render(), container_of(engine()))
    expected = dict(word.split("=", 1) for word in command[1:start])
    assert {name: env.get(name) for name in expected} == expected


@pytest.mark.parametrize("wanted", [True, False])
def test_engines_schedule_by_priority_where_the_gateway_sends_priorities(wanted: bool) -> None:
    values = {"gateway": {"settings": {"engine_priorities": wanted}}}
    assert settings(values).engine_priorities is wanted
    assert ("--scheduling-policy=priority" in arguments(values)) is wanted


def test_the_model_of_the_reference_runs_on_one_gpu_in_fp8() -> None:
    words = arguments()
    own = {"--max-num-seqs": "128", "--max-num-batched-tokens": "8192", "--gpu-memory-utilization": "0.9"}
    assert words[0] == "/models/Qwen3-30B-A3B-Instruct-2507-FP8"
    assert own.items() <= flags(words).items()
    assert "--enable-request-id-headers" in words
    assert not [word for word in words if "parallel" in word or "trust" in word]
    assert container_of(engine())["resources"]["limits"]["nvidia.com/gpu"] == 1


@pytest.mark.parametrize(
    ("parallel", "gpus", "expected"),
    [
        ({"tensor": 2}, 2, {"--tensor-parallel-size": "2"}),
        ({"data": 4, "expert": True}, 4, {"--data-parallel-size": "4", "--enable-expert-parallel": None}),
        ({"tensor": 2, "pipeline": 2}, 4, {"--tensor-parallel-size": "2", "--pipeline-parallel-size": "2"}),
        ({"tensor": 2, "data": 4}, 8, {"--tensor-parallel-size": "2", "--data-parallel-size": "4"}),
    ],
)
def test_a_model_is_laid_over_several_gpus(
    parallel: dict[str, Any], gpus: int, expected: dict[str, str | None]
) -> None:
    values = {"engine": {"parallel": parallel}}
    found = {name: value for name, value in flags(arguments(values)).items() if "parallel" in name}
    assert found == expected
    assert container_of(engine(values))["resources"]["limits"]["nvidia.com/gpu"] == gpus


def test_an_engine_tells_its_own_spans_where_it_is_told_to() -> None:
    assert "--otlp-traces-endpoint" not in flags(arguments())
    traced = flags(arguments({"engine": {"otlpTracesEndpoint": "http://collector:4317"}}))
    assert traced["--otlp-traces-endpoint"] == "http://collector:4317"


def test_weights_come_from_a_volume_that_is_only_read() -> None:
    found = engine({"engine": {"weights": {"existingClaim": "checkpoints", "path": "mine"}}})
    (volume,) = [volume for volume in pod_of(found)["volumes"] if volume["name"] == "weights"]
    assert volume["persistentVolumeClaim"] == {"claimName": "checkpoints", "readOnly": True}
    assert {"name": "weights", "mountPath": "/models", "readOnly": True} in container_of(found)["volumeMounts"]
    assert container_of(found)["args"][0] == "/models/mine"


def test_or_they_are_streamed_from_a_store() -> None:
    manifests = render(RELEASES["object store"])
    container = container_of(one(manifests, "StatefulSet", "preceptor-engine"))
    assert container["args"][0] == "s3://models/qwen"
    assert "--load-format=runai_streamer" in container["args"]
    assert container["envFrom"] == [{"secretRef": {"name": "store"}}]
    variables = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert variables["AWS_ENDPOINT_URL"] == "http://store:9000"
    assert "/models" not in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_workers_get_shared_memory_and_caches_get_a_place() -> None:
    found = engine({"engine": {"sharedMemory": "32Gi"}})
    volumes = {volume["name"]: volume.get("emptyDir") for volume in pod_of(found)["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container_of(found)["volumeMounts"]}
    assert volumes["shm"] == {"medium": "Memory", "sizeLimit": "32Gi"}
    assert (mounts["shm"], mounts["cache"]) == ("/dev/shm", "/cache")
    assert {"name": "HOME", "value": "/cache"} in container_of(found)["env"]


@pytest.mark.parametrize(("seconds", "failures"), [(1800, 180), (3600, 360)])
def test_there_is_time_to_load_sixty_gigabytes(seconds: int, failures: int) -> None:
    probe = container_of(engine({"engine": {"startupSeconds": seconds}}))["startupProbe"]
    assert (probe["httpGet"]["path"], probe["periodSeconds"], probe["failureThreshold"]) == ("/health", 10, failures)
    assert probe["periodSeconds"] * probe["failureThreshold"] > 60e9 / 100e6


@pytest.mark.parametrize(("pre_stop", "drain", "grace"), [(10, 120, 160), (5, 0, 35)])
def test_there_is_time_for_pre_stop_then_the_drain_then_release_of_the_gpu(
    pre_stop: int, drain: int, grace: int
) -> None:
    found = engine({"engine": {"preStopSeconds": pre_stop, "drainSeconds": drain}})
    assert f"--shutdown-timeout={drain}" in container_of(found)["args"]
    assert container_of(found)["lifecycle"]["preStop"] == {"sleep": {"seconds": pre_stop}}
    assert pod_of(found)["terminationGracePeriodSeconds"] == grace


def test_a_pod_has_no_rights_and_no_token() -> None:
    pod, container = pod_of(engine()), container_of(engine())
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert (pod["securityContext"]["runAsNonRoot"], pod["automountServiceAccountToken"]) == (True, False)
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def test_a_change_of_the_gateway_restarts_no_engine() -> None:
    changed = {"gateway": {"settings": {"rounds": 2}, "image": {"tag": "9.9.9"}}}
    assert engine(changed)["spec"] == engine()["spec"]
    assert not any("version" in label for label in engine()["spec"]["template"]["metadata"]["labels"])


def test_engines_load_side_by_side_under_names_of_their_own() -> None:
    spec = engine({"engine": {"replicas": 3}})["spec"]
    assert (spec["replicas"], spec["serviceName"], spec["podManagementPolicy"]) == (3, "preceptor-engine", "Parallel")
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]


def test_engines_spread_over_zones_and_nodes() -> None:
    found = pod_of(engine())["topologySpreadConstraints"]
    assert [part["topologyKey"] for part in found] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]


@pytest.mark.parametrize("release", ["own engines", "several nodes"])
def test_there_is_none_where_engines_are_others(release: str) -> None:
    assert of_kind(render(RELEASES[release]), "StatefulSet") == []


@pytest.mark.engine
def test_vllm_itself_takes_every_flag() -> None:
    several = one(render(RELEASES["several nodes"]), "LeaderWorkerSet", "preceptor-engine")
    worker = several["spec"]["leaderWorkerTemplate"]["workerTemplate"]["spec"]["containers"][0]["args"]
    placed = [word.replace("$(LWS_WORKER_INDEX)", "1").replace("$(LWS_LEADER_ADDRESS)", "host") for word in worker]
    cases = [arguments(), arguments(dict(RELEASES["object store"])), arguments({"engine": {"parallel": {"tensor": 2}}})]
    given = json.dumps([*cases, placed])
    command = [str(engine_python(REPOSITORY)), "-c", PARSE]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    first, store, tensor, node = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    assert (first["max_model_len"], first["max_num_seqs"], first["gpu_memory_utilization"]) == (16384, 128, 0.9)
    assert (first["scheduling_policy"], first["tool_call_parser"], first["shutdown_timeout"]) == (
        "priority",
        "hermes",
        120,
    )
    assert (store["load_format"], tensor["tensor_parallel_size"]) == ("runai_streamer", 2)
    assert (node["nnodes"], node["node_rank"], node["master_addr"]) == (2, 1, "host")
    assert (node["data_parallel_size"], node["headless"], node["enable_expert_parallel"]) == (16, True, True)
