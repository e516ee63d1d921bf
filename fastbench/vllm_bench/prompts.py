"""`--dataset-name` and its flags → what fastbench sends, as options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastbench.errors import UsageError
from fastbench.tokenizer import Tokenizer, load_chat_template, load_tokenizer
from fastbench.vllm_bench.flags import ratios
from fastbench.vllm_bench.rows import (
    Choice,
    Row,
    TraceFields,
    burstgpt,
    prompts,
    saved,
    saved_text,
    sharegpt,
    timed_trace,
)

Words = tuple[str, ...]
BLOCK = 512
"""Tokens of a block of a trace, as fastbench makes them."""


@dataclass(frozen=True)
class Prompts:
    """What is sent.

    words: options of `fastbench perf`. count: requests. full: whether the whole length is asked for. timed: whether the
    trace says when. has_times: whether a closed loop must be asked for, as the data set has times that are not used.
    """

    words: Words
    count: int
    full: bool = False
    timed: bool = False
    has_times: bool = False
    notes: Words = ()


@dataclass(frozen=True)
class Source:
    """What prompts are made of. values: of all flags. tokenizer: where it is, None = there is none. place: of files."""

    values: Mapping[str, Any]
    tokenizer: Path | None
    place: Path
    loaded: dict[Path, Tokenizer] = field(default_factory=dict, compare=False)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def file(self) -> str:
        """The data set's file."""
        return str(self["dataset_path"])

    @property
    def choice(self) -> Choice:
        """Which rows of a file."""
        count = self["num_prompts"]
        return Choice(
            count if count > 0 else None,
            self["seed"],
            not self["disable_shuffle"],
            not self["no_oversample"],
        )

    def counting(self, why: str) -> Tokenizer:
        """The tokenizer. Raises UsageError where there is none. why: what needs it."""
        if self.tokenizer is None:
            raise UsageError(
                f"--dataset-name {self['dataset_name']} needs the model's tokenizer {why}, and it is not on this "
                "machine: give --tokenizer DIR, the directory of tokenizer.json"
            )
        if self.tokenizer not in self.loaded:
            self.loaded[self.tokenizer] = load_tokenizer(str(self.tokenizer))
        return self.loaded[self.tokenizer]

    def save(self, rows: list[Row]) -> str:
        """The rows as a file. Raises UsageError where there are none."""
        if not rows:
            raise UsageError(f"{self.file} has no row that --dataset-name {self['dataset_name']} takes")
        return str(saved(rows, str(self["dataset_name"]), self.place))


def prompts_of(source: Source) -> Prompts:
    """What a data set's flags mean. Raises UsageError."""
    made = source["dataset_name"] in ("random", "prefix_repetition")
    if not made and not source["dataset_path"]:
        raise UsageError(f"--dataset-name {source['dataset_name']} needs its file: give --dataset-path FILE")
    if made and source["dataset_path"]:
        raise UsageError(
            f"--dataset-name {source['dataset_name']} makes its prompts; leave --dataset-path out, or give the name of "
            "its kind, such as --dataset-name custom"
        )
    return _KINDS[source["dataset_name"]](source)


def _random(source: Source) -> Prompts:
    asked, wanted = source["random_input_len"], source["random_output_len"]
    try:
        of_input, of_output = ratios(source["random_range_ratio"])
    except ValueError as error:
        raise UsageError(
            '--random-range-ratio must be a number, or JSON such as {"input": 0.3, "output": 0.5}'
        ) from error
    if not (0 <= of_input < 1 and 0 <= of_output < 1):
        raise UsageError("--random-range-ratio must be from 0 to below 1")
    # vLLM makes room for what the model adds, so that the service counts the length that was asked for.
    special = source.counting("").special_count if source.tokenizer else 0
    own = max(0, asked - special)
    prefix = source["random_prefix_len"]
    low, high = prefix + math.floor(own * (1 - of_input)), prefix + math.ceil(own * (1 + of_input))
    if low < 1:
        raise UsageError("--random-input-len leaves prompts without a token; give a greater one")
    shared = ("--shared-prefix", str(prefix)) if prefix else ()
    output = max(1, math.floor(wanted * (1 - of_output))), max(1, math.ceil(wanted * (1 + of_output)))
    return Prompts((*_made(source, (low, high), output), *shared), source["num_prompts"], full=True)


def _made(source: Source, inputs: tuple[int, int], outputs: tuple[int, int], count: int | None = None) -> Words:
    number = source["num_prompts"] if count is None else count
    if number < 1:
        raise UsageError(f"--num-prompts {number} is for files of prompts; give how many are to be made")
    return (
        *("--input-len", _range(*inputs), "--output-len", _range(*outputs)),
        *("--num-prompts", str(number), "--seed", str(source["seed"])),
    )


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}:{high}"


def _sonnet(source: Source) -> Prompts:
    source.counting("to cut the file to exact lengths")
    lengths = [source[f"sonnet_{part}_len"] for part in ("input", "output", "prefix")]
    words = _made(source, (lengths[0],) * 2, (lengths[1],) * 2)
    note = "prompts are slices of the file, of exactly the lengths asked for, not whole lines behind an instruction"
    more = ("--text", source.file, *(("--shared-prefix", str(lengths[2])) if lengths[2] else ()))
    return Prompts((*words, *more), source["num_prompts"], notes=(f"--dataset-name sonnet: {note}",))


