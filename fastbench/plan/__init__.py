"""The plan of a run: what is sent, when, by whom. Made once, pure, before anything is sent.

    plan = plan_run(run, this_machine())          # of a RunConfig: every data set is opened and looked through
    print(plan.tasks[0].line())                   # the load in words
    plan.tasks[0].part(Share(0, 4)).schedule      # what the first of four workers sends, and when

TaskPlan (task_plan) ── what one task sends; frozen, picklable, written into the recording's header
plan_run, plan_task (prepare) ── from a checked config to plans, or all its faults
Share, Queue, Remainder (sharing) ── a plan dealt out to workers, and what an interrupted run has left of it
fresh_samples (fresh) ── prompts with a seed of their own, without end
scheduled (load), Requests, RequestWriter (planned) ── from places in the plan to bytes, lazily
ReactorOptions (reactor) ── what the core must know of it
shapes ── the load shapes, a room within the room
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.plan.fresh import fresh_samples
    from fastbench.plan.load import begins_at, scheduled
    from fastbench.plan.planned import Planned, Requests, RequestWriter, planned_requests
    from fastbench.plan.prepare import RunPlan, plan_run, plan_task
    from fastbench.plan.reactor import ReactorOptions
    from fastbench.plan.sharing import WHOLE, Machine, Queue, Remainder, Share, check_shares, taken
    from fastbench.plan.task_plan import Part, TaskPlan, make_plan
else:
    __getattr__ = lazy(
        __name__,
        {
            "fresh": ("fresh_samples",),
            "load": (
                "begins_at",
                "scheduled",
            ),
            "planned": (
                "Planned",
                "RequestWriter",
                "Requests",
                "planned_requests",
            ),
            "prepare": (
                "RunPlan",
                "plan_run",
                "plan_task",
            ),
            "reactor": ("ReactorOptions",),
            "sharing": (
                "Machine",
                "Queue",
                "Remainder",
                "Share",
                "WHOLE",
                "check_shares",
                "taken",
            ),
            "task_plan": (
                "Part",
                "TaskPlan",
                "make_plan",
            ),
        },
    )

__all__ = [
    "WHOLE",
    "Machine",
    "Part",
    "Planned",
    "Queue",
    "ReactorOptions",
    "Remainder",
    "RequestWriter",
    "Requests",
    "RunPlan",
    "Share",
    "TaskPlan",
    "begins_at",
    "check_shares",
    "fresh_samples",
    "make_plan",
    "plan_run",
    "plan_task",
    "planned_requests",
    "scheduled",
    "taken",
]
