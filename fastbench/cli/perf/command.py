"""`fastbench perf`: measure a service."""

from typing import Any

import click

from fastbench.cli.perf.parsing import SectionedCommand
from fastbench.cli.say import say
from fastbench.options import SECTIONS


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
    # Imported late: help must not wait for them.
    from fastbench.cli.perf.given import Action, action_of, given_options
    from fastbench.options import run_of_options

    options = given_options(click.get_current_context())
    action = action_of(options)
    quiet, plot, strict = "quiet" in options, "no_plot" not in options, "strict" in options
    if action is Action.SEARCH:
        from fastbench.cli.perf.search import print_found

        return print_found(options)
    if action is Action.REPORT_AGAIN:
        from fastbench.cli.perf.viz import report_run_again

        return report_run_again(options, quiet=quiet, plot=plot, strict=strict)
    if action is Action.CONTINUE:
        from fastbench.cli.perf.reuse import continue_run

        return continue_run(options, quiet=quiet, plot=plot, strict=strict)
    run, remarks = run_of_options(options)
    for remark in remarks:
        say(remark)
    if action is Action.DRY_RUN:
        from fastbench.cli.perf.dry_run import print_plan

        return print_plan(run)
    from fastbench.cli.perf.shares import carry_out_share, cluster_of, shard_of

    cluster, shard = cluster_of(options, run), shard_of(options, run)
    if shard is not None:
        return carry_out_share(run, shard, quiet=quiet)
    from fastbench.cli.perf.measure import carry_out

    if cluster is not None:
        return carry_out(run, quiet=quiet, plot=plot, strict=strict, launcher=cluster)
    return carry_out(run, quiet=quiet, plot=plot, strict=strict)


perf_command = SectionedCommand(
    "perf",
    callback=perf,
    arguments=[click.Argument(["config_file"], metavar="[CONFIG.py|URL]", required=False)],
    sections=SECTIONS,
)
