"""A client's token times against the service's own log, request by request; both use this machine's clock."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.clients import Stream

QUANTILES = (50, 99, 100)
APART_NS = 100_000
"""What the service wrote closer together was together before any client could read it."""


def compare(streams: Mapping[str, Stream], entries: list[dict[str, Any]]) -> dict[str, NDArray[np.float64]]:
    """Errors in µs: of each token's arrival (`lag`), each gap (`ITL error`), each first token (`TTFT error`).

    `lag` is the arrival minus the moment just before the service's write. Raises ValueError where a client has not seen
    every token that the service wrote.
    """
    told = {entry["id"]: entry for entry in entries}
    lag, itl, ttft = [], [], []
    for name, stream in streams.items():
        written = np.array(told[name]["writes_ns"])
        if len(written) != len(stream.token_ns):
            raise ValueError(f"{name}: the service wrote {len(written)} tokens, the client saw {len(stream.token_ns)}")
        lag.append(stream.token_ns - written)
        itl.append(np.abs(np.diff(stream.token_ns) - np.diff(written)))
        ttft.append(abs((stream.token_ns[0] - stream.sent_ns) - (written[0] - told[name]["arrived_ns"])))
    errors = {"lag": np.concatenate(lag), "ITL error": np.concatenate(itl), "TTFT error": np.array(ttft)}
    return {name: values / 1000 for name, values in errors.items()}


def joined(streams: Mapping[str, Stream], entries: list[dict[str, Any]]) -> float:
    """The share of tokens that a client read together with the one before, though the service wrote them apart."""
    written = {entry["id"]: np.diff(entry["writes_ns"]) for entry in entries}
    together = [(np.diff(stream.token_ns) == 0) & (written[name] > APART_NS) for name, stream in streams.items()]
    return sum(int(np.count_nonzero(one)) for one in together) / sum(
        len(stream.token_ns) for stream in streams.values()
    )


def quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """P50, P99 and Max."""
    return dict(zip(("P50", "P99", "Max"), np.percentile(values, QUANTILES).tolist(), strict=True))
