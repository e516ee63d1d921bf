"""`fastbench.saturate`: how much load a service carries, from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fastbench.api.planning import describe
from fastbench.api.saturating.asked import asked_of, levelled, plan_rows
from fastbench.api.saturating.driver import RESULT, Saturating, Searching, new_search, prepare_search, saturation_json
from fastbench.api.saturating.outcome import Cost, LevelRow, Outcome, Tier
from fastbench.api.saturating.words import aligned, cost_table, sentences, table
from fastbench.api.settings import Config, chosen_run, search_options
from fastbench.errors import UsageError
from fastbench.live import Progress, standard_filled
from fastbench.options import OPTIONS, SATURATE_SECTIONS, SEARCH, Options, keywords_named, run_of_options
from fastbench.run import Stop, in_thread


class Saturation(NamedTuple):
    """What a search came to. path: of the run, which has the recording of each level, `saturate.json` and the page."""

    path: Path
    outcome: Outcome

    @property
    def sentence(self) -> str:
        """The answer, with its uncertainty."""
        return next(sentences(self.outcome))

    @property
    def code(self) -> int:
        """0 answered, 3 no level meets the SLO, 4 cannot tell."""
        return self.outcome.code

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The answer for each SLO."""
        return self.outcome.tiers

    @property
    def levels(self) -> tuple[LevelRow, ...]:
        """All that were measured, rising."""
        return self.outcome.levels

    def __str__(self) -> str:
        return "\n".join(lines(self.outcome))


def saturate(
    config: Config = None,
    /,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    stop: Stop | None = None,
    **settings: Any,
) -> Saturation:
    """Searches for the most users at once that keep the SLOs (`slo=`), or without one for the knee of the throughput.

    settings: `slo=`, `budget=`, `quick=`, `tolerance=`, `max=`, `sweep=`, `gpus=`, `price=`, and those of `run` but for
    its load. Other arguments, and what is raised: as `run`. A service that dies, or `stop`, ends the search; the answer
    is then of what was seen.
    """
    with keywords_named():
        for name in settings:
            if name in OPTIONS and name not in _TAKEN:
                raise UsageError(f"{name}= is no setting of a search, which sets the load itself")
        options = search_options({name: value for name, value in settings.items() if name in _OWN})
        run, _ = chosen_run(config, {name: value for name, value in settings.items() if name not in _OWN})
        watch = None if on_progress is None else lambda _, now: on_progress(now)
        with standard_filled():
            searching = new_search(run, asked_of(options, run))
            halt = Stop() if stop is None else stop
            return in_thread(lambda: _carried_out(searching, halt, watch), "saturate", interrupted=halt.at_once)


_OWN = frozenset(option.name for option in SEARCH)
_TAKEN = frozenset(option.name for section in SATURATE_SECTIONS.values() for option in section)


def _carried_out(searching: Searching, stop: Stop, watch: Callable[[str, Progress], object] | None) -> Saturation:
    with Saturating(searching, stop, watch) as search:
        return Saturation(searching.directory, search.carry_out())


def lines(outcome: Outcome) -> list[str]:
    """What is printed: the answer, the levels, costs."""
    shown = [*sentences(outcome)]
    if outcome.levels:
        shown += ["", *aligned(table(outcome))]
    if outcome.costs:
        rate = outcome.asked.sweep is not None and outcome.asked.sweep[0] == "rate"
        shown += ["", *aligned(cost_table(outcome.costs, rate))]
    return shown


def plan_lines(options: Options) -> list[tuple[str, str]]:
    """`--dry-run`: what a search would do; nothing is sent. Raises UsageError for what cannot be used."""
    run = run_of_options(options, replays=False).run
    asked = asked_of(options, run)
    (described,) = describe(levelled(run, asked))
    shown = ("Service", "Model", "Input tokens", "Output tokens")
    return [*(row for row in described.rows if row[0] in shown), *plan_rows(asked)]


__all__ = [
    "RESULT",
    "Cost",
    "LevelRow",
    "Outcome",
    "Saturating",
    "Saturation",
    "Searching",
    "Tier",
    "lines",
    "plan_lines",
    "prepare_search",
    "saturate",
    "saturation_json",
]
