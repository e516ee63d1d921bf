"""One item of `models` → a `ServiceConfig`."""

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from fastbench.config.fields.check import MAX_COUNT, check_fields
from fastbench.config.fields.issues import Issues, nearest, show
from fastbench.config.services.schema import REPEATS, ServiceConfig, build_traffic
from fastbench.config.services.tls import tls_faults
from fastbench.config.services.url import header_fault, page_url, parse_host, parse_url, reset_url
from fastbench.errors import ConfigError
from fastbench.installing import install
from fastbench.registry import DIALECTS, alias_fault, dialect_names
from fastbench.secrets import NOT_DUMPED, resolve_secret

# More than one answer to a request; AISBench does not support it, and its answers could not be told apart in time.
_MANY_ANSWERS = ("n", "best_of")

# What else a request says of itself by these, whatever its dialect.
_USED_HEADERS = frozenset({"user-agent", "authorization", "content-type", "accept"})

# Under a type that is none, the other fields are checked as those of this one.
_USUAL = "openai_chat"

MEANT: Final[dict[str, str]] = {
    "base_url": "url",
    "concurrency": "batch_size",
    "endpoint": "url",
    "host": "host_ip",
    "key": "api_key",
    "max_concurrency": "batch_size",
    "max_new_tokens": "max_out_len",
    "max_tokens": "max_out_len",
    "name": "abbr",
    "output_len": "max_out_len",
    "port": "host_port",
    "rate": "request_rate",
    "retries": "retry",
    "sampling_params": "generation_kwargs",
    "temperature": "generation_kwargs",
    "timeout": "request_timeout",
    "tokenizer": "path",
    "tokenizer_path": "path",
}
"""Fields that do not exist, and those that do what they say."""

Fault = tuple[str, str]


def build_service(raw: object, path: str, issues: Issues) -> ServiceConfig | None:
    """The service that `raw` describes, or None after its faults were added to `issues`."""
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return None
    before = len(issues)
    settings = _known(_with_type(raw, path, issues), path, issues)
    traffic = build_traffic(settings.pop("traffic_cfg", None), f"{path}.traffic_cfg", issues)
    values = check_fields(ServiceConfig, settings, path, issues)
    # Where fields are bad, this service is only what the checks between fields look at.
    service = ServiceConfig(**{"abbr": "", **values, "traffic_cfg": traffic})
    for field, sentence in _faults(service):
        issues.add(f"{path}.{field}", sentence)
    return service if len(issues) == before else None


def _with_type(raw: Mapping[str, object], path: str, issues: Issues) -> dict[str, object]:
    """`raw` with its dialect's own name as `type`; under a bad type the other fields are checked all the same."""
    name = raw.get("type")
    known = dialect_names()
    if "type" not in raw:
        issues.missing(f"{path}.type", f"one of {', '.join(DIALECTS.names())}")
    elif not isinstance(name, str) or name not in known:
        close = nearest(name.lower(), known) if isinstance(name, str) else None
        hint = f"did you mean {close}?" if close else f"it must be one of {', '.join(DIALECTS.names())}"
        issues.add(f"{path}.type", f"is {show(name)}; {hint}")
    dialect = known.get(name) if isinstance(name, str) else None
    try:
        if dialect is not None:
            if fault := alias_fault(str(name)):
                raise ConfigError(fault)
            DIALECTS.chosen(dialect)
    except ConfigError as error:
        issues.add(f"{path}.type", f"is {show(name)}, but {error}")
        dialect = None
    dialect = dialect or _USUAL
    return {"abbr": dialect.replace("_", "-"), **raw, "type": dialect}


def _known(settings: dict[str, object], path: str, issues: Issues) -> dict[str, object]:
    """`settings` without those that another name stands for, which are reported."""
    for name in MEANT.keys() & settings.keys():
        issues.add(f"{path}.{name}", f"is not a known field; did you mean {MEANT[name]}?")
    return {name: value for name, value in settings.items() if name not in MEANT}


