"""The requested load, from a recording's header. Nothing else reads that part of the header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fastbench.plan.shapes import LoadShape, Rates, read_shape


class AskedLoad(NamedTuple):
    """kind: open or closed. arrival: the shape by its name. shape: the law. rate: req/s, of the whole plan where there
    is one. limit: of requests in flight. planned: requests."""

    kind: str
    arrival: str
    shape: LoadShape
    rate: float | None
    limit: int | None
    planned: int | None

    @classmethod
    def of(cls, load: Mapping[str, Any]) -> AskedLoad:
        """load: the section of a header. Missing fields are None, as in recordings of older versions."""
        kind = str(load.get("kind", "closed"))
        rate, limit, planned = (load.get(name) for name in ("rate", "concurrency", "planned"))
        return cls(
            kind=kind,
            arrival=str(load.get("arrival") or ("constant" if kind == "open" else "concurrency")),
            shape=read_shape(load),
            rate=float(rate) if isinstance(rate, int | float) else None,
            limit=limit if isinstance(limit, int) else None,
            planned=planned if isinstance(planned, int) else None,
        )

    @property
    def headline(self) -> str:
        """In few words."""
        return self.shape.headline(self.limit)

    @property
    def is_open(self) -> bool:
        """Whether the plan decides when requests go out, not the replies."""
        return self.kind == "open"

    @property
    def adds_clients(self) -> bool:
        """Whether clients are added one by one, each of which sends when its last request ended."""
        return self.shape.opens_clients

    @property
    def burstiness(self) -> float:
        """The shape of the intervals' gamma distribution; 0 = even."""
        return self.shape.burstiness

    def rates(self, count: int) -> Rates | None:
        """(count,) req/s: with which each of `count` requests was planned, or each client where they are added.

        None without a single law: a closed loop, a trace, a profile.
        """
        return self.shape.rates(count)
