"""`fastbench perf`: measure a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fastbench.cli.perf.parsing import Action, SectionedCommand, action_of, given_options
from fastbench.cli.printing import Checks, Showing
from fastbench.cli.user import remark
from fastbench.options import SECTIONS, Options

if TYPE_CHECKING:
    from fastbench import RunConfig


def perf(**_: Any) -> int:
    """Sends the planned load to a service, records it and reports what it did.

    \b
    fastbench perf CONFIG.py
    fastbench perf http://host:8000
    fastbench perf --models vllm_api_stream_chat --datasets synthetic_gen_string
    fastbench perf --url http://host:8000 --input-len 1024 --output-len 128 --concurrency 64

    Each option may be given in the environment too, as FASTBENCH_ and its name: FASTBENCH_URL, FASTBENCH_INPUT_LEN.
    The command line wins over the environment, and the environment over the config.
    """
    options = given_options(click.get_current_context())
    action = action_of(options)
    showing = Showing(
        quiet="quiet" in options,
        classic="classic" in options,
        plot="no_plot" not in options,
        tables="tables" in options or for_the_guide(options),
        strict="strict" in options,
        json=options.get("json"),
        checks=Checks(junit=options.get("junit"), summary=options.get("summary")),
    )
    # Imported late, each where it is needed: help must not wait for them.
    if action is Action.SEARCH:
        from fastbench.cli.perf.preview import print_found

        return print_found(options)
    if action is Action.REPORT_AGAIN:
        from fastbench.cli.report.shared import report_run_again

        return report_run_again(options, checking(showing, options))
    if action is Action.CONTINUE:
        from fastbench.api import continued
        from fastbench.cli.perf.measure import carry_out

        prepared = continued(options)
        showing = checking(showing, options, prepared.run)
        if showing.checks.asking is not None:
            showing.checks.asking.check(prepared.plan)
        return carry_out(prepared, showing)
    from fastbench.options import run_of_options

    run, remarks = run_of_options(options)
    for sentence in remarks:
        remark(sentence, quiet=showing.quiet)
    showing = checking(showing, options, run)
    if action is Action.DRY_RUN:
        from fastbench.cli.perf.preview import print_plan

        return print_plan(run)
    from fastbench.api import prepare
    from fastbench.cli.perf.measure import carry_out, carry_out_share

    prepared = prepare(run, options, showing.checks.asking)
    if "shard" in options:
        return carry_out_share(prepared, options["shard"], showing)
    return carry_out(prepared, showing)


def checking(showing: Showing, options: Options, run: RunConfig | None = None) -> Showing:
    """With what the options ask beyond numbers. run: that which is to be measured; its config has the SLOs. Raises
    UsageError for an assertion that cannot be judged."""
    given = {name: options[name] for name in ("slo", "stall", "reading_speed") if name in options and run is None}
    if not given and "assert" not in options:
        return showing
    # Imported late: most runs ask nothing.
    from fastbench.api import Asking, gates_of

    asking = Asking(**given, gates=gates_of(options.get("assert", ()), run))
    return showing._replace(checks=showing.checks._replace(asking=asking))


def for_the_guide(options: Options) -> bool:
    """Whether AISBench's tasks are named, or its config is given: its guide shows the tables."""
    if options.keys() & {"models", "datasets"}:
        return True
    from fastbench.options import config_file

    given = config_file(options)
    if given is None:
        return False
    from fastbench.aisbench import is_aisbench

    return is_aisbench(given)


perf_command = SectionedCommand(
    "perf",
    callback=perf,
    arguments=[click.Argument(["config_file"], metavar="[CONFIG.py|URL]", required=False)],
    sections=SECTIONS,
)
