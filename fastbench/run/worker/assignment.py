"""What one worker is to do, its link to its coordinator, and the first block of what it records."""

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import fastbench
from fastbench.client import Gate, at_once
from fastbench.config import RunConfig, public_run
from fastbench.config.services import ServiceConfig
from fastbench.dialects import Speaker, output_length
from fastbench.plan import Queue, Share, TaskPlan
from fastbench.recording import Reading
from fastbench.run.stop import Stop


class Assignment(NamedTuple):
    """One worker's part of a task; picklable."""

    plan: TaskPlan
    recording: Path
    """The directory of the task's recording."""
    log: Path | None = None
    """None = standard error."""
    share: Share = Share()
    queue: Queue | None = None
    """Where it takes the places of a closed loop's plan; None = they are dealt out like all others."""
    run_id: str | None = None
    """One for all workers of a task; None = the worker makes it."""
    start_at_ns: int | None = None
    """Of the wall clock, where a time that all were given and no coordinator says when the load begins."""

    @property
    def part(self) -> int:
        """Which file of the recording it writes."""
        remainder = self.plan.remainder
        return self.share.number + (0 if remainder is None else remainder.part)

    @property
    def leads(self) -> bool:
        """Whether it does what one worker does for all: the warm-up."""
        return self.share.number == 0


class Link(Protocol):
    """A worker's connection to whoever coordinates it."""

    @property
    def gate(self) -> Gate:
        """Opens when all workers are ready."""
        ...

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Hands the user's wishes to stop on to `stop` meanwhile, in a running event loop."""
        ...

    @property
    def clock(self) -> Callable[[], Reading | None]:
        """What is known by now of this host's clock against the coordinator's."""
        ...


def one_clock() -> None:
    """What a worker on its coordinator's host has to know of the clock: nothing, there is but one."""


class Alone:
    """The link of a worker without a coordinator: it hears the user and waits for nobody."""

    gate = staticmethod(at_once)
    clock = staticmethod(one_clock)

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """From whichever thread the wish comes."""
        return heard_in_loop(self._stop, stop)


@contextlib.contextmanager
def heard_in_loop(outside: Stop, inside: Stop) -> Iterator[None]:
    """Hands the wishes of any thread on to one that only the running event loop knows."""
    loop = asyncio.get_running_loop()

    def take(asked: int) -> None:
        while inside.asked < asked:
            inside()

    with outside.heard_by(lambda asked: loop.call_soon_threadsafe(take, asked)):
        yield
    take(outside.asked)  # what the loop has not come to


def make_header(assignment: Assignment, speaker: Speaker, *, run_id: str, url: str, model: str) -> dict[str, Any]:
    """The header, as `docs/recording-format.md` describes it. Holds no secret."""
    plan = assignment.plan
    task, remainder = plan.task, plan.remainder
    service = task.service
    return {
        "fastbench": fastbench.__version__,
        "run_id": run_id,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "mono_ns": time.monotonic_ns(),
        "wall_ns": time.time_ns(),
        "host": {
            "name": platform.node(),
            "boot_id": _boot_id(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
        },
        "task": {"model": service.abbr, "dataset": task.dataset.abbr},
        "service": {
            "url": url,
            "model": model,
            "backend": speaker.name,
            "stream": speaker.stream,
            "tls": _tls(url, service),
            "length_field": output_length(service).field,
            "request_id_header": service.id_header,
            "request_id_in_body": speaker.id_in_body,
        },
        "share": assignment.share._asdict(),
        **({} if remainder is None else {"leg": remainder.leg, "resumes_ns": remainder.resumes_ns}),
        **({"left_out": task.left_out} if task.left_out else {}),
        **({} if assignment.start_at_ns is None else {"start_at_ns": assignment.start_at_ns}),
        **plan.record(),
        "stamps": "kernel",
        "config": public_run(RunConfig.of_task(task)),
    }


def _tls(url: str, service: ServiceConfig) -> str | None:
    """Whether it was sure who answered; None = nothing was encrypted."""
    if not url.startswith("https:"):
        return None
    return "not verified" if service.insecure else "verified"


def _boot_id() -> str | None:
    """Names the clock that all moments are read from; None where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
