"""One item of `models` → a `ServiceConfig`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastbench.config.check import check_fields
from fastbench.config.headers import header_fault
from fastbench.config.issues import Issues, nearest, show
from fastbench.config.secrets import resolve_secret
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.url import parse_host, parse_url
from fastbench.errors import ConfigError

# name in a config: (backend, the value of `stream` that the name stands for)
TYPES: dict[str, tuple[str, bool | None]] = {
    "openai_chat": ("openai_chat", None),
    "openai_completions": ("openai_completions", None),
    "VLLMCustomAPI": ("openai_completions", None),
    "VLLMCustomAPIStream": ("openai_completions", True),
    "VLLMCustomAPIChat": ("openai_chat", None),
    "VLLMCustomAPIChatStream": ("openai_chat", True),
}

# What the body says by other settings: the same twice could contradict.
_BODY_SETTINGS = {"stream": "stream", "messages": "datasets", "prompt": "datasets"}

Fault = tuple[str, str]


def type_name(value: object) -> str | None:
    """The name that a `type` stands for: text, dotted text or a class; None for anything else."""
    if isinstance(value, type):
        return value.__name__
    return value.rpartition(".")[2] if isinstance(value, str) else None


def build_service(raw: object, path: str, issues: Issues) -> ServiceConfig | None:
    """The service that `raw` describes, or None after its faults were added to `issues`."""
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return None
    before = len(issues)
    values = check_fields(ServiceConfig, _with_type(raw, path, issues), path, issues)
    # Where fields are bad, this service is only what the checks between fields look at.
    service = ServiceConfig(**{"abbr": "", **values})
    for field, sentence in _faults(service):
        issues.add(f"{path}.{field}", sentence)
    return service if len(issues) == before else None


def _with_type(raw: Mapping[str, object], path: str, issues: Issues) -> dict[str, object]:
    """`raw` with what follows from its `type`; under a bad type the other fields are checked all the same."""
    known = ", ".join(TYPES)
    name = type_name(raw.get("type"))
    if "type" not in raw:
        issues.missing(f"{path}.type", f"one of {known}")
    elif name not in TYPES:
        close = nearest(name, TYPES) if name else None
        hint = f"did you mean {close}?" if close else f"it must be one of {known}"
        issues.add(f"{path}.type", f"is {show(raw['type'])}; {hint}")
    backend, stream = TYPES.get(name or "", ("openai_chat", None))
    settings = {"abbr": backend.replace("_", "-"), **raw, "type": backend}
    return settings if stream is None else settings | {"stream": stream}


def _faults(service: ServiceConfig) -> Iterator[Fault]:
    yield from _address_faults(service)
    yield from _header_faults(service)
    yield from _body_faults(service.generation_kwargs)
    if service.use_timestamp:
        yield "use_timestamp", "is True; it must be False, as no data set of this version has time stamps"
    if service.path and not tokenizer_file(service.path).is_file():
        yield "path", f"is {service.path!r}; it must be a tokenizer.json or a directory that holds one"


def tokenizer_file(path: str) -> Path:
    """Where the tokenizer is that a `path` points at; it may be missing."""
    return Path(path) / "tokenizer.json" if Path(path).is_dir() else Path(path)


def _address_faults(service: ServiceConfig) -> Iterator[Fault]:
    if service.url and service.mock is not None:
        yield "url", "is set, and so is mock, which starts a service of its own; set one of them"
    try:
        if service.url:
            parse_url(service.url, tls=service.enable_ssl)
        else:
            parse_host(service.host_ip)
    except ConfigError as error:
        yield "url" if service.url else "host_ip", str(error)


def _header_faults(service: ServiceConfig) -> Iterator[Fault]:
    secrets = {"api_key": ("Authorization", service.api_key)}
    secrets |= {f"headers[{name!r}]": (name, value) for name, value in service.headers.items()}
    for field, (name, value) in secrets.items():
        try:
            fault = header_fault(name, resolve_secret(value))
        except ConfigError as error:
            fault = str(error)
        if fault:
            yield field, fault
    if service.api_key and "authorization" in map(str.lower, service.headers):
        yield "api_key", "is set, and headers has Authorization too; set one of them"


def _body_faults(parameters: Mapping[str, Any]) -> Iterator[Fault]:
    for name, setting in _BODY_SETTINGS.items():
        if name in parameters:
            yield f"generation_kwargs[{name!r}]", f"is not a sampling parameter; use {setting}"
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield "generation_kwargs", f"cannot be written as JSON ({error}); use text, numbers, lists and dicts"
