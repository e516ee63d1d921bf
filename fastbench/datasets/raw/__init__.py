"""Rows that are whole requests, sent as they stand.

raw_rows (RowsConfig, RowsDataset) ── the data set; row (RequestRow, raw_row) ── one row: its bytes, and what is around
decoded (Decoded, decoded_row, spoken) ── a row decoded, to be looked at before anything is sent; images ── pictures
"""

from fastbench.datasets.raw.decoded import PROMPTS, Decoded, spoken
from fastbench.datasets.raw.raw_rows import RowsConfig, RowsDataset
from fastbench.datasets.raw.row import with_body

__all__ = ["PROMPTS", "Decoded", "RowsConfig", "RowsDataset", "spoken", "with_body"]
