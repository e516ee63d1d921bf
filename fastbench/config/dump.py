"""A plan → a config that says the same, without its secrets."""

import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fastbench import __version__
from fastbench.config import service_schema
from fastbench.config.combinations import NAME as COMBINATIONS
from fastbench.config.dataset_schema import DatasetConfig, Uniform
from fastbench.config.plan import RunConfig, RunSettings
from fastbench.config.secret_names import is_secret_header
from fastbench.config.secrets import dumpable, without_keys
from fastbench.config.service_schema import ServiceConfig
from fastbench.units import Duration, Rate, format_duration

_PATHS = ("path", "meta_path", "generated_prompts_path", "ca_file", "client_cert", "client_key")


def public_settings(config: ServiceConfig | DatasetConfig) -> dict[str, Any]:
    """The fields of `config` as a config file has them: JSON-like values, absolute paths, no secrets."""
    return _fields(config)


def public_run(run: RunConfig) -> dict[str, Any]:
    """`run` as the names of a config file (see `public_settings`)."""
    pairs = [{"models": [model], "datasets": [dataset]} for model, dataset in run.pairs or ()]
    return {
        "models": [public_settings(model) for model in run.models],
        "datasets": [public_settings(dataset) for dataset in run.datasets],
        **({} if run.pairs is None else {COMBINATIONS: pairs}),
        **{name: _plain(name, getattr(run, name)) for name in RunSettings.__struct_fields__},
        "summarizer": {"stats_list": list(run.stats), "stage": run.stage},
    }


def dump_config(run: RunConfig) -> str:
    """Python source of a config file that describes `run`; secrets are left out, as `public_run` says."""
    lines = [f"# Written by fastbench {__version__}; `fastbench perf THIS_FILE` runs the same again."]
    for name, value in public_run(run).items():
        items = isinstance(value, list) and value
        lines.append(f"{name} = [" if items else f"{name} = {value!r}")
        if items:
            lines += [line for item in value for line in _dict_lines(item)] + ["]"]
    return "\n".join(lines) + "\n"


def _dict_lines(fields: Mapping[str, Any]) -> list[str]:
    return ["    {", *(f"        {name!r}: {value!r}," for name, value in fields.items()), "    },"]


def _fields(config: Struct) -> dict[str, Any]:
    tag_field, tag = config.__struct_config__.tag_field, config.__struct_config__.tag
    fields: dict[str, Any] = {tag_field: tag} if tag_field else {}
    for name in config.__struct_fields__:
        fields[name] = _plain(name, getattr(config, name))
    return fields


def _plain(name: str, value: Any) -> Any:
    match name, value:
        case "api_key", str():
            return dumpable(value)
        case "headers", dict():
            return {key: dumpable(text) if is_secret_header(key, text) else text for key, text in value.items()}
        case str(), str() if name in _PATHS:
            return os.path.abspath(value) if value else value
        case _, Duration():
            return format_duration(value)
        case _, Uniform(low=low, high=high):
            return [low, high]
        case _, Rate():
            return float(value)
        case "generation_kwargs", {service_schema.ADAPTERS: str(file)}:
            return {**without_keys(value), service_schema.ADAPTERS: os.path.abspath(file)}
        case "generation_kwargs" | "mock", dict():
            return without_keys(value)
        case _, Struct():
            return _fields(value)
        case _, tuple():
            return [_plain("", item) for item in value]
    return value
