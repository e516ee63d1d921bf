"""Options of `fastbench compare` where it measures two services itself. Their prompts and load are those of
`fastbench perf`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from fastbench.options.load import LOAD
from fastbench.options.option import Option, Takes
from fastbench.options.service import SERVICE
from fastbench.options.tasks import PROMPTS, RESULTS, TASKS
from fastbench.options.values import duration_text

_BOTH = "{0} measures a second service: name it by --url-b"
_FIRST = "{0} measures two services: name the first by --url-a"

LIVE: tuple[Option, ...] = (
    Option(
        flags="--url-a",
        metavar="URL",
        help="Measure this service, the base, in turn with --url-b.",
        needs={"url_b": _BOTH},
    ),
    Option(flags="--url-b", metavar="URL", help="The service that is compared with it.", needs={"url_a": _FIRST}),
    Option(
        flags="--until",
        parse=click.Choice(["decided"]),
        help="Stop as soon as what decides is decided.  [default: when --budget or --pairs is over]",
    ),
    Option(flags="--budget", metavar="TIME", parse=duration_text, help="Time for all of it.  [default: 2m]"),
    Option(
        flags="--pairs",
        metavar="N",
        parse=click.IntRange(1, 100_000),
        help="Most pairs of slices, one of each service.  [default: as many as --budget has room for]",
    ),
    Option(
        flags="--slice",
        metavar="TIME",
        parse=duration_text,
        help="About how long a slice lasts; --num-prompts says how many requests it has instead.  "
        "[default: 2s or 4 latencies]",
        excludes={"num_prompts": "{0} and {1} both say how long a slice is; give one of them"},
    ),
    Option(
        flags="--seed",
        metavar="N",
        parse=click.IntRange(0, 2**48),
        help="Seed of the prompts, and of who goes first in each pair.  [default: by chance]",
    ),
    Option(
        flags="--duet",
        takes=Takes.FLAG,
        help="Send to both at the same time, where they share hardware.",
    ),
)
"""What is measured, and for how long."""


def _but(options: Sequence[Option], names: str) -> tuple[Option, ...]:
    return tuple(option for option in options if option.name not in names.split())


def _named(options: Sequence[Option], names: str, **helps: str) -> tuple[Option, ...]:
    found = (option for option in options if option.name in names.split())
    return tuple(replace(option, help=helps.get(option.name, option.help)) for option in found)


LIVE_SECTIONS: Mapping[str, Sequence[Option]] = {
    "Two services": LIVE,
    "What to send": (
        *_named(TASKS, "config models datasets config_dir"),
        *_but(PROMPTS, "merge_ds custom_dataset_infer_method seed num_prompts"),
        *_named(PROMPTS, "num_prompts", num_prompts="Requests of a slice.  [default: as many as --slice takes]"),
    ),
    "Service": _but(SERVICE, "url mock mock_option reset_cache"),
    "Load": _named(
        LOAD,
        "concurrency rate load on_full burstiness precise num_warmups warmup_data warmup_input_len warmup_output_len "
        "workers pin",
    ),
    "Results": _named(RESULTS, "work_dir save_text service_metrics metrics_url debug quiet"),
}
"""The options of a comparison of two services, by the sections of its help."""
