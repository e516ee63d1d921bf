"""The options of `fastbench perf` → the settings of a config, checked by the very same code."""

from collections.abc import Mapping
from typing import Any

from fastbench.config.build import build_run
from fastbench.config.load import read_config
from fastbench.config.plan import RunConfig
from fastbench.config.service import type_name
from fastbench.config.service_names import TYPES
from fastbench.errors import UsageError
from fastbench.mock.options import make_options

Fields = dict[str, Any]

# option: field of every model
_MODEL = {
    "url": "url",
    "model": "model",
    "stream": "stream",
    "tokenizer": "path",
    "concurrency": "batch_size",
    "rate": "request_rate",
    "timeout": "request_timeout",
    "connect_timeout": "connect_timeout",
    "retry": "retry",
    "save_text": "save_text",
}
# options that are fields of every synthetic data set, of their own names
_SYNTHETIC = ("input_len", "output_len", "seed", "shared_prefix")
# options that are settings of the run, of their own names
_RUN = ("num_prompts", "num_warmups", "work_dir")
# What a run without a config does unless an option says otherwise.
_BARE_DATASET: Fields = {"type": "synthetic", "input_len": 1024, "output_len": 128, "count": 100}
# A rate must not be held down by a limit in flight that nobody asked for.
_OPEN_LOOP_LIMIT = 1000


def run_of_options(config: str | None, given: Mapping[str, Any]) -> RunConfig:
    """The run of `config` with the options over it, or of the options alone. Raises UsageError."""
    options = {name: value for name, value in given.items() if value is not None and value != ()}
    overlay = _Overlay(read_config(config) if config else _bare(options))
    _apply(overlay, options, bare=config is None)
    run = build_run(overlay.raw, config or "options", file=config, labels=overlay.labels)
    for index, service in enumerate(run.models):
        path = f"models[{index}].mock"
        # The config's own checks know nothing of the simulated service.
        make_options(service.mock or {}, overlay.labels.get(path, f"{config}: {path}"))
    return run


class _Overlay:
    """Settings, and which option each of them came from."""

    def __init__(self, raw: Fields) -> None:
        self.raw = raw
        self.labels: dict[str, str] = {}

    def items(self, name: str) -> list[tuple[str, Fields]]:
        """Path and fields of each item of `models` or `datasets`; what is no dict is left to the check."""
        if not isinstance(self.raw.get(name), list | tuple):
            return []
        self.raw[name] = [dict(item) if isinstance(item, Mapping) else item for item in self.raw[name]]
        return [(f"{name}[{i}]", item) for i, item in enumerate(self.raw[name]) if isinstance(item, dict)]

    def set(self, path: str, fields: Fields, name: str, value: Any, option: str) -> None:
        fields[name] = value
        self.labels[f"{path}.{name}" if path else name] = "--" + option.replace("_", "-")


def _bare(options: Fields) -> Fields:
    if "url" not in options and "mock" not in options and "mock_option" not in options:
        raise UsageError("no service is named; give --config run.py, --url http://host:port or --mock")
    return {"models": [{"type": "openai_chat"}], "datasets": [_BARE_DATASET]}


def _apply(overlay: _Overlay, options: Fields, *, bare: bool) -> None:
    if options.get("url") == "":
        raise UsageError("--url is empty; give the service's base URL, such as http://host:8000")
    if "url" in options and ("mock" in options or "mock_option" in options):
        raise UsageError("--url and --mock name two services; give one of them")
    if "dataset" in options:
        overlay.raw["datasets"] = [{"type": "jsonl"}]
        overlay.set("datasets[0]", overlay.raw["datasets"][0], "path", options["dataset"], "dataset")
    _apply_lengths(overlay, options)
    for path, model in overlay.items("models"):
        _apply_to_model(overlay, path, model, options, bare)
    for name in _RUN:
        if name in options:
            overlay.set("", overlay.raw, name, options[name], name)
    if bare and "num_prompts" in options and "dataset" not in options:
        path, fields = overlay.items("datasets")[0]
        overlay.set(path, fields, "count", overlay.raw.pop("num_prompts"), "num_prompts")
    if "stats" in options:
        overlay.raw["summarizer"] = {"stats_list": options["stats"]}
        overlay.labels["summarizer.stats_list"] = "--stats"


def _apply_lengths(overlay: _Overlay, options: Fields) -> None:
    """To the synthetic data sets; where there is none, the output length is the models' default length."""
    synthetic = [
        (path, fields)
        for path, fields in overlay.items("datasets")
        if type_name(fields.get("type")) == "synthetic" or "synthetic_config" in fields
    ]
    for option in _SYNTHETIC:
        if option not in options:
            continue
        for path, fields in synthetic:
            overlay.set(path, fields, option, options[option], option)
        if not synthetic and option == "output_len":
            for path, fields in overlay.items("models"):
                overlay.set(path, fields, "max_out_len", options[option], option)
        elif not synthetic:
            raise UsageError(f"--{option.replace('_', '-')} is for synthetic prompts, and the run has none")


def _apply_to_model(overlay: _Overlay, path: str, model: Fields, options: Fields, bare: bool) -> None:
    def put(field: str, value: Any, option: str) -> None:
        overlay.set(path, model, field, value, option)

    if "api" in options:
        put("type", f"openai_{options['api']}", "api")
    if options.get("stream") is False and type_name(model.get("type")) in TYPES:
        # Some names stand for streaming; the option must win over the name.
        model["type"] = TYPES[type_name(model["type"]) or ""][0]
    for option, field in _MODEL.items():
        if option in options:
            put(field, options[option], option)
    if bare and "rate" in options and "concurrency" not in options:
        model["batch_size"] = _OPEN_LOOP_LIMIT
    if "api_key_env" in options:
        put("api_key", f"env:{options['api_key_env']}", "api_key_env")
    if "mock" in options or "mock_option" in options:
        put("mock", _merged(model.get("mock"), options.get("mock_option", ())), "mock_option")
        model["url"] = ""
    if "header" in options:
        put("headers", _merged(model.get("headers"), options["header"]), "header")
    if "param" in options:
        put("generation_kwargs", _merged(model.get("generation_kwargs"), options["param"]), "param")
    if bare or "ignore_eos" in options:
        model["generation_kwargs"] = _with_eos(model, options.get("ignore_eos", True))


def _with_eos(model: Fields, ignore: bool) -> Fields:
    """The sampling parameters with `ignore_eos`, or without: a service that does not know it may refuse it."""
    given = _merged(model.get("generation_kwargs"), ())
    if ignore:
        return {"ignore_eos": True} | given
    return {name: value for name, value in given.items() if name != "ignore_eos"}


def _merged(fields: object, pairs: Any) -> Fields:
    """The pairs over the fields that the config has."""
    return {**(fields if isinstance(fields, Mapping) else {}), **dict(pairs)}
