"""The core's parts by themselves, timed by pytest-benchmark: `make bench-micro`.

What was timed before on this machine stands beside (`.benchmarks/`, not in git, as it holds for one machine alone);
`instructions.json` is the baseline that holds for all, and shows a change in review.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.parts import PARTS


@pytest.mark.parametrize("part", PARTS)
def test_part(benchmark: BenchmarkFixture, part: str) -> None:
    """A part does its work again and again."""
    found = PARTS[part]
    benchmark.extra_info["each"] = f"{found.units} x {found.unit}"
    benchmark(found.prepare())
