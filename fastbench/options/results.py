"""The results: where they go, what they show."""

import click

from fastbench.options.option import Option, Takes
from fastbench.options.places import ModelField, RunField, ShownField

STAGES = ("total", "stable", "auto")
STAGE = "Requests to count: all, those at the full concurrency, or those of the stationary window."
WINDOW = 'Requests to count: those that begin in it, such as "30s:90s".'
STRICT = "Exit with 4 when a verdict is INVALID."


def window_fault(text: str) -> str | None:
    """What is wrong with the window `text`, in a sentence after the option; None = nothing."""
    from fastbench.config import is_stage

    if text not in STAGES and is_stage(text):
        return None
    return f'{text} is no window; give it as FROM:TO, such as "30s:90s", "30s:" or ":90s"'


RESULTS = (
    Option(
        flags="-w --work-dir",
        metavar="DIR",
        help="For results.  [default: outputs/default]",
        sets=RunField("work_dir"),
        also={"--work-dir DIR": "artifact-dir output-dir output-path result-dir"},
    ),
    Option(
        flags="--stats",
        metavar="LIST",
        help="Columns of the report, such as Average,P50,P99.9.",
        sets=ShownField("stats_list"),
        also={
            "--stats LIST": "stats-list",
            "--stats P50,P95,P99": "metric-percentiles percentile-metrics percentiles",
        },
    ),
    Option(
        flags="--stage",
        parse=click.Choice(STAGES),
        help=STAGE,
        sets=ShownField("stage"),
        excludes={"window": "{0} and {1} name two parts of the run; give one of them"},
    ),
    Option(
        flags="--window",
        metavar="FROM:TO",
        help=WINDOW,
        sets=ShownField("stage"),
        check=window_fault,
    ),
    Option(flags="--save-text", takes=Takes.FLAG, help="Keep the replies' text.", sets=ModelField("save_text")),
    Option(
        flags="--service-metrics",
        metavar="[TIME]",
        takes=Takes.OPTIONAL,
        alone="1s",
        help="Report the service's own metrics, asking its /metrics each TIME.  [default: 1s]",
        sets=RunField("service_metrics"),
    ),
    Option(
        flags="--metrics-url",
        metavar="URL",
        takes=Takes.REPEATED,
        help="Where its metrics page is, if not there; several times for several; implies --service-metrics.",
        sets=ModelField("metrics_url"),
    ),
    Option(
        flags="--spec-decode",
        takes=Takes.FLAG,
        help="Report the service's speculative decoding, from its /metrics.",
        sets=RunField("spec_decode"),
    ),
    Option(
        flags="--debug",
        takes=Takes.FLAG,
        help="Log to the terminal instead of logs/, one task after the other.",
        sets=RunField("debug"),
    ),
    Option(
        flags="--classic",
        takes=Takes.FLAG,
        help="Live view with AISBench's progress table, also for a single task.",
        sets=RunField("classic"),
    ),
    Option(flags="--no-plot", takes=Takes.FLAG, help="Write no report page (<dataset>_plot.html)."),
    Option(flags="--strict", takes=Takes.FLAG, help=STRICT),
    Option(flags="-q --quiet", takes=Takes.FLAG, help="No live view.", also={"--quiet": "disable-tqdm"}),
)
