"""Launchers of a task's workers. Each `Launcher` takes an assignment and returns how its workers ended.

    end = on_this_host(assignment, observer, stop, dataset)

on_this_host (local) ── one worker in this process, or several in their own (member)
levels_here (levels) ── one worker, whose load is steered while it runs
Shard (shard) ── one share of a plan, started at a time given to all shards
RayCluster (ray_cluster, ray_workers, remote) ── workers on the nodes of a Ray cluster, recordings fetched home
clocks ── of several hosts on one time axis; ends ── of workers, also of those that died
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.run.workers.ends import Death, Launcher, WorkersEnd, with_recorded
    from fastbench.run.workers.levels import levels_here
    from fastbench.run.workers.local import on_this_host
    from fastbench.run.workers.ray_cluster import RayCluster
    from fastbench.run.workers.shard import Shard
else:
    __getattr__ = lazy(
        __name__,
        {
            "ends": (
                "Death",
                "Launcher",
                "WorkersEnd",
                "with_recorded",
            ),
            "levels": ("levels_here",),
            "local": ("on_this_host",),
            "ray_cluster": ("RayCluster",),
            "shard": ("Shard",),
        },
    )

__all__ = [
    "Death",
    "Launcher",
    "RayCluster",
    "Shard",
    "WorkersEnd",
    "levels_here",
    "on_this_host",
    "with_recorded",
]
