"""What `--reuse` goes on with: an earlier run, its recordings and config, and in which settings a new one differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fastbench.api.recordings import Found, latest_recordings, name_of
from fastbench.config import AnswerSettings, RunConfig, RunSettings, Task, public_run, show
from fastbench.errors import UsageError
from fastbench.options import OPTIONS, Options, names_tasks, run_of_options
from fastbench.recording import Part, part_paths
from fastbench.run import RunDirectory

_RUN = re.compile(r"\d{8}_\d{6}(_\d+)?")
LATEST = OPTIONS["reuse"].alone
_FREE = frozenset(
    {"fresh_seed", "work_dir", "max_num_workers", "workers", "debug", "summarizer", *AnswerSettings.__struct_fields__}
)
"""Settings of a run that do not change what is sent."""
_FREE_OF_SERVICE = frozenset(
    {"url", "host_ip", "host_port", "enable_ssl", "ca_file", "client_cert", "client_key", "insecure", "mock", "api_key"}
    | {"metrics_url", "reset_cache"}
)
"""The service's address and access settings, which may change between legs."""


def reused_recordings(options: Options) -> Found:
    """The recordings of the run `reuse`, of the tasks that the options name, or of all. Raises UsageError for a task
    that has none."""
    run = run_of_options(options).run if names_tasks(options) else None
    directory = find_run(options["reuse"], run.work_dir if run else options.get("work_dir", RunSettings().work_dir))
    found = latest_recordings(directory)
    if run is None:
        return found
    known = {(path.parent.name, name_of(path)): path for path in found.paths}
    wanted = [(task.service.abbr, task.dataset.abbr) for task in run.tasks()]
    missing = next((names for names in wanted if names not in known), None)
    if missing is not None:
        has = ", ".join(map("/".join, known))
        raise UsageError(f"{directory} has no recording of {'/'.join(missing)}; it has {has}")
    return found._replace(paths=[known[names] for names in wanted])


def find_run(name: str, work_dir: str) -> Path:
    """The directory of the run `name` in `work_dir`; "latest" = the last one. Raises UsageError."""
    if name != LATEST:
        directory = Path(work_dir, name)
        if not directory.is_dir():
            raise UsageError(
                f"--reuse {name}: {directory} is not a directory; name a run in {work_dir}, or set --work-dir"
            )
        return directory
    here = Path(work_dir)
    runs = sorted(path for path in here.iterdir() if _RUN.fullmatch(path.name)) if here.is_dir() else []
    if not runs:
        raise UsageError(f"--reuse: there is no run in {work_dir}; set --work-dir to the directory that has it")
    return runs[-1]


def own_config(directory: Path) -> Path:
    """The config of a finished run. Raises UsageError if it is missing."""
    path = directory / "configs" / f"{directory.name}.py"
    if not path.is_file():
        raise UsageError(f"--reuse: {directory} has no configs/{path.name}; name the config that the run had")
    return path


def recorded_seed(run: RunConfig, directory: RunDirectory) -> int | None:
    """The fresh seed of an earlier run of `run`, by the recording of its first task; None = it had none."""
    path = part_paths(directory.recording(run.tasks()[0]))[0]
    found = (Part(path).header.get("config") or {}).get("fresh_seed") if path.is_file() else run.fresh_seed
    return found if isinstance(found, int) else None


def differences(task: Task, recording: Path) -> Iterator[str]:
    """A sentence for each setting of a task that differs from its recording's, if it has one."""
    path = part_paths(recording)[0]
    if not path.is_file():
        return
    before = Part(path).header.get("config") or {}
    # As the header holds it: what JSON makes of tuples and numbers.
    now = msgspec.json.decode(msgspec.json.encode(public_run(RunConfig.of_task(task))))
    for name in ("models", "datasets"):
        (ours,), (theirs,) = now.pop(name), before.get(name) or [{}]
        free = _FREE_OF_SERVICE
        if name == "datasets":
            free = _made_by_run(ours, now) | _made_by_run(theirs, before) | _free_seeds(ours, theirs)
        yield from _differing(f"{name} {ours['abbr']}: ", ours, theirs, free)
    yield from _differing("", now, before, _FREE)


def _free_seeds(ours: dict[str, Any], theirs: dict[str, Any]) -> frozenset[str]:
    """The seed of a data set where none and 0, which older runs had by default, make the same lengths."""
    return frozenset({"seed"} if (ours.get("seed") or 0) == (theirs.get("seed") or 0) else ())


def _made_by_run(dataset: dict[str, Any], run: dict[str, Any]) -> frozenset[str]:
    """The seeds of a data set that are those of the run."""
    seeds = [seed for name in ("seed", "fresh_seed") if (seed := run.get(name)) is not None]
    return frozenset(name for name in ("words_seed", "random_seed") if dataset.get(name) in seeds)


def _differing(where: str, ours: dict[str, Any], theirs: dict[str, Any], free: frozenset[str]) -> Iterator[str]:
    for name, value in ours.items():
        # Fields newer than the run's version are not compared.
        if name not in free and name in theirs and theirs[name] != value:
            yield (
                f"{where}{name} is {show(value)}, and the run had {show(theirs[name])}; set it back, or leave "
                "--reuse out to start a new run"
            )
