"""One item of `models` → a `ServiceConfig`."""

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from fastbench.config.adapters import read_adapters
from fastbench.config.check import check_fields
from fastbench.config.fields import MAX_COUNT, MAX_LENGTH
from fastbench.config.headers import header_fault
from fastbench.config.issues import Issues, nearest, show
from fastbench.config.output_length import output_length
from fastbench.config.redactor import NOT_DUMPED
from fastbench.config.secrets import resolve_secret
from fastbench.config.service_names import MEANT, REFUSED_TYPES, TYPES, WITHOUT_EFFECT
from fastbench.config.service_schema import ADAPTERS, REPEATS, ServiceConfig
from fastbench.config.tls import tls_faults
from fastbench.config.traffic import build_traffic
from fastbench.config.url import page_url, parse_host, parse_url
from fastbench.errors import ConfigError

# Bodies of the OpenAI backends: what other settings say, as the same twice could contradict.
_BODY_SETTINGS = {"stream": "stream", "messages": "datasets", "prompt": "datasets"}
_OTHER_FIELDS = frozenset({*_BODY_SETTINGS, "model", "stream_options", "details", "adapter_id"})
# More than one answer to a request; the guide does not support it, and its answers could not be told apart in time.
_MANY_ANSWERS = ("n", "best_of")

# What else a request says of itself by these.
_USED_HEADERS = frozenset({"user-agent", "authorization", "content-type", "accept"})

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
    settings = _known(_with_type(raw, path, issues), path, issues)
    traffic = build_traffic(settings.pop("traffic_cfg", None), f"{path}.traffic_cfg", issues)
    values = check_fields(ServiceConfig, settings, path, issues)
    # Where fields are bad, this service is only what the checks between fields look at.
    service = ServiceConfig(**{"abbr": "", **values, "traffic_cfg": traffic})
    for field, sentence in _faults(service):
        issues.add(f"{path}.{field}", sentence)
    return service if len(issues) == before else None


def _with_type(raw: Mapping[str, object], path: str, issues: Issues) -> dict[str, object]:
    """`raw` with what follows from its `type`; under a bad type the other fields are checked all the same."""
    name = type_name(raw.get("type"))
    if "type" not in raw:
        issues.missing(f"{path}.type", f"one of {', '.join(TYPES)}")
    elif name not in TYPES:
        issues.add(f"{path}.type", f"is {show(raw['type'])}; {_type_hint(name)}")
    backend, stream = TYPES.get(name or "", ("openai_chat", None))
    settings = {"abbr": backend.replace("_", "-"), **raw, "type": backend}
    return settings if stream is None else settings | {"stream": stream}


def _type_hint(name: str | None) -> str:
    if name in REFUSED_TYPES:
        return REFUSED_TYPES[name]
    folded = {known.lower(): known for known in TYPES}
    close = nearest(name.lower(), folded) if name else None
    return f"did you mean {folded[close]}?" if close else f"it must be one of {', '.join(TYPES)}"


def _known(settings: dict[str, object], path: str, issues: Issues) -> dict[str, object]:
    """`settings` without those that have no effect, and without those that another name stands for, which are told."""
    for name in MEANT.keys() & settings.keys():
        issues.add(f"{path}.{name}", f"is not a known field; did you mean {MEANT[name]}?")
    return {name: value for name, value in settings.items() if name not in WITHOUT_EFFECT and name not in MEANT}


def _faults(service: ServiceConfig) -> Iterator[Fault]:
    yield from _address_faults(service)
    yield from _page_faults(service)
    yield from tls_faults(service)
    yield from _header_faults(service)
    yield from _body_faults(service)
    yield from _parameter_faults(service)
    if service.type == "triton_generate" and not (service.model_name or service.model):
        yield "model_name", "is missing; it must be the model's name, which triton_generate asks for by its URL"
    if service.path and not tokenizer_file(service.path).is_file():
        yield "path", f"is {show(service.path)}; it must be a tokenizer.json or a directory that holds one"
    elif service.path and find_spec("tokenizers") is None:
        yield "path", "needs the package tokenizers; pip install 'fastbench[tokenizer]', or leave path empty"


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


