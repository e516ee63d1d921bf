"""Tasks against a scripted service, carried out in this process."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from driving import OK
from replies import document
from serving import Handler, Service, each_request

from fastbench.config import DEFAULT_STATS, Task
from fastbench.config.dataset import DatasetConfig
from fastbench.config.fields.lengths import Uniform
from fastbench.config.services import ServiceConfig
from fastbench.datasets import SyntheticConfig, open_dataset
from fastbench.live import Observer
from fastbench.plan.prepare import plan_task
from fastbench.plan.sharing import CALIBRATED_NS, Machine
from fastbench.plan.task_plan import TaskPlan
from fastbench.recording import Recording
from fastbench.run.stop import Stop
from fastbench.run.worker.assignment import Alone, Assignment
from fastbench.run.worker.worker import run_worker

MODELS = document(b'{"data":[{"id":"the-model"}]}')
PROMPTS = SyntheticConfig(count=12, input_len=Uniform(low=3, high=9), output_len=Uniform(low=2, high=4), seed=5)


def task_of(
    url: str, dataset: DatasetConfig = PROMPTS, *, warmups: int = 0, prompts: int | None = None, **service: Any
) -> Task:
    """A task for one service. service: further fields of its config."""
    fields = {"type": "openai_chat", "abbr": "model", "url": url, "model": "m", "retry": 0, **service}
    return Task(
        service=ServiceConfig(**fields),
        dataset=dataset,
        num_prompts=prompts,
        num_warmups=warmups,
        stats=DEFAULT_STATS,
    )


def plan_of(task: Task) -> TaskPlan:
    """The plan of a task on a machine of two processors."""
    return plan_task(task, open_dataset(task.dataset, task.service.path), Machine(2, lambda: float(CALIBRATED_NS)))


def carry_out(
    task: Task, directory: Path, observer: Observer = lambda _: None, stop: Stop | None = None
) -> tuple[bool, Recording]:
    """Whether the task came to its end, and its recording."""
    assignment = Assignment(plan_of(task), directory / "recording")
    complete = run_worker(assignment, Alone(stop or Stop()), observer)
    return complete, Recording.open(directory / "recording")


def body_of(request: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.partition(b"\r\n\r\n")[2])
    return found


def noting(seen: list[bytes], reply: Callable[[bytes], bytes] = lambda _: OK) -> Handler:
    """Answers requests, the question for models among them, and keeps those that were posted."""

    def handler(connection: socket.socket, _: int) -> None:
        for request in each_request(connection):
            if request.startswith(b"GET "):
                connection.sendall(MODELS)
            else:
                seen.append(request)
                connection.sendall(reply(request))

    return handler


def url_of(service: Service, scheme: str = "http") -> str:
    return f"{scheme}://{service.host}:{service.port}"
