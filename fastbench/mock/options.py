"""The mock's options, each defined once: the command line and the Python API are made from this table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastbench.errors import ConfigError

STYLES = ("vllm", "llama", "transformers")


def _option(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    metavar: str | None = None,
    hidden: bool = False,
) -> Any:
    """One row of the table. low, high: the range of a number, ends included."""
    row = {
        "help": help_text,
        "low": low,
        "high": high,
        "choices": choices,
        "metavar": metavar,
        "hidden": hidden,
    }
    return field(default=default, metadata=row)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the mock. A field that is None takes the style's value, or is off."""

    host: str = _option("127.0.0.1", "Address to listen on; ::1 for IPv6.")
    port: int = _option(8000, "Port to listen on; 0 picks a free one.", low=0, high=65535)
    reuse_port: bool = _option(
        False, "Share the port with other services that do so too: the kernel deals connections."
    )
    model: str = _option("mock", "Name of the served model.")
    style: str = _option("vllm", "Whose replies to imitate.", choices=STYLES)
    seed: int = _option(0, "Seed of everything that is random.", low=0, high=2**63 - 1)
    log: str | None = _option(None, "File that gets one JSON line for each finished request.", metavar="FILE")
    tls_cert: str | None = _option(None, "Certificate (PEM) for https; a relay in Python, slow.", metavar="FILE")
    tls_key: str | None = _option(None, "Key (PEM) of the certificate.", metavar="FILE")

    ttft_ms: float | None = _option(None, "Time from the request's arrival to its first token. [0]", low=0, high=1e8)
    itl_ms: float | None = _option(
        None, "Time from token to token; 0: as fast as the socket takes them. [0]", low=0, high=1e8
    )
    jitter: float = _option(0.0, "Spread of each time: uniform within this fraction of it.", low=0, high=1)
    prefill_rate: float | None = _option(None, "Engine model: prompt tokens read per second.", low=1e-3, high=1e12)
    decode_ms: float | None = _option(None, "Engine model: base time of a decode step.", low=0, high=1e8)
    decode_ms_per_seq: float | None = _option(
        None, "Engine model: time of a decode step for each decoding sequence.", low=0, high=1e8
    )
    decode_cliff: int = _option(
        0,
        "Engine model: a decode step of more sequences than this takes 4 times as long; 0: none does.",
        low=0,
        high=2**31 - 1,
    )
    wander: float = _option(
        0.0,
        "Engine model: standard deviation of the logarithm of the engine's speed, which wanders within a second.",
        low=0,
        high=1,
    )
    max_num_batched_tokens: int = _option(
        8192, "Engine model: prompt tokens admitted in one step.", low=1, high=2**31 - 1
    )
    max_num_seqs: int = _option(
        0, "Sequences that run at once, the rest waits in line; 0: no limit.", low=0, high=2**31 - 1
    )
    max_model_len: int = _option(
        2**20, "Prompt and output tokens of a request together; more is a 400.", low=1, high=2**31 - 1
    )
    eos_rate: float = _option(
        0.0, "Chance that a token ends the output early, unless ignore_eos is asked for.", low=0, high=1
    )

    role: str | None = _option(
        None, "Role event of a chat: its own, in the first token's chunk, none.", choices=("own", "joined", "none")
    )
    finish: str | None = _option(
        None, "Finish reason: on the last text event or in its own event.", choices=("last", "own")
    )
    usage: str | None = _option(
        None,
        "Usage: own event, own event in the last chunk, on the finish event, in each event and an own one, never.",
        choices=("own", "joined", "finish", "each", "never"),
    )
    usage_always: bool | None = _option(None, "Send usage without being asked for it.")
    no_done: bool | None = _option(None, "End streams without [DONE].")
    double_done: bool | None = _option(None, "End streams with [DONE] twice.")
    headers: str | None = _option(
        None, "Response head: when the request is read, or with the first token.", choices=("early", "late")
    )
    reasoning: int = _option(0, "The first N tokens of a chat are reasoning.", low=0, high=2**31 - 1)
    reasoning_field: str = _option("reasoning", "Where reasoning stands.", choices=("reasoning", "reasoning_content"))
    tokens_per_event: int = _option(1, "Tokens in an event; the first event always carries one.", low=1, high=4096)
    spaced: bool = _option(False, "JSON with a space after colons and commas.")
    text: str = _option(
        "words", "The tokens: plain words, or words that look like protocol.", choices=("words", "hostile")
    )
    framing: str = _option(
        "chunked", "How a stream ends: last chunk, or end of connection.", choices=("chunked", "close")
    )
    upper_hex: bool = _option(False, "Chunk sizes in upper-case hex.")
    heartbeat_ms: float = _option(0.0, "Silence after which a stream sends an SSE comment; 0: never.", low=0, high=1e8)
    fault: tuple[str, ...] = _option(
        (),
        "Fault for a seeded share of requests (default all): http=STATUS, html, error-event=K, cut=K, reset=K, "
        "stall=K (after K tokens; -1: before the head), no-finish, empty, refuse-stream.",
        metavar="KIND[=ARG][:SHARE]",
    )
    spec_accept: float | None = _option(
        None,
        "Metrics page: counters of speculative decoding in which this share of the drafted tokens was accepted.",
        low=0,
        high=1,
    )
    prefix_hits: float | None = _option(
        None,
        "Metrics page: counters of a prefix cache that had this share of the prompt tokens.",
        low=0,
        high=1,
    )
    prefix_cache: int = _option(
        0,
        "Prefix cache of so many blocks of 16 tokens; usage has cached_tokens, an engine model reads only the others. "
        "0: none.",
        low=0,
        high=2**24,
    )
    until_stdin_ends: bool = _option(False, "Stop when standard input ends.", hidden=True)


