"""The first block of a recording."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from tasks import plan_of, task_of

import fastbench
from fastbench.config import Task
from fastbench.config.services import TrafficConfig
from fastbench.dialects import Speaker
from fastbench.run.worker.assignment import Assignment, make_header
from fastbench.units import Rate

SECRETS = {"sk-very-secret", "hunter2", "from-the-environment"}


def header_of(task: Task, url: str = "http://h:1/x") -> dict[str, Any]:
    backend = Speaker(task.service, "the-model", "h:1", "")
    assignment = Assignment(plan_of(task), Path("recording"))
    return make_header(assignment, backend, run_id="abc", url=url, model="the-model")


def test_no_secret_stands_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys given in the config or by the environment are not in the header; where they came from is."""
    monkeypatch.setenv("FB_TEST_KEY", "from-the-environment")
    headers = {"Authorization": "Bearer hunter2", "X-Api-Key": "$FB_TEST_KEY", "X-Plain": "seen"}
    for key in ("sk-very-secret", "env:FB_TEST_KEY"):
        text = json.dumps(header_of(task_of("http://h:1", api_key=key, headers=headers)))
        assert not any(secret in text for secret in SECRETS)
        assert "$FB_TEST_KEY" in text
        assert "seen" in text
    assert "env:FB_TEST_KEY" in text


def test_what_was_asked_of_whom() -> None:
    """The header names run, task, service and its model, and one instant on both clocks."""
    header = header_of(task_of("http://h:1"))
    assert (header["fastbench"], header["run_id"]) == (fastbench.__version__, "abc")
    assert header["task"] == {"model": "model", "dataset": "synthetic"}
    assert header["service"] == {
        "url": "http://h:1/x",
        "model": "the-model",
        "backend": "openai_chat",
        "stream": True,
        "tls": None,
        "length_field": "max_tokens",
        "request_id_header": "X-Request-Id",
        "request_id_in_body": False,
    }
    assert abs(header["wall_ns"] - time.time_ns() - (header["mono_ns"] - time.monotonic_ns())) < 10**9
    assert header["stamps"] == "kernel"


def test_a_closed_loop() -> None:
    """A closed loop has a concurrency and no rate."""
    load = header_of(task_of("http://h:1", batch_size=7))["load"]
    asked = {name: load[name] for name in ("kind", "arrival", "concurrency", "rate", "planned")}
    assert asked == {"kind": "closed", "arrival": "concurrency", "concurrency": 7, "rate": None, "planned": 12}


def test_an_open_loop() -> None:
    """An open loop has its rate, its arrival process with the seed, and the limit of requests in flight."""
    traffic = TrafficConfig(burstiness=1.0)
    load = header_of(task_of("http://h:1", batch_size=7, request_rate=Rate(2.5), traffic_cfg=traffic))["load"]
    asked = {name: load[name] for name in ("kind", "arrival", "concurrency", "rate", "burstiness", "seed")}
    expected = {"kind": "open", "arrival": "poisson", "concurrency": 7, "rate": 2.5, "burstiness": 1.0, "seed": 0}
    assert asked == expected


def test_it_is_plain_json() -> None:
    """The header survives JSON unchanged, and holds the config of its one task."""
    header = header_of(task_of("http://h:1", warmups=3, prompts=12))
    assert json.loads(json.dumps(header)) == header
    config = header["config"]
    assert (len(config["models"]), len(config["datasets"])) == (1, 1)
    assert (config["num_prompts"], config["num_warmups"]) == (12, 3)


@pytest.mark.parametrize(
    ("url", "insecure", "said"),
    [("http://h/x", True, None), ("https://h/x", False, "verified"), ("https://h/x", True, "not verified")],
)
def test_whether_it_was_sure_who_answered(url: str, insecure: bool, said: str | None) -> None:
    """The header says whether the service's certificate was verified, where there was one."""
    assert header_of(task_of(url, insecure=insecure), url)["service"]["tls"] == said
