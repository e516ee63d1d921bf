"""`fastbench saturate`: how many users at once a service carries within limits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from fastbench.cli.perf.parsing import SectionedCommand, given_options
from fastbench.cli.printing import OUTPUT, write_json
from fastbench.cli.user import as_far_as_read, leave_in_order, remark, say, stopped_by
from fastbench.errors import Exit, worst
from fastbench.options import SATURATE_SECTIONS, Options

if TYPE_CHECKING:
    from fastbench.cli.perf.live import Live
    from fastbench.live import Progress


def saturate(**_: Any) -> int:
    """Finds how many users at once a service carries within limits, with its uncertainty.

    \b
    fastbench saturate http://host:8000 --slo "ttft<500ms, tpot<50ms@99%" --budget 10m
    fastbench saturate http://host:8000 --input-len 1024 --output-len 128
    fastbench saturate http://host:8000 --sweep concurrency=1,2,4,8 --gpus 8 --price 2.5/h

    One load runs on while its number of users changes; each level is a recording of its own. Without --slo it finds the
    knee of the throughput. Exit codes: 0 answered, 3 no level keeps the SLO, 4 cannot tell, 130 interrupted.
    """
    options = given_options(click.get_current_context())
    # Imported late: help must not wait for it.
    if "dry_run" in options:
        return _print_plan(options)
    from fastbench import Stop
    from fastbench.api import Saturating, lines, prepare_search, saturation_json
    from fastbench.cli.perf.live import Live

    searching = prepare_search(options)
    quiet, target = "quiet" in options, options.get("json")
    for sentence in searching.prepared.remarks:
        remark(sentence, quiet=quiet)
    leave_in_order()
    stop = Stop()
    seen = Live(quiet=quiet, debug=searching.prepared.run.debug)
    watch = seen.observe if seen.on_screen or quiet else _by_level(seen)
    search = Saturating(searching, stop, watch, page="no_plot" not in options)
    with search, seen.shown(searching.directory), stop.on_signals():
        outcome = search.carry_out()
    if target != OUTPUT:
        with as_far_as_read():
            for line in lines(outcome):
                click.echo(line)
    if search.error is not None:
        say(str(search.error))
    if not quiet:
        click.echo(f"\nThe recording of each level, and the answer as JSON: {searching.directory}", file=sys.stderr)
    return worst(stopped_by(stop, outcome.code), write_json(saturation_json(outcome), target))


def _by_level(seen: Live) -> Callable[[str, Progress], None]:
    """Where nothing is drawn: a line whenever another level is measured, or the answer lies elsewhere."""
    last = ""

    def watch(name: str, now: Progress) -> None:
        nonlocal last
        seen.observe(name, now)
        level, *rest = now.load.split(" · ")
        told = f"{level}{f' · {rest[-1]}' if rest and rest[-1].startswith('answer') else ''}"
        if now.phase == "measure" and told != last:
            last = told
            say(told)

    return watch


def _print_plan(options: Options) -> int:
    from fastbench.api import plan_lines

    for name, value in plan_lines(options):
        click.echo(f"{name:<16}{value}")
    click.echo("Nothing was sent.")
    return Exit.DONE


saturate_command = SectionedCommand(
    "saturate",
    callback=saturate,
    arguments=[click.Argument(["config_file"], metavar="[CONFIG.py|URL]", required=False)],
    sections=SATURATE_SECTIONS,
)
