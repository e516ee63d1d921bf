"""What stands for a side of a comparison → its runs: recordings, run directories, work directories, results,
baselines."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fastbench.answers.comparison import (
    RUNS_TO_RESAMPLE,
    Origin,
    RunSummary,
    Side,
    config_lines,
    summarize,
    workload_of,
)
from fastbench.api.comparing.baselines import PREFIX, baseline_path, is_baseline, read_baseline
from fastbench.api.judging import Asking as AskingOfReport
from fastbench.api.recordings import Where, all_recordings, recorded, recordings_of, runs_in
from fastbench.api.reporting import short_names
from fastbench.api.result import Result
from fastbench.config import DEFAULT_STATS
from fastbench.errors import RecordingError, UsageError
from fastbench.metrics import compute_for_page
from fastbench.recording import ProgressCallback, Recording, header_of, part_paths, progress_between
from fastbench.report import reading

Given = Where | Result | Sequence["Where | Result"]
"""A side: the path of a recording, a run or a work dir, `baseline:NAME`, a result, or several of them."""

Numbers = dict[tuple[str, str], list[float]]
"""Of several runs, by name and statistic."""

MOST_HISTORY = 8
"""Earlier runs that are read for their noise."""
_PLACE = ("service.url", "service.mock.port", "service.mock.seed")
"""Of a simulated service, which is another process in each run."""
LARGE = 200_000_000
"""Bytes of a recording that is not read only for that."""


class Reading(NamedTuple):
    """How recordings are read. stats: percentiles. slo: texts, None: those of each run. stage: None: that of each."""

    stats: tuple[str, ...]
    slo: str | Sequence[str] | None = None
    stage: str | None = None


def paths_of(given: Given) -> list[Path]:
    """The recordings of one side, which are directories, or the file of a baseline. UsageError or NotARunError where
    there are none."""
    if isinstance(given, Result):
        return [given.path]
    if isinstance(given, str) and is_baseline(given):
        return [baseline_path(given)]
    if isinstance(given, str | os.PathLike):
        return [path.resolve() for path in all_recordings(Path(given))]
    if not isinstance(given, Sequence) or not given:
        raise UsageError(
            f"a side is of type {type(given).__name__}; give the path of a recording, a run or a work dir, a Result, "
            "or a list of them"
        )
    return [path for one in given for path in paths_of(one)]


def of_common_workload(sides: Sequence[list[Path]]) -> tuple[list[list[Path]], list[str]]:
    """The recordings of the one workload that all sides have, and what is left out, a sentence each; all of them where
    sides have none in common. UsageError where they have several."""
    digests = [{path: _digest(path) for path in side} for side in sides]
    shared = set.intersection(*(set(side.values()) for side in digests)) - {""}
    if len({digest for side in digests for digest in side.values()}) == 1 or not shared:
        return list(sides), []
    if len(shared) > 1:
        names = ", ".join(sorted({path.name for side in digests for path in side}))
        raise UsageError(f"the sides have {len(shared)} workloads in common ({names}): name a recording of each side")
    kept = [[path for path in side if digests[place][path] in shared] for place, side in enumerate(sides)]
    left = sum(map(len, sides)) - sum(map(len, kept))
    return kept, [f"{left} recordings of other workloads are left out"] if left else []


def _digest(path: Path) -> str:
    if path.is_file():
        return read_baseline(path).runs[0].workload.digest
    return workload_of(header_of(path)).digest


def side_of(label: str, paths: Sequence[Path], asked: Reading, progress: ProgressCallback | None = None) -> Side:
    """A side of these recordings, one after the other: no more than one is open at a time; and of baselines."""
    recordings = [path for path in paths if not path.is_file()]
    names = short_names(recordings) if recordings else []
    runs = [run for path in paths if path.is_file() for run in _saved(path, label)]
    for place, (name, path) in enumerate(zip(names, recordings, strict=True)):
        part = progress_between(progress, place / len(recordings), (place + 1) / len(recordings))
        runs.append(summary_of(path, name if len(paths) > 1 else label, asked, part))
    return Side(label, tuple(runs))


def _saved(path: Path, label: str) -> list[RunSummary]:
    """The runs of a baseline, which have the percentiles, the stage and the SLOs that it was saved with."""
    runs = read_baseline(path).runs
    names = [label] if len(runs) == 1 else [f"{path.stem} {number}" for number in range(1, len(runs) + 1)]
    return [
        dataclasses.replace(run, label=name, source=f"{PREFIX}{path.stem}" if len(runs) == 1 else f"{PREFIX}{name}")
        for run, name in zip(runs, names, strict=True)
    ]


def summary_of(path: Path, label: str, asked: Reading, progress: ProgressCallback | None = None) -> RunSummary:
    """Of the recording at `path`."""
    recording = Recording.open(path, reading(progress))
    stage = asked.stage or recorded(recording).stage
    slos = AskingOfReport(asked.slo).of(recording).slos
    # The page shows the usual tables, too.
    computed = compute_for_page(recording, DEFAULT_STATS, stage)
    return summarize(computed, Origin(label, str(path)), asked.stats, slos)


def history(paths: Sequence[Sequence[Path]], like: Sequence[RunSummary], asked: Reading) -> list[Numbers]:
    """The numbers of other runs in the work dir of each side, of the workload and service of its first run: a group for
    each side, by name and statistic; groups of fewer than three say nothing and are left out.

    paths: of each side; like: its first run.
    """
    used = {path.resolve() for own in paths for path in own}
    groups: list[Numbers] = []
    seen: set[tuple[Path | str, ...]] = set()
    for own, run in zip(paths, like, strict=True):
        work, known = _work_of(own[0]), _known_by(run.workload.digest, run.config)
        if work is None or not run.workload.digest or (work, *known) in seen:
            continue
        seen.add((work, *known))
        found = list(_earlier(work, own[0].name, used, known, asked))
        if len(found) >= RUNS_TO_RESAMPLE:
            groups.append(_numbers(found))
    return groups


def _work_of(path: Path) -> Path | None:
    """The work dir of a recording in its usual place."""
    return path.parents[3] if len(path.parents) > 3 and path.parents[1].name == "performances" else None


def _known_by(digest: str, config: Mapping[str, str]) -> tuple[str, ...]:
    """What makes two runs of one configuration of a service."""
    # Of a service that is no simulated one the setting is "service.mock" itself, null.
    free = () if "service.mock" in config else _PLACE
    service = {name: line for name, line in config.items() if name.startswith("service.") and name not in free}
    return (digest, *(f"{name}={line}" for name, line in sorted(service.items())))


def _earlier(work: Path, name: str, used: set[Path], known: tuple[str, ...], asked: Reading) -> Iterator[RunSummary]:
    """Whole runs that can be used, the latest first. name: of the recording's directory."""
    others = (path for run in reversed(runs_in(work)) for path in recordings_of(run) if path.resolve() not in used)
    count = 0
    for path in others:
        header = _header_if_small(path) if path.name == name else None
        if header is None or _known_by(workload_of(header).digest, config_lines(header)) != known:
            continue
        try:
            run = summary_of(path, path.parents[2].name, asked)
        except (RecordingError, UsageError):
            # A damaged run, or one without this stage, tells nothing of noise.
            continue
        if run.ok and run.valid and not run.fault:
            yield run
            count += 1
        if count == MOST_HISTORY:
            return


def _header_if_small(path: Path) -> Mapping[str, object] | None:
    try:
        small = sum(file.stat().st_size for file in part_paths(path)) <= LARGE
        return header_of(path) if small else None
    except (OSError, RecordingError):
        return None


def _numbers(runs: Sequence[RunSummary]) -> Numbers:
    found: Numbers = {}
    for run in runs:
        for name, one in run.distributions.items():
            for statistic, value in one.points.items():
                found.setdefault((name, statistic), []).append(value)
        for name, ratio in run.ratios.items():
            if not ratio.is_share:
                found.setdefault((name, ""), []).append(ratio.value)
    return {key: values for key, values in found.items() if len(values) == len(runs) and min(values) > 0}
