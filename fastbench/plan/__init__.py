"""The plan of a run: what is sent, when, by whom. Made once, pure, before anything is sent.

    plan = plan_run(run, this_machine())          # of a RunConfig: every data set is opened and looked through
    print(plan.tasks[0].line())                   # the load in words
    plan.tasks[0].part(Share(0, 4)).schedule      # what the first of four workers sends, and when

TaskPlan (task_plan) ── what one task sends; frozen, picklable, written into the recording's header
plan_run, plan_task (prepare) ── from a checked config to plans, or all its faults
Share, Queue, Remainder (sharing) ── a plan dealt out to workers, and what an interrupted run has left of it
fresh_rounds (fresh) ── prompts with a seed of their own, without end
scheduled (load), Requests, RequestWriter (planned) ── from places in the plan to bytes, lazily
prepared, Block (blocks) ── the same, many at once where requests differ in words and lengths alone
ReactorOptions (reactor) ── what the core must know of it
shapes ── the load shapes, a room within the room
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.plan.blocks import Block, Round, prepared
    from fastbench.plan.fresh import fresh_rounds
    from fastbench.plan.load import begins_at, scheduled
    from fastbench.plan.planned import Planned, Requests, RequestWriter, planned_requests
    from fastbench.plan.prepare import RunPlan, plan_run, plan_task
    from fastbench.plan.reactor import ReactorOptions
    from fastbench.plan.sharing import WHOLE, Machine, Queue, Remainder, Share, check_shares, in_pieces, taken
    from fastbench.plan.task_plan import Part, TaskPlan, make_plan
else:
    __getattr__ = lazy(
        __name__,
        {
            "blocks": (
                "Block",
                "Round",
                "prepared",
            ),
            "fresh": ("fresh_rounds",),
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
                "in_pieces",
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
    "Block",
    "Machine",
    "Part",
    "Planned",
    "Queue",
    "ReactorOptions",
    "Remainder",
    "RequestWriter",
    "Requests",
    "Round",
    "RunPlan",
    "Share",
    "TaskPlan",
    "begins_at",
    "check_shares",
    "fresh_rounds",
    "in_pieces",
    "make_plan",
    "plan_run",
    "plan_task",
    "planned_requests",
    "prepared",
    "scheduled",
    "taken",
]
