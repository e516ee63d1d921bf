"""Options of what to run: configs by file or name, prompts, results."""

import click

from fastbench.errors import UsageError
from fastbench.options.option import Option, Takes
from fastbench.options.places import (
    MixFile,
    ModelField,
    PromptsField,
    PromptsFile,
    RunField,
    SampleCount,
    ShownField,
    SyntheticField,
)
from fastbench.options.values import columns, count_or_none, lengths, pool

STAGES = ("total", "stable", "auto")
STAGE = "Requests to report: all, those at full concurrency, or those of the stationary window."
WINDOW = 'Report the requests that begin in this window, such as "30s:90s".'
STRICT = "Exit with status 4 if a verdict is INVALID."
SLO = (
    'Judge each request, such as "ttft<500ms, tpot<50ms@99%"; print the share of good ones and the goodput. '
    "Repeat it for several SLOs. Exit status 3 if one is not met, 4 if that cannot be told."
)
STALL = "Report stalls: gaps longer than this, such as 1s, and than ten times the request's median gap."
READING_SPEED = "Report the tokens that arrive before a reader of this speed, such as 10/s, comes to them."
ASSERT = (
    'Exit with status 3 unless this holds, such as "ttft.p99<800ms", "failed<0.1%", "output_throughput>2000", of one '
    'class of requests "ttft.p99[class=chat]<300ms"; 4 if it cannot be told. May be repeated.'
)
JUNIT = "Write SLOs and assertions as JUnit XML to this file."
DIALECT = (
    "Print the numbers by the rules of these tools too: vllm, sglang, genai-perf, aiperf, guidellm, evalscope, "
    "inference-perf, aisbench, or all."
)
JSON = "Write the whole result as one JSON document to this file; - is standard output, where nothing else is then."
QUIET = "No progress and no remarks: only the result, and faults."
SUMMARY = "Write verdicts, numbers, SLOs and assertions as Markdown to this file."
TABLES = "Print the tables above the summary. Where standard output is no terminal they are printed anyway."

_TWO_PLANS = {
    "config": "{0} and {1} name two plans; give one of them",
    "config_file": "{0} and the config {1} name two plans; give one of them",
}
_TWO_KINDS = "{0} and {1} both say which prompts to send; give one of them"
_WITH_FILE = {"custom_dataset_path": "{0} goes with --custom-dataset-path FILE, which is not given"}
_WITH_TRACE = {"trace": "{0} goes with --trace FILE, which is not given"}
_OF_WHOLE_RUNS = {"shard": "{0} is about a whole run, {1} sends a part of one; give it to recalc, after merge"}
_SLO_ELSEWHERE = {'--slo "ttft<500ms"': "goodput"}
_FROM_HERE = "{0} resumes a run from this host only; leave --ray and --nodes out"


def window_fault(text: object) -> str | None:
    """The fault of the window `text`, as a sentence after the option; None = none."""
    from fastbench.config import is_stage

    if isinstance(text, str) and text not in STAGES and is_stage(text):
        return None
    return f'{text} is not a window; give it as FROM:TO, such as "30s:90s", "30s:" or ":90s"'


def one_stage(stage: str | None, window: str | None) -> str | None:
    """The stage that one of the options names; None = neither was given. Raises UsageError."""
    if stage is not None and window is not None:
        raise UsageError("--stage and --window name two parts of the run; give one of them")
    fault = window and window_fault(window)
    if fault:
        raise UsageError(f"--window {fault}")
    return stage or window