def _faults(service: ServiceConfig) -> Iterator[Fault]:
    yield from _address_faults(service)
    yield from _page_faults(service)
    yield from tls_faults(service)
    yield from _header_faults(service)
    yield from _body_faults(service)
    yield from _parameter_faults(service)
    yield from DIALECTS.get(service.type).faults(service)
    if service.path and not tokenizer_file(service.path).is_file():
        yield "path", f"is {show(service.path)}; it must be a tokenizer.json or a directory that holds one"
    elif service.path and find_spec("tokenizers") is None:
        yield "path", f"needs the package tokenizers: {install('tokenizer')}, or leave path empty"


def tokenizer_file(path: str) -> Path:
    """The tokenizer's file for `path`; it may be missing."""
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


def _page_faults(service: ServiceConfig) -> Iterator[Fault]:
    for place, url in enumerate(service.metrics_url):
        try:
            page_url(url)
        except ConfigError as error:
            yield f"metrics_url[{place}]", str(error)
    if service.reset_cache not in ("auto", "none"):
        try:
            reset_url(service.reset_cache)
        except ConfigError as error:
            yield "reset_cache", str(error)


def _header_faults(service: ServiceConfig) -> Iterator[Fault]:
    key_header: str = DIALECTS.get(service.type).key_header
    secrets = {"api_key": (key_header, service.api_key)}
    secrets |= {f"headers[{show(name)}]": (name, value) for name, value in service.headers.items()}
    for field, (name, value) in secrets.items():
        try:
            fault = header_fault(name, resolve_secret(value))
        except ConfigError as error:
            fault = str(error)
        if fault:
            yield field, fault
    yield from _id_header_faults(service)
    if service.api_key and key_header.lower() in map(str.lower, service.headers):
        yield "api_key", f"is set, and headers has {key_header} too; set one of them"


def _id_header_faults(service: ServiceConfig) -> Iterator[Fault]:
    name = service.id_header
    if name is None:
        return
    dialect = DIALECTS.get(service.type)
    if fault := header_fault(name, ""):
        yield "request_id_header", fault
    elif name.lower() in _USED_HEADERS.union(map(str.lower, (dialect.key_header, *dialect.headers))):
        yield "request_id_header", f"is {show(name)}, which says something else; name another header, or none"
    for given in service.headers:
        if given.lower() == name.lower():
            yield (
                f"headers[{given!r}]",
                "is set by fastbench; leave it out, or rename that of the ids by request_id_header "
                "(--request-id-header)",
            )


def _lacks_a_key(value: object) -> bool:
    """Whether a dump left out a key in this value, or in what it nests."""
    if isinstance(value, dict):
        return any(map(_lacks_a_key, value.values()))
    return any(map(_lacks_a_key, value)) if isinstance(value, list | tuple) else value == NOT_DUMPED


def _body_faults(service: ServiceConfig) -> Iterator[Fault]:
    parameters = service.generation_kwargs
    for name, value in parameters.items():
        if _lacks_a_key(value):
            yield f"generation_kwargs[{name!r}]", "was left out of the dumped config as it may be a key; set it again"
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield "generation_kwargs", f"cannot be written as JSON ({error}); use text, numbers, lists and dicts"


def _parameter_faults(service: ServiceConfig) -> Iterator[Fault]:
    parameters = service.generation_kwargs
    for name in _MANY_ANSWERS:
        if parameters.get(name) not in (None, 1):
            found = f"is {show(parameters[name])}; only one answer to a request can be measured"
            yield f"generation_kwargs[{name!r}]", f"{found}, so leave it out, or use {REPEATS} to send prompts again"
    repeats = parameters.get(REPEATS, 1)
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not 1 <= repeats <= MAX_COUNT:
        yield f"generation_kwargs[{REPEATS!r}]", f"is {show(repeats)}; it must be a whole number from 1 to {MAX_COUNT}"
