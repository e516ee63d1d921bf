"""The first block of a recording: what was asked of whom, when and where."""

import os
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastbench
from fastbench.config import RunConfig, public_run
from fastbench.config.services import ServiceConfig
from fastbench.dialects import Speaker, output_length
from fastbench.run.worker.assignment import Assignment


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
