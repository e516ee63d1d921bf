"""`fastbench perf --reuse`: continue an interrupted run with the requests that have no outcome yet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from fastbench.cli.perf.measure import carry_out
from fastbench.cli.perf.viz import find_run
from fastbench.config import RunConfig, RunSettings, Task, public_run, show
from fastbench.errors import UsageError
from fastbench.options import ARGUMENT, Options, names_tasks, run_of_options
from fastbench.recording import Part, part_paths
from fastbench.run import RunDirectory

_FREE = frozenset({"work_dir", "max_num_workers", "workers", "debug", "classic", "summarizer"})
"""Settings of a run that change nothing of what is sent."""
_FREE_OF_SERVICE = frozenset(
    {"url", "host_ip", "host_port", "enable_ssl", "ca_file", "client_cert", "client_key", "insecure", "mock", "api_key"}
    | {"metrics_url"}
)
"""Where the service is now, and what it asks of its clients."""


def continue_run(options: Options, *, quiet: bool, plot: bool, strict: bool) -> int:
    """Sends what the run has left, and reports all of it. Returns the exit code.

    Raises UsageError where the plan is not that of the run.
    """
    named = names_tasks(options)
    run = run_of_options(options).run if named else None
    directory = find_run(options["reuse"], run.work_dir if run else options.get("work_dir", RunSettings().work_dir))
    if run is None:
        run = run_of_options(options.having(ARGUMENT, str(_own_config(directory)))).run
    place = RunDirectory(directory)
    differences = list(_differences(run, place))
    if differences:
        raise UsageError("\n".join(f"--reuse {directory.name}: {difference}" for difference in differences))
    return carry_out(run, quiet=quiet, plot=plot, strict=strict, reused=place)


def _own_config(directory: Path) -> Path:
    path = directory / "configs" / f"{directory.name}.py"
    if not path.is_file():
        raise UsageError(f"--reuse: {directory} has no configs/{path.name}; name the config that the run had")
    return path


def _differences(run: RunConfig, place: RunDirectory) -> Iterator[str]:
    """A sentence for each setting of a task that is not what its recording was made with."""
    for task in run.tasks():
        path = part_paths(place.recording(task))[0]
        if path.is_file():
            yield from _differences_of(task, Part(path).header.get("config") or {})


def _differences_of(task: Task, before: dict[str, Any]) -> Iterator[str]:
    # As the header holds it: what JSON makes of tuples and numbers.
    now = msgspec.json.decode(msgspec.json.encode(public_run(RunConfig.of_task(task))))
    for name in ("models", "datasets"):
        (ours,), (theirs,) = now.pop(name), before.get(name) or [{}]
        free = _FREE_OF_SERVICE if name == "models" else frozenset()
        yield from _fields(f"{name} {ours['abbr']}: ", ours, theirs, free)
    yield from _fields("", now, before, _FREE)


def _fields(where: str, ours: dict[str, Any], theirs: dict[str, Any], free: frozenset[str]) -> Iterator[str]:
    for name, value in ours.items():
        # A field that the run's version did not know says nothing.
        if name not in free and name in theirs and theirs[name] != value:
            yield (
                f"{where}{name} is {show(value)}, and the run had {show(theirs[name])}; a run is continued by "
                "the plan that it had, so set it back, or leave --reuse out to measure anew"
            )
