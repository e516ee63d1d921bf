"""Data files: where a relative path is searched, which rows are used, and field names with a meaning."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CACHE_VARIABLE = "AIS_BENCH_DATASETS_CACHE"
DEFAULT_ROOT = Path("ais_bench") / "datasets"
_SLICE = re.compile(r"\s*\[\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?\]\s*")


def places(path: str) -> list[Path]:
    """What `path` may refer to: the working directory, the cache's directory, the usual directory of data sets."""
    if os.path.isabs(path):
        return [Path(path)]
    return list(dict.fromkeys(_candidates(Path(os.path.expanduser(path)))))


def find_data(path: str) -> str:
    """The first of `places(path)` that exists, or `path` itself."""
    return next((str(place) for place in places(path) if place.exists()), path)


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    below = path.relative_to(DEFAULT_ROOT) if path.is_relative_to(DEFAULT_ROOT) else path
    if cache := os.environ.get(CACHE_VARIABLE):
        yield Path(cache) / path
        yield Path(cache) / below
    yield DEFAULT_ROOT / below


def missing_sentence(path: str) -> str:
    """The message when no place has the file."""
    looked = ", ".join(str(place) for place in places(path))
    way_out = f"give the path of a file (--dataset, path in a config), or its directory as {CACHE_VARIABLE}"
    return f"{path}: no such data set; looked at {looked}; {way_out}"


def parse_slice(text: str) -> slice | None:
    """The slice that a `test_range` such as "[10:20]" stands for; None for other text."""
    match = _SLICE.fullmatch(text)
    if match is None:
        return None
    start, stop, step = (None if part is None else int(part) for part in match.groups())
    return None if step == 0 else slice(start, stop, step)


def range_fault(value: str | int | float | None) -> str | None:
    """What a `test_range` must be, if `value` is invalid."""
    if isinstance(value, str):
        return None if parse_slice(value) else 'a slice such as "[:8]" or "[10:20]"'
    if value is None or (value > 0 and (value < 1 or isinstance(value, int) or value.is_integer())):
        return None
    return "a whole number of rows above 0, or a share of them between 0 and 1"


LENGTHS: Final = ("max_completion_tokens", "max_tokens", "max_new_tokens", "max_out_len", "output_len")
"""The names of an output length, the first that a row has being used."""

_ANY = """
    temperature top_p top_k min_p top_a typical_p presence_penalty frequency_penalty repetition_penalty
    repeat_penalty length_penalty no_repeat_ngram_size do_sample seed stop stop_token_ids include_stop_str_in_output
    ignore_eos min_tokens min_new_tokens logit_bias bad_words allowed_token_ids skip_special_tokens
"""
_OPENAI = """
    response_format structured_outputs guided_json guided_regex guided_choice guided_grammar
    guided_whitespace_pattern guided_decoding_backend regex json_schema ebnf logprobs top_logprobs
    prompt_logprobs suffix add_special_tokens truncate_prompt_tokens service_tier vllm_xargs kv_transfer_params
    cache_prompt
"""
_CHAT = """
    tools tool_choice parallel_tool_calls functions function_call reasoning_effort include_reasoning enable_thinking
    thinking_budget verbosity chat_template chat_template_kwargs add_generation_prompt continue_final_message
    web_search_options
"""
FOR_CHAT: Final = frozenset(_CHAT.split())
"""Fields that only chat has."""
FOR_OPENAI: Final = frozenset(_OPENAI.split())
"""Fields that only OpenAI's APIs have, chat and completions."""
PARAMETERS: Final = FOR_CHAT | FOR_OPENAI | frozenset(_ANY.split())
EXTRA: Final = "extra_body"
"""Holds further parameters, which stand beside the others in the body."""
OF_THE_RUN: Final = frozenset({"model", "stream", "stream_options", "n", "best_of", "echo"})
"""Fields that the run sets itself: which service it uses, or how it measures."""

_SPEAKERS = {
    "user": ("human", "user", "prompter", "person"),
    "assistant": (
        *("gpt", "assistant", "chatgpt", "bing", "bard", "model", "bot", "chatbot", "ai", "llm", "claude", "gemini"),
        *("function_call", "tool_call"),
    ),
    "system": ("system", "developer"),
    "tool": ("tool", "function", "observation", "function_response", "tool_response", "ipython"),
}
ROLES: Final = {name: role for role, names in _SPEAKERS.items() for name in names}
"""A name in small letters: the protocol's role."""


def role_of(name: object) -> str | None:
    """The protocol's role of a speaker; None = not known."""
    return ROLES.get(name.strip().lower()) if isinstance(name, str) else None