def _page_faults(service: ServiceConfig) -> Iterator[Fault]:
    for place, url in enumerate(service.metrics_url):
        try:
            page_url(url)
        except ConfigError as error:
            yield f"metrics_url[{place}]", str(error)


def _header_faults(service: ServiceConfig) -> Iterator[Fault]:
    secrets = {"api_key": ("Authorization", service.api_key)}
    secrets |= {f"headers[{show(name)}]": (name, value) for name, value in service.headers.items()}
    for field, (name, value) in secrets.items():
        try:
            fault = header_fault(name, resolve_secret(value))
        except ConfigError as error:
            fault = str(error)
        if fault:
            yield field, fault
    yield from _id_header_faults(service)
    if service.api_key and "authorization" in map(str.lower, service.headers):
        yield "api_key", "is set, and headers has Authorization too; set one of them"


def _id_header_faults(service: ServiceConfig) -> Iterator[Fault]:
    name = service.id_header
    if name is None:
        return
    if fault := header_fault(name, ""):
        yield "request_id_header", fault
    elif name.lower() in _USED_HEADERS:
        yield "request_id_header", f"is {show(name)}, which says something else; name another header, or none"
    for given in service.headers:
        if given.lower() == name.lower():
            yield (
                f"headers[{given!r}]",
                "is written by fastbench itself; leave it out, or rename that of the ids by request_id_header "
                "(--request-id-header)",
            )


def _lacks_a_key(value: object) -> bool:
    """Whether a dump left out a key in this value, or in what it nests."""
    if isinstance(value, dict):
        return any(map(_lacks_a_key, value.values()))
    return any(map(_lacks_a_key, value)) if isinstance(value, list | tuple) else value == NOT_DUMPED


def _body_faults(service: ServiceConfig) -> Iterator[Fault]:
    parameters = service.generation_kwargs
    if service.length_field in _OTHER_FIELDS:
        yield (
            "length_field",
            f"is {show(service.length_field)}, which holds something else; leave it out, or name another",
        )
    if service.type in ("openai_chat", "openai_completions"):
        for name, setting in _BODY_SETTINGS.items():
            if name in parameters:
                yield f"generation_kwargs[{name!r}]", f"is not a sampling parameter; use {setting}"
    for name, value in parameters.items():
        if _lacks_a_key(value):
            yield f"generation_kwargs[{name!r}]", "is left out of dumped configs, as it may be a key; give it again"
    try:
        json.dumps(parameters, allow_nan=False)
    except (TypeError, ValueError) as error:
        yield "generation_kwargs", f"cannot be written as JSON ({error}); use text, numbers, lists and dicts"


def _parameter_faults(service: ServiceConfig) -> Iterator[Fault]:
    parameters = service.generation_kwargs
    length = output_length(service)
    if length.fixed is not None and (type(length.fixed) is not int or not 1 <= length.fixed <= MAX_LENGTH):
        found = f"is {show(length.fixed)}; it must be a whole number from 1 to {MAX_LENGTH}"
        yield f"generation_kwargs[{length.field!r}]", found
    for name in _MANY_ANSWERS:
        if parameters.get(name) not in (None, 1):
            found = f"is {show(parameters[name])}; only one answer to a request can be measured"
            yield f"generation_kwargs[{name!r}]", f"{found}, so leave it out, or use {REPEATS} to send prompts again"
    repeats = parameters.get(REPEATS, 1)
    if isinstance(repeats, bool) or not isinstance(repeats, int) or not 1 <= repeats <= MAX_COUNT:
        yield f"generation_kwargs[{REPEATS!r}]", f"is {show(repeats)}; it must be a whole number from 1 to {MAX_COUNT}"
    if ADAPTERS in parameters:
        yield from _adapter_faults(service)


def _adapter_faults(service: ServiceConfig) -> Iterator[Fault]:
    field = f"generation_kwargs[{ADAPTERS!r}]"
    if service.type == "triton_generate":
        yield field, "is set, but triton_generate knows no adapters; use openai_chat, tgi_generate or mindie_infer"
        return
    try:
        read_adapters(service.generation_kwargs[ADAPTERS])
    except ConfigError as error:
        yield field, str(error)
