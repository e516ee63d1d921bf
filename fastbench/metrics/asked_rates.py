"""The rate that each request of a run was planned with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEADY = ("constant", "poisson", "gamma")


def asked_rates(load: dict[str, Any], count: int) -> Floats | None:
    """(count,) per second, for `count` requests, or clients of a load that adds them one by one.

    load: of a recording's header. None where no single law says it: a closed loop, a trace, a profile.
    """
    ramp, rate, arrival = load.get("ramp"), load.get("rate"), load.get("arrival")
    if isinstance(ramp, dict) and arrival in ("ramp", "pressure"):
        progress = np.arange(count) / max(count - 1, 1)
        start, end = float(ramp["start"]), float(ramp["end"])
        if ramp.get("strategy") == "exponential":
            return np.asarray(start * (end / start) ** progress)
        return np.asarray(start + (end - start) * progress)
    if isinstance(rate, int | float) and arrival in (*_STEADY, "pressure"):
        return np.full(count, float(rate))
    return None
