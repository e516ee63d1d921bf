from typing import Final

HEARTBEAT_MS: Final[int]
"""The longest the reactor sleeps; a longer iteration is not sleep."""
