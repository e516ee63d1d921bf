"""What a run needs, and when."""

import subprocess
import sys

_CODE = """
import sys
import fastbench.cli.perf.command
from fastbench.api import Running, prepare
from fastbench.cli.perf.measure import carry_out
rooms = ("fastbench.report.", "fastbench.metrics", "fastbench.answers", "tabulate")
print(*(name for name in sys.modules if name.startswith(rooms)))
"""


def test_a_run_begins_without_what_makes_reports() -> None:
    """What metrics, answers and reports need is not imported before the first request, which would wait for it."""
    done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
