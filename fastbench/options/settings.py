"""The options of `fastbench perf` → the run, checked by the very same code as a config file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fastbench.aisbench import Named, build_run, build_summarizer, read_config, read_labelled, read_named, type_name
from fastbench.config import Issues, RunConfig, past_proxies, without_effect
from fastbench.errors import ConfigError, UsageError
from fastbench.mock import make_options
from fastbench.options.option import flag
from fastbench.options.places import Fields, ModelField, Place, PromptsField, PromptsFile, Settings, ShownField
from fastbench.options.table import ARGUMENT, OPTIONS, Options
from fastbench.registry import SHAPES

_SYNTHETIC: Fields = {"type": "synthetic", "input_len": 1024, "output_len": 128, "count": 100}
"""Defaults of a run without a named data set."""
_LENGTHS = ("input_len", "output_len", "mix")
_FILES = tuple(option.name for option in OPTIONS.values() if isinstance(option.sets, PromptsFile))
_OPEN_LOOP = frozenset(option.name for option in OPTIONS.values() if option.opens_loop)
_SAYS_WHEN = _OPEN_LOOP | {"pressure"}
"""Options that say when requests go out, so that a trace's own times do not."""
_OPEN_LOOP_LIMIT = 1000
"""The default limit in flight of an open loop, high enough not to hold it back."""
_USUAL_INTERVAL = OPTIONS["service_metrics"].alone


class Chosen(NamedTuple):
    """The run that the options describe, with remarks for the user."""

    run: RunConfig
    remarks: tuple[str, ...]


def run_of_options(options: Options, *, replays: bool = True) -> Chosen:
    """The run of a config file, of named tasks or of options alone, with the options over it. Raises UsageError.

    replays: whether a trace that an option names says when requests go out, unless another option does; False = the
    caller sets the load.
    """
    settings = _read_settings(options)
    _apply(settings, options, replays=replays and "trace" in options and not options.keys() & _SAYS_WHEN)
    run = build_run(settings.raw, settings.source, file=settings.file, labels=settings.labels)
    _check_mocks(run, settings)
    if "merge_ds" in options:
        _check_merging(run, settings, options.written("merge_ds"))
    samples = run.num_prompts or options.get("num_prompts")
    return Chosen(run, (*settings.remarks, *without_effect(run, samples), *past_proxies(run)))


def config_file(options: Options) -> str | None:
    """The config file, given by its place or by its option."""
    given = options.get(ARGUMENT) or options.get("config")
    return given if isinstance(given, str) else None


def _given_settings(options: Options) -> Mapping[str, Any] | None:
    """The settings, if Python gives them in place of a file."""
    given = options.get(ARGUMENT)
    return given if isinstance(given, Mapping) else None


def names_tasks(options: Options) -> bool:
    """Whether the options name the tasks."""
    return config_file(options) is not None or bool(options.keys() & {"models", "datasets"})


def shown_by(options: Options) -> tuple[tuple[str, ...] | None, str | None]:
    """The columns and the stage of a report, from the options, their summarizer or their config; None = not given.
    Raises UsageError."""
    file = config_file(options)
    raw = _read_summarizer(options) or (read_config(file) if file else {})
    settings = Settings({name: raw[name] for name in raw if name == "summarizer"}, source=file or "options")
    says_both = "summarizer" in settings.raw
    _put(settings, options, ShownField)
    issues = Issues(settings.source, settings.labels)
    shown = build_summarizer(settings.raw.get("summarizer", {}), issues)
    issues.check()
    return (
        shown.stats if says_both or "stats" in options else None,
        shown.stage if says_both or options.keys() & {"stage", "window"} else None,
    )


def _read_settings(options: Options) -> Settings:
    """The settings from `options`, before overrides. Raises UsageError."""
    has_config = config_file(options) is not None or _given_settings(options) is not None
    settings = _of_config(options) if has_config else _of_names(options)
    settings.continues = "reuse" in options
    naming = [name for name in (*_FILES, "datasets") if name in options]
    settings.prompts_named_by = options.written(naming[0]) if naming else None
    _put(settings, options, PromptsFile)
    _put(settings, options, PromptsField)
    if "datasets" not in settings.raw and not settings.file:
        _add_synthetic(settings, options)
    return settings


def _read_summarizer(options: Options) -> Fields:
    """`summarizer` of the config that `--summarizer` names, if it is given."""
    if "summarizer" not in options:
        return {}
    return _read_named({"summarizer": [options["summarizer"]]}, options).raw


def _read_named(wanted: Mapping[str, Sequence[str]], options: Options) -> Named:
    """The configs of these names, by option. Raises ConfigError, which names their environment variables."""
    try:
        return read_named(wanted, options.get("config_dir"))
    except ConfigError as error:
        variables = [options.variables[option] for option in wanted if option in options.variables]
        if not variables:
            raise
        raise ConfigError(f"{error} ({', '.join(variables)})") from error


