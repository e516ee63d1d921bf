"""`--assert`: statements about a report that decide the exit code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from textwrap import shorten
from typing import NamedTuple

from fastbench.errors import ConfigError, UsageError
from fastbench.metrics import COMMON_METRICS, OWN_METRICS, TTFT, WITHOUT, Metrics, all_plugged

_NUMBER = r"\d+(?:\.\d+)?"
_GATE = re.compile(rf"([a-z_0-9]+)(?:\.([a-z]+|p{_NUMBER}))?\s*(<=|>=|==|<|>|=)\s*([\w.]+)\s*(%?)")
_CLASS = re.compile(r"(.*?)\[\s*class\s*=\s*(.*?)\s*\]([^\]]*)", re.IGNORECASE | re.DOTALL)
"""What stands before the class, its name as it is written, what stands behind it."""
_VALUE = re.compile(rf"({_NUMBER})\s*(us|µs|ms|s|min|%)?")
_MS = "ms"
_IN_MS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
}
_STATISTICS = {"average": "Average", "mean": "Average", "min": "Min", "max": "Max", "median": "Median"}
_SHORT = {
    "output_throughput": "output_token_throughput",
    "input_throughput": "input_token_throughput",
    "ttfa": "first_answer_token",
}
_COUNTS = ("failed", "dropped", "not_sent")
_LONGEST_LIST = 200
"""Characters of the names of classes."""
_SHARES = ("structured_output_valid",)
"""What is a share of requests, in %."""
_CLASS_EXAMPLE = 'write it as "ttft.p99[class=chat]<800ms"'
_EXAMPLE = 'write it as "ttft.p99<800ms", "verdict=VALID", "failed<0.1%" or "output_throughput>2000"'


class Gate(NamedTuple):
    """A statement. name: of the metric; statistic: a column's name, "" for what is one number. limit: in the unit in
    which the metric is shown, or of 100 if in_percent. word: what a verdict has to be. unit: of the metric.
    class_name: of the requests that it is about; "" = all."""

    text: str
    name: str
    statistic: str
    sign: str
    limit: float
    in_percent: bool = False
    word: str = ""
    unit: str = ""
    class_name: str = ""


class Judged(NamedTuple):
    """A statement with what was found. met: None = it cannot be told, why: the reason. value: in the unit of its
    limit."""

    gate: Gate
    met: bool | None
    value: float | None
    why: str = ""


def parse_gate(text: str) -> Gate:
    """One statement. ConfigError for what cannot be read, an unknown metric, a limit without the unit that it needs."""
    match = _CLASS.fullmatch(text)
    if match is None:
        return _of_all(text, text)
    before, name, behind = match.groups()
    if not name:
        raise ConfigError(f"the assertion {text!r} names no class: {_CLASS_EXAMPLE}")
    gate = _of_all(text, before + behind)
    if gate.word:
        raise ConfigError(
            f"the assertion {text!r} cannot be used: the verdict is of the whole run; leave [class=…] out"
        )
    return gate._replace(class_name=name)


def _of_all(text: str, plain: str) -> Gate:
    """The statement without its class. text: as it was given."""
    match = _GATE.fullmatch(plain.strip().lower())
    if match is None:
        raise ConfigError(f"the assertion {text!r} cannot be read: {_EXAMPLE}")
    name, statistic, sign, value, sign_of_share = match.groups()
    name = _SHORT.get(name, name)
    if name == "verdict":
        if sign not in ("=", "==") or value not in ("valid", "invalid") or statistic:
            raise ConfigError(f"the assertion {text!r} cannot be used: the verdict is verdict=VALID or verdict=INVALID")
        return Gate(text, name, "", "=", 0.0, word=value.upper())
    number = _VALUE.fullmatch(value + sign_of_share)
    if number is None:
        raise ConfigError(f"the assertion {text!r} has no number to compare with: {_EXAMPLE}")
    limit, unit = float(number[1]), number[2] or ""
    if name in _COUNTS:
        if statistic or unit not in ("", "%"):
            raise ConfigError(f"the assertion {text!r} cannot be used: {name} is a number of requests, or % of them")
        return Gate(text, name, "", sign, limit, unit == "%")
    if name in _SHARES:
        if statistic or unit != "%":
            raise ConfigError(f"the assertion {text!r} cannot be used: {name} is a share, write {name}>=99%")
        return Gate(text, name, "", sign, limit, in_percent=True)
    return _of_metric(text, name, statistic, sign, limit, unit)


def _of_metric(text: str, name: str, statistic: str | None, sign: str, limit: float, unit: str) -> Gate:
    latencies = {key(one.name): one.unit for one in (*OWN_METRICS, *all_plugged().metrics)}
    totals = {key(one.name): one.unit for one in COMMON_METRICS}
    # Some names are of both: with a statistic the one of each request is meant.
    units = latencies if statistic or name not in totals else totals
    if name not in units:
        known = sorted({*latencies, *totals, *_COUNTS, *_SHARES, "verdict"})
        near = get_close_matches(name, known, 1)
        raise ConfigError(
            f"the assertion {text!r} is about {name!r}, which is no metric: "
            f"{f'did you mean {near[0]}?' if near else 'the names are those of the tables, such as ttft or e2el'}"
        )
    if units is latencies and not statistic:
        raise ConfigError(f"the assertion {text!r} does not say which statistic: write {name}.p99, {name}.median, …")
    column = _column(text, statistic) if statistic else ""
    if units[name] == _MS:
        if unit not in _IN_MS:
            raise ConfigError(f"the assertion {text!r} has no unit of time: write {name}…{limit:g}ms or {limit:g}s")
        limit *= _IN_MS[unit]
    elif unit:
        own = units[name] or "plain numbers"
        raise ConfigError(f"the assertion {text!r} has the unit {unit}, but {name} is in {own}")
    return Gate(text, name, column, sign, limit, unit=units[name])


def _column(text: str, statistic: str) -> str:
    if statistic in _STATISTICS:
        return _STATISTICS[statistic]
    if not re.fullmatch(rf"p{_NUMBER}", statistic) or not 0 < float(statistic[1:]) < 100:
        known = "p99, median, average, min, max"
        raise ConfigError(f"the assertion {text!r} has no statistic {statistic!r}: use one of {known}")
    return f"P{float(statistic[1:]):g}"


def key(name: str) -> str:
    """A metric's name as it is written in an assertion: in lower case, with _ for blanks and for a capital inside."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|\W+", "_", name).lower().strip("_")


