"""What the service's metrics page said, at moments of the run."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from fastbench.recording.service_names import FIGURES, labelled


class Series(msgspec.Struct, frozen=True, array_like=True):
    """One line of the page."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape(msgspec.Struct, frozen=True):
    """One look at the page, or at several together. t_ns: when it was asked for; took_ns: until it was read.

    series: those of `service_names.KEPT` that it had. error: why it could not be had, None = it could.
    """

    t_ns: Annotated[int, msgspec.Meta(ge=-(2**62), lt=2**62)] = 0
    took_ns: Annotated[int, msgspec.Meta(ge=0, lt=2**61)] = 0
    url: str = ""
    series: tuple[Series, ...] = ()
    error: str | None = None

    def of(self, figure: str) -> tuple[Series, ...]:
        """The series of one of `FIGURES`: those of its first name that the page had."""
        for name, label, value in map(labelled, FIGURES[figure].names):
            found = tuple(
                series
                for series in self.series
                if series.name == name and (not label or series.labels.get(label) == value)
            )
            if found:
                return found
        return ()

    def value(self, figure: str) -> float | None:
        """One of `FIGURES`, over all engines; None where the page does not tell it."""
        found = self.of(figure)
        if not found:
            return None
        total = sum(series.value for series in found)
        return total / len(found) if FIGURES[figure].is_share else total


def scrape_of(record: dict[str, Any], shift_ns: int = 0) -> Scrape:
    """The scrape in a block's JSON object, `shift_ns` later; one that failed where the object is none."""
    try:
        scrape = msgspec.convert(record, Scrape)
    except msgspec.ValidationError as error:
        return Scrape(error=f"its block cannot be read ({error})")
    return msgspec.structs.replace(scrape, t_ns=scrape.t_ns + shift_ns) if shift_ns else scrape