def _of_config(options: Options) -> Settings:
    given, file = _given_settings(options), config_file(options)
    if given is not None:
        settings = Settings(dict(given), source="config")
    else:
        assert file is not None
        config = read_labelled(file)
        settings = Settings(config.raw, source=file, file=file, labels=dict(config.labels))
    for name, value in _read_summarizer(options).items():
        settings.replace(name, value)
    return settings


def _of_names(options: Options) -> Settings:
    wanted = {option: options[option] for option in ("models", "datasets") if option in options}
    if "summarizer" in options:
        wanted["summarizer"] = [options["summarizer"]]
    if "models" not in wanted and not options.keys() & {"url", "mock", "mock_option"}:
        raise UsageError(
            "no service is given; give CONFIG.py, --models NAME, --url http://host:port or --mock "
            "(`fastbench perf --search` lists the names)"
        )
    named = _read_named(wanted, options)
    settings = Settings(named.raw, labels=named.labels, remarks=named.remarks)
    # Faults of the list as a whole come from the names.
    settings.labels |= {option: options.written(option) for option in named.raw if option != "summarizer"}
    if "models" not in named.raw:
        settings.raw["models"] = [{"type": "openai_chat"}]
        settings.bare_service = True
    return settings


def _add_synthetic(settings: Settings, options: Options) -> None:
    if not settings.bare_service and not any(option in options for option in _LENGTHS):
        raise UsageError("no prompts are given; give --datasets NAME, --custom-dataset-path FILE or --input-len N")
    settings.raw["datasets"] = [dict(_SYNTHETIC)]
    settings.bare_prompts = True


def _apply(settings: Settings, options: Options, *, replays: bool) -> None:
    """Applies the options to the settings, and the defaults that follow from them. replays: a trace, at its times."""
    for option in OPTIONS.values():
        if option.sets is not None:
            settings.labels |= dict.fromkeys(option.sets.fields_alone(settings), flag(option.name))
    _put(settings, options, Place, but=(PromptsFile, PromptsField))
    if "seed" in options:
        _check_seed(settings, options.written("seed"))
    if replays:
        ModelField("use_timestamp").put(settings, True, options.written("trace"))
    if settings.bare_service:
        _complete_service(settings, options, open_loop=replays or _opens_loop(options))
    if "metrics_url" in options and "spec_decode" not in options:
        settings.raw.setdefault("service_metrics", _USUAL_INTERVAL)


def _check_seed(settings: Settings, given: str) -> None:
    """Raises UsageError for a seed that nothing is made of."""
    if not settings.makes_prompts() and settings.raw.get("cache_bust", "none") == "none":
        others = settings.prompts_named_by
        why = f", as {others} names others: leave one of them out" if others else ""
        raise UsageError(f"{given} is for made prompts and markers (--cache-bust), but the run has none{why}")


def _put(settings: Settings, options: Options, kind: type[Place], *, but: tuple[type[Place], ...] = ()) -> None:
    """Applies the options with this kind of place, in the order of their declarations."""
    for option in OPTIONS.values():
        if option.name in options and isinstance(option.sets, kind) and not isinstance(option.sets, but):
            option.sets.put(settings, options[option.name], options.written(option.name))


def _complete_service(settings: Settings, options: Options, *, open_loop: bool) -> None:
    """Defaults of a service that no config describes."""
    for _, model in settings.items("models"):
        if open_loop:
            model.setdefault("batch_size", _OPEN_LOOP_LIMIT)
        if "ignore_eos" in options:
            continue
        given = model.get("generation_kwargs", {})
        model["generation_kwargs"] = {"ignore_eos": True, **given}
        if "ignore_eos" not in given:
            # Not requested by the user: a service without it is measured all the same.
            model["optional_kwargs"] = ["ignore_eos"]


def _opens_loop(options: Options) -> bool:
    """Whether requests go out at their times; for a named load shape its class decides."""
    given = options.keys() & _OPEN_LOOP
    if given != {"load"}:
        return bool(given)
    shape = options["load"]
    name = shape.get("type") if isinstance(shape, Mapping) else None
    return not (isinstance(name, str) and name in SHAPES and SHAPES.get(name).closed)


def _check_mocks(run: RunConfig, settings: Settings) -> None:
    """Checks the simulated service's options, which the config does not."""
    for index, service in enumerate(run.models):
        path = f"models[{index}].mock"
        make_options(service.mock or {}, settings.labels.get(path, f"{settings.source}: {path}"))


def _check_merging(run: RunConfig, settings: Settings, given: str) -> None:
    """Refuses what AISBench would merge, data sets of one class; different classes are left alone."""
    kinds = [type_name(fields.get("type")) or "synthetic" for _, fields in settings.items("datasets")]
    kind, times = Counter(kinds).most_common(1)[0]
    if times > 1:
        names = ", ".join(dataset.abbr for dataset, its in zip(run.datasets, kinds, strict=True) if its == kind)
        raise UsageError(
            f"{given} would merge {names}, which fastbench reports one by one; leave it out, "
            "or put their rows into one file for --custom-dataset-path"
        )
