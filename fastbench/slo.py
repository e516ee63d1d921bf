"""What is asked of a run: SLOs (`--slo`), how narrow an interval is to be (`--until`), how much may fail.

Each clause of an SLO is yes or no for every request; nothing compares a quantile with a limit. A request is good when
it keeps all clauses; one that failed, was cut short or never sent is not. `ttft.p99<500ms` is another way to write
`ttft<500ms@99%`: at most one request in a hundred may take longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from fastbench.errors import ConfigError
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

METRICS_OF_SLOS = {
    "ttft": "from the first byte sent to the first output",
    "ttfa": "from the first byte sent to the first output that is not reasoning",
    "ttft_intended": "from the moment that the plan has for the request to the first output",
    "tpot": "per output token behind the first",
    "itl_p99": "the P99 of the request's own gaps between output events",
    "itl_max": "the longest of them",
    "e2el": "from the first byte sent to the end of the reply",
    "response": "from the moment that the plan has for the request to the end of the reply",
}
"""What a clause may be about."""
STREAMS_ONLY = frozenset({"ttft", "ttfa", "ttft_intended", "tpot", "itl_p99", "itl_max"})
"""Of these, what only a stream has."""
OF_GAPS = frozenset({"itl_p99", "itl_max"})
"""What is about all gaps of a request."""
USUAL_SHARE = 0.99

_UNITS = {"us": NS_PER_US, "µs": NS_PER_US, "ms": NS_PER_MS, "s": NS_PER_S, "min": 60 * NS_PER_S}
_NUMBER = r"\d+(?:\.\d+)?"
_CLAUSE = re.compile(
    rf"([a-z_0-9]+)(?:\.p({_NUMBER}))?\s*(?:<=|<)\s*({_NUMBER})\s*([a-zµ]*)\s*(?:@\s*({_NUMBER})\s*(%?))?"
)
_EXAMPLE = 'write it as "ttft<500ms, tpot<50ms@95%"'


class Clause(NamedTuple):
    """One limit. limit_ns: the greatest value that keeps it. share: of the requests that must keep it, in (0, 1)."""

    metric: str
    limit_ns: int
    share: float
    text: str


class Slo(NamedTuple):
    """A set of clauses that must hold together."""

    clauses: tuple[Clause, ...]

    @property
    def groups(self) -> tuple[tuple[float, tuple[Clause, ...]], ...]:
        """The clauses by the share that they ask for, in their order. The SLO is met when each group is: when at least
        this share of the requests keeps all clauses of the group."""
        shares = dict.fromkeys(clause.share for clause in self.clauses)
        return tuple((share, tuple(one for one in self.clauses if one.share == share)) for share in shares)

    def words(self) -> str:
        """As it is said in an answer: `ttft<500ms, tpot<50ms for 99 % of requests`."""
        groups = (f"{', '.join(one.text for one in clauses)} for {percent(share)} %" for share, clauses in self.groups)
        return f"{' and '.join(groups)} of requests"


def without_stream(clauses: Iterable[Clause]) -> str | None:
    """What is wrong with clauses where no streams are asked for; None = nothing."""
    clause = next((one for one in clauses if one.metric in STREAMS_ONLY), None)
    return clause and f"the SLO {clause.text} needs the moments of a stream: measure with streaming, or use e2el<…"


def percent(share: float) -> str:
    """A share of 1 in per cent, as short as it can be."""
    return f"{100 * share:.10g}"


def parse_slo(text: str) -> Slo:
    """The SLO of a text such as `ttft<500ms, tpot<50ms@95%`; a share behind the last clause alone holds for all that
    have none of their own. ConfigError for what cannot be read, no unit, an unknown metric, a contradiction."""
    parts = [part.strip() for part in text.lower().split(",") if part.strip()]
    if not parts:
        raise ConfigError(f"the SLO {text!r} has no clause: {_EXAMPLE}")
    read = [_read(part) for part in parts]
    shares = [share for _, share in read]
    # "a<1s, b<2s@95%" gives one share for the whole set.
    alone = "@" in parts[-1] and not any(shares[:-1])
    usual = shares[-1] if alone and shares[-1] is not None else USUAL_SHARE
    slo = Slo(tuple(clause._replace(share=usual if share is None else share) for clause, share in read))
    _check(slo, text)
    return slo


def _read(part: str) -> tuple[Clause, float | None]:
    match = _CLAUSE.fullmatch(part)
    if match is None:
        raise ConfigError(f"the SLO clause {part!r} cannot be read: {_EXAMPLE}")
    metric, quantile, number, unit, share, sign = match.groups()
    if metric not in METRICS_OF_SLOS:
        raise ConfigError(f"no SLO can be about {metric!r}{_meant(metric)}: use one of {', '.join(METRICS_OF_SLOS)}")
    if unit not in _UNITS:
        said = f"the unit {unit!r} is not known" if unit else "it has no unit"
        raise ConfigError(f"the SLO clause {part!r} cannot be used, {said}: write {metric}<{number}ms or <{number}s")
    if share is not None and not sign:
        raise ConfigError(f"the SLO clause {part!r} has a share without %: write @{share}%")
    limit_ns = round(float(number) * _UNITS[unit])
    if limit_ns <= 0:
        raise ConfigError(f"the SLO clause {part!r} can be kept by no request: give a limit above 0")
    shares = {float(one) for one in (quantile, share) if one is not None}
    if len(shares) > 1:
        raise ConfigError(f"the SLO clause {part!r} asks for two shares: {metric}.p99<… is {metric}<…@99%, give one")
    if any(not 0 < one < 100 for one in shares):
        raise ConfigError(f"the SLO clause {part!r} asks for a share that nothing can show: give @50% to @99.9%")
    shown = f"{metric}<{number}{unit}"
    return Clause(metric, limit_ns, 0.0, shown), round(next(iter(shares)) / 100, 12) if shares else None


def _meant(metric: str) -> str:
    if metric == "itl":
        return " (the gaps of all requests together are not one number of each)"
    near = get_close_matches(metric, METRICS_OF_SLOS, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _check(slo: Slo, text: str) -> None:
    """No two limits for the same share of the same metric, and a limit for more requests is not below one for fewer."""
    for place, clause in enumerate(slo.clauses):
        for other in slo.clauses[:place]:
            if other.metric != clause.metric:
                continue
            stricter, looser = sorted((clause, other), key=lambda one: one.share, reverse=True)
            if stricter.share == looser.share or stricter.limit_ns <= looser.limit_ns:
                both = " and ".join(f"{one.text} for {percent(one.share)} %" for one in (other, clause))
                raise ConfigError(f"the SLO {text!r} contradicts itself: {both} cannot both be meant; leave one out")


def parse_slos(texts: Sequence[str]) -> tuple[Slo, ...]:
    """Of several `--slo`: tiers, each with an answer of its own. ConfigError also where two are the same."""
    slos = tuple(parse_slo(text) for text in texts)
    for place, slo in enumerate(slos):
        if slo in slos[:place]:
            raise ConfigError(f"the SLO {texts[place]!r} is given twice: leave one of them out")
    return slos


METRICS_OF_UNTIL = ("ttft", "ttft_intended", "tpot", "e2el", "response")
"""What `--until` may be about: what each request has one of."""
_UNTIL = re.compile(rf"([a-z_0-9]+)\.(?:p({_NUMBER})|(median))\s*(?:±|\+-|\+/-)\s*({_NUMBER})\s*(%?)")
_UNTIL_EXAMPLE = 'write it as "ttft.p99±5%", or "ttft.p99+-5%"'
_SHARE = re.compile(rf"({_NUMBER})\s*%")


class Until(NamedTuple):
    """When enough is known: when the interval of a metric's percentile reaches no further than `width` of the
    percentile to either side. percent: in (0, 100); width: in (0, 1)."""

    metric: str
    percent: float
    width: float

    def words(self) -> str:
        """As it was asked for: `ttft.p99±5%`."""
        return f"{self.metric}.p{self.percent:.10g}±{percent(self.width)}%"


def parse_until(text: str) -> Until:
    """What `--until` says. ConfigError for what cannot be read, and for an unknown metric."""
    match = _UNTIL.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigError(f"{text!r} cannot be read: {_UNTIL_EXAMPLE}")
    metric, quantile, _, width, sign = match.groups()
    if metric not in METRICS_OF_UNTIL:
        near = get_close_matches(metric, METRICS_OF_UNTIL, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        raise ConfigError(f"{text!r} cannot be about {metric!r}{meant}: use one of {', '.join(METRICS_OF_UNTIL)}")
    if not sign:
        raise ConfigError(f"{text!r} has a width without %: write ±{width}%")
    found = Until(metric, float(quantile or 50), round(float(width) / 100, 12))
    if not 0 < found.percent < 100 or not 0 < found.width < 1:
        raise ConfigError(f"{text!r} cannot be reached: give a percentile between 0 and 100, and a width below 100 %")
    return found


def parse_share(text: str) -> float:
    """A share in per cent, such as `5%`, of 1, in (0, 1). ConfigError for anything else."""
    match = _SHARE.fullmatch(text.strip())
    share = float(match[1]) / 100 if match else 0.0
    if not 0 < share < 1:
        raise ConfigError(f"{text!r} is no share of requests: give it in per cent, above 0 and below 100, such as 5%")
    return round(share, 12)
