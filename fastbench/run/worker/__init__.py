"""One worker: its part of a task's plan, from the first connection to the closed recording.

    run_worker(Assignment(plan, recording, log), Alone(stop), observer)

worker ── the whole of it: target, warm-up, measured phase, recording; assignment ── what a worker is given
target (the service), probe (tokens of a word), warmup ── before the measured requests
phase, feed, conversations ── one phase of load: requests prepared ahead of time, turns made when a reply is there
levels, visits ── a load whose level changes while it runs, steered from above; each stay at a level
progress ── for the live view; header, counting ── the recording's first block, and token counts at its end
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.run.worker.assignment import Alone, Assignment, Link, forwarded_in_loop, one_clock
    from fastbench.run.worker.levels import Pilot, run_levels
    from fastbench.run.worker.probe import measured_words, reset_cache
    from fastbench.run.worker.visits import Judging, News, Steered, Visit, plan_of_visit
    from fastbench.run.worker.warmup import FieldRefusedError
    from fastbench.run.worker.worker import run_worker
else:
    __getattr__ = lazy(
        __name__,
        {
            "assignment": (
                "Alone",
                "Assignment",
                "Link",
                "forwarded_in_loop",
                "one_clock",
            ),
            "levels": ("Pilot", "run_levels"),
            "probe": ("measured_words", "reset_cache"),
            "visits": ("Judging", "News", "Steered", "Visit", "plan_of_visit"),
            "warmup": ("FieldRefusedError",),
            "worker": ("run_worker",),
        },
    )

__all__ = [
    "Alone",
    "Assignment",
    "FieldRefusedError",
    "Judging",
    "Link",
    "News",
    "Pilot",
    "Steered",
    "Visit",
    "forwarded_in_loop",
    "measured_words",
    "one_clock",
    "plan_of_visit",
    "reset_cache",
    "run_levels",
    "run_worker",
]
