from typing import Final

MAX_NOTE: Final[int]
"""Bytes of a failed response's body that are kept as the reason."""
