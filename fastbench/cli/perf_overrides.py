"""Options of single settings, over whatever else says them."""

from collections.abc import Callable, Mapping
from typing import Any

from fastbench.cli.perf_sources import Fields, Options, Settings, flag
from fastbench.cli.stage import one_stage
from fastbench.config.original import CLASSES
from fastbench.config.plan import RunSettings
from fastbench.config.service import type_name
from fastbench.config.service_names import TYPES
from fastbench.errors import ConfigError, UsageError
from fastbench.units import parse_rate

# option: field of every model
_MODEL = {
    "url": "url",
    "model": "model",
    "stream": "stream",
    "tokenizer": "path",
    "trust_remote_code": "trust_remote_code",
    "concurrency": "batch_size",
    "rate": "request_rate",
    "use_timestamp": "use_timestamp",
    "precise": "precise",
    "timeout": "request_timeout",
    "total_timeout": "total_timeout",
    "connect_timeout": "connect_timeout",
    "retry": "retry",
    "save_text": "save_text",
    "length_field": "length_field",
    "ca_file": "ca_file",
    "client_cert": "client_cert",
    "client_key": "client_key",
    "insecure": "insecure",
    "metrics_url": "metrics_url",
    "request_id_header": "request_id_header",
}
_API = {
    "chat": "openai_chat",
    "completions": "openai_completions",
    "tgi": "tgi_generate",
    "triton": "triton_generate",
    "mindie": "mindie_infer",
}
# options that are fields of every synthetic data set, of their own names
_SYNTHETIC = ("input_len", "output_len", "seed", "shared_prefix")
# options that name other prompts
_PROMPTS = ("dataset", "custom_dataset_path", "datasets")
# What goes out at its time must not be held down by a limit in flight that nobody asked for.
_OPEN_LOOP = {"rate", "ramp", "use_timestamp", "profile"}
_OPEN_LOOP_LIMIT = 1000


def apply(settings: Settings, options: Options) -> None:
    """Puts the options' values into `settings`. Raises UsageError for options that contradict each other."""
    _refuse(options)
    _label_bare(settings)
    _apply_lengths(settings, options)
    for path, model in settings.items("models"):
        _apply_to_model(settings, path, model, options)
    counts = "num_prompts" in options and _has_its_own_prompts(settings, options)
    for name in RunSettings.__struct_fields__:
        if name in options:
            settings.set("", settings.raw, name, options[name], name)
    if "metrics_url" in options and not options.get("spec_decode"):
        settings.raw.setdefault("service_metrics", "1s")
    if counts:
        path, fields = settings.items("datasets")[0]
        settings.set(path, fields, "count", settings.raw.pop("num_prompts"), "num_prompts")
    apply_shown(settings, options)


def _has_its_own_prompts(settings: Settings, options: Options) -> bool:
    """Whether the number of prompts is that of the prompts that the options made, also in the run that is continued."""
    if "reuse" not in options or settings.raw.get("num_prompts") is not None:
        return settings.bare_prompts
    data_sets = [fields for _, fields in settings.items("datasets")]
    return settings.bare_prompts or (len(data_sets) == 1 and data_sets[0].get("type") == "synthetic")


def _refuse(options: Options) -> None:
    if options.get("url") == "":
        raise UsageError("--url is empty; give the service's base URL, such as http://host:8000")
    if "url" in options and ("mock" in options or "mock_option" in options):
        raise UsageError("--url and --mock name two services; give one of them")
    if "rate" in options and _is_zero(options["rate"]):
        raise UsageError("--rate 0 is no rate; leave --rate out for a closed loop of --concurrency N")
    if options.get("max_workers_per_gpu", 1) < 1:
        raise UsageError(
            f"--max-workers-per-gpu is {options['max_workers_per_gpu']}; it must be a whole number of at least 1"
        )


def _label_bare(settings: Settings) -> None:
    """Where no config says a word, the user knows a field by its option only, also one that is missing."""
    if settings.bare_service:
        fields = {**{field: option for option, field in _MODEL.items()}, "model_name": "model"}
        settings.labels |= {f"models[0].{field}": flag(option) for field, option in fields.items()}
    if settings.bare_prompts:
        settings.labels |= {f"datasets[0].{option}": flag(option) for option in _SYNTHETIC}


def _is_zero(rate: str) -> bool:
    try:
        return parse_rate(rate) == 0.0
    except ConfigError:
        return False  # the check of the field will tell


