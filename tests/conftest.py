"""Makes the helpers of the tests importable wherever a test stands."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "unit"))
