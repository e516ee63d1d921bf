"""A plan becomes recordings.

    plan = plan_run(run, this_machine())
    for ended in run_tasks(run, RunDirectory(path), plan, Stop()):
        print(ended.task.name, ended.complete, ended.error)

run_tasks, TaskRun (tasks) ── the tasks of a run, one after the other or side by side, each into its own recording
RunDirectory (directory) ── where recordings, results and logs are; log, log_to (directory) ── a task's log
Stop (stop) ── the user's request to stop: once to drain, twice to abort
this_machine, allow_connections (machine) ── this host, as a plan needs it
workers ── launchers of a task: this process, others of this host, other hosts; worker ── what each worker does
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.run.directory import RunDirectory, log, log_to
    from fastbench.run.machine import allow_connections, this_machine
    from fastbench.run.stop import Stop
    from fastbench.run.tasks import Enough, Judge, ObserverFor, TaskRun, run_tasks, unobserved
    from fastbench.run.threads import in_thread
else:
    __getattr__ = lazy(
        __name__,
        {
            "threads": ("in_thread",),
            "directory": (
                "RunDirectory",
                "log",
                "log_to",
            ),
            "machine": ("allow_connections", "this_machine"),
            "stop": ("Stop",),
            "tasks": (
                "Enough",
                "Judge",
                "ObserverFor",
                "TaskRun",
                "run_tasks",
                "unobserved",
            ),
        },
    )

__all__ = [
    "Enough",
    "Judge",
    "ObserverFor",
    "RunDirectory",
    "Stop",
    "TaskRun",
    "allow_connections",
    "in_thread",
    "log",
    "log_to",
    "run_tasks",
    "this_machine",
    "unobserved",
]
