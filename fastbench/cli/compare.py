"""`fastbench compare`: did it get slower?"""

from __future__ import annotations

from typing import Any

import click

from fastbench.cli.compare_live import CompareCommand, compare_services, is_live
from fastbench.cli.printing import OUTPUT, Terminal, json_option, print_lines, write_json
from fastbench.cli.report.shared import label_option, labels_of, stage_option, window_option
from fastbench.cli.user import as_far_as_read, calculation_bar, leave_in_order
from fastbench.errors import Exit, worst


@click.command("compare", cls=CompareCommand)
@click.argument("sides", nargs=-1, metavar="A B...")
@click.option("--base", metavar="LABEL|PATH", help="Compare each of the others with this side.  [default: A, of two]")
@label_option
@click.option("--stats", metavar="LIST", help="Percentiles of latencies.  [default: P50,P90,P99]")
@click.option(
    "--gate",
    metavar="LIST",
    multiple=True,
    help="What decides the exit code, such as ttft.p99,output_throughput.  [default: P50 and P99 of TTFT and TPOT, "
    "output throughput, failures]",
)
@click.option("--tolerance", metavar="PERCENT", help="A change for the worse that does not count.  [default: 2%]")
@click.option(
    "--run-noise",
    metavar="PERCENT",
    help="How much runs of one service differ (standard deviation).  [default: as the runs, or earlier ones, tell]",
)
@click.option("--slo", metavar="TEXT", multiple=True, help="Compare the goodput by this SLO.  [default: of the runs]")
@stage_option
@window_option
@click.option("--anyway", is_flag=True, help="Compare what is not comparable too; the reason stands on top.")
@click.option("--cannot-tell-ok", is_flag=True, help="Exit with 0 where it cannot be told.")
@click.option("--junit", metavar="FILE", help="Write the metrics that decide as JUnit XML.")
@click.option("--summary", metavar="FILE", help="Write Markdown; also appended to the file of $GITHUB_STEP_SUMMARY.")
@click.option("--markdown", metavar="FILE", help="Write Markdown for a pull request.")
@json_option
@click.option("--page", metavar="FILE", help="Write an HTML page.")
def compare_command(
    sides: tuple[str, ...],
    base: str | None,
    labels: tuple[str, ...],
    stats: str | None,
    gate: tuple[str, ...],
    tolerance: str | None,
    run_noise: str | None,
    slo: tuple[str, ...],
    stage: str | None,
    window: str | None,
    anyway: bool,
    cannot_tell_ok: bool,
    junit: str | None,
    summary: str | None,
    markdown: str | None,
    json_file: str | None,
    page: str | None,
    quiet: bool | None = None,
    **_: Any,
) -> int:
    """Tells whether B is slower than A, with its uncertainty.

    Each side is a recording, a run or a work dir: all its runs are runs of that side; nothing is sent. Three runs or
    more of each side show how much runs differ; one does not. With --url-a and --url-b it sends slices of one load to
    two services in turn, which takes less time to tell as much.

    \b
    fastbench compare outputs/default/20261124_073446 outputs/default/20261124_081502
    fastbench compare before/ after/ --label A=main --label B=mine --markdown comment.md
    fastbench compare v1/ v2/ v3/ --base v1/ --gate ttft.p99,output_throughput --tolerance 3%
    fastbench compare --url-a http://old:8000 --url-b http://new:8000 --concurrency 16 --until decided

    Exit codes: 0 not worse, 3 worse, 4 cannot tell or not comparable.
    """
    context = click.get_current_context()
    # Imported late: help must not wait for it.
    from fastbench import compare
    from fastbench.api import comparison_json, comparison_lines, write_comparison

    if is_live(context):
        found, code = compare_services(context, labels_of(labels))
    else:
        leave_in_order()
        with calculation_bar("the comparison", quiet=bool(quiet)) as progress:
            found = compare(
                *sides,
                base=base,
                labels=labels_of(labels),
                stats=stats,
                gate=gate,
                tolerance=tolerance,
                run_noise=run_noise,
                slo=slo or None,
                stage=stage,
                window=window,
                anyway=anyway,
                on_progress=progress,
            )
        code = found.code
    code = Exit.DONE if cannot_tell_ok and code == Exit.CANNOT_TELL else code
    if json_file != OUTPUT:
        terminal = Terminal.of_output()
        with as_far_as_read():
            print_lines(comparison_lines(found, terminal.columns), terminal)
    write_comparison(found, junit=junit, summary=summary, markdown=markdown, page=page)
    return worst(code, write_json(comparison_json(found), json_file))
