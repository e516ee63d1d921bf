"""A launcher of a load whose level changes while it runs, on this host."""

from __future__ import annotations

import shutil

from fastbench.datasets import Dataset
from fastbench.live import Observer, Progress
from fastbench.plan import Share
from fastbench.run.stop import Stop
from fastbench.run.worker import Alone, Assignment, FieldRefusedError, Judging, Pilot, Steered, run_levels
from fastbench.run.workers.ends import Launcher, WorkersEnd
from fastbench.run.workers.local import run_pool


def levels_here(pilot: Pilot, judge: Judging) -> Launcher:
    """Makes the visits that the pilot asks for, by one worker in this process, or as many as the plan has in their own,
    who share the users. judge: what each request keeps; picklable."""

    def launch(assignment: Assignment, observer: Observer, stop: Stop, dataset: Dataset) -> WorkersEnd:
        visit, count = pilot.visit, assignment.plan.workers.count
        if visit is None:
            return WorkersEnd(complete=True, idle=True)
        try:
            if count == 1:
                return WorkersEnd(run_levels(assignment, Alone(stop), observer, pilot, judge, dataset))
            steered = Steered(visit, judge)
            shares = [assignment._replace(share=Share(number, count), steered=steered) for number in range(count)]
            return run_pool(shares, _told(observer, pilot), stop, None, pilot)
        except FieldRefusedError:
            # At the warm-up of the first visit, which is made again without the field.
            shutil.rmtree(visit.recording, ignore_errors=True)
            raise

    return launch


def _told(observer: Observer, pilot: Pilot) -> Observer:
    """Also how the search stands, which the workers do not know."""

    def observe(now: Progress) -> None:
        observer(now._replace(load=pilot.words or now.load))

    return observe
