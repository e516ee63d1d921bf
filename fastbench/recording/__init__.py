"""The recording: written by the load, and the only source of numbers. See `docs/recording-format.md`.

    format ── the bytes of a block; rows ── rows of every version; records ── the JSON blocks
    RecordingWriter (writer, packing, files) writes one part; Recording (reader, part, table) reads all of them as one
    clocks ── one time axis for several hosts and legs; ending ── how the parts ended; merging ── of shards into one run

Another room imports what it needs from here, not from the modules.
"""

from fastbench.recording.clocks import Reading, clock_record, leg_of
from fastbench.recording.format import (
    ESCAPE,
    FINISHES,
    FLAGS,
    GAP_STEP,
    NOT_FINAL,
    OUTCOMES,
    REQUESTS,
    ROW_DTYPE,
    SOURCES,
    TEXT,
    TEXTS,
    part_number,
    part_path,
    part_paths,
)
from fastbench.recording.reading.part import Part, ProgressCallback, header_of, in_threads, progress_between
from fastbench.recording.reading.reader import Recording
from fastbench.recording.reading.rows import (
    MEASURED,
    PROBE,
    WARM_UP,
    checked_record,
    counted_record,
    id_form,
    new_run_id,
    recorded_id,
    request_id,
)
from fastbench.recording.reading.table import TokenRun
from fastbench.recording.scrapes import FIGURES, KEPT, POSITION, Scrape
from fastbench.recording.writing.files import AppendFile, has_writer
from fastbench.recording.writing.merging import PartFile, check_parts, merge, part_files
from fastbench.recording.writing.packing import join_pieces
from fastbench.recording.writing.writer import RecordingWriter

__all__ = [
    "ESCAPE",
    "FIGURES",
    "FINISHES",
    "FLAGS",
    "GAP_STEP",
    "KEPT",
    "MEASURED",
    "NOT_FINAL",
    "OUTCOMES",
    "POSITION",
    "PROBE",
    "REQUESTS",
    "ROW_DTYPE",
    "SOURCES",
    "TEXT",
    "TEXTS",
    "WARM_UP",
    "AppendFile",
    "Part",
    "PartFile",
    "ProgressCallback",
    "Reading",
    "Recording",
    "RecordingWriter",
    "Scrape",
    "TokenRun",
    "check_parts",
    "checked_record",
    "clock_record",
    "counted_record",
    "has_writer",
    "header_of",
    "id_form",
    "in_threads",
    "join_pieces",
    "leg_of",
    "merge",
    "new_run_id",
    "part_files",
    "part_number",
    "part_path",
    "part_paths",
    "progress_between",
    "recorded_id",
    "request_id",
]
