"""What to run, and on which prompts: configs by their files or names, files of prompts, synthetic prompts."""

import click

from fastbench.options.option import Option, Takes
from fastbench.options.places import PromptsField, PromptsFile, SampleCount, SyntheticField
from fastbench.options.values import count_or_none, lengths

_TWO_PLANS = {
    "config": "{0} and {1} name two plans; give one of them",
    "config_file": "{0} and the config {1} name two plans; give one of them",
}
_TWO_KINDS = "{0} and {1} name two kinds of prompts; give one of them"
_WITH_FILE = {"custom_dataset_path": "{0} goes with --custom-dataset-path FILE, which is not given"}
_FROM_HERE = "{0} sends what is left from this host; leave --ray and --nodes out"

TASKS = (
    Option(
        flags="--config",
        metavar="FILE",
        help="The same as CONFIG.py.",
        excludes={"config_file": "{0} and {1} are two configs; give one of them"},
    ),
    Option(
        flags="--models",
        metavar="NAME...",
        takes=Takes.SEVERAL,
        help="Services by the names of their configs; * and ? match anything.",
        excludes=_TWO_PLANS,
    ),
    Option(
        flags="--datasets",
        metavar="NAME...",
        takes=Takes.SEVERAL,
        help="Data sets by name; each service meets each data set.",
        excludes={
            **_TWO_PLANS,
            "dataset": _TWO_KINDS,
            "custom_dataset_path": _TWO_KINDS,
        },
    ),
    Option(flags="--summarizer", metavar="NAME", help="What the report shows.  [default: default_perf]"),
    Option(
        flags="--config-dir",
        metavar="DIR",
        help="Your configs by name, found before the presets.  [default: configs]",
    ),
    Option(
        flags="-s --search",
        takes=Takes.FLAG,
        help="Print which files the names lead to, all where none is given; send nothing.",
        excludes={
            "config_file": "{0} finds configs by name, and {1} is given by its path; leave one of them out",
            "config": "{0} finds configs by name, and {1} gives one by its path; leave one of them out",
        },
    ),
    Option(
        flags="--dry-run",
        takes=Takes.FLAG,
        help="Print what would be done; send nothing.",
        excludes={"reuse": "{0} shows the plan of a new run, and {1} takes up one that was; give one of them"},
    ),
    Option(flags="-m --mode", metavar="MODE", help="perf, or perf_viz to compute the report of --reuse again."),
    Option(
        flags="-r --reuse",
        metavar="[RUN]",
        takes=Takes.OPTIONAL,
        alone="latest",
        help="Continue this interrupted run of the work dir, or report it again by perf_viz.  [default: the latest]",
        excludes={
            "shard": "{0} continues a whole run, and {1} is a part of one; give one of them",
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
        sets=SyntheticField("input_len"),
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
        sets=SyntheticField("output_len", of_models="max_out_len"),
        also={
            "--output-len N": "max-new-tokens max-out-len max-tokens osl output-tokens output-tokens-mean "
            "random-output-len sharegpt-output-len"
        },
    ),
    Option(
        flags="--seed",
        metavar="N",
        parse=int,
        help="Seed of the synthetic prompts.  [default: 0]",
        sets=SyntheticField("seed"),
        also={"--seed N": "random-seed"},
    ),
    Option(
        flags="--shared-prefix",
        metavar="N",
        parse=int,
        help="Tokens that all prompts start with.",
        sets=SyntheticField("shared_prefix"),
        also={"--shared-prefix N": "prefix-prompt-length random-prefix-len"},
    ),
    Option(
        flags="--dataset",
        metavar="FILE",
        help="JSONL file of finished prompts instead of synthetic ones.",
        sets=PromptsFile("jsonl"),
        excludes={"custom_dataset_path": _TWO_KINDS},
        suffixes=(".jsonl",),
        also={
            "--dataset FILE": "data dataset-path input-file prompt",
            "--dataset FILE, or --datasets NAME": "dataset-name",
        },
    ),
    Option(
        flags="--custom-dataset-path",
        metavar="FILE",
        help="JSONL or CSV file of questions, with or without options.",
        sets=PromptsFile("custom"),
        suffixes=(".json", ".csv"),
    ),
    Option(
        flags="--custom-dataset-meta-path",
        metavar="FILE",
        help="Its .meta.json.  [default: beside it]",
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
    Option(flags="--custom-dataset-infer-method", parse=click.Choice(["gen"]), help="How it is asked."),
    Option(
        flags="--num-prompts",
        metavar="N",
        parse=count_or_none,
        help="Requests to send, the first ones of the data set.  [default: all; 100 synthetic ones]",
        sets=SampleCount(),
        also={"--num-prompts N": "-n max-requests num-dataset-entries num-requests number request-count requests"},
    ),
    Option(
        flags="--merge-ds",
        takes=Takes.FLAG,
        help="Merge the data sets of one class; those of different classes stay apart.",
    ),
)
