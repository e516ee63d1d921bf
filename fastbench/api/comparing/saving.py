"""`fastbench.save_baseline`: runs → a file that a repository can keep."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from fastbench.answers.baselines import PERCENTILES
from fastbench.api.comparing.baselines import DIRECTORY, is_baseline, write_baseline
from fastbench.api.comparing.sources import Given, Reading, paths_of, side_of
from fastbench.errors import UsageError
from fastbench.options import one_stage


def save_baseline(
    name: str,
    *runs: Given,
    directory: str | os.PathLike[str] = DIRECTORY,
    slo: str | Sequence[str] | None = None,
    stage: str | None = None,
    window: str | None = None,
    force: bool = False,
    anyway: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Path:
    """Saves what a comparison needs of these runs, all of one workload, as the baseline `name`; returns its file, which
    has at most 200 kB. `fastbench.compare("baseline:NAME", …)` compares with it.

    runs: as the sides of `compare`: paths of recordings, runs or work dirs, or results. slo: None = those of each run;
    stage, window: None = as each was reported. force: whether one of that name may be replaced. anyway: whether a run
    may be INVALID, not whole, or without a success. Raises UsageError, RecordingError.
    """
    if not runs:
        raise UsageError("a baseline is of one run at least: name a recording, a run or a work dir")
    odd = next(filter(is_baseline, runs), None)
    if odd is not None:
        raise UsageError(f"{odd} is a baseline already: name a recording, a run or a work dir")
    part = one_stage(stage, window)
    paths = [path for given in runs for path in paths_of(given)]
    side = side_of(name, paths, Reading(PERCENTILES, slo, part), on_progress)
    return write_baseline(name, side.runs, directory, force=force, anyway=anyway)
