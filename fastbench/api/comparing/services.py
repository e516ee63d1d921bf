"""`fastbench.compare_live`: two services, measured in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastbench.answers.comparison import Comparison
from fastbench.api.comparing.live import Comparing, LiveComparing, LiveOutcome, live_of
from fastbench.api.comparing.sides import asking_of, labels_of
from fastbench.api.settings import live_options
from fastbench.live import Progress, standard_filled
from fastbench.options import Options, keywords_named
from fastbench.run import Stop, in_thread


def compare_live(
    url_a: str,
    url_b: str,
    /,
    *,
    labels: Mapping[str, str] | Sequence[str] = (),
    stats: Sequence[str] | str | None = None,
    gate: Sequence[str] | str = (),
    tolerance: float | str | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Comparison:
    """The service at `url_b` against that at `url_a`: slices of one load go to both in turn, in an order that a coin
    decides, with prompts of the same lengths.

    labels, stats, gate, tolerance: as `compare`. settings: `until="decided"`, `budget=` (2m), `pairs=`, `slice=` or
    `num_prompts=` (of a slice), `duet=`, `seed=`, and those of `run` but for other loads than `concurrency=`, `rate=`
    and `load=`. Other arguments, and what is raised: as `run`. A service that dies, or `stop`, ends it; the answer is
    then of what was seen.
    """
    with keywords_named():
        options = live_options({**settings, "url_a": url_a, "url_b": url_b})
        asking, names = asking_of(stats, gate, tolerance), labels_of(2, labels)
        watch = None if on_progress is None else lambda _, now: on_progress(now)
        with standard_filled():
            comparing = live_of(options, asking, (names[0], names[1]))
            halt = Stop() if stop is None else stop
            outcome = in_thread(lambda: carried_out(comparing, halt, watch), "compare", interrupted=halt.at_once)
            return outcome.comparison


def prepare_compare(
    options: Options,
    labels: Mapping[str, str],
    stats: str | None,
    gate: Sequence[str],
    tolerance: str | None,
) -> Comparing:
    """As the command line says. Raises UsageError for what cannot be compared."""
    names = labels_of(2, labels)
    return live_of(options, asking_of(stats, gate, tolerance), (names[0], names[1]))


def carried_out(
    comparing: Comparing, stop: Stop, watch: Callable[[str, Progress], object] | None = None
) -> LiveOutcome:
    """Sends, in the calling thread."""
    with LiveComparing(comparing, stop, watch) as live:
        return live.carry_out()
