from typing import Final

MAX_DEPTH: Final[int]
"""A document nested deeper is refused as malformed."""
