"""What is asked of every task, beyond its numbers."""

from fastbench.config.fields.check import Frozen, PositiveRate, Text
from fastbench.units import Duration


class AnswerSettings(Frozen, frozen=True, kw_only=True):
    """What is asked of every task, from a config or options."""

    slo: tuple[Text, ...] = ()
    """SLOs, each such as "ttft<500ms, tpot<50ms@99%": limits that each request keeps or not, and the share that must
    keep them. Several are tiers."""
    stall: Duration | None = None
    """Report stalls: gaps longer than this, and than ten times the request's median gap. None = do not."""
    reading_speed: PositiveRate | None = None
    """Report the tokens that arrive before a reader of this speed comes to them, tokens per second. None = do not."""
    until: Text | None = None
    """End the run when an interval is this narrow, such as "ttft.p99±5%". None = at the planned end."""
    max_failed: Text | None = None
    """End the run when certainly more than this share of the requests fails, such as "5%". None = never."""