def apply_shown(settings: Settings, options: Options) -> None:
    """Puts the columns and the stage that options name into the summarizer, which keeps the rest."""
    stage = one_stage(options.get("stage"), options.get("window"))
    if "stats" not in options and stage is None:
        return
    given = settings.raw.get("summarizer")
    fields = dict(given) if isinstance(given, Mapping) and given.get("attr", "performance") == "performance" else {}
    settings.raw["summarizer"] = fields
    if "stats" in options:
        calculator = fields.get("calculator")
        if isinstance(calculator, Mapping):
            fields["calculator"] = {name: value for name, value in calculator.items() if name != "stats_list"}
        settings.set("summarizer", fields, "stats_list", options["stats"], "stats")
    if stage is not None:
        settings.set("summarizer", fields, "stage", stage, "stage" if "stage" in options else "window")


def _apply_lengths(settings: Settings, options: Options) -> None:
    """To the synthetic data sets; where there is none, the output length is the models' default length."""
    synthetic = [(path, fields) for path, fields in settings.items("datasets") if _is_synthetic(fields)]
    for option in _SYNTHETIC:
        if option not in options:
            continue
        for path, fields in synthetic:
            settings.set(path, fields, option, options[option], option)
        if not synthetic and option == "output_len":
            for path, fields in settings.items("models"):
                settings.set(path, fields, "max_out_len", options[option], option)
        elif not synthetic:
            others = next((name for name in _PROMPTS if name in options), None)
            why = f", as {flag(others)} names others: leave one of them out" if others else ""
            raise UsageError(f"{flag(option)} is for synthetic prompts, and the run has none{why}")


def _is_synthetic(fields: Fields) -> bool:
    name = type_name(fields.get("type"))
    known = CLASSES.get(name or "")
    return name == "synthetic" or (known is not None and known.kind == "synthetic") or "synthetic_config" in fields


def _apply_to_model(settings: Settings, path: str, model: Fields, options: Options) -> None:
    def put(field: str, value: Any, option: str) -> None:
        settings.set(path, model, field, value, option)

    if "api" in options:
        put("type", _API[options["api"]], "api")
    if options.get("stream") is False and type_name(model.get("type")) in TYPES:
        # Some names stand for streaming; the option must win over the name.
        model["type"] = TYPES[type_name(model["type"]) or ""][0]
    for option, field in _MODEL.items():
        if option in options:
            put(field, options[option], option)
    if settings.bare_service and options.keys() & _OPEN_LOOP and "concurrency" not in options:
        model["batch_size"] = _OPEN_LOOP_LIMIT
    if "api_key_env" in options:
        put("api_key", f"env:{options['api_key_env']}", "api_key_env")
    if "mock" in options or "mock_option" in options:
        put("mock", _merged(model.get("mock"), options.get("mock_option", ())), "mock_option")
        model["url"] = ""
    _apply_traffic(settings, path, model, options)
    _apply_parameters(put, model, options, bare=settings.bare_service)


def _apply_traffic(settings: Settings, path: str, model: Fields, options: Options) -> None:
    """What shapes an open loop, over the settings of the config's `traffic_cfg`."""
    shapes = {"burstiness": {"burstiness": options.get("burstiness")}, "ramp": options.get("ramp", {})}
    given = [option for option in shapes if option in options]
    if not given:
        return
    model["traffic_cfg"] = traffic = _merged(model.get("traffic_cfg"), ())
    for option in given:
        for name, value in shapes[option].items():
            settings.set(f"{path}.traffic_cfg", traffic, name, value, option)


def _apply_parameters(put: Callable[[str, Any, str], None], model: Fields, options: Options, *, bare: bool) -> None:
    if "header" in options:
        put("headers", _merged(model.get("headers"), options["header"]), "header")
    if "param" in options:
        put("generation_kwargs", _merged(model.get("generation_kwargs"), options["param"]), "param")
    given = _merged(model.get("generation_kwargs"), ())
    if options.get("ignore_eos"):
        put("generation_kwargs", {**given, "ignore_eos": True}, "param")
    elif "ignore_eos" in options:
        # Left out, not false: a service that does not know it may refuse it.
        put("generation_kwargs", {name: given[name] for name in given if name != "ignore_eos"}, "param")
    elif bare:
        model["generation_kwargs"] = {"ignore_eos": True, **given}
        if "ignore_eos" not in given:
            # Nobody asked for it: a service without it is measured all the same.
            model["optional_kwargs"] = ["ignore_eos"]


def _merged(fields: object, pairs: Any) -> Fields:
    """The pairs over the fields that the config has."""
    return {**(fields if isinstance(fields, Mapping) else {}), **dict(pairs)}
