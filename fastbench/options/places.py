"""Where the values of options go: into settings as a config has them, which are checked afterwards.

`config` is imported late: help must not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastbench.errors import UsageError

Fields = dict[str, Any]


@dataclass(eq=False)
class Settings:
    """Settings as a config file has them, not yet checked, and where they came from."""

    raw: Fields
    source: str = "options"
    """The source that messages name for fields without a label."""
    file: str | None = None
    labels: dict[str, str] = field(default_factory=dict)
    """Path of a field: what set it, an option or the place in a file."""
    remarks: tuple[str, ...] = ()
    bare_service: bool = False
    """No config names a service."""
    bare_prompts: bool = False
    """No config and no file gives prompts."""
    continues: bool = False
    """They are those of a run that is resumed."""
    prompts_named_by: str | None = None
    """The source that names other prompts than synthetic ones."""

    def items(self, name: str) -> list[tuple[str, Fields]]:
        """Path and fields of each item of `models` or `datasets`; what is no dict is left to the check."""
        if not isinstance(self.raw.get(name), list | tuple):
            return []
        self.raw[name] = [dict(item) if isinstance(item, Mapping) else item for item in self.raw[name]]
        return [(f"{name}[{i}]", item) for i, item in enumerate(self.raw[name]) if isinstance(item, dict)]

    def set(self, path: str, fields: Fields, name: str, value: Any, given: str) -> None:
        """Sets a field of `fields`, which `path` leads to, because `given` says so."""
        fields[name] = value
        self.labels[f"{path}.{name}" if path else name] = given

    def replace(self, name: str, value: Any) -> None:
        """Replaces the config's `name` and its label."""
        self.raw[name] = value
        self.labels = {path: at for path, at in self.labels.items() if path.partition(".")[0].partition("[")[0] != name}

    def synthetic(self, *, traces: bool = False) -> list[tuple[str, Fields]]:
        """Path and fields of each synthetic data set; traces: and of each trace."""
        return [
            (path, fields)
            for path, fields in self.items("datasets")
            if _is_synthetic(fields) or (traces and fields.get("type") == "trace")
        ]

    def only_data_set(self, kind: str) -> Fields:
        """The fields of a new data set, which takes the place of all others."""
        from fastbench.config import COMBINATIONS

        fields: Fields = {"type": kind}
        self.replace("datasets", [fields])
        self.raw.pop(COMBINATIONS, None)
        return fields

    def makes_prompts(self) -> bool:
        """Whether prompts of a data set are made."""
        return any(_is_made(fields) for _, fields in self.items("datasets"))

    def makes_its_prompts(self) -> bool:
        """Whether options make the prompts, also in a run that is resumed."""
        if not self.continues or self.raw.get("num_prompts") is not None:
            return self.bare_prompts
        data_sets = [fields for _, fields in self.items("datasets")]
        return self.bare_prompts or (len(data_sets) == 1 and data_sets[0].get("type") == "synthetic")

    def name_types_plainly(self) -> None:
        """Replaces type names that imply streaming, so that an option can override it."""
        from fastbench.aisbench import MODEL_CLASSES, type_name

        for _, model in self.items("models"):
            name = type_name(model.get("type"))
            if name in MODEL_CLASSES:
                model["type"] = MODEL_CLASSES[name][0]


def _is_synthetic(fields: Fields) -> bool:
    from fastbench.aisbench import DATASET_CLASSES, type_name

    name = type_name(fields.get("type"))
    known = DATASET_CLASSES.get(name or "")
    return name == "synthetic" or (known is not None and known.kind == "synthetic") or "synthetic_config" in fields


def _is_made(fields: Fields) -> bool:
    from fastbench.aisbench import DATASET_CLASSES, type_name

    name = type_name(fields.get("type"))
    known = DATASET_CLASSES.get(name or "")
    return _is_synthetic(fields) or name == "trace" or "mooncake" in (name, known and known.kind)


class Place:
    """The place in the settings that an option sets."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        """Sets it to `value`. given: its source, for messages."""
        raise NotImplementedError

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        """Paths of fields that no config has, so that messages name the option only."""
        yield from ()


class FieldPlace(Place):
    """One field. Plain classes, as dataclasses are slow to make, which help would wait for."""

    def __init__(self, field: str = "") -> None:
        self.field = field


class RunField(FieldPlace):
    """A field of the run."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        settings.set("", settings.raw, self.field, value, given)


class ModelField(FieldPlace):
    """A field of every model."""

    def __init__(self, field: str, also_for: str = "") -> None:
        """also_for: another field whose faults this option can cause."""
        super().__init__(field)
        self.also_for = also_for

    def put(self, settings: Settings, value: Any, given: str) -> None:
        for path, model in settings.items("models"):
            settings.set(path, model, self.field, value, given)

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        if settings.bare_service:
            yield from (f"models[0].{name}" for name in (self.field, self.also_for) if name)


