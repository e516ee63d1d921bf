"""The first block of a recording: what was asked of whom, when and where."""

import os
import platform
import time
from datetime import UTC, datetime
from typing import Any

import fastbench
from fastbench.backends.backend import Backend
from fastbench.config.dump import public_run
from fastbench.config.plan import RunConfig, Task


def make_header(task: Task, backend: Backend, *, run_id: str, url: str, model: str, planned: int) -> dict[str, Any]:
    """The header, as `docs/recording-format.md` describes it. Holds no secret."""
    service = task.service
    rate = float(service.request_rate)
    return {
        "format": 1,
        "fastbench": fastbench.__version__,
        "run_id": run_id,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "mono_ns": time.monotonic_ns(),
        "wall_ns": time.time_ns(),
        "host": {
            "name": platform.node(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "cpus": os.cpu_count(),
        },
        "task": {"model": service.abbr, "dataset": task.dataset.abbr},
        "service": {"url": url, "model": model, "backend": backend.name, "stream": backend.stream},
        "load": {
            "kind": "open" if rate else "closed",
            "concurrency": service.batch_size,
            "rate": rate or None,
            "arrival": "constant" if rate else None,
            "planned": planned,
        },
        "stamps": "kernel",
        "config": public_run(
            RunConfig(
                models=(service,),
                datasets=(task.dataset,),
                num_prompts=task.num_prompts,
                num_warmups=task.num_warmups,
                stats=task.stats,
            )
        ),
    }
