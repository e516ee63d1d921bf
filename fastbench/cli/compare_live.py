"""`fastbench compare --url-a … --url-b …`: its options, and how it is watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from fastbench.cli.perf.parsing import Sectioned, given_options, parameters_of
from fastbench.cli.user import leave_in_order, remark, say, stopped_by
from fastbench.errors import UsageError
from fastbench.options import LIVE_SECTIONS, flag

if TYPE_CHECKING:
    from fastbench import Comparison
    from fastbench.cli.perf.live import Live
    from fastbench.live import Progress

_NAMES = frozenset(option.name for options in LIVE_SECTIONS.values() for option in options)
_OF_SERVICES = ("url_a", "url_b")
_OF_BOTH = frozenset({"quiet"})
_OF_RECORDINGS = ("base", "run_noise", "stage", "window", "anyway")


class CompareCommand(Sectioned):
    """The command with the options of a live comparison too, in sections of their own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        own = [option for option in self.params if isinstance(option, click.Option)]
        live = parameters_of(LIVE_SECTIONS)
        self.sections = {"Options": own, **live}
        self.params = [*self.params, *(option for section in live.values() for option in section)]


def is_live(ctx: click.Context) -> bool:
    """Whether two services are named. Raises UsageError where options of both ways are mixed."""
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    services = [name for name in given if name in _OF_SERVICES]
    if not services:
        # Variables may be there for other commands.
        mine = [name for name in given if name in _NAMES - _OF_BOTH]
        if mine:
            raise UsageError(f"{flag(mine[0])} goes with --url-a and --url-b: nothing is sent without them")
        return False
    if ctx.params["sides"]:
        raise UsageError(
            f"{ctx.params['sides'][0]} compares recordings, {flag(services[0])} measures services; give one of them"
        )
    for name in given:
        if name in _OF_RECORDINGS:
            raise UsageError(f"{flag(name)} is about recordings, and {flag(services[0])} measures services")
    return True


def compare_services(ctx: click.Context, labels: Mapping[str, str]) -> tuple[Comparison, int]:
    """Sends; the answer and the exit code."""
    # Imported late: help must not wait for it.
    from fastbench import Stop
    from fastbench.api import LiveComparing, prepare_compare
    from fastbench.cli.perf.live import Live

    options = given_options(ctx, _NAMES)
    if ctx.params["slo"]:
        options = options.having("slo", ctx.params["slo"])
    comparing = prepare_compare(options, labels, ctx.params["stats"], ctx.params["gate"], ctx.params["tolerance"])
    for sentence in comparing.remarks:
        remark(sentence, quiet="quiet" in options)
    leave_in_order()
    stop, seen = Stop(), Live(quiet="quiet" in options, debug=comparing.prepared.run.debug)
    watch = seen.observe if seen.on_screen or "quiet" in options else _Told(seen).observe
    with LiveComparing(comparing, stop, watch) as live, seen.shown(comparing.directory), stop.on_signals():
        outcome = live.carry_out()
    remark(f"The recording of each slice: {comparing.directory}", quiet="quiet" in options)
    return outcome.comparison, stopped_by(stop, outcome.code)


class _Told:
    """Where nothing is drawn: a line for each pair."""

    def __init__(self, seen: Live) -> None:
        self._seen = seen
        self._last = ""

    def observe(self, name: str, now: Progress) -> None:
        """Takes the progress of a slice."""
        self._seen.observe(name, now)
        if now.load != self._last:
            self._last = now.load
            say(now.load)