def _prefix_repetition(source: Source) -> Prompts:
    prefixes, count = source["prefix_repetition_num_prefixes"], source["num_prompts"]
    if prefixes < 1 or count < prefixes:
        raise UsageError(f"--num-prompts {count} is below --prefix-repetition-num-prefixes {prefixes}")
    count -= count % prefixes
    prefix, suffix = source["prefix_repetition_prefix_len"], source["prefix_repetition_suffix_len"]
    words = _made(source, (prefix + suffix,) * 2, (source["prefix_repetition_output_len"],) * 2, count)
    note = "each prompt begins with one of the prefixes, at random; vLLM sends those of one after the other"
    pool = ("--prefix-pool", f"{prefixes}:{prefix}")
    return Prompts((*words, *pool), count, notes=(f"--dataset-name prefix_repetition: {note}",))


def _sharegpt(source: Source) -> Prompts:
    tokenizer = source.counting("to count prompts and replies")
    added = tokenizer.special_count
    rows = sharegpt(
        source.file, source.choice, source["sharegpt_output_len"], lambda text: tokenizer.count(text) + added
    )
    return _of_rows(source, rows)


def _of_rows(source: Source, rows: list[Row]) -> Prompts:
    return Prompts(("--dataset", source.save(rows)), len(rows))


def _custom(source: Source) -> Prompts:
    output = 1 if source["skip_tokenizer_init"] else source["custom_output_len"]
    templated = not (source["skip_chat_template"] or source["skip_tokenizer_init"])
    if not source.file.endswith(".jsonl"):
        raise UsageError(f"{source.file}: --dataset-name custom takes JSON lines, in a file that ends in .jsonl")
    form = _templated(source) if templated else _plain
    return _of_rows(source, prompts(source.file, source.choice, lambda row: str(row["prompt"]), output, form))


def _spec_bench(source: Source) -> Prompts:
    category = source["spec_bench_category"]

    def read(row: Row) -> str | None:
        return row["turns"][0] if not category or category == row["category"] else None

    # vLLM does not hand --seed and --skip-chat-template on to it.
    choice = source.choice._replace(seed=0)
    form = _templated(source)
    return _of_rows(source, prompts(source.file, choice, read, source["spec_bench_output_len"], form))


def _speed_bench(source: Source) -> Prompts:
    category = source["speed_bench_category"]

    def read(row: Row) -> str | None:
        return row["messages"][0]["content"] if not category or category == row["category"] else None

    path = Path(source.file) / f"{source['speed_bench_dataset_subset']}.jsonl"
    choice = source.choice._replace(seed=0)
    form = _plain if source["skip_chat_template"] else _templated(source)
    return _of_rows(source, prompts(str(path), choice, read, source["speed_bench_output_len"], form))


def _plain(prompt: str) -> str:
    return prompt


def _templated(source: Source) -> Callable[[str], str]:
    """A prompt as the model's chat template has it, up to where the reply begins."""
    source.counting("for its chat template (--skip-chat-template sends prompts as they are)")
    template = load_chat_template(str(source.tokenizer))
    if template is None:
        raise UsageError(
            f"{source.tokenizer} has no chat template; give --skip-chat-template to send prompts as they are"
        )
    fields = {"chat_template_kwargs": source["chat_template_kwargs"] or {}}
    return lambda prompt: template.text([{"role": "user", "content": prompt}], fields)


def _burstgpt(source: Source) -> Prompts:
    rows = burstgpt(source.file, source.choice)
    columns = "timestamp=timestamp,input=input,output=output"
    words = ("--trace", source.save(rows), "--trace-columns", columns, "--seed", str(source["seed"]))
    return Prompts(words, len(rows), has_times=True)


def _timed_trace(source: Source) -> Prompts:
    if source["backend"] == "openai-chat":
        raise UsageError("--dataset-name timed_trace is for completions: leave --backend openai-chat out")
    if source["timed_trace_chunk_hash_size"] != BLOCK:
        raise UsageError(
            f"--timed-trace-chunk-hash-size {source['timed_trace_chunk_hash_size']}: fastbench makes blocks of {BLOCK} "
            f"tokens, as Mooncake's traces have them; give {BLOCK}"
        )
    named = {name: source[f"timed_trace_label_{name}"] for name in TraceFields._fields[:-1]}
    fields = TraceFields(**named, unit_s=source["timed_trace_sec_multiplier"])
    rows = timed_trace(source.file, source.choice, fields)
    timed = source["self_timed"] is not False
    words = ("--trace", source.save(rows), "--seed", str(source["seed"]))
    return Prompts(words, len(rows), full=True, timed=timed, has_times=not timed)


_KINDS: Mapping[str, Callable[[Source], Prompts]] = {
    "random": _random,
    "sonnet": _sonnet,
    "prefix_repetition": _prefix_repetition,
    "sharegpt": _sharegpt,
    "custom": _custom,
    "spec_bench": _spec_bench,
    "speed_bench": _speed_bench,
    "burstgpt": _burstgpt,
    "timed_trace": _timed_trace,
}

__all__ = ["Prompts", "Source", "prompts_of", "saved_text"]
