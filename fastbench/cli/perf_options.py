"""The options of `fastbench perf`, in the sections of its help.

No option has a default here: one that was not given leaves the config's value alone.
"""

from collections.abc import Sequence
from typing import Any

import click

from fastbench.cli.sections import Sections, Several
from fastbench.cli.values import (
    count_or_auto,
    count_or_none,
    header,
    lengths,
    pair,
    profile_stage,
    ramp,
    shard,
    start_time,
)

APIS = ("chat", "completions", "tgi", "triton", "mindie")


def _option(*names: str, help: str, metavar: str | None = None, **settings: Any) -> click.Option:
    return click.Option(names, help=help, metavar=metavar, **settings)


def _flag(name: str, help: str, **settings: Any) -> click.Option:
    return click.Option([name], help=help, is_flag=True, default=None, **settings)


def _pairs(name: str, help: str) -> click.Option:
    return click.Option([name], help=help, metavar="NAME=VALUE", type=pair, multiple=True)


_PLAN: Sequence[click.Option] = (
    _option("--config", metavar="FILE", help="The same as CONFIG.py."),
    Several(["--models"], metavar="NAME...", help="Services by the names of their configs; * and ? match anything."),
    Several(["--datasets"], metavar="NAME...", help="Data sets by name; each service meets each data set."),
    _option("--summarizer", metavar="NAME", help="What the report shows.  [default: default_perf]"),
    _option("--config-dir", metavar="DIR", help="Your configs by name, found before the presets.  [default: configs]"),
    _option(
        "-s",
        "--search",
        is_flag=True,
        default=None,
        help="Print which files the names lead to, all where none is given; send nothing.",
    ),
    _flag("--dry-run", "Print what would be done; send nothing."),
    _option("-m", "--mode", metavar="MODE", help="perf, or perf_viz to compute the report of --reuse again."),
    _option(
        "-r",
        "--reuse",
        metavar="[RUN]",
        is_flag=False,
        flag_value="latest",
        help="Continue this interrupted run of the work dir, or report it again by perf_viz.  [default: the latest]",
    ),
)
_SERVICE: Sequence[click.Option] = (
    _option("--url", metavar="URL", help="Base URL, such as http://host:8000."),
    _flag("--mock", "Start the embedded simulated service instead."),
    _pairs("--mock-option", "Setting of that service; implies --mock."),
    _option("--model", metavar="NAME", help="Model to ask for.  [default: the first one the service lists]"),
    _option("--api", type=click.Choice(APIS), help="How the service is spoken to.  [default: chat]"),
    click.Option(["--stream/--no-stream"], default=None, help="Ask for a stream of events.  [default: stream]"),
    _option("--api-key-env", metavar="NAME", help="Environment variable that holds the API key."),
    _option("--ca-file", metavar="FILE", help="Certificates (PEM) that the service's is verified by."),
    _option("--client-cert", metavar="FILE", help="Certificate (PEM) that the client shows."),
    _option("--client-key", metavar="FILE", help="Its key, where it is in a file of its own."),
    _flag("--insecure", "Do not verify the service's certificate; the report says so."),
    _option("--header", type=header, metavar="'NAME: VALUE'", multiple=True, help="Further request header."),
    _option(
        "--request-id-header",
        metavar="NAME|none",
        help="Header that carries each request's id, a UUID; none: left out.  [default: X-Request-Id]",
    ),
    _pairs("--param", "Sampling parameter, passed through unchanged."),
    click.Option(
        ["--ignore-eos/--no-ignore-eos"],
        default=None,
        help="Ask for output up to its full length.  [default: ignore, where no config says otherwise]",
    ),
    _option("--length-field", metavar="NAME", help="Field for the output length, such as max_completion_tokens."),
    _option("--tokenizer", metavar="PATH", help="tokenizer.json, or its directory, for exact prompt lengths."),
    _flag("--trust-remote-code", "Accepted for AISBench compatibility: a tokenizer never runs code."),
    _option("--timeout", metavar="TIME", help='Limit for an attempt once it is sent, such as "30s".  [default: 600s]'),
    _option("--total-timeout", metavar="TIME", help="Limit for a request with all attempts, connecting and pauses."),
    _option("--connect-timeout", metavar="TIME", help="Limit for a connection.  [default: 10s]"),
    _option(
        "--retry",
        type=int,
        metavar="N",
        help="Attempts after the first, for requests that failed before any byte of an answer.  [default: 2]",
    ),
)
_PROMPTS: Sequence[click.Option] = (
    _option("--input-len", type=lengths, metavar="N|MIN:MAX", help="Prompt tokens.  [default: 1024]"),
    _option("--output-len", type=lengths, metavar="N|MIN:MAX", help="Output tokens.  [default: 128]"),
    _option("--seed", type=int, metavar="N", help="Seed of the synthetic prompts.  [default: 0]"),
    _option("--shared-prefix", type=int, metavar="N", help="Tokens that all prompts start with."),
    _option("--dataset", metavar="FILE", help="JSONL file of finished prompts instead of synthetic ones."),
    _option("--custom-dataset-path", metavar="FILE", help="JSONL or CSV file of questions, with or without options."),
    _option("--custom-dataset-meta-path", metavar="FILE", help="Its .meta.json.  [default: beside it]"),
    _option("--custom-dataset-data-type", type=click.Choice(["mcq", "qa"]), help="[default: by its columns]"),
    _option("--custom-dataset-infer-method", type=click.Choice(["gen"]), help="How it is asked."),
    _option(
        "--num-prompts",
        type=count_or_none,
        metavar="N",
        help="Requests to send, the first ones of the data set.  [default: all; 100 synthetic ones]",
    ),
    _flag("--merge-ds", "Merge the data sets of one class; those of different classes stay apart."),
)
_LOAD: Sequence[click.Option] = (
    _option(
        "--concurrency", type=int, metavar="N", help="Most requests in flight.  [default: 1; in an open loop 1000]"
    ),
    _option("--rate", metavar="RATE", help='Open loop at this rate, such as "200/s".'),
    _option("--on-full", type=click.Choice(["wait", "drop"]), help="With --rate: what is due beyond --concurrency."),
    _flag("--use-timestamp", "Send each request at the time that the data set says."),
    _option("--trace-speed", type=float, metavar="N", help="With --use-timestamp: N times as fast.  [default: 1]"),
    _option("--burstiness", type=float, metavar="N", help="Scatter of the sends: 0 even, 1 Poisson.  [default: 0]"),
    _option(
        "--ramp",
        type=ramp,
        metavar="[KIND:]FROM:TO",
        help="Raise the rate from FROM to TO requests/s, linearly, or as exponential:1:100.",
    ),
    Several(
        ["--profile"],
        type=profile_stage,
        metavar="STAGE...",
        help="Stages in the place of --rate and --concurrency, such as 50/s:30s or 64:30s.",
    ),
    _option("--arrival-seed", type=int, metavar="N", help="Seed of that scatter.  [default: 0]"),
    _flag("--precise", "Spin to each time to send: later by 0.05 ms at most, for more CPU."),
    _option("--duration", metavar="TIME", help="Send for this long, the data set again and again."),
    _option("--drain", metavar="TIME", help="How long to wait for requests in flight.  [default: to their end]"),
    _flag("--pressure", "Add clients at --rate up to --concurrency, each sending without a pause."),
    _option("--pressure-time", metavar="TIME", help="How long.  [default: 15s]"),
    _option("--think-time", metavar="TIME", help="From a reply to its conversation's next turn.  [default: 0s]"),
    _option("--num-warmups", type=int, metavar="N", help="Unmeasured requests before.  [default: 1]"),
    _option("--warmup-data", type=click.Choice(["synthetic", "dataset"]), help="What they ask.  [default: synthetic]"),
    _option("--warmup-input-len", type=int, metavar="N", help="Their prompt tokens.  [default: as measured]"),
    _option("--warmup-output-len", type=int, metavar="N", help="Their output tokens.  [default: as measured]"),
    _option("--workers", type=count_or_auto, metavar="N|auto", help="Processes that share the load.  [default: auto]"),
    _flag("--pin", "Keep each worker's thread that sends and reads on a processor of its own."),
    _option("--shard", type=shard, metavar="I/N", help="Send only share I of N, from 0, for `fastbench merge`."),
    _option("--start-at", type=start_time, metavar="TIME", help="With --shard: 2026-11-24T12:30:00Z, or +30s."),
    _option(
        "--ray",
        metavar="[ADDRESS]",
        is_flag=False,
        flag_value="auto",
        help="Send from nodes of a Ray cluster, --workers on each.  [default: auto, the one of this host]",
    ),
    _option("--nodes", type=click.IntRange(1, 10_000), metavar="N", help="With --ray: how many nodes."),
    _option("--max-num-workers", type=int, metavar="N", help="Tasks that run at once.  [default: 1]"),
    _option("--max-workers-per-gpu", type=int, metavar="N", help="Without effect; at least 1."),
)
_REPORT: Sequence[click.Option] = (
    _option("-w", "--work-dir", metavar="DIR", help="For results.  [default: outputs/default]"),
    _option("--stats", metavar="LIST", help="Columns of the report, such as Average,P50,P99.9."),
    _option(
        "--stage",
        type=click.Choice(["total", "stable", "auto"]),
        help="Requests to count: all, those at the full concurrency, or those of the stationary window.",
    ),
    _option("--window", metavar="FROM:TO", help='Requests to count: those that begin in it, such as "30s:90s".'),
    _flag("--save-text", "Keep the replies' text."),
    _option(
        "--service-metrics",
        metavar="[TIME]",
        is_flag=False,
        flag_value="1s",
        help="Report the service's own metrics, asking its /metrics each TIME.  [default: 1s]",
    ),
    _option(
        "--metrics-url",
        metavar="URL",
        multiple=True,
        help="Where its metrics page is, if not there; several times for several; implies --service-metrics.",
    ),
    _flag("--spec-decode", "Report the service's speculative decoding, from its /metrics."),
    _flag("--debug", "Log to the terminal instead of logs/, one task after the other."),
    _option("--no-plot", is_flag=True, help="Write no report page (<dataset>_plot.html)."),
    _option("--strict", is_flag=True, help="Exit with 4 when a verdict is INVALID."),
    _option("-q", "--quiet", is_flag=True, help="No live view."),
)
SECTIONS: Sections = {
    "What to run": _PLAN,
    "Service": _SERVICE,
    "Prompts": _PROMPTS,
    "Load": _LOAD,
    "Results": _REPORT,
}
