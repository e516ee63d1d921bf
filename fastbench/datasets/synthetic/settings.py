"""The settings of synthetic prompts, and what is wrong with them: lengths, mixes, prefix pools."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, field
from msgspec.structs import replace

from fastbench.config import DatasetConfig, Issues
from fastbench.config.fields import (
    LENGTHS,
    MAX_LENGTH,
    OF_THE_RUN,
    Count,
    DirName,
    Frozen,
    Length,
    Lengths,
    Seed,
    Text,
    Uniform,
    build_lengths,
    check_fields,
)
from fastbench.datasets.samples import MOST_CLASSES
from fastbench.datasets.text import find_text
from fastbench.structured import StructureError, constraints_of

_LENGTHS = ("input_len", "output_len")
_SET_ELSEWHERE = (OF_THE_RUN - {"model"}).union(LENGTHS, ("messages", "prompt", "inputs", "text_input", "parameters"))
# Far from any seed that a user would choose.
_SEED_DISTANCE = 2**62


class PrefixPool(Frozen, frozen=True, kw_only=True):
    """Prefixes that prompts begin with, so that a prefix cache finds them again."""

    count: Annotated[int, Meta(ge=1, le=MAX_LENGTH)]
    """How many different prefixes there are."""
    length: Length
    """Tokens of each."""
    hit_ratio: Annotated[float, Meta(ge=0, le=1)] | None = None
    """Share of all input tokens that a cache of all prefixes would serve; None = each prompt begins with a prefix."""


Pool = Annotated[PrefixPool, Meta(extra_json_schema={"description": "a dict with count, length and hit_ratio"})]


ClassName = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
        extra_json_schema={"description": "a name of at most 64 printable characters"},
    ),
]


class MixPart(Frozen, frozen=True, kw_only=True):
    """One kind of request in a mix."""

    input_len: Lengths
    output_len: Lengths | None = None
    """None = the service's `max_out_len`."""
    weight: Annotated[float, Meta(ge=0, le=1e9, extra_json_schema={"description": "a number from 0"})] = 1.0
    """Share of the requests, relative to the other parts; 0 = none."""
    class_name: ClassName = ""
    """Of its requests, for a report by class; "" = none."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Fields of its requests' bodies, over the service's: `model` for an adapter, `priority`, `temperature`."""


class SyntheticConfig(DatasetConfig, frozen=True, kw_only=True, tag_field="type", tag="synthetic"):
    """Prompts made from a seed."""

    words_field = "words_seed"

    abbr: DirName = "synthetic"
    count: Count
    input_len: Lengths | None = None
    """Prompt length, tokens (words where there is no tokenizer); None = `mix` says it."""
    output_len: Lengths | None = None
    """Output tokens asked for; None = the service's `max_out_len`."""
    mix: Annotated[tuple[MixPart, ...], Meta(extra_json_schema={"description": "a list of dicts"})] = ()
    """Kinds of requests in the place of `input_len` and `output_len`."""
    seed: Seed | None = None
    """None = lengths of the seed 0, and new words in each run."""
    words_seed: Seed | None = None
    """Seed of the words alone, so that two sets have prompts of the same lengths and none in common; None = `seed`."""
    text: Text | None = None
    """What prompts are made of: "corpus", the text that ships with fastbench, or a file; None = random words."""
    shared_prefix: Annotated[int, Meta(ge=0, le=MAX_LENGTH)] = 0
    """Tokens at the start that all prompts have in common."""
    prefix_pool: Pool | None = None
    with_chat_template: bool = False
    """Prompt lengths count what the model's chat template adds, too."""
    as_ids: bool = False
    """Send token ids in the place of text; for completions."""
    vocab_size: Length | None = None
    """With `as_ids` and no tokenizer: ids are below it."""

    @property
    def makes_token_ids(self) -> bool:
        """As `as_ids` says."""
        return self.as_ids

    @property
    def makes_words(self) -> bool:
        """Unless they are token ids."""
        return not self.as_ids

    @classmethod
    def check(cls, settings: Mapping[str, Any], path: str, issues: Issues) -> dict[str, Any]:
        """Lengths and parts of a mix become what they stand for."""
        settings = dict(settings)
        if "text" in settings:
            settings["text"] = find_text(settings["text"])
        bad = _replace_lengths(settings, path, issues)
        _replace_mix(settings, path, issues, bad)
        pool = settings.get("prefix_pool")
        if isinstance(pool, Mapping):
            # Checked by itself, so that its fields are named.
            checked = check_fields(PrefixPool, pool, f"{path}.prefix_pool", issues)
            settings["prefix_pool"] = PrefixPool(**checked) if {"count", "length"} <= checked.keys() else None
        values = super().check(settings, path, issues)
        if {"input_len", "mix"}.isdisjoint(settings.keys() | bad):
            issues.missing(f"{path}.input_len", "a number of tokens or [least, most], or the lengths must stand in mix")
        _check_prefixes(values, path, issues)
        if values.get("as_ids") and values.get("with_chat_template"):
            issues.add(f"{path}.with_chat_template", "is True, and so is as_ids, which no chat takes; set one of them")
        return values

    def common_prefix(self, seed: int) -> int | None:
        """As the base has it."""
        if self.words_seed != seed:
            return None
        return self.shared_prefix if self.prefix_pool is None else self.prefix_pool.length

    def alike(self, count: int, input_len: int | None = None) -> "SyntheticConfig":
        """With a seed of its own."""
        words = None if self.words_seed is None else self.words_seed ^ _SEED_DISTANCE
        made = replace(self, seed=(self.seed or 0) ^ _SEED_DISTANCE, words_seed=words, count=count)
        if input_len is None:
            return made
        length = Uniform(low=input_len, high=input_len)
        return replace(made, input_len=length, mix=(), shared_prefix=0, prefix_pool=None)

    def parts(self) -> tuple[MixPart, ...]:
        """The kinds of requests; one where there is no mix."""
        if self.mix or self.input_len is None:
            return self.mix
        return (MixPart(input_len=self.input_len, output_len=self.output_len),)