def option_fields() -> Iterable[dataclasses.Field[Any]]:
    """The table: each field's name, type (as text), default and metadata (help, low, high, choices, …)."""
    return dataclasses.fields(Options)


def flag_name(name: str) -> str:
    """The command-line form of an option's name."""
    return "--" + name.replace("_", "-")


def make_options(values: Mapping[str, Any], where: str = "mock") -> Options:
    """Checks names and values. Raises ConfigError naming `where`.field; `faults` may be written for `fault`."""
    given = dict(values)
    if "faults" in given:
        given["fault"] = given.pop("faults")
    if isinstance(given.get("fault"), str):
        given["fault"] = [given["fault"]]
    table = {row.name: row for row in option_fields()}
    for name in given:
        if name not in table:
            known = ", ".join(name for name, row in table.items() if not row.metadata["hidden"])
            raise ConfigError(f"{where}.{name}: there is no such option; known are {known}")
    options = Options(**{name: _checked(table[name], value, where) for name, value in given.items()})
    _check_combinations(options, where)
    return options


def _checked(row: dataclasses.Field[Any], value: Any, where: str) -> Any:
    """The value in the row's type."""
    kind = str(row.type)
    name = f"{where}.{row.name}"
    if value is None and kind.endswith("| None"):
        return None
    if kind.startswith("tuple"):
        return _texts(value, name)
    if kind.startswith("bool"):
        if not isinstance(value, bool):
            raise ConfigError(f"{name}: must be true or false, not {value!r}")
        return value
    if kind.startswith("str"):
        return _text(row, value, name)
    return _number(row, value, name, whole=kind.startswith("int"))


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(f"{name}: must be a list of texts, not {value!r}")
    texts = tuple(value)
    for text in texts:
        if not isinstance(text, str):
            raise ConfigError(f"{name}: must be a list of texts, not {value!r}")
    return texts


def _text(row: dataclasses.Field[Any], value: Any, name: str) -> str:
    text = str(value) if hasattr(value, "__fspath__") else value
    if not isinstance(text, str) or not text:
        raise ConfigError(f"{name}: must be a text, not {value!r}")
    choices = row.metadata["choices"]
    if choices and text not in choices:
        raise ConfigError(f"{name}: must be one of {', '.join(choices)}, not {text!r}")
    return text


def _number(row: dataclasses.Field[Any], value: Any, name: str, *, whole: bool) -> float:
    low, high = row.metadata["low"], row.metadata["high"]
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not fits or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{name}: must be {kind} from {low:g} to {high:g}, not {value!r}")
    return int(value) if whole else float(value)


def _check_combinations(options: Options, where: str) -> None:
    """Checks options against each other."""
    engine = [options.prefill_rate, options.decode_ms, options.decode_ms_per_seq]
    fixed = [options.ttft_ms, options.itl_ms]
    if any(value is not None for value in engine) and any(value is not None for value in fixed):
        raise ConfigError(
            f"{where}: ttft_ms and itl_ms set fixed times, prefill_rate and decode_ms an engine model; give one kind"
        )
    if (options.tls_cert is None) != (options.tls_key is None):
        raise ConfigError(f"{where}: tls_cert and tls_key go together; give both or none")
    if options.prefix_cache and options.prefix_hits is not None:
        raise ConfigError(f"{where}: prefix_cache has its own hits, and prefix_hits gives others; give one")
    if options.no_done and options.double_done:
        raise ConfigError(f"{where}: no_done and double_done exclude each other; give one")
    if len(options.model.encode()) > 200:
        raise ConfigError(f"{where}.model: must be at most 200 bytes long")
    parse_faults(options.fault, where)


def parse_faults(faults: tuple[str, ...], where: str = "mock") -> list[tuple[int, int, float]]:
    """(kind, argument, share) of each KIND[=ARG][:SHARE]; shares add up to at most 1, else ConfigError."""
    from fastbench.mock.requests.fault import parse_fault

    parsed = []
    for text in faults:
        fault, colon, share_text = text.partition(":")
        try:
            share = float(share_text) if colon else 1.0
            kind, argument = parse_fault(fault)
        except ValueError:
            raise ConfigError(
                f"{where}.fault: {text!r} is not KIND[=ARG][:SHARE] of a known fault, such as 'cut=3:0.1'"
            ) from None
        if not 0 <= share <= 1:
            raise ConfigError(f"{where}.fault: the share of {text!r} must be from 0 to 1")
        parsed.append((kind, argument, share))
    if len(parsed) > 32 or sum(share for _, _, share in parsed) > 1 + 1e-9:
        raise ConfigError(
            f"{where}.fault: a request has at most one fault, so at most 32 shares may add up to 1 at most"
        )
    return parsed
