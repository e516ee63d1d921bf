"""`fastbench perf`: measure a service."""

from typing import Any

import click

from fastbench.cli.perf_options import SECTIONS
from fastbench.cli.say import say
from fastbench.cli.sections import SectionedCommand


def perf(quiet: bool, no_plot: bool, strict: bool, **parameters: Any) -> int:
    """Sends the planned load to a service, records it and reports what it did.

    \b
    fastbench perf CONFIG.py
    fastbench perf http://host:8000
    fastbench perf --models vllm_api_stream_chat --datasets synthetic_gen_string
    fastbench perf --url http://host:8000 --input-len 1024 --output-len 128 --concurrency 64
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.perf_given import understood
    from fastbench.cli.perf_mode import Action, action_of
    from fastbench.cli.perf_settings import given_options, run_of_options

    options = understood(given_options(parameters))
    action = action_of(options)
    if action is Action.SEARCH:
        from fastbench.cli.search import print_found

        return print_found(options)
    if action is Action.REPORT_AGAIN:
        from fastbench.cli.perf_viz import report_run_again

        return report_run_again(options, quiet=quiet, plot=not no_plot, strict=strict)
    if action is Action.CONTINUE:
        from fastbench.cli.perf_reuse import continue_run

        return continue_run(options, quiet=quiet, plot=not no_plot, strict=strict)
    run, remarks = run_of_options(options)
    for remark in remarks:
        say(remark)
    if action is Action.DRY_RUN:
        from fastbench.cli.dry_run import print_plan

        return print_plan(run)
    from fastbench.cli.perf_ray import cluster_of
    from fastbench.cli.perf_shard import carry_out_share, shard_of

    cluster, shard = cluster_of(options, run), shard_of(options, run)
    if shard is not None:
        return carry_out_share(run, shard, quiet=quiet)
    from fastbench.cli.perf_run import carry_out

    return carry_out(run, quiet=quiet, plot=not no_plot, strict=strict, carrier=cluster)


perf_command = SectionedCommand(
    "perf",
    callback=perf,
    arguments=[click.Argument(["config_file"], metavar="[CONFIG.py|URL]", required=False)],
    sections=SECTIONS,
)
