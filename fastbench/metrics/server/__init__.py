"""The server under test: outcomes of requests, whether it kept up, and what its metrics page says.

kept_up, service_verdict ── did it keep up with the load; outcomes ── failures by cause; stages ── of a profile;
scraped, spec_decode ── the numbers of its metrics page
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.metrics.server.kept_up import KEPT_UP, OVERLOADED, neighbours_z
    from fastbench.metrics.server.scraped import ServiceSeries, service_series
    from fastbench.metrics.server.service_verdict import CLOSED, STATS, UNKNOWN
    from fastbench.metrics.server.spec_decode import SpecDecode, outer_scrapes, spec_decode_of
else:
    __getattr__ = lazy(
        __name__,
        {
            "kept_up": (
                "KEPT_UP",
                "OVERLOADED",
                "neighbours_z",
            ),
            "scraped": (
                "ServiceSeries",
                "service_series",
            ),
            "service_verdict": (
                "CLOSED",
                "STATS",
                "UNKNOWN",
            ),
            "spec_decode": (
                "SpecDecode",
                "outer_scrapes",
                "spec_decode_of",
            ),
        },
    )

__all__ = [
    "CLOSED",
    "KEPT_UP",
    "OVERLOADED",
    "STATS",
    "UNKNOWN",
    "ServiceSeries",
    "SpecDecode",
    "neighbours_z",
    "outer_scrapes",
    "service_series",
    "spec_decode_of",
]
