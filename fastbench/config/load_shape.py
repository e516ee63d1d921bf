"""The load in a config: a load shape by its name, or a profile of stages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from fastbench.config.fields.check import check_fields
from fastbench.config.fields.issues import Issues, nearest, show
from fastbench.config.profile import ProfileStage, profile_fault
from fastbench.config.run import RunSettings
from fastbench.config.services.schema import ServiceConfig
from fastbench.errors import ConfigError
from fastbench.registry import SHAPES

_ALONE = "which says when requests go out too; set one of them"


def shape_name(shape: Struct) -> str:
    """The name under which the shape's class is registered."""
    return str(type(shape).name)  # type: ignore[attr-defined]  # its class is a `LoadShape`, which stands above this room


def build_load(settings: RunSettings, models: Sequence[ServiceConfig], issues: Issues) -> Struct | None:
    """The load shape that `settings.load` describes; None = none does, or after its faults were added to `issues`."""
    raw = settings.load
    if raw is None:
        return None
    for path in _others(settings, models):
        issues.add(path, f"is set, and so is load, {_ALONE}")
    if isinstance(raw, Struct):
        return raw
    if not isinstance(raw, Mapping):
        issues.wrong("load", raw, "a dict with type, the name of a load shape, and its parameters")
        return None
    kind = _kind(raw, issues)
    if kind is None:
        return None
    before = len(issues)
    values = check_fields(kind, {name: value for name, value in raw.items() if name != "type"}, "load", issues)
    if len(issues) > before:
        return None
    with SHAPES.blaming(str(raw["type"]), "cannot check its parameters"):
        shape: Struct = kind(**values)
        for field, sentence in shape.faults():  # type: ignore[attr-defined]  # a `LoadShape`, which stands above this room
            issues.add(f"load.{field}", sentence)
    return shape if len(issues) == before else None


def _others(settings: RunSettings, models: Sequence[ServiceConfig]) -> Iterator[str]:
    """The paths of what else says when requests go out."""
    yield from (name for name in ("profile", "pressure") if getattr(settings, name))
    for index, model in enumerate(models):
        if model.request_rate:
            yield f"models[{index}].request_rate"
        if model.use_timestamp:
            yield f"models[{index}].use_timestamp"
        if model.traffic_cfg.burstiness or model.traffic_cfg.ramp:
            yield f"models[{index}].traffic_cfg"


def _kind(raw: Mapping[str, object], issues: Issues) -> Any:
    """The class of the shape that `raw` names."""
    name = raw.get("type")
    if isinstance(name, str) and name in SHAPES:
        try:
            return SHAPES.chosen(name)
        except ConfigError as error:
            issues.add("load.type", f"is {show(name)}, but {error}")
            return None
    known = f"one of {', '.join(SHAPES.names())}"
    if "type" not in raw:
        issues.missing("load.type", known)
    else:
        close = nearest(name, SHAPES.names()) if isinstance(name, str) else None
        issues.add("load.type", f"is {show(name)}; {f'did you mean {close}?' if close else f'it must be {known}'}")
    return None


def build_profile(raw: object, issues: Issues) -> tuple[ProfileStage, ...]:
    """The stages that `raw` describes; what is wrong with the others was added to `issues`."""
    if not isinstance(raw, list | tuple):
        issues.wrong("profile", raw, "a list of dicts with duration and rate, or duration and concurrency")
        return ()
    built = [_stage(item, f"profile[{index}]", issues) for index, item in enumerate(raw)]
    stages = tuple(stage for stage in built if stage is not None)
    fault = profile_fault(stages) if stages and len(stages) == len(built) else None
    if fault is not None:
        issues.add("profile", fault)
    return stages


def _stage(raw: object, path: str, issues: Issues) -> ProfileStage | None:
    if isinstance(raw, ProfileStage):
        return raw
    before = len(issues)
    values = check_fields(ProfileStage, raw, path, issues)
    if len(issues) > before:
        return None
    stage = ProfileStage(**values)
    if (stage.rate is None) == (stage.concurrency is None):
        issues.add(path, "must say either rate or concurrency")
        return None
    return stage
