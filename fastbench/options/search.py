"""Options of `fastbench saturate`: what is looked for, and for how long. Its service, prompts and results are those of
`fastbench perf`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from fastbench.options.load import LOAD
from fastbench.options.option import Option, Takes
from fastbench.options.service import SERVICE
from fastbench.options.tasks import PROMPTS, RESULTS, TASKS
from fastbench.options.values import duration_text, percentage, price, sweep

_EXCLUDED = "{0} measures the levels that it names, {1} is for a search; give one of them"


def _named(options: Sequence[Option], names: str) -> tuple[Option, ...]:
    return tuple(option for option in options if option.name in names.split())


def _but(options: Sequence[Option], names: str) -> tuple[Option, ...]:
    return tuple(option for option in options if option.name not in names.split())


def _worded(options: Sequence[Option], helps: Mapping[str, str]) -> tuple[Option, ...]:
    return tuple(replace(option, help=helps.get(option.name, option.help)) for option in options)


SEARCH: tuple[Option, ...] = (
    *_worded(
        _named(RESULTS, "slo"),
        {
            "slo": 'Limits that 99 % of requests must keep, such as "ttft<500ms, tpot<50ms@95%"; may be repeated. '
            "Without: the knee of the throughput."
        },
    ),
    Option(
        flags="--budget",
        metavar="TIME",
        parse=duration_text,
        help="Time for all of it; more time narrows the answer.  [default: until it is narrow]",
    ),
    Option(flags="--quick", takes=Takes.FLAG, help="Confirm for 20 s and 10 mean latencies, not 60 s and 20."),
    Option(
        flags="--tolerance",
        metavar="PERCENT",
        parse=percentage,
        help="Width of the answer at which the search ends.  [default: 5%]",
    ),
    Option(
        flags="--max",
        metavar="N",
        parse=click.IntRange(1, 100_000),
        help="Most users to try.  [default: 10,000, or what the system allows]",
    ),
    Option(
        flags="--sweep",
        metavar="NAME=N,...",
        parse=sweep,
        help="Measure these levels instead of a search: concurrency=1,2,4,8 or rate=5,10,20.",
        excludes={"max": _EXCLUDED, "tolerance": _EXCLUDED},
    ),
    Option(
        flags="--gpus",
        metavar="N",
        parse=click.IntRange(1, 100_000),
        help="GPUs of the service: tokens/s per GPU over tokens/s per user.",
    ),
    Option(
        flags="--price",
        metavar="PRICE/h",
        parse=price,
        help='Price of a GPU, such as "2.5/h": cost per million tokens.',
        needs={"gpus": "{0} needs --gpus N, the number of GPUs that it is paid for"},
    ),
)


SATURATE_SECTIONS: Mapping[str, Sequence[Option]] = {
    "Search": SEARCH,
    "What to run": _worded(
        _named(TASKS, "config models datasets config_dir dry_run reuse"),
        {
            "dry_run": "Print what the search would do, and what its budget can show; send nothing.",
            "reuse": "Continue this interrupted search of the work dir.  [default: the latest]",
        },
    ),
    "Service": SERVICE,
    "Prompts": _but(PROMPTS, "merge_ds custom_dataset_infer_method"),
    "Load": _named(
        LOAD,
        "precise think_time num_warmups warmup_data warmup_input_len warmup_output_len workers pin",
    ),
    "Results": _named(RESULTS, "work_dir json save_text service_metrics metrics_url debug no_plot quiet"),
}
"""The options of `fastbench saturate`, by the sections of its help."""
