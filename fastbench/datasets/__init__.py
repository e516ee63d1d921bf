"""Data sets: one format a file, each a seeded, lazy stream of samples.

A package adds a format by an entry point in the group `fastbench.datasets` that leads to a `DatasetFormat`; all that it
needs is here, and in `fastbench.tokenizer`.
"""

from fastbench.config import DatasetConfig
from fastbench.datasets.conversations import ConversationConfig, open_conversations, turn_lengths
from fastbench.datasets.files import FileConfig, FileDataset, in_range
from fastbench.datasets.markers import Marker
from fastbench.datasets.probe import probe_samples, tokens_per_word
from fastbench.datasets.raw import Decoded, RowsConfig, RowsDataset, spoken
from fastbench.datasets.row_fields import length_names, output_len, request_fields
from fastbench.datasets.rows import Row, RowError, RowFile, open_rows
from fastbench.datasets.samples import (
    Counts,
    Dataset,
    DatasetFormat,
    LeftOut,
    RawRequest,
    Sample,
    Sheet,
    Sheets,
    Survey,
    Turn,
    alike,
    open_dataset,
    survey_of,
)
from fastbench.datasets.synthetic import SyntheticConfig
from fastbench.tokenizer import Message, Prompt, prompt_text

__all__ = [
    "ConversationConfig",
    "Counts",
    "Dataset",
    "DatasetConfig",
    "DatasetFormat",
    "Decoded",
    "FileConfig",
    "FileDataset",
    "LeftOut",
    "Marker",
    "Message",
    "Prompt",
    "RawRequest",
    "Row",
    "RowError",
    "RowFile",
    "RowsConfig",
    "RowsDataset",
    "Sample",
    "Sheet",
    "Sheets",
    "Survey",
    "SyntheticConfig",
    "Turn",
    "alike",
    "in_range",
    "length_names",
    "open_conversations",
    "open_dataset",
    "open_rows",
    "output_len",
    "probe_samples",
    "prompt_text",
    "request_fields",
    "spoken",
    "survey_of",
    "tokens_per_word",
    "turn_lengths",
]
