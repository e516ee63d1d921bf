"""Where the values of options go: into the settings that a config has too, which are checked afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastbench.errors import UsageError
from fastbench.options.raw import Settings


class Place:
    """Something in the settings that an option sets."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        """Sets it to `value`. given: what said so, for messages."""
        raise NotImplementedError

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        """Paths of fields that the user knows only by the option, as no config says a word about them."""
        yield from ()


@dataclass(frozen=True)
class RunField(Place):
    """A field of the run."""

    field: str

    def put(self, settings: Settings, value: Any, given: str) -> None:
        settings.set("", settings.raw, self.field, value, given)


@dataclass(frozen=True)
class ModelField(Place):
    """A field of every model. told_for: another one whose faults are this option's to mend."""

    field: str
    told_for: str = ""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        for path, model in settings.items("models"):
            settings.set(path, model, self.field, value, given)

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        if settings.bare_service:
            yield from (f"models[0].{name}" for name in (self.field, self.told_for) if name)


class Streaming(ModelField):
    """`stream` of every model, also of one whose type is a name that stands for streaming."""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        super().put(settings, value, given)
        if value is False:
            settings.name_types_plainly()


@dataclass(frozen=True)
class ModelPairs(Place):
    """Pairs that go over those that a field of every model has."""

    field: str

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


@dataclass(frozen=True)
class Traffic(Place):
    """A field of every model's `traffic_cfg`; "" = several, as the value names them."""

    field: str = ""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        fields = {self.field: value} if self.field else value
        for path, model in settings.items("models"):
            model["traffic_cfg"] = traffic = merged(model.get("traffic_cfg"), ())
            for name, its in fields.items():
                settings.set(f"{path}.traffic_cfg", traffic, name, its, given)


@dataclass(frozen=True)
class SyntheticField(Place):
    """A field of every synthetic data set, or else, where there is none, of every model."""

    field: str
    of_models: str = ""

    def put(self, settings: Settings, value: Any, given: str) -> None:
        synthetic = settings.synthetic()
        for path, fields in synthetic:
            settings.set(path, fields, self.field, value, given)
        if not synthetic and self.of_models:
            ModelField(self.of_models).put(settings, value, given)
        elif not synthetic:
            others = settings.prompts_named_by
            why = f", as {others} names others: leave one of them out" if others else ""
            raise UsageError(f"{given} is for synthetic prompts, and the run has none{why}")

    def fields_alone(self, settings: Settings) -> Iterator[str]:
        if settings.bare_prompts:
            yield f"datasets[0].{self.field}"


class SampleCount(Place):
    """How many prompts are made, where the options make them; else how many of those that there are get sent."""

    def put(self, settings: Settings, value: int | None, given: str) -> None:
        if settings.makes_its_prompts():
            if value is None:
                return  # There is no end to what could be made.
            ((path, fields), *_) = settings.items("datasets")
            settings.raw.pop("num_prompts", None)
            settings.set(path, fields, "count", value, given)
        else:
            RunField("num_prompts").put(settings, value, given)


@dataclass(frozen=True)
class PromptsFile(Place):
    """A file of prompts in the place of the config's data sets. kind: their type."""

    kind: str

    def put(self, settings: Settings, value: str, given: str) -> None:
        settings.set("datasets[0]", settings.only_data_set(self.kind), "path", value, given)


@dataclass(frozen=True)
class PromptsField(Place):
    """A further field of the data set that a `PromptsFile` made."""

    field: str

    def put(self, settings: Settings, value: str, given: str) -> None:
        ((path, fields),) = settings.items("datasets")
        settings.set(path, fields, self.field, value, given)


@dataclass(frozen=True)
class ShownField(Place):
    """A field of the summarizer, which keeps its others."""

    field: str

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
