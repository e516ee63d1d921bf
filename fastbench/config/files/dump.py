"""A plan → a config that says the same, without its secrets."""

import json
import os
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from fastbench import __version__
from fastbench.config.dataset import DatasetConfig
from fastbench.config.fields.lengths import Uniform
from fastbench.config.load_shape import shape_name
from fastbench.config.run import COMBINATIONS as COMBINATIONS
from fastbench.config.run import RunConfig, RunSettings
from fastbench.config.services import schema
from fastbench.config.services.schema import ServiceConfig
from fastbench.secrets import dumpable, is_secret_header, without_keys
from fastbench.units import Duration, Rate, format_duration

_PATHS = ("path", "lengths", "meta_path", "generated_prompts_path", "ca_file", "client_cert", "client_key")


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


def dump_json(run: RunConfig) -> str:
    """A config in JSON that describes `run`, without secrets as `public_run` has it."""
    return json.dumps(_escaped(public_run(run)), indent=2, ensure_ascii=False) + "\n"


def dump_yaml(run: RunConfig) -> str:
    """As `dump_json`, in YAML."""
    # Imported late: a run itself does not need it.
    from fastbench.config.files.yaml_nodes import yaml_of

    return yaml_of(_escaped(public_run(run)))


def _escaped(value: Any) -> Any:
    """`value` with `${` in texts written so that it stands for itself."""
    match value:
        case str():
            return value.replace("${", "$${")
        case dict():
            return {name: _escaped(item) for name, item in value.items()}
        case list():
            return [_escaped(item) for item in value]
    return value


def dump_config(run: RunConfig) -> str:
    """Python source of a config file that describes `run`; secrets are left out, as `public_run` says."""
    lines = [f"# Written by fastbench {__version__}; `fastbench perf THIS_FILE` runs the same again."]
    for name, value in public_run(run).items():
        items = isinstance(value, list) and value and isinstance(value[0], dict)
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
        case "load", Struct():
            return {"type": shape_name(value), **_fields(value)}
        case _, Duration():
            return format_duration(value)
        case _, Uniform(low=low, high=high):
            return [low, high]
        case _, Rate():
            return float(value)
        case "generation_kwargs", {schema.ADAPTERS: str(file)}:
            return {**without_keys(value), schema.ADAPTERS: os.path.abspath(file)}
        case "generation_kwargs" | "mock", dict():
            return without_keys(value)
        case _, Struct():
            return _fields(value)
        case _, tuple():
            return [_plain("", item) for item in value]
    return value
