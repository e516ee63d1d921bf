"""The first block of a recording: what was asked of whom, when and where."""

import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastbench
from fastbench.backends.backend import Backend
from fastbench.config.dump import public_run
from fastbench.config.output_length import output_length
from fastbench.config.plan import RunConfig, Task
from fastbench.config.service_schema import ServiceConfig
from fastbench.fleet.asked import asked_of
from fastbench.load.rest import Rest
from fastbench.load.schedule import NO_LIMIT, Schedule
from fastbench.load.sharing import Share

WHOLE = Share()


def make_header(
    task: Task,
    backend: Backend,
    schedule: Schedule,
    *,
    run_id: str,
    url: str,
    model: str,
    planned: int | None,
    share: Share = WHOLE,
    tokens_per_word: float = 1.0,
    rest: Rest | None = None,
    data_notes: Sequence[str] = (),
) -> dict[str, Any]:
    """The header, as `docs/recording-format.md` describes it. Holds no secret. schedule, planned: of the whole task.
    rest: what an interrupted run had left. data_notes: see `Source.notes`."""
    service = task.service
    return {
        "format": 1,
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
            "backend": backend.name,
            "stream": backend.stream,
            "tls": _tls(url, service),
            "length_field": output_length(service).field,
            "request_id_header": service.id_header,
        },
        "share": share._asdict(),
        **({} if rest is None else {"leg": rest.leg, "resumes_ns": rest.resumes_ns}),
        "tokens_per_word": tokens_per_word,
        "data_notes": list(data_notes),
        **({"left_out": task.left_out} if task.left_out else {}),
        "load": asked_load(task, schedule, planned),
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


def asked_load(task: Task, schedule: Schedule, planned: int | None) -> dict[str, Any]:
    """What was asked of the load, as the header tells it."""
    asked = asked_of(task)
    rate = asked.rate if schedule.arrival not in ("concurrency", "trace", "profile") else 0.0
    return {
        "kind": schedule.kind,
        "arrival": schedule.arrival,
        "concurrency": schedule.limit if schedule.limit < NO_LIMIT else None,
        "rate": rate or None,
        "burstiness": asked.process.burstiness,
        "ramp": None if asked.ramp is None else asked.ramp._asdict(),
        "profile": [stage._asdict() for stage in asked.profile],
        "speed": schedule.speed,
        "seed": asked.seed,
        "duration_ns": schedule.duration_ns,
        "drain_ns": schedule.drain_ns,
        "drop_when_full": schedule.drop_when_full,
        "planned": planned,
    }
