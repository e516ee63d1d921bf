"""The requested load, from a recording's header. Nothing else reads that part of the header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastbench.errors import ConfigError
from fastbench.plan.shapes import Begun, LoadShape, Rates, Stretch, Unknown, law_of, read_shape, shape_rates, stages_of


@dataclass(frozen=True)
class AskedLoad:
    """kind: open or closed. arrival: the shape by its name. shape: the law; `Unknown` where a package cannot tell it.
    rate: req/s, of the whole plan where there is one. limit: of requests in flight. planned: requests.
    faults: what a package's shape could not tell, a sentence each; more may come as it is asked."""

    kind: str
    arrival: str
    shape: LoadShape
    rate: float | None
    limit: int | None
    planned: int | None
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, load: Mapping[str, Any]) -> AskedLoad:
        """load: the section of a header. Missing fields are None, as in recordings of older versions."""
        kind = str(load.get("kind", "closed"))
        rate, limit, planned = (load.get(name) for name in ("rate", "concurrency", "planned"))
        shape = read_shape(load)
        faults: list[str] = []
        with _noted(faults, "The law of the load is left out"):
            law_of(shape)
        return cls(
            kind=kind,
            arrival=str(load.get("arrival") or ("constant" if kind == "open" else "concurrency")),
            shape=Unknown() if faults else shape,
            rate=float(rate) if isinstance(rate, int | float) else None,
            limit=limit if isinstance(limit, int) else None,
            planned=planned if isinstance(planned, int) else None,
            faults=faults,
        )

    @property
    def headline(self) -> str:
        """In few words."""
        with _noted(self.faults, "The load is named by its shape alone"):
            return law_of(self.shape, self.limit).headline
        return self.arrival

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
        with _noted(self.faults, "The law of the load is left out"):
            return shape_rates(self.shape, count)
        return None

    def stages(self, begun: Begun) -> tuple[Stretch, ...]:
        """The stretches of a load that changes; none for a load of one rate."""
        with _noted(self.faults, "The stages of the load are left out"):
            return stages_of(self.shape, begun)
        return ()


@contextmanager
def _noted(faults: list[str], lost: str) -> Iterator[None]:
    """Adds what a package's shape cannot tell to the faults, once: a report is worth more than that."""
    try:
        yield
    except ConfigError as error:
        sentence = f"{lost}: {error}."
        if sentence not in faults:
            faults.append(sentence)
