"""The manifests and scripts of `examples/distributed`: as far as they can be checked without a cluster."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nursery import run_python

from fastbench.cli.perf import perf_command
from fastbench.options.values import start_time

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "distributed"
SCRIPTS = sorted(EXAMPLES.glob("*.sh"))
START = "2126-11-24T12:30:00Z"

# The fields of the API's objects that the examples use, with what each holds: a type, one object, or a list of them.
VOLUME_MOUNT = {"name": str, "mountPath": str}
CONTAINER: dict[str, Any] = {
    "name": str,
    "image": str,
    "command": [str],
    "args": [str],
    "env": [{"name": str, "valueFrom": {"fieldRef": {"fieldPath": str}}}],
    "resources": {"requests": {"cpu": str, "memory": str}, "limits": {"cpu": str, "memory": str}},
    "securityContext": {
        "capabilities": {"drop": [str], "add": [str]},
        "allowPrivilegeEscalation": bool,
        "runAsUser": int,
        "readOnlyRootFilesystem": bool,
    },
    "volumeMounts": [VOLUME_MOUNT],
}
POD = {
    "metadata": {"labels": {"app": str}},
    "spec": {
        "restartPolicy": str,
        "terminationGracePeriodSeconds": int,
        "topologySpreadConstraints": [
            {
                "maxSkew": int,
                "topologyKey": str,
                "whenUnsatisfiable": str,
                "labelSelector": {"matchLabels": {"app": str}},
            }
        ],
        "containers": [CONTAINER],
        "volumes": [
            {"name": str, "configMap": {"name": str}, "persistentVolumeClaim": {"claimName": str}, "emptyDir": {}}
        ],
    },
}
META = {"name": str}
KINDS: dict[tuple[str, str], dict[str, Any]] = {
    ("v1", "ConfigMap"): {"apiVersion": str, "kind": str, "metadata": META, "data": {"run.py": str}},
    ("batch/v1", "Job"): {
        "apiVersion": str,
        "kind": str,
        "metadata": META,
        "spec": {
            "completionMode": str,
            "completions": int,
            "parallelism": int,
            "backoffLimit": int,
            "template": POD,
        },
    },
    ("ray.io/v1", "RayJob"): {
        "apiVersion": str,
        "kind": str,
        "metadata": META,
        "spec": {
            "entrypoint": str,
            "shutdownAfterJobFinishes": bool,
            "rayClusterSpec": {
                "rayVersion": str,
                "headGroupSpec": {"rayStartParams": {"num-cpus": str}, "template": POD},
                "workerGroupSpecs": [
                    {
                        "groupName": str,
                        "replicas": int,
                        "minReplicas": int,
                        "maxReplicas": int,
                        "rayStartParams": {"num-cpus": str},
                        "template": POD,
                    }
                ],
            },
        },
    },
}


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


def faults(value: Any, schema: Any, path: str) -> Iterator[str]:
    """Where a value is not what the schema has."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for name, inner in value.items():
            if name not in schema:
                yield f"{path}.{name} is not known"
            else:
                yield from faults(inner, schema[name], f"{path}.{name}")
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for place, inner in enumerate(value):
            yield from faults(inner, schema[0], f"{path}[{place}]")
    elif type(value) is not schema:
        yield f"{path} is {value!r}, no {schema.__name__}"


@pytest.mark.parametrize("name", ["kubernetes.yaml", "merge.yaml", "kuberay.yaml"])
def test_manifests_have_the_apis_fields(name: str) -> None:
    """Every object of a manifest has only fields that its kind knows, of the right types, and its volumes are there."""
    for document in documents(name):
        kind = (document["apiVersion"], document["kind"])
        assert list(faults(document, KINDS[kind], document["kind"])) == []
        for pod in pods(document):
            volumes = {volume["name"] for volume in pod.get("volumes", [])}
            for container in pod["containers"]:
                assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes


def pods(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    spec = document.get("spec", {})
    cluster = spec.get("rayClusterSpec", {})
    templates = [spec, cluster.get("headGroupSpec", {}), *cluster.get("workerGroupSpecs", [])]
    return (template["template"]["spec"] for template in templates if "template" in template)


def test_a_wrong_manifest_is_noticed() -> None:
    """A field of another name, or of another type, is found."""
    job = documents("kubernetes.yaml")[1]
    job["spec"]["completionsMode"] = "Indexed"
    job["spec"]["parallelism"] = "4"
    assert list(faults(job, KINDS["batch/v1", "Job"], "Job")) == [
        "Job.spec.parallelism is '4', no int",
        "Job.spec.completionsMode is not known",
    ]


def test_an_indexed_job_sends_all_shares() -> None:
    """The job has as many pods at once as the plan has shares, never sends one again, and merges what they wrote."""
    (_, job), (merge,) = documents("kubernetes.yaml"), documents("merge.yaml")
    spec, container = job["spec"], job["spec"]["template"]["spec"]["containers"][0]
    assert (spec["completionMode"], spec["backoffLimit"]) == ("Indexed", 0)
    assert spec["completions"] == spec["parallelism"] == 4
    written = []
    for index in range(spec["completions"]):
        names = {"JOB_COMPLETION_INDEX": str(index), "START": START}
        options = parsed([filled(word, names) for word in words(container)])
        assert options["shard"] == (index, spec["completions"])
        assert options["start_at"] == start_time(START)
        written.append(options["work_dir"])
    assert words(merge["spec"]["template"]["spec"]["containers"][0])[2:6] == written


def test_senders_may_be_scheduled_first() -> None:
    """Each container that sends load has SYS_NICE, and one whose root is read-only has a /tmp of its own."""
    senders = 0
    for name in ("kubernetes.yaml", "merge.yaml", "kuberay.yaml"):
        for container in (one for document in documents(name) for pod in pods(document) for one in pod["containers"]):
            context = container.get("securityContext", {})
            if container["name"] in ("fastbench", "ray-worker"):
                senders += 1
                assert "SYS_NICE" in context["capabilities"]["add"]
            if context.get("readOnlyRootFilesystem"):
                assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}
    assert senders == 2


