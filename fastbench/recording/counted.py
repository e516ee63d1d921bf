"""Token counts made after a run, by a tokenizer, for the replies whose service did not tell them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.recording.format import NOT_FINAL, SOURCES

_TOKENIZER = SOURCES.index("tokenizer")
_TOLD = (SOURCES.index("token_ids"), SOURCES.index("usage"))


def counted_record(
    requests: Sequence[int], input_tokens: Sequence[int], output_tokens: Sequence[int]
) -> dict[str, Any]:
    """A block of counts, one entry a request; -1 = not counted."""
    return {"request": list(requests), "input_tokens": list(input_tokens), "output_tokens": list(output_tokens)}


def with_counted(rows: NDArray[np.void], record: Mapping[str, Any]) -> NDArray[np.void]:
    """A copy of `rows` (n,) with a block's counts in the final, measured rows that were told none."""
    rows = rows.copy()
    final = np.flatnonzero((rows["flags"] & NOT_FINAL) == 0)
    order = final[np.argsort(rows["request"][final], kind="stable")]
    wanted = np.asarray(record["request"], np.int64)
    at = np.searchsorted(rows["request"][order], wanted)
    known = np.flatnonzero(at < order.size)
    known = known[rows["request"][order[at[known]]] == wanted[known]]
    for side in ("input", "output"):
        tokens = np.asarray(record[f"{side}_tokens"], np.int64)[known]
        where = order[at[known]]
        write = (tokens >= 0) & ~np.isin(rows[f"{side}_source"][where], _TOLD)
        rows[f"{side}_tokens"][where[write]] = tokens[write]
        rows[f"{side}_source"][where[write]] = _TOKENIZER
    return rows
