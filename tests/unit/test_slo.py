"""What SLOs, `--until` and `--max-failed` say, and what of it is refused."""

import pytest

from fastbench.errors import ConfigError
from fastbench.slo import Until, parse_share, parse_slo, parse_slos, parse_until
from fastbench.units import NS_PER_MS as MS


def asked(text: str) -> list[tuple[str, int, float]]:
    return [(one.metric, one.limit_ns, one.share) for one in parse_slo(text).clauses]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("ttft<500ms, tpot<50ms", [("ttft", 500 * MS, 0.99), ("tpot", 50 * MS, 0.99)]),
        ("ttft<0.5s,tpot < 50 ms @ 95%", [("ttft", 500 * MS, 0.95), ("tpot", 50 * MS, 0.95)]),
        ("ttft<500ms@90%, tpot<50ms", [("ttft", 500 * MS, 0.9), ("tpot", 50 * MS, 0.99)]),
        ("ttft.p95<1s, itl_p99<80ms@99.9%", [("ttft", 1_000 * MS, 0.95), ("itl_p99", 80 * MS, 0.999)]),
        ("ttft<1s, tpot.p90<50ms", [("ttft", 1_000 * MS, 0.99), ("tpot", 50 * MS, 0.9)]),
        ("TTFT.P50<200ms, ttft.p99<=1s", [("ttft", 200 * MS, 0.5), ("ttft", 1_000 * MS, 0.99)]),
        ("e2el<1min, response<2min", [("e2el", 60_000 * MS, 0.99), ("response", 120_000 * MS, 0.99)]),
    ],
)
def test_what_is_read(text: str, clauses: list[tuple[str, int, float]]) -> None:
    """A percentile and @ both give the share; one behind the last clause alone is for all; the usual one is 99 %."""
    assert asked(text) == clauses


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no clause"),
        ("ttft", "cannot be read"),
        ("ttft>500ms", "cannot be read"),
        ("tfft<500ms", "did you mean ttft"),
        ("itl<50ms", "gaps of all requests together"),
        ("ttft<500", "no unit: write ttft<500ms or <500s"),
        ("ttft<500kg", "'kg' is not known"),
        ("ttft<0ms", "above 0"),
        ("ttft<500ms@95", "write @95%"),
        ("ttft<500ms@100%", "nothing can show"),
        ("ttft.p99<500ms@95%", "asks for two shares"),
        ("ttft<500ms, ttft<300ms", "contradicts itself"),
        ("ttft.p50<500ms, ttft.p99<300ms", "contradicts itself"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    """What cannot be meant is an error of usage that quotes it and says what to write."""
    with pytest.raises(ConfigError, match=said):
        parse_slo(text)


def test_tiers_differ() -> None:
    """Several SLOs are several tiers, and the same one twice is a mistake."""
    assert len(parse_slos(["ttft<1s", "ttft<1s@95%"])) == 2
    with pytest.raises(ConfigError, match="given twice"):
        parse_slos(["ttft<1s", "ttft < 1s"])


def test_it_is_said_in_words() -> None:
    """The words of an answer name each share once."""
    assert parse_slo("ttft<500ms, tpot<50ms").words() == "ttft<500ms, tpot<50ms for 99 % of requests"
    assert parse_slo("ttft<1s@90%, tpot<50ms").words() == "ttft<1s for 90 % and tpot<50ms for 99 % of requests"


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("ttft.p99±5%", Until("ttft", 99.0, 0.05)),
        ("TTFT.P99.9 +-2.5%", Until("ttft", 99.9, 0.025)),
        ("e2el.median±10%", Until("e2el", 50.0, 0.1)),
    ],
)
def test_how_narrow(text: str, until: Until) -> None:
    """`--until` names a metric, a percentile and half the width of its interval."""
    assert parse_until(text) == until
    assert parse_until(until.words()) == until


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ttft±5%", "cannot be read"),
        ("tftt.p99±5%", "did you mean ttft"),
        ("itl.p99±5%", "use one of ttft"),
        ("ttft.p99±5", "without %"),
        ("ttft.p100±5%", "cannot be reached"),
        ("ttft.p99±0%", "cannot be reached"),
    ],
)
def test_no_width(text: str, said: str) -> None:
    """What `--until` cannot be about is refused with what to write instead."""
    with pytest.raises(ConfigError, match=said):
        parse_until(text)


def test_shares() -> None:
    """`--max-failed` is in per cent, above 0 and below 100."""
    assert parse_share("5 %") == 0.05
    for text in ("5", "0%", "100%", "0.05", "many"):
        with pytest.raises(ConfigError, match="in per cent"):
            parse_share(text)
