"""Where a run's settings come from: a config file, named tasks, or the options alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastbench.config.catalog import read_named
from fastbench.config.combinations import NAME as COMBINATIONS
from fastbench.config.load import read_config
from fastbench.errors import UsageError

Fields = dict[str, Any]
Options = Mapping[str, Any]

# What a run without a named data set does unless an option says otherwise.
_SYNTHETIC: Fields = {"type": "synthetic", "input_len": 1024, "output_len": 128, "count": 100}
_LENGTHS = ("input_len", "output_len")
# Option: the type of the data set that its file is, and the options that belong to it with their fields.
_FILES: dict[str, tuple[str, dict[str, str]]] = {
    "dataset": ("jsonl", {}),
    "custom_dataset_path": (
        "custom",
        {"custom_dataset_meta_path": "meta_path", "custom_dataset_data_type": "data_type"},
    ),
}


def flag(option: str) -> str:
    """The option as it is written."""
    return "--" + option.replace("_", "-")


@dataclass
class Settings:
    """Settings as a config file has them, not yet checked, and where they came from."""

    raw: Fields
    source: str = "options"
    """How messages name what is in no label."""
    file: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    """Path of a field: the option, or the place in a file, that set it."""
    remarks: tuple[str, ...] = ()
    bare_service: bool = False
    """No config says anything of the service."""
    bare_prompts: bool = False
    """No config and no file says anything of the prompts."""

    def items(self, name: str) -> list[tuple[str, Fields]]:
        """Path and fields of each item of `models` or `datasets`; what is no dict is left to the check."""
        if not isinstance(self.raw.get(name), list | tuple):
            return []
        self.raw[name] = [dict(item) if isinstance(item, Mapping) else item for item in self.raw[name]]
        return [(f"{name}[{i}]", item) for i, item in enumerate(self.raw[name]) if isinstance(item, dict)]

    def set(self, path: str, fields: Fields, name: str, value: Any, option: str) -> None:
        """Sets a field of `fields`, which `path` leads to, on behalf of `option`."""
        fields[name] = value
        self.labels[f"{path}.{name}" if path else name] = flag(option)


def read_settings(options: Options) -> Settings:
    """The settings that `options` lead to, before those that override others. Raises UsageError."""
    _refuse_two_kinds(options)
    settings = _of_config(options) if config_file(options) else _of_names(options)
    _apply_file(settings, options)
    if "datasets" not in settings.raw and not settings.file:
        _add_synthetic(settings, options)
    return settings


def config_file(options: Options) -> str | None:
    """The config file, given by its place or by its option."""
    if "config_file" in options and "config" in options:
        raise UsageError(f"--config and {options['config_file']} are two configs; give one of them")
    return options.get("config_file") or options.get("config")


def read_summarizer(options: Options) -> Fields:
    """`summarizer` of the config that `--summarizer` names, if it is given."""
    if "summarizer" not in options:
        return {}
    return read_named({"summarizer": [options["summarizer"]]}, options.get("config_dir")).raw


def _refuse_two_kinds(options: Options) -> None:
    given = [option for option in ("datasets", *_FILES) if option in options]
    if len(given) > 1:
        raise UsageError(f"{flag(given[0])} and {flag(given[1])} name two kinds of prompts; give one of them")
    for option, (_, more) in _FILES.items():
        alone = [name for name in more if name in options and option not in options]
        if alone:
            raise UsageError(f"{flag(alone[0])} goes with {flag(option)} FILE, which is not given")


def _of_config(options: Options) -> Settings:
    file = config_file(options)
    assert file is not None
    for option in ("models", "datasets"):
        if option in options:
            raise UsageError(f"{flag(option)} and the config {file} name two plans; give one of them")
    return Settings(read_config(file) | read_summarizer(options), source=file, file=file)


def _of_names(options: Options) -> Settings:
    wanted = {option: options[option] for option in ("models", "datasets") if option in options}
    if "summarizer" in options:
        wanted["summarizer"] = [options["summarizer"]]
    if "models" not in wanted and not options.keys() & {"url", "mock", "mock_option"}:
        raise UsageError(
            "no service is named; give CONFIG.py, --models NAME, --url http://host:port or --mock "
            "(`fastbench perf --search` lists the names)"
        )
    named = read_named(wanted, options.get("config_dir"))
    settings = Settings(named.raw, labels=named.labels, remarks=named.remarks)
    # What is wrong with the list as a whole is a matter of what was named.
    settings.labels |= {option: flag(option) for option in named.raw if option != "summarizer"}
    if "models" not in named.raw:
        settings.raw["models"] = [{"type": "openai_chat"}]
        settings.bare_service = True
    return settings


def _apply_file(settings: Settings, options: Options) -> None:
    """A file of prompts that an option names takes the place of the config's data sets."""
    for option, (kind, more) in _FILES.items():
        if option not in options:
            continue
        fields: Fields = {"type": kind}
        settings.raw["datasets"] = [fields]
        settings.raw.pop(COMBINATIONS, None)
        for name, field_name in {option: "path", **more}.items():
            if name in options:
                settings.set("datasets[0]", fields, field_name, options[name], name)


def _add_synthetic(settings: Settings, options: Options) -> None:
    if not settings.bare_service and not any(option in options for option in _LENGTHS):
        raise UsageError("no prompts are named; give --datasets NAME, --custom-dataset-path FILE or --input-len N")
    settings.raw["datasets"] = [dict(_SYNTHETIC)]
    settings.bare_prompts = True
