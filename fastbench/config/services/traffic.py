"""How the load of an open loop is shaped: `traffic_cfg`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from fastbench.config.fields.check import Frozen, check_fields
from fastbench.config.fields.issues import Issues

_Rps = Annotated[float, Meta(ge=0, le=64_000)]
_Strategy = Annotated[
    Literal["linear", "exponential"],
    Meta(extra_json_schema={"description": '"linear" or "exponential"'}),
]


class TrafficConfig(Frozen, frozen=True, kw_only=True):
    """Spacing and growth of the request rate; rates in requests per second."""

    burstiness: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    """Shape of the gamma distribution of intervals: 0 = constant, 1 = Poisson, below 1 burstier, above 1 more even."""
    ramp_up_strategy: _Strategy | None = None
    ramp_up_start_rps: _Rps | None = None
    ramp_up_end_rps: _Rps | None = None

    @property
    def ramp(self) -> tuple[float, float] | None:
        """The rates at its start and end; None = no ramp, which AISBench also means by start = 0, an end of at
        most 0.1 or an end below the start."""
        start, end = self.ramp_up_start_rps or 0.0, self.ramp_up_end_rps or 0.0
        return (start, end) if self.ramp_up_strategy and start > 0 and end > 0.1 and end >= start else None


def build_traffic(raw: object, path: str, issues: Issues) -> TrafficConfig:
    """The shape that `raw` describes, its faults added to `issues`. None and "" leave a field as if not given."""
    if raw is None or isinstance(raw, TrafficConfig):
        return raw or TrafficConfig()
    if not isinstance(raw, Mapping):
        issues.wrong(path, raw, "a dict of settings")
        return TrafficConfig()
    names = TrafficConfig.__struct_fields__
    given = {name: value for name, value in raw.items() if name not in names or value not in (None, "")}
    return TrafficConfig(**check_fields(TrafficConfig, given, path, issues))
