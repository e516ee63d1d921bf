from typing import Final

NOTE_FAILURE: Final[int]
"""Kind of a batch's note: why a request failed, the service's own message first."""
NOTE_TEXT: Final[int]
"""Kind of a batch's note: the output as lines of a role mark (t text, r reasoning, x tool) and a JSON string."""
