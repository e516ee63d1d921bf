"""The core against the standards it follows, and against what real engines sent.

Runs under pytest and as a module (`python -m tests.conformance.fuzz_core`), so the helpers of the unit tests are
put on the path here and not by a conftest.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
