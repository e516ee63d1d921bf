"""The settings of one data set: names, types, defaults, ranges. `dataset.py` makes them."""

from typing import Annotated

from msgspec import Meta

from fastbench.config.fields import MAX_LENGTH, Count, DirName, Frozen, Length, Text


class Uniform(Frozen, frozen=True, kw_only=True, tag="uniform"):
    """Whole numbers from `low` to `high`, both included."""

    low: Length
    high: Length


class SyntheticConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="synthetic"):
    """Prompts made from a seed."""

    abbr: DirName = "synthetic"
    count: Count
    input_len: Uniform
    """Prompt length, tokens (words where there is no tokenizer)."""
    output_len: Uniform | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    shared_prefix: Annotated[int, Meta(ge=0, le=MAX_LENGTH)] = 0
    """Tokens at the start that all prompts have in common."""


class JsonlConfig(Frozen, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """Prompts read from a file with one JSON object a line."""

    abbr: DirName
    path: Text
    prompt_key: Text | None = None
    """None = the first of "prompt", "question", "messages" that the row has."""
    output_len_key: Text = "max_tokens"
    """The row's key for the output tokens asked for; a row may lack it."""
    count: Count | None = None
    """Rows to use from the start; None = all."""


DatasetConfig = SyntheticConfig | JsonlConfig
DATASETS: dict[str, type[SyntheticConfig] | type[JsonlConfig]] = {
    "synthetic": SyntheticConfig,
    "jsonl": JsonlConfig,
}
