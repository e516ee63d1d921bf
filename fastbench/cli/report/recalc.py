"""`fastbench recalc`: compute a report again from its recording."""

from pathlib import Path

import click

from fastbench.cli.printing import Checks, Showing, json_option, quiet_option, tables_option
from fastbench.cli.report.shared import (
    assert_option,
    dialect_option,
    find_recordings,
    junit_option,
    no_plot_option,
    reading_speed_option,
    report_again,
    slo_option,
    stage_option,
    stall_option,
    strict_option,
    summary_option,
    window_option,
)
from fastbench.cli.user import leave_in_order
from fastbench.options import one_stage


@click.command("recalc")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--stats",
    metavar="LIST",
    help="Columns of the report, such as Average,P50,P99.9.  [default: those of the run]",
)
@stage_option
@window_option
@slo_option
@stall_option
@reading_speed_option
@dialect_option
@assert_option
@junit_option
@summary_option
@json_option
@no_plot_option
@strict_option
@tables_option
@quiet_option
def recalc_command(
    directory: Path,
    stats: str | None,
    stage: str | None,
    window: str | None,
    slo: tuple[str, ...],
    stall: str | None,
    reading_speed: str | None,
    dialects: tuple[str, ...],
    assertions: tuple[str, ...],
    junit: str | None,
    summary: str | None,
    json_file: str | None,
    no_plot: bool,
    strict: bool,
    tables: bool,
    quiet: bool,
) -> int:
    """Computes the report of a finished run again and rewrites its files; nothing is sent.

    DIRECTORY is that of a run, of its performances, of one recording in it, or a work dir: its latest run is taken.

    \b
    fastbench recalc outputs/default/20261124_073446 --stats P95,P99
    fastbench recalc outputs/default/20261124_073446 --slo "ttft<500ms, tpot<50ms@95%" --assert "failed<0.1%"
    fastbench recalc outputs/default/20261124_073446 --dialect vllm,genai-perf
    """
    # Imported late: help must not wait for it.
    from fastbench.api import Asking, gates_of
    from fastbench.config import parse_stats

    leave_in_order()
    columns = None if stats is None else parse_stats(stats)
    chosen = one_stage(stage, window)
    asking = Asking(slo or None, stall, reading_speed, gates_of(assertions), dialects)
    checks = Checks(asking, junit, summary)
    recordings = find_recordings(directory, quiet=quiet)
    # What was asked for is in the tables alone.
    showing = Showing(
        quiet=quiet,
        plot=not no_plot,
        strict=strict,
        tables=tables or bool(dialects),
        checks=checks,
        json=json_file,
    )
    return report_again(recordings, columns, chosen, showing)
