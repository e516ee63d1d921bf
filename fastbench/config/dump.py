"""A plan → a config that says the same, without its secrets."""

import os
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from fastbench import __version__
from fastbench.config.dataset_schema import DatasetConfig, Uniform
from fastbench.config.plan import RunConfig
from fastbench.config.secrets import dumpable, is_secret_header
from fastbench.config.service_schema import ServiceConfig
from fastbench.config.traffic import TrafficConfig
from fastbench.units import Duration, Rate, format_duration


def public_settings(config: ServiceConfig | DatasetConfig) -> dict[str, Any]:
    """The fields of `config` as a config file has them: JSON-like values, absolute paths, no secrets."""
    fields: dict[str, Any] = {"type": config.__struct_config__.tag} if config.__struct_config__.tag else {}
    for name in config.__struct_fields__:
        fields[name] = _plain(name, getattr(config, name))
    return fields


def public_run(run: RunConfig) -> dict[str, Any]:
    """`run` as the names of a config file (see `public_settings`)."""
    return {
        "models": [public_settings(model) for model in run.models],
        "datasets": [public_settings(dataset) for dataset in run.datasets],
        "work_dir": run.work_dir,
        "num_prompts": run.num_prompts,
        "num_warmups": run.num_warmups,
        "summarizer": {"stats_list": list(run.stats)},
    }


def dump_config(run: RunConfig) -> str:
    """Python source of a config file that describes `run`; secrets are left out, as `public_run` says."""
    lines = [f"# Written by fastbench {__version__}; `fastbench perf --config THIS_FILE` runs the same again."]
    for name, value in public_run(run).items():
        items = isinstance(value, list) and value
        lines.append(f"{name} = [" if items else f"{name} = {value!r}")
        if items:
            lines += [line for item in value for line in _dict_lines(item)] + ["]"]
    return "\n".join(lines) + "\n"


def _dict_lines(fields: Mapping[str, Any]) -> list[str]:
    return ["    {", *(f"        {name!r}: {value!r}," for name, value in fields.items()), "    },"]


def _plain(name: str, value: Any) -> Any:
    match name, value:
        case "api_key", str():
            return dumpable(value)
        case "headers", dict():
            return {key: dumpable(text) if is_secret_header(key) else text for key, text in value.items()}
        case "path", str():
            return os.path.abspath(value) if value else value
        case _, Duration():
            return format_duration(value)
        case _, Uniform(low=low, high=high):
            return [low, high]
        case _, Rate():
            return float(value)
        case _, TrafficConfig():
            return asdict(value)
    return value
