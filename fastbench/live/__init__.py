"""The live view of a run, on a screen or line by line.

    RunStatus (status, progress) ── the run's side: progress, twice a second into status files
    files ── what a status file holds, and whether somebody still keeps it up to date
    View (view, terminal, screen), follow (plain) ── the reader's side: a screen, or a line now and then
    attached_view (attached, __main__) ── the view beside a run, a process of its own: nothing of it disturbs the load

The names of this face come from their modules when they are first asked for: every command needs `show_all`, but the
screen takes rich, and status files take msgspec and numpy, which are slow to import.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.live.attached import attached_view
    from fastbench.live.charset import show_all
    from fastbench.live.files import DIRECTORY, Snapshot, Status, StatusFiles, run_is_over
    from fastbench.live.modes import usable
    from fastbench.live.plain import EVERY_S, follow
    from fastbench.live.progress import (
        NOTHING,
        WINDOW_NS,
        Observer,
        Progress,
        Recent,
        Sparse,
        latency_counts,
        merge_progress,
    )
    from fastbench.live.screen import table
    from fastbench.live.status import RunStatus
    from fastbench.live.texts import STOPPING
    from fastbench.live.view import View
else:
    __getattr__ = lazy(
        __name__,
        {
            "attached": ("attached_view",),
            "charset": ("show_all",),
            "files": ("DIRECTORY", "Snapshot", "Status", "StatusFiles", "run_is_over"),
            "modes": ("usable",),
            "plain": ("EVERY_S", "follow"),
            "progress": (
                "NOTHING",
                "WINDOW_NS",
                "Observer",
                "Progress",
                "Recent",
                "Sparse",
                "latency_counts",
                "merge_progress",
            ),
            "screen": ("table",),
            "status": ("RunStatus",),
            "texts": ("STOPPING",),
            "view": ("View",),
        },
    )

__all__ = [
    "DIRECTORY",
    "EVERY_S",
    "NOTHING",
    "STOPPING",
    "WINDOW_NS",
    "Observer",
    "Progress",
    "Recent",
    "RunStatus",
    "Snapshot",
    "Sparse",
    "Status",
    "StatusFiles",
    "View",
    "attached_view",
    "follow",
    "latency_counts",
    "merge_progress",
    "run_is_over",
    "show_all",
    "table",
    "usable",
]
