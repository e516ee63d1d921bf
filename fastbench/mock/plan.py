"""From options to what the compiled modules take: numbers in their units, the style's switches resolved."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import Any

from fastbench.mock.options import Options, parse_faults
from fastbench.mock.styles import GENERATE_DIALECTS, STYLES, Templates, make_generate_templates, make_templates

SERVER = b"server: fastbench-mock\r\n"

# Each is one token of the usual vocabularies; 64 of them, as `replies.wire.Wire` needs a power of two.
_WORDS = (
    "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what its about "
    "than into them can only other time new some"
)
WORDS = _WORDS.split()
HOSTILE = (
    " data:", "\n\ndata: [DONE]\n\n", '"finish_reason":"stop"', ' "content":""', " [DONE]", "\r\n0\r\n\r\n", "\\",
    '\\"', "é", "漢字", "😀", "\u2028", "\x7f", "</think>", '"}}]}', " :",
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """How replies are made up, for `replies.reply.Script`. usage: in the order of `styles.DIALECTS`."""

    role: str
    finish: str
    usage: tuple[str, ...]
    usage_each: bool
    usage_always: bool
    reasoning: int
    tokens_per_event: int
    done: int
    upper: bool
    heads: tuple[bytes, bytes, bytes]


@dataclass(frozen=True)
class Timing:
    """When tokens are due, for `server.engine.Engine`; ns."""

    batched: bool
    ttft_ns: int
    itl_ns: int
    jitter: float
    prefill_ns: float
    decode_ns: float
    decode_seq_ns: float
    decode_cliff: int
    wander: float
    max_seqs: int
    max_batched_tokens: int
    seed: int


@dataclass(frozen=True)
class Plan:
    """The mock's plan, for `server.intake.Intake` and `server.loop.Server`."""

    seed: int
    eos_rate: float
    max_model_len: int
    close_delimited: bool
    logging: bool
    model: bytes
    """As it stands in JSON."""
    raw_model: bytes
    models_body: bytes
    faults: list[tuple[int, int, float]]
    head_early: bool
    heartbeat_ns: int
    spec_accept: float
    """Share of the drafted tokens that count as accepted; -1 = no speculative decoding."""
    prefix_hits: float
    """Share of the prompt tokens that count as found in the prefix cache; -1 = not given."""
    prefix_cache: int
    """Blocks that the prefix cache holds; 0 = there is none."""


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def make_form(options: Options) -> Form:
    style = STYLES[options.style]
    usage = style.usage
    if options.usage is not None:
        final = "own" if options.usage == "each" else options.usage
        usage = (final, final)
    of_details = "never" if options.usage == "never" else "finish"
    done = style.done
    if options.no_done is not None:
        done = 0 if options.no_done else 1
    if options.double_done:
        done = 2
    stream = b"HTTP/1.1 200 OK\r\n" + SERVER + b"content-type: text/event-stream; charset=utf-8\r\n"
    return Form(
        role=_or(options.role, style.role),
        finish=_or(options.finish, style.finish),
        usage=(*usage, *(of_details for _ in GENERATE_DIALECTS)),
        usage_each=options.usage == "each",
        usage_always=options.usage == "each" or _or(options.usage_always, style.usage_always),
        reasoning=options.reasoning,
        tokens_per_event=options.tokens_per_event,
        done=done,
        upper=options.upper_hex,
        heads=(
            stream + b"transfer-encoding: chunked\r\n",
            stream,
            b"HTTP/1.1 200 OK\r\n" + SERVER + b"content-type: application/json\r\ncontent-length: ",
        ),
    )


def _ns(milliseconds: float | None) -> int:
    return round((milliseconds or 0.0) * 1e6)


def make_timing(options: Options) -> Timing:
    engine = (options.prefill_rate, options.decode_ms, options.decode_ms_per_seq)
    return Timing(
        batched=any(value is not None for value in engine),
        ttft_ns=_ns(options.ttft_ms),
        itl_ns=_ns(options.itl_ms),
        jitter=options.jitter,
        prefill_ns=1e9 / options.prefill_rate if options.prefill_rate else 0.0,
        decode_ns=_or(options.decode_ms, 0.0) * 1e6,
        decode_seq_ns=_or(options.decode_ms_per_seq, 0.0) * 1e6,
        decode_cliff=options.decode_cliff,
        wander=options.wander,
        max_seqs=options.max_num_seqs,
        max_batched_tokens=options.max_num_batched_tokens,
        seed=options.seed,
    )


def make_plan(options: Options) -> Plan:
    card = {
        "id": options.model,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "fastbench",
        "root": options.model,
        "parent": None,
        "max_model_len": options.max_model_len,
    }
    head = _or(options.headers, "early" if STYLES[options.style].head_early else "late")
    return Plan(
        seed=options.seed,
        eos_rate=options.eos_rate,
        max_model_len=options.max_model_len,
        close_delimited=options.framing == "close",
        logging=options.log is not None,
        model=json.dumps(options.model, ensure_ascii=False).encode()[1:-1],
        raw_model=options.model.encode(),
        models_body=json.dumps({"object": "list", "data": [card]}).encode(),
        faults=parse_faults(options.fault),
        head_early=head == "early",
        heartbeat_ns=_ns(options.heartbeat_ms),
        spec_accept=_or(options.spec_accept, -1.0),
        prefix_hits=_or(options.prefix_hits, -1.0),
        prefix_cache=options.prefix_cache,
    )


def make_templates_of(options: Options) -> Templates:
    openai = make_templates(
        STYLES[options.style],
        options.model,
        reasoning=options.reasoning_field,
        counts_reasoning=options.reasoning > 0,
        caches=options.prefix_cache > 0,
        spaced=options.spaced,
    )
    return openai | make_generate_templates(options.model, spaced=options.spaced)


def make_words(options: Options) -> list[bytes]:
    """The texts of tokens, as they stand in JSON, in a seeded order."""
    words = list(HOSTILE) if options.text == "hostile" else [" " + word for word in WORDS]
    random.Random(options.seed).shuffle(words)
    return [json.dumps(word, ensure_ascii=False).encode()[1:-1] for word in words]
