"""Room for connections."""

import subprocess
import sys

import pytest
from forking import ForkingPopen

SCRIPT = """
import resource
from fastbench.errors import UsageError
from fastbench.run.machine import MARGIN, allow_connections
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
try:
    allow_connections({most}, certain={certain})
except UsageError as error:
    print(error)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - MARGIN)
"""


def limit_after(soft: int, hard: int, most: int, *, certain: bool) -> list[str]:
    script = SCRIPT.format(soft=soft, hard=hard, most=most, certain=certain)
    with ForkingPopen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        told = process.communicate()[0]
    assert process.returncode == 0
    return str(told).splitlines()


@pytest.mark.parametrize("certain", [True, False])
def test_the_soft_limit_is_raised_as_needed(certain: bool) -> None:
    """A soft limit that is too low is raised to what is needed, one that is enough stays."""
    assert limit_after(128, 1024, 500, certain=certain) == ["500"]
    assert limit_after(512, 1024, 100, certain=certain) == [str(512 - 64)]


def test_too_low_a_hard_limit_is_said_before_anything_is_sent() -> None:
    """More connections than the hard limit allows are refused in a sentence that names setting, limit and way out."""
    message, reached = limit_after(128, 256, 500, certain=True)
    assert "batch_size (--concurrency) 500" in message
    assert "allows 256" in message
    assert "ulimit -Hn" in message
    assert reached == str(256 - 64)


def test_an_open_loop_takes_what_it_gets() -> None:
    """Where the number is only a bound, the limit is raised as far as it goes, and nothing is refused."""
    assert limit_after(128, 256, 100_000, certain=False) == [str(256 - 64)]
