from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

class Slot(Protocol):
    @property
    def name(self) -> str: ...

class Pieces:
    """The material of prompts: numbered texts, which a separator of one byte stands between."""

    def __init__(self, texts: Sequence[bytes], separator: bytes) -> None: ...
    def __len__(self) -> int: ...
    def join(self, numbers: NDArray[np.int64]) -> bytes:
        """The pieces of these numbers, in their order. IndexError for one that there is not."""

class BodyWriter:
    """Writes requests that differ in their prompt, their length and their number alone.

    head, body: constant bytes and slots in turn, by the names PROMPT (the pieces; what JSON needs around them is
    constant), LENGTH and REQUEST_ID; BODY_SIZE in the head alone. KeyError for another one.
    """

    def __init__(self, head: Sequence[bytes | Slot], body: Sequence[bytes | Slot], pieces: Pieces) -> None: ...
    def write(
        self,
        numbers: NDArray[np.int64],
        counts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        id_prefix: bytes,
        ids: NDArray[np.int64],
    ) -> tuple[bytes, NDArray[np.int64]]:
        """The requests one after the other, with room behind the last, and where each ends.

        counts, lengths, ids: (n,); numbers: (sum of counts,) the pieces of each prompt. An id is the prefix and the
        number in eleven digits or more. IndexError for a piece that there is not, ValueError for arrays that do not
        fit together.
        """