def unit_of(gate: Gate) -> str:
    """The unit of its limit, and of what is found."""
    return "%" if gate.in_percent else gate.unit


def statistics_of(gates: Iterable[Gate]) -> tuple[str, ...]:
    """The columns that a report must have for them."""
    return tuple(dict.fromkeys(gate.statistic for gate in gates if gate.statistic))


def check_classes(gates: Iterable[Gate], names: Sequence[str], whose: str = "this run") -> None:
    """Raises UsageError for a statement about a class that is none of `names`, those of a run's requests."""
    for gate in gates:
        if not gate.class_name or (names and gate.class_name in (*names, WITHOUT)):
            continue
        if not names:
            raise UsageError(
                f"the assertion {gate.text!r} is about a class, and the requests of {whose} have none: leave "
                "[class=…] out, or give requests a class (the field class of --rows, class_name in a mix)"
            )
        near = get_close_matches(gate.class_name, names, 1)
        listed = shorten(", ".join(names), _LONGEST_LIST, placeholder=" …")
        raise UsageError(
            f"the assertion {gate.text!r} is about the class {gate.class_name!r}, which {whose} does not have: "
            f"{f'did you mean {near[0]}? ' if near else ''}its classes are {listed}"
        )


def judge(
    gates: Sequence[Gate], metrics: Metrics, of_class: Callable[[str], Metrics | None] = lambda _: None
) -> tuple[Judged, ...]:
    """Each statement against a report that has the `statistics_of` them. Of a measurement that is INVALID, and of a
    percentile that has too few samples or that the client left unsure, nothing can be told. of_class: the same report
    of the requests of one class; None = there are none. UsageError for a statement about a stream's moments where no
    streams were asked for."""
    return tuple(_judged_of(gate, metrics, of_class) for gate in gates)


def _judged_of(gate: Gate, metrics: Metrics, of_class: Callable[[str], Metrics | None]) -> Judged:
    if not gate.class_name:
        return _judged(gate, metrics)
    numbers = of_class(gate.class_name)
    if numbers is None:
        return Judged(gate, None, None, f"no request of the class {gate.class_name} has an outcome")
    return _judged(gate, numbers)


def _judged(gate: Gate, metrics: Metrics) -> Judged:
    if gate.word:
        if metrics.verdict.word == gate.word:
            return Judged(gate, True, None)
        return Judged(gate, None, None, f"the measurement is {metrics.verdict.word}")
    _check_measured(gate, metrics)
    value, why = _value(gate, metrics)
    if not metrics.verdict.valid:
        why = "the measurement is INVALID"
    if why or value is None:
        return Judged(gate, None, value, why or "there is no such number in this run")
    return Judged(gate, _COMPARE[gate.sign](value, gate.limit), value)


def _check_measured(gate: Gate, metrics: Metrics) -> None:
    """Raises UsageError for what a run such as this one does not measure."""
    rows = {key(row.name) for row in (*metrics.parameters, *metrics.further)} | {
        key(row.name) for row in metrics.common
    }
    streams = {key(one.name) for one in (*OWN_METRICS, *all_plugged().metrics) if one.streams_only}
    streams |= {key(one.name) for one in COMMON_METRICS if one.streams_only}
    if gate.name in streams - rows and key(TTFT.name) not in rows:
        raise UsageError(
            f"the assertion {gate.text!r} is about {gate.name}, which this run does not have, as it did not stream: "
            "measure with streaming, or assert e2el"
        )


def _value(gate: Gate, metrics: Metrics) -> tuple[float | None, str]:
    """What was measured, and why it cannot be used."""
    if gate.name in _COUNTS:
        planned = sum(metrics.outcomes.values())
        counts = {"dropped": metrics.outcomes.get("dropped", 0), "not_sent": metrics.not_sent}
        count = counts.get(gate.name, planned - metrics.success - metrics.not_sent)
        if not gate.in_percent:
            return count, ""
        return (100 * count / planned, "") if planned else (None, "no request was planned")
    if gate.name in _SHARES:
        found = metrics.structured
        return (None, "no reply was checked") if found is None else (100 * found.share, "")
    if not gate.statistic:
        return next((row.value for row in metrics.common if key(row.name) == gate.name), None), ""
    for row in (*metrics.parameters, *metrics.further):
        if key(row.name) == gate.name:
            few = gate.statistic in row.marked
            unsure = gate.statistic in row.unsure
            why = f"{row.n} requests are too few for {gate.statistic}" if few else ""
            return row.values.get(gate.statistic), why or ("the client left it unsure" if unsure else "")
    return None, ""
