"""What a run sent, by its recording's header: workload, prompts, and lines to tell what differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastbench.answers.comparison.model import Workload

_SERVICE = ("type", "max_out_len", "generation_kwargs", "stream", "precise")
"""Settings of the service that change what is sent, beside the load."""
_LOAD_FREE = frozenset({"seed"})
_DATA_FREE = frozenset({"abbr", "seed"})
_PATHS = frozenset({"path", "meta_path", "generated_prompts_path"})
"""A file is known by its name: elsewhere it lies elsewhere."""
_RUN_FREE = frozenset({"work_dir", "summarizer", "datasets", "models", "debug", "fresh_seed"})
_WORDS = frozenset({"words_seed", "random_seed"})
"""Seeds of words alone: with another one prompts are as long and say something else."""
_DIGITS = 12
_LONGEST = 200


def workload_of(header: Mapping[str, Any]) -> Workload:
    """By a recording's header; without a digest where that does not say what was planned."""
    load, config = _part(header, "load"), _part(header, "config")
    if not load:
        return Workload("")
    service, data = _first(config, "models"), _first(config, "datasets")
    sent = {name: service[name] for name in _SERVICE if name in service}
    # Of a header without a config: what it says of the service.
    sent = sent or {name: _part(header, "service").get(name) for name in ("backend", "stream")}
    plan = {
        # A load shape may hold the seed itself.
        "load": {name: _seedless(value) for name, value in load.items() if name not in _LOAD_FREE},
        "service": sent,
        "data": {name: _named(name, value) for name, value in _worded(data).items() if name not in _DATA_FREE},
        "task": "" if data else _part(header, "task").get("dataset"),
    }
    bust, of_plan = config.get("cache_bust", "none"), _part(header, "prompts")
    plan |= {} if bust == "none" else {"cache_bust": bust}
    lengths = {"plan": plan, "seed": data.get("seed") or 0, "words": header.get("tokens_per_word")}
    texts = [data.get(name) for name in sorted(_WORDS)] + ([] if bust == "none" else [of_plan.get("seed")])
    return Workload(_digest(plan), _digest(lengths) if data else "", _words(header, load), _digest(texts))


def config_lines(header: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a run by name, with the name of its host and the version of fastbench, each in one line."""
    config = _part(header, "config")
    host = _part(header, "host")
    fresh, data = config.get("fresh_seed"), _first(config, "datasets")
    if fresh is not None:
        # Every run has another one.
        data = {name: None if name in _WORDS and value == fresh else value for name, value in data.items()}
    named = {
        "": {name: value for name, value in config.items() if name not in _RUN_FREE},
        "service": _first(config, "models") or _part(header, "service"),
        "data": data,
        "load": _part(header, "load"),
        "client": {name: host[name] for name in ("name", "cpus") if name in host},
    }
    lines = {name: line for prefix, items in named.items() for name, line in _lines(prefix, items)}
    return {**lines, "fastbench": _line(header.get("fastbench"))}


def _lines(prefix: str, items: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in items.items():
        whole = f"{prefix}.{name}" if prefix else name
        if isinstance(value, Mapping) and value:
            yield from _lines(whole, value)
        else:
            yield whole, _line(value)


def _words(header: Mapping[str, Any], load: Mapping[str, Any]) -> str:
    parts = [str(_part(header, "task").get("dataset") or "")]
    if load.get("planned") is not None:
        parts.append(f"{load['planned']:,} requests")
    if load.get("rate") is not None and load.get("kind") == "open":
        parts.append(f"{load['rate']:g} requests/s")
    elif load.get("concurrency") is not None:
        parts.append(f"{load['concurrency']:,} in flight")
    return ", ".join(filter(None, parts))


def _seedless(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _seedless(item) for name, item in value.items() if name not in ("seed", "arrival_seed")}
    return value


def _worded(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a data set as if it had no seed of words."""
    return {name: None if name in _WORDS else value for name, value in data.items()}


def _named(name: str, value: Any) -> Any:
    return value.replace("\\", "/").rpartition("/")[2] if name in _PATHS and isinstance(value, str) else value


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:_DIGITS]


def _line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}


def _first(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The first of a list of dicts."""
    items = config.get(name)
    one = items[0] if isinstance(items, list) and items else {}
    return one if isinstance(one, Mapping) else {}
