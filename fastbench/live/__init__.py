"""The live view of a run, on a screen or line by line.

    RunStatus (status, progress) ── the run's side: progress, twice a second into status files
    files ── what a status file holds, and whether somebody still keeps it up to date
    View, follow (view) ── the reader's side: a screen, or a line now and then
    panel, classic, lines ── what the screen shows: one task, AISBench's table for several, and what both are drawn with
    terminal, charset ── a terminal that is drawn on and put back, and the characters that it has
    attached_view (view) ── the view beside a run, a process of its own: nothing of it disturbs the load

The names of this face come from their modules when they are first asked for: every command needs `show_all`, but status
files take msgspec and numpy, which are slow to import.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.live.charset import ClosedError, StreamError, fill_standard, lead_nowhere, show_all, standard_filled
    from fastbench.live.classic import table
    from fastbench.live.files import DIRECTORY, STOPPING, Snapshot, Status, StatusFiles, run_is_over
    from fastbench.live.progress import (
        BIN_BITS,
        BIN_MASK,
        BINS_PER_E,
        NOTHING,
        WINDOW_NS,
        Observer,
        Progress,
        Recent,
        Seen,
        Sparse,
        latency_counts,
        merge_progress,
    )
    from fastbench.live.status import RunStatus
    from fastbench.live.terminal import usable
    from fastbench.live.view import EVERY_S, View, attached_view, follow
else:
    __getattr__ = lazy(
        __name__,
        {
            "charset": ("ClosedError", "StreamError", "fill_standard", "lead_nowhere", "show_all", "standard_filled"),
            "classic": ("table",),
            "files": ("DIRECTORY", "STOPPING", "Snapshot", "Status", "StatusFiles", "run_is_over"),
            "progress": (
                "BIN_BITS",
                "BIN_MASK",
                "BINS_PER_E",
                "NOTHING",
                "WINDOW_NS",
                "Observer",
                "Progress",
                "Recent",
                "Seen",
                "Sparse",
                "latency_counts",
                "merge_progress",
            ),
            "status": ("RunStatus",),
            "terminal": ("usable",),
            "view": ("EVERY_S", "View", "attached_view", "follow"),
        },
    )

__all__ = [
    "BINS_PER_E",
    "BIN_BITS",
    "BIN_MASK",
    "DIRECTORY",
    "EVERY_S",
    "NOTHING",
    "STOPPING",
    "WINDOW_NS",
    "ClosedError",
    "Observer",
    "Progress",
    "Recent",
    "RunStatus",
    "Seen",
    "Snapshot",
    "Sparse",
    "Status",
    "StatusFiles",
    "StreamError",
    "View",
    "attached_view",
    "fill_standard",
    "follow",
    "latency_counts",
    "lead_nowhere",
    "merge_progress",
    "run_is_over",
    "show_all",
    "standard_filled",
    "table",
    "usable",
]