class Streaming(ModelField):
    """`stream` of every model, also of one whose type is a name that stands for streaming."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        super().put(settings, value, given)
        if value is False:
            settings.name_types_plainly()


class ModelPairs(FieldPlace):
    """Pairs that go over those that a field of every model has."""

    def put(self, settings: Settings, value: Iterable[tuple[str, Any]], given: str) -> None:
        for path, model in settings.items("models"):
            settings.set(path, model, self.field, merged(model.get(self.field), value), given)


class IgnoreEos(Place):
    """`ignore_eos` among the sampling parameters of every model."""

    def put(self, settings: Settings, value: bool, given: str) -> None:
        for path, model in settings.items("models"):
            model["generation_kwargs"] = parameters = merged(model.get("generation_kwargs"), ())
            if value:
                settings.set(f"{path}.generation_kwargs", parameters, "ignore_eos", value, given)
            else:
                # Left out, not false: a service that does not know it may refuse it.
                parameters.pop("ignore_eos", None)


class Mock(Place):
    """The simulated service in the place of every model's; its settings go over those that the model has."""

    def put(self, settings: Settings, value: bool | Iterable[tuple[str, Any]], given: str) -> None:
        for path, model in settings.items("models"):
            model["url"] = ""
            if isinstance(value, bool):
                model["mock"] = merged(model.get("mock"), ())
            else:
                settings.set(path, model, "mock", merged(model.get("mock"), value), given)


class Traffic(FieldPlace):
    """A field of every model's `traffic_cfg`; "" = several, as the value names them."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        fields = {self.field: value} if self.field else value
        for path, model in settings.items("models"):
            model["traffic_cfg"] = traffic = merged(model.get("traffic_cfg"), ())
            for name, its in fields.items():
                settings.set(f"{path}.traffic_cfg", traffic, name, its, given)


class SyntheticField(FieldPlace):
    """A field of every synthetic data set."""

    def __init__(self, field: str, of_models: str = "", *, of_traces: bool = False) -> None:
        """of_models: the field that it is of every model, where there is no synthetic data set. of_traces: whether
        traces have it too."""
        super().__init__(field)
        self.of_models = of_models
        self.of_traces = of_traces

    def put(self, settings: Settings, value: Any, given: str) -> None:
        synthetic = settings.synthetic(traces=self.of_traces)
        for path, fields in synthetic:
            settings.set(path, fields, self.field, value, given)
        if not synthetic and self.of_models:
            ModelField(self.of_models).put(settings, value, given)
        elif not synthetic:
            others = settings.prompts_named_by
            why = f", as {others} names others: leave one of them out" if others else ""
            raise UsageError(f"{given} is for synthetic prompts, but the run has none{why}")

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        if settings.bare_prompts:
            yield f"datasets[0].{self.field}"


class MixFile(SyntheticField):
    """Kinds of requests, from a file, in the place of the lengths of every synthetic data set."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        """value: the path of the file; from Python also its list."""
        parts, labels = (value, {}) if not isinstance(value, str) else _read_mix(value, given)
        super().put(settings, parts, f"{given} {value}" if isinstance(value, str) else given)
        for path, fields in settings.synthetic():
            fields.pop("input_len", None)
            fields.pop("output_len", None)
            settings.labels |= {f"{path}.{field}": label for field, label in labels.items()}


def _read_mix(path: str, given: str) -> tuple[Any, dict[str, str]]:
    """The list of a file, and the places of what it has. Raises ConfigError."""
    from fastbench.config.files import names_of
    from fastbench.errors import ConfigError

    values, labels = names_of(path)
    if isinstance(values.get("mix"), list | tuple) and values["mix"]:
        return values["mix"], {field: label for field, label in labels.items() if field.startswith("mix[")}
    raise ConfigError(
        f"{path}: {given} needs a file with `mix`, a list of kinds of requests with input_len, output_len and weight; "
        f"this one has {', '.join(map(str, values)) or 'nothing'}"
    )


class SampleCount(Place):
    """The number of prompts to make, or, if they exist already, to send."""

    def put(self, settings: Settings, value: int | None, given: str) -> None:
        if settings.makes_its_prompts():
            if value is None:
                return  # Made prompts have no end.
            ((path, fields), *_) = settings.items("datasets")
            settings.raw.pop("num_prompts", None)
            settings.set(path, fields, "count", value, given)
        else:
            RunField("num_prompts").put(settings, value, given)


class PromptsFile(Place):
    """A file of prompts in the place of the config's data sets."""

    def __init__(self, kind: str) -> None:
        """kind: the type of the data set."""
        self.kind = kind

    def put(self, settings: Settings, value: str, given: str) -> None:
        settings.set("datasets[0]", settings.only_data_set(self.kind), "path", value, given)


class PromptsField(FieldPlace):
    """A further field of the data set that a `PromptsFile` made."""

    def put(self, settings: Settings, value: str, given: str) -> None:
        ((path, fields),) = settings.items("datasets")
        settings.set(path, fields, self.field, value, given)


class ShownField(FieldPlace):
    """A field of the summarizer, which keeps its others."""

    def put(self, settings: Settings, value: str, given: str) -> None:
        shown = settings.raw.get("summarizer")
        fields = merged(shown, ()) if merged(shown, ()).get("attr", "performance") == "performance" else {}
        settings.raw["summarizer"] = fields
        calculator = fields.get("calculator")
        if self.field == "stats_list" and isinstance(calculator, Mapping):
            fields["calculator"] = {name: its for name, its in calculator.items() if name != "stats_list"}
        settings.set("summarizer", fields, self.field, value, given)


def merged(fields: object, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs over the fields that a config has."""
    return {**(fields if isinstance(fields, Mapping) else {}), **dict(pairs)}
