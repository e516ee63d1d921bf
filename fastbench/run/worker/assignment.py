"""A worker's assignment, its link to its coordinator, and the header of its recording."""

import asyncio
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import fastbench
from fastbench.client import Gate, at_once
from fastbench.config import RunConfig, public_run
from fastbench.config.services import ServiceConfig
from fastbench.dialects import Speaker, output_length
from fastbench.plan import Queue, Share, TaskPlan
from fastbench.recording import Reading
from fastbench.run.stop import Stop

if TYPE_CHECKING:
    from fastbench.run.worker.visits import Judging, Steered


class Assignment(NamedTuple):
    """One worker's part of a task; picklable."""

    plan: TaskPlan
    recording: Path
    """The directory of the task's recording."""
    log: Path | None = None
    """None = standard error."""
    share: Share = Share()
    queue: Queue | None = None
    """The queue of places in a closed loop's plan; None = they are dealt out in advance."""
    run_id: str | None = None
    """One for all workers of a task; None = the worker makes it."""
    start_at_ns: int | None = None
    """Of the wall clock, where a time that all were given and no coordinator says when the load begins."""
    steered: "Steered | None" = None
    """Of a load that the coordinator steers while it runs; None = it is as planned."""

    judging: "Judging | None" = None
    """Who keeps the first SLO, as far as rows tell; None = nobody is asked."""

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
    """A worker's connection to its coordinator."""

    @property
    def gate(self) -> Gate:
        """Opens when all workers are ready."""
        ...

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Passes requests to stop on to `stop`, in a running event loop."""
        ...

    @property
    def clock(self) -> Callable[[], Reading | None]:
        """The latest reading of this host's clock against the coordinator's."""
        ...


def one_clock() -> None:
    """The clock of a worker on its coordinator's host: no reading is needed."""


class Alone:
    """The link of a worker without a coordinator: it takes the user's requests and starts at once."""

    gate = staticmethod(at_once)
    clock = staticmethod(one_clock)

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def stopping(self, stop: Stop) -> AbstractContextManager[None]:
        """Requests may come from any thread."""
        return forwarded_in_loop(self._stop, stop)


@contextlib.contextmanager
def forwarded_in_loop(outside: Stop, inside: Stop) -> Iterator[None]:
    """Forwards requests to stop from any thread to a `Stop` of the running event loop."""
    loop = asyncio.get_running_loop()

    def take(asked: int) -> None:
        inside.take(asked, outside.enough)

    with outside.notifying(lambda asked: loop.call_soon_threadsafe(take, asked)):
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
    """How the server's identity was verified; None = not encrypted."""
    if not url.startswith("https:"):
        return None
    return "not verified" if service.insecure else "verified"


def _boot_id() -> str | None:
    """The id of this boot, hence of the monotonic clock; None where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
