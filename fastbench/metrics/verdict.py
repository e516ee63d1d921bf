"""Whether a run's numbers may be used as they stand, by the rules of the metrics' definition."""

from __future__ import annotations

from collections.abc import Iterator

from fastbench.metrics.client import NOTABLE_SHARE
from fastbench.metrics.coverage import Coverage
from fastbench.metrics.model import ClientError, Load, Number, Verdict

LATENESS_MS = 1.0
LATENESS_SHARE = 0.01
UNCERTAIN_SHARE = 0.01
RATE_SHARE = 0.01


def verdict(success: int, covered: Coverage, ttft_median_ms: Number, load: Load, client: ClientError) -> Verdict:
    """The verdict on a stage with all of its reasons. covered: of the whole run, as nobody knows in which stage a
    request without a row belongs."""
    reasons = (*_coverage(success, covered), *_sending(ttft_median_ms, load, client), *_receiving(client))
    return Verdict(not reasons, reasons)


def _coverage(success: int, covered: Coverage) -> Iterator[str]:
    if not success:
        yield "no request succeeded"
    if covered.lost:
        yield f"{covered.lost} requests are lost from the recording"
    if covered.unfinished:
        least = "" if covered.exact else "at least "
        yield f"{least}{covered.unfinished} requests have no outcome: the run has no end"
    elif not covered.ended:
        yield "the run has no end" if covered.exact else "requests may have no outcome: the run has no end"


def _sending(ttft_median_ms: Number, load: Load, client: ClientError) -> Iterator[str]:
    lateness = load.send_lateness.values["P99"]
    limit = max(LATENESS_MS, LATENESS_SHARE * (ttft_median_ms or 0))
    if lateness is not None and lateness > limit:
        yield f"send lateness P99 is {lateness:.4f} ms, above {limit:.4f} ms"
    if client.starved:
        yield f"{client.starved} requests were not ready when they were due: the client was the limit"
    if load.dropped:
        yield f"{load.dropped} requests were dropped"
    if load.offered_rate and load.achieved_rate:
        off = load.achieved_rate / load.offered_rate - 1
        if abs(off) > RATE_SHARE:
            yield (
                f"the achieved rate {load.achieved_rate:.4f} req/s is {off:+.2%} off "
                f"the offered {load.offered_rate:.4f} req/s"
            )


def _receiving(client: ClientError) -> Iterator[str]:
    share = client.notable_gap_share or 0
    if share > UNCERTAIN_SHARE:
        yield (
            f"{share:.2%} of the token gaps are uncertain by more than {NOTABLE_SHARE:.0%} of the ITL "
            f"median, by up to {client.bound_max_ms:.4f} ms: the client stalled"
        )