def _replace_lengths(settings: dict[str, Any], path: str, issues: Issues) -> set[str]:
    """Puts laws in the place of what stands for them; returns the names of those that cannot be used."""
    bad = set()
    for name in _LENGTHS:
        if settings.get(name) is None:
            settings.pop(name, None)
            continue
        lengths = build_lengths(settings.pop(name), f"{path}.{name}", issues)
        if lengths is None:
            bad.add(name)
        else:
            settings[name] = lengths
    return bad


def _replace_mix(settings: dict[str, Any], path: str, issues: Issues, bad: set[str]) -> None:
    raw = settings.pop("mix", None)
    if raw is None or raw in ([], ()):
        return
    bad.add("mix")
    if not isinstance(raw, list | tuple):
        issues.wrong(f"{path}.mix", raw, "a list of dicts with input_len, output_len and weight")
        return
    for name in _LENGTHS:
        if name in settings:
            issues.add(f"{path}.mix", f"is set, and so is {name}; set one of them")
    parts = [_part(item, f"{path}.mix[{index}]", issues) for index, item in enumerate(raw)]
    settings["mix"] = whole = tuple(part for part in parts if part is not None)
    if len(whole) == len(raw) and not sum(part.weight for part in whole):
        issues.add(f"{path}.mix", "has weights whose sum is 0; give one part at least a weight above 0")
    names = {part.class_name for part in whole} - {""}
    if len(names) > MOST_CLASSES:
        issues.add(f"{path}.mix", f"has {len(names)} classes; a recording can tell at most {MOST_CLASSES} apart")


def _part(raw: object, path: str, issues: Issues) -> MixPart | None:
    if isinstance(raw, MixPart):
        return raw
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict with input_len, output_len and weight")
        return None
    settings = dict(raw)
    bad = _replace_lengths(settings, path, issues)
    values = check_fields(MixPart, settings, path, issues, bad)
    _check_parameters(values.get("parameters", {}), f"{path}.parameters", issues)
    return MixPart(**values) if "input_len" in values else None


def _check_parameters(parameters: Mapping[str, Any], path: str, issues: Issues) -> None:
    """Those that a part has for its requests' bodies: none that the run, the prompt or a length sets."""
    for name in parameters:
        if name in _SET_ELSEWHERE:
            issues.add(f"{path}[{name!r}]", "is set by the run, the prompt or output_len; leave it out")
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        issues.add(path, f"cannot be written as JSON ({error}); use text, numbers, lists and dicts")
        return
    try:
        constraints_of(parameters)
    except StructureError as error:
        issues.add(path, f"{error}; correct or remove it")


def _check_prefixes(values: dict[str, Any], path: str, issues: Issues) -> None:
    parts = [values["input_len"]] if "input_len" in values else [part.input_len for part in values.get("mix", ())]
    shortest = min((lengths.low for lengths in parts), default=MAX_LENGTH)
    shared = values.get("shared_prefix", 0)
    pool = values.get("prefix_pool")
    if shared > shortest:
        issues.wrong(f"{path}.shared_prefix", shared, f"at most the shortest input_len, {shortest}")
    if pool is None:
        return
    if pool.length > shortest:
        issues.wrong(f"{path}.prefix_pool.length", pool.length, f"at most the shortest input_len, {shortest}")
    if shared:
        issues.add(f"{path}.prefix_pool", "is set, and so is shared_prefix; set one of them")