def test_the_image_is_built_of_what_is_let_through(tmp_path: Path) -> None:
    """What `.dockerignore` lets through is enough for the build."""
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (pattern[1:] for pattern in patterns if pattern.startswith("!") and pattern != "!dist"):
        source = ROOT / name
        (tmp_path / name).parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.c"))
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / "out").mkdir()
    command = [sys.executable, "setup.py", "-q", "dist_info", "--output-dir", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").glob("fastbench_llm-*.dist-info/METADATA"))


def filled(word: str, names: dict[str, str]) -> str:
    return re.sub(r"\$[({](\w+)[)}]", lambda found: names[found[1]], word)


def words(container: dict[str, Any]) -> list[str]:
    return [*container["command"], *container["args"]]


def parsed(command: list[str]) -> dict[str, Any]:
    """The options of a `fastbench perf` command, as the program itself reads them."""
    assert command[:2] == ["fastbench", "perf"]
    return dict(perf_command.make_context("perf", command[2:]).params)


def test_kuberay_has_the_nodes_that_are_asked_for() -> None:
    """As many workers are started as the command sends from, and the head is none of them."""
    (job,) = documents("kuberay.yaml")
    options = parsed(shlex.split(job["spec"]["entrypoint"]))
    cluster = job["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    assert (options["ray"], options["nodes"]) == ("auto", group["replicas"])
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


def test_the_plan_of_the_manifest(tmp_path: Path) -> None:
    """The config in the manifest is one that fastbench carries out."""
    (plan, _) = documents("kubernetes.yaml")
    (tmp_path / "run.py").write_text(plan["data"]["run.py"], encoding="utf-8")
    done = run_python(tmp_path, "perf", "run.py", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "200000" in done.stdout.replace(",", "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_shell(script: Path) -> None:
    """A script has no fault of syntax, stops at the first error, and asks Slurm for what it knows."""
    subprocess.run(["bash", "-n", script], check=True, timeout=120)
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    options = re.findall(r"^#SBATCH --([a-z-]+)=?", text, re.MULTILINE)
    known = {"job-name", "ntasks", "nodes", "ntasks-per-node", "cpus-per-task", "exclusive", "time", "signal", "output"}
    assert set(options) <= known
    assert {"job-name", "time", "output"} <= set(options)


def test_a_task_of_the_array_sends_its_share(tmp_path: Path) -> None:
    """With the names that Slurm sets, a task of the array runs the command for its share; without a start it does
    not run at all."""
    (tmp_path / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    names = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "3", "OF": "8"}
    script = EXAMPLES / "slurm.sh"
    done = subprocess.run(
        ["bash", script], env={**names, "START": START}, capture_output=True, text=True, timeout=120, check=True
    )
    options = parsed(done.stdout.splitlines())
    assert (options["shard"], options["work_dir"]) == ((3, 8), "shares/3")
    refused = subprocess.run(["bash", script], env=names, capture_output=True, text=True, timeout=120, check=False)
    assert refused.returncode != 0
    assert "the common start" in refused.stderr


def test_the_image_can_be_read() -> None:
    """The Dockerfile is made of instructions that there are, copies from a stage that it has, puts the command where it
    is found, and runs as a user of its own."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if line and not line.startswith("#")]
    known = {"ARG", "FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "VOLUME", "ENTRYPOINT", "CMD"}
    assert {first for first, *_ in words} <= known
    assert ["USER", "10001"] in words
    stages = [line[3] for line in words if line[0] == "FROM" and line[2:3] == ["AS"]]
    copied = [line[1].removeprefix("--from=") for line in words if line[0] == "COPY" and line[1].startswith("--from=")]
    assert copied == stages == ["build"]
    (path,) = (line[1] for line in words if line[0] == "ENV")
    (target,) = (line[3] for line in words if line[0] == "COPY" and line[1] == "--from=build")
    assert path.startswith(f"PATH={target}/bin:")
