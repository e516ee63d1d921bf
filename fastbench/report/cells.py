"""How a single value is written."""

from __future__ import annotations

import re

from fastbench.metrics import Number, Parameter, Quantity
from fastbench.metrics.samples import too_few
from fastbench.units import quantity as by_size

DECIMALS = 4
MISSING = "-"
_TIME = re.compile(r"(\d+\.\d+)(?: (to|and) (\d+\.\d+))? (us|ms|s)\b")
QUANTITY_STATS = ("Median", "P99", "Max")


def cell(value: Number, unit: str) -> str:
    """A value with 4 decimals and its unit; without a unit, a count: as many of the 4 decimals as it has."""
    if value is None:
        return MISSING
    return f"{value:.{DECIMALS}f} {unit}" if unit else str(plain(value))


def plain(value: Number) -> Number:
    """A number for a json file: integers as they are, others rounded to 4 decimals."""
    return round(value, DECIMALS) if isinstance(value, float) else value


def share(value: float | None) -> str:
    """A share of 1 in per cent."""
    return MISSING if value is None else f"{value * 100:.{DECIMALS}f} %"


def quantity(measured: Quantity) -> str:
    """The median, P99 and maximum of a quantity, marked where they are of too few samples."""
    if not measured.samples:
        return MISSING
    doubtful = too_few(QUANTITY_STATS, measured.samples)
    texts = {name: cell(measured.values[name], measured.unit) for name in QUANTITY_STATS}
    return ", ".join(f"{name} {marked(text, name in doubtful)}" for name, text in texts.items())


def marked(text: str, few: bool, unsure: bool = False) -> str:
    """The text, with the marks of a percentile of too few samples and of a number that the client's stalls leave too
    uncertain; the footnotes say what they mean."""
    return f"{text}{' *' if few else ''}{' ~' if unsure else ''}"


def plus_minus(row: Parameter, name: str) -> str:
    """Half the width of a statistic's 95 % interval, with its sign; empty where there is none, or nothing in it."""
    low, high = row.intervals.get(name, (0.0, 0.0))
    if high <= low:
        return ""
    return f"±\N{NO-BREAK SPACE}{by_size((high - low) / 2, row.unit)}"


def shortened(sentence: str) -> str:
    """A sentence whose times are by their size, with three digits, for the page; files have the exact ones."""

    def shown(found: re.Match[str]) -> str:
        first, word, second, unit = found.groups()
        rest = f" {word} {by_size(float(second), unit)}" if second else ""
        return f"{by_size(float(first), unit)}{rest}"

    return _TIME.sub(shown, sentence)


def escaped(text: str, limit: int) -> str:
    """The same without what Markdown would take for its own."""
    return re.sub(r"([|<>`*_\[\]\\])", r"\\\1", printable(text, limit))


def printable(text: str, limit: int) -> str:
    """Text from outside on one line, without what could steer a terminal, at most `limit` characters."""
    shown = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