TASKS = (
    Option(
        flags="--config",
        metavar="FILE",
        help="Config file, the same as CONFIG.py.",
        excludes={"config_file": "{0} and {1} both name a config; give one of them"},
    ),
    Option(
        flags="--models",
        metavar="NAME...",
        takes=Takes.SEVERAL,
        help="Services by config name; * and ? are wildcards.",
        excludes=_TWO_PLANS,
    ),
    Option(
        flags="--datasets",
        metavar="NAME...",
        takes=Takes.SEVERAL,
        help="Data sets by config name; each service runs each data set.",
        excludes={
            **_TWO_PLANS,
            "dataset": _TWO_KINDS,
            "custom_dataset_path": _TWO_KINDS,
            "trace": _TWO_KINDS,
        },
    ),
    Option(flags="--summarizer", metavar="NAME", help="Summarizer by config name.  [default: default_perf]"),
    Option(
        flags="--config-dir",
        metavar="DIR",
        help="Directory of your own configs, searched before the presets.  [default: configs]",
    ),
    Option(
        flags="-s --search",
        takes=Takes.FLAG,
        help="List the configs of these names (all, if none is given) and their files; send nothing.",
        excludes={
            "config_file": "{0} lists configs by name, {1} is a path; give one of them",
            "config": "{0} lists configs by name, {1} is a path; give one of them",
        },
    ),
    Option(
        flags="--dry-run",
        takes=Takes.FLAG,
        help="Print the plan; send nothing.",
        excludes={"reuse": "{0} shows the plan of a new run, {1} resumes an old one; give one of them"},
    ),
    Option(flags="-m --mode", metavar="MODE", help="perf, or perf_viz to recompute the report of --reuse."),
    Option(
        flags="-r --reuse",
        metavar="[RUN]",
        takes=Takes.OPTIONAL,
        alone="latest",
        help="Resume this interrupted run of the work dir, or report it again with perf_viz.  [default: the latest]",
        excludes={
            "shard": "{0} resumes a whole run, {1} sends a part of one; give one of them",
            "ray": _FROM_HERE,
            "nodes": _FROM_HERE,
        },
    ),
)
PROMPTS = (
    Option(
        flags="--input-len",
        metavar="N|MIN:MAX",
        parse=lengths,
        help="Prompt tokens.  [default: 1024]",
        sets=SyntheticField("input_len", of_traces=True),
        also={
            "--input-len N": "input-tokens isl random-input-len synthetic-input-tokens-mean",
            "--input-len MIN:MAX": "random-range-ratio",
        },
    ),
    Option(
        flags="--output-len",
        metavar="N|MIN:MAX",
        parse=lengths,
        help="Output tokens.  [default: 128]",
        sets=SyntheticField("output_len", of_models="max_out_len", of_traces=True),
        also={
            "--output-len N": "max-new-tokens max-out-len max-tokens osl output-tokens output-tokens-mean "
            "random-output-len sharegpt-output-len"
        },
    ),
    Option(
        flags="--mix",
        metavar="FILE",
        help="YAML or JSON file with `mix`, a list of kinds of requests, each with its lengths, its weight, and its "
        "class_name and parameters (model, priority) if it has them.",
        sets=MixFile("mix"),
        excludes=dict.fromkeys(
            ("input_len", "output_len"), "{1} and {0} both say how long prompts are; give one of them"
        ),
    ),
    Option(
        flags="--max-context",
        metavar="N",
        parse=int,
        help="Refuse, before anything is sent, requests whose prompt and reply may have more tokens.  "
        "[default: no limit]",
        sets=RunField("max_context"),
        also={"--max-context N": "max-model-len max-seq-len"},
    ),
    Option(
        flags="--cache-bust",
        parse=click.Choice(["first-turn", "system", "none"]),
        help="Put a marker, another one for each request, in front of the first user message, or of all messages, of "
        "prompts of a file, so that no prefix cache has them.  [default: none]",
        sets=RunField("cache_bust"),
    ),
    Option(
        flags="--seed",
        metavar="N",
        parse=int,
        help="Seed of the words of made prompts, to send the same again.  [default: a new one for each run]",
        sets=RunField("seed"),
        also={"--seed N": "random-seed"},
    ),
    Option(
        flags="--shared-prefix",
        metavar="N",
        parse=int,
        help="Length of a prefix common to all prompts, tokens.",
        sets=SyntheticField("shared_prefix"),
        also={"--shared-prefix N": "prefix-prompt-length random-prefix-len"},
    ),
    Option(
        flags="--prefix-pool",
        metavar="N:TOKENS",
        parse=pool,
        help="Begin each prompt with one of N prefixes of so many tokens, at random.",
        sets=SyntheticField("prefix_pool"),
        excludes={"shared_prefix": "{0} and {1} both say how prompts begin; give one of them"},
        also={
            "--prefix-pool N:TOKENS": "num-prefix-prompts prefix-repetition-num-prefixes gsp-num-groups "
            "gsp-system-prompt-len",
        },
    ),
    Option(
        flags="--text",
        metavar="FILE|corpus",
        help="Make prompts of real text, cut to exact lengths: of a file, or of the corpus that ships with fastbench.  "
        "[needs --tokenizer]",
        sets=SyntheticField("text", of_traces=True),
    ),
    Option(
        flags="--dataset",
        metavar="FILE",
        help="JSONL file of prompts, instead of synthetic ones.",
        sets=PromptsFile("jsonl"),
        excludes={"custom_dataset_path": _TWO_KINDS, "trace": _TWO_KINDS},
        suffixes=(".jsonl",),
        also={
            "--dataset FILE": "data dataset-path input-file prompt",
            "--dataset FILE, or --datasets NAME": "dataset-name",
        },
    ),
    Option(
        flags="--rows",
        metavar="FILE",
        help="JSONL file of whole request bodies, sent as they are; also an OpenAI batch file.",
        sets=PromptsFile("rows"),
        excludes={
            "dataset": _TWO_KINDS,
            "custom_dataset_path": _TWO_KINDS,
            "datasets": _TWO_KINDS,
            "trace": _TWO_KINDS,
            "output_len": "{1} is not for {0}, whose requests have lengths of their own; give --param max_tokens=N",
        },
    ),
    Option(
        flags="--custom-dataset-path",
        metavar="FILE",
        help="JSONL or CSV file of questions, also multiple-choice.",
        sets=PromptsFile("custom"),
        excludes={"trace": _TWO_KINDS},
        suffixes=(".json", ".csv"),
    ),
    Option(
        flags="--custom-dataset-meta-path",
        metavar="FILE",
        help=".meta.json of --custom-dataset-path.  [default: beside it]",
        sets=PromptsField("meta_path"),
        needs=_WITH_FILE,
    ),
    Option(
        flags="--custom-dataset-data-type",
        parse=click.Choice(["mcq", "qa"]),
        help="[default: by its columns]",
        sets=PromptsField("data_type"),
        needs=_WITH_FILE,
    ),
    Option(
        flags="--custom-dataset-infer-method",
        parse=click.Choice(["gen"]),
        help="Accepted for AISBench compatibility, no effect.",
    ),
    Option(
        flags="--trace",
        metavar="FILE",
        help="Replay a trace (Azure, BurstGPT, Mooncake, or any CSV, JSONL, parquet): its times, unless --rate or "
        "another option of the load says when, and its lengths, unless --input-len or --output-len does.",
        sets=PromptsFile("trace"),
    ),
    Option(
        flags="--trace-columns",
        metavar="WHAT=NAME,...",
        parse=columns,
        help="Columns of --trace, such as timestamp=arrival:ms,input=prompt_tokens,output=reply_tokens; also session.",
        sets=PromptsField("columns"),
        needs=_WITH_TRACE,
    ),
    Option(
        flags="--trace-lengths",
        metavar="FILE",
        help="Take the lengths from this other trace.",
        sets=PromptsField("lengths"),
        needs=_WITH_TRACE,
    ),
    Option(
        flags="--num-prompts",
        metavar="N",
        parse=count_or_none,
        help="Send the first N requests of the data set.  [default: all; 100 synthetic ones]",
        sets=SampleCount(),
        also={"--num-prompts N": "-n max-requests num-dataset-entries num-requests number request-count requests"},
    ),
    Option(
        flags="--merge-ds",
        takes=Takes.FLAG,
        help="Accepted for AISBench compatibility: fails if it would merge data sets.",
    ),
)
RESULTS = (
    Option(
        flags="-w --work-dir",
        metavar="DIR",
        help="Directory of results.  [default: outputs/default]",
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
    Option(flags="--slo", metavar="TEXT", takes=Takes.REPEATED, help=SLO, sets=RunField("slo"), also=_SLO_ELSEWHERE),
    Option(flags="--stall", metavar="TIME", help=STALL, sets=RunField("stall")),
    Option(flags="--reading-speed", metavar="RATE", help=READING_SPEED, sets=RunField("reading_speed")),
    Option(flags="--assert", metavar="TEXT", takes=Takes.REPEATED, help=ASSERT, excludes=_OF_WHOLE_RUNS),
    Option(flags="--junit", metavar="FILE", help=JUNIT, excludes=_OF_WHOLE_RUNS),
    Option(flags="--summary", metavar="FILE", help=SUMMARY, excludes=_OF_WHOLE_RUNS),
    Option(
        flags="--json",
        metavar="FILE|-",
        help=JSON,
        excludes={
            **_OF_WHOLE_RUNS,
            "dry_run": "{0} is the result of a run, and {1} makes none",
            "search": "{0} is the result of a run, and {1} makes none",
        },
    ),
    Option(flags="--save-text", takes=Takes.FLAG, help="Record the replies' text.", sets=ModelField("save_text")),
    Option(
        flags="--service-metrics",
        metavar="[TIME]",
        takes=Takes.OPTIONAL,
        alone="1s",
        help="Record server metrics: read /metrics each TIME.  [default: 1s]",
        sets=RunField("service_metrics"),
    ),
    Option(
        flags="--metrics-url",
        metavar="URL",
        takes=Takes.REPEATED,
        help="URL of the metrics page, if not /metrics; may be repeated; implies --service-metrics.",
        sets=ModelField("metrics_url"),
    ),
    Option(
        flags="--spec-decode",
        takes=Takes.FLAG,
        help="Report speculative decoding, from the service's /metrics.",
        sets=RunField("spec_decode"),
    ),
    Option(
        flags="--debug",
        takes=Takes.FLAG,
        help="Log to the terminal instead of logs/, and run one task at a time.",
        sets=RunField("debug"),
    ),
    Option(
        flags="--classic", takes=Takes.FLAG, help="Live view with AISBench's progress table, also for a single task."
    ),
    Option(flags="--no-plot", takes=Takes.FLAG, help="Write no report page (<dataset>_plot.html)."),
    Option(flags="--tables", takes=Takes.FLAG, help=TABLES),
    Option(flags="--strict", takes=Takes.FLAG, help=STRICT),
    Option(flags="-q --quiet", takes=Takes.FLAG, help=QUIET, also={"--quiet": "disable-tqdm"}),
)
