"""A load shape as a recording's header holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from fastbench.config import ProfileStage
from fastbench.config.fields import PositiveRate, decode_custom
from fastbench.errors import ConfigError
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.open import Ramp, Trace, of_rate
from fastbench.plan.shapes.profile import Profile
from fastbench.plan.shapes.shape import LoadShape
from fastbench.registry import SHAPES
from fastbench.units import Duration, Rate


class Unknown(LoadShape, frozen=True, kw_only=True):
    """An unknown shape: its package is missing, or the header has none."""

    name: ClassVar[str] = "unknown"


def write_shape(shape: LoadShape) -> dict[str, Any]:
    """The shape as plain JSON: its name as `type`, then its parameters; durations in ns, rates per second."""
    fields: dict[str, Any] = msgspec.to_builtins(shape, enc_hook=float)
    return {"type": shape.name, **{name: value for name, value in fields.items() if name != "type"}}


def read_shape(load: Mapping[str, Any]) -> LoadShape:
    """The shape of a header's section `load`; `Unknown` if it cannot be read."""
    given = load.get("shape")
    if not isinstance(given, dict):
        return _before_shapes(load)
    try:
        name = str(given.get("type"))
        kind = SHAPES.get(name)
        with SHAPES.blaming(name, "cannot be read from a recording"):
            return _converted(kind, {name: value for name, value in given.items() if name != "type"})
    except ConfigError:
        # Of a package that is not here, or is here in another version, with other parameters.
        return Unknown()


def _converted(kind: type[LoadShape], fields: Mapping[str, Any]) -> LoadShape:
    types = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return kind(**{name: msgspec.convert(value, types[name], dec_hook=_plain) for name, value in fields.items()})


def _plain(kind: Any, value: Any) -> Any:
    """Durations are numbers of ns in a recording, and not of seconds as in a config."""
    return decode_custom(kind, value) if issubclass(kind, Rate) else kind(value)


def _before_shapes(load: Mapping[str, Any]) -> LoadShape:
    """Recordings of fastbench 0.1 have the parameters beside each other."""
    arrival, rate, ramp = load.get("arrival"), load.get("rate"), load.get("ramp")
    burstiness = float(load.get("burstiness") or 0)
    law = of_rate(float(rate), burstiness) if isinstance(rate, int | float) and rate > 0 else None
    rising = Ramp(**_rising(ramp), burstiness=burstiness) if isinstance(ramp, dict) else None
    match arrival:
        case "concurrency":
            return Concurrency()
        case "pressure":
            return Pressure(opening=rising or law)
        case "ramp":
            return rising or Unknown()
        case "trace":
            return Trace(speed=float(load.get("speed") or 1))
        case "profile":
            return Profile(steps=tuple(map(_step, load.get("profile") or ())), burstiness=burstiness)
    return law or Unknown()


def _rising(ramp: dict[str, Any]) -> dict[str, Any]:
    bounds = {name: PositiveRate(ramp[name]) for name in ("start", "end")}
    return {**bounds, "strategy": ramp.get("strategy") or "linear"}


def _step(step: dict[str, Any]) -> ProfileStage:
    rate = step.get("rate")
    return ProfileStage(
        duration=Duration(step["duration_ns"]),
        rate=None if rate is None else Rate(rate),
        concurrency=step.get("concurrency"),
    )
