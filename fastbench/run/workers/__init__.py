"""Who carries out a task. Each `Launcher` takes an assignment and gives back how its workers ended.

    end = on_this_host(assignment, observer, stop, dataset)

on_this_host (local) ── one worker in this process, or several in their own (member)
Shard (shard) ── one share of a plan, begun at a time that all shares were given
RayCluster (ray_cluster, ray_workers, remote) ── workers on the nodes of a Ray cluster, recordings fetched home
clocks ── of several hosts on one time axis; ends ── of workers, also of those that died
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.run.workers.ends import Death, Launcher, WorkersEnd, with_recorded
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
    "on_this_host",
    "with_recorded",
]
