"""Workers on the nodes of a Ray cluster. Ray finds nodes, starts workers, carries messages and reports deaths."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fastbench import __version__
from fastbench.datasets import Dataset
from fastbench.errors import ServiceError, UsageError
from fastbench.installing import install
from fastbench.live import Observer
from fastbench.plan import Share, check_shares
from fastbench.recording import new_run_id
from fastbench.run.stop import Stop
from fastbench.run.worker import Assignment
from fastbench.run.workers.ends import WorkersEnd
from fastbench.run.workers.ray_workers import RayWorkerPool, RemoteWorker
from fastbench.run.workers.remote import WorkerActor

PLACE_WAIT_S = 60.0
"""How long the cluster may take to find the processors that are asked for."""
KNOCK_S = 5.0
THREADS = 4
"""Of an actor: one runs the load, the others answer meanwhile."""
_USUAL_PRIORITY = {"env_vars": {"RAY_worker_niceness": "0"}}
"""Ray's workers are of niceness 15 otherwise, which the reactor would take for the user's choice."""


@dataclass(frozen=True)
class RayCluster:
    """A launcher by the nodes of a cluster. address: as `ray.init` takes it; nodes: how many are to send."""

    address: str
    nodes: int

    def check(self) -> None:
        """Raises UsageError where the package is missing."""
        _ray()

    def __call__(self, assignment: Assignment, observer: Observer, stop: Stop, dataset: Dataset) -> WorkersEnd:
        """Runs the task: one worker a node, or as many as the task asks for. Raises UsageError for a cluster that is
        not there or too small, ServiceError for one that has no room."""
        plan = assignment.plan
        each = plan.task.workers if isinstance(plan.task.workers, int) else 1
        of = self.nodes * each
        check_shares(of, plan.schedule, f"{self.nodes} nodes (--nodes) have {of} workers")
        assignment = assignment._replace(run_id=new_run_id())
        with self._connected() as ray, self._placed(ray, each) as group:
            workers = [self._begun(ray, group, number // each, Share(number, of)) for number in range(of)]
            pool = RayWorkerPool(ray, assignment, workers, observer)
            with stop.notifying(lambda asked: pool.stop(asked, stop.enough)):
                return pool.to_its_end()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        ray = _ray()
        try:
            self._check_reachable()
            ray.init(address=self.address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
            raise UsageError(
                f"--ray {self.address}: no Ray cluster can be reached ({reason}); start one with `ray start --head`, "
                "or give its address"
            ) from error
        try:
            yield ray
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())
            raise ServiceError(f"the Ray cluster at {self.address} failed before the load began: {reason}") from error
        finally:
            ray.shutdown()

    def _check_reachable(self) -> None:
        """OSError if the port is closed: Ray itself would try for minutes."""
        host, colon, port = self.address.rpartition(":")
        if colon and "/" not in host and port.isdecimal():
            socket.create_connection((host, int(port)), KNOCK_S).close()

    @contextlib.contextmanager
    def _placed(self, ray: Any, each: int) -> Iterator[Any]:
        """A place for the workers of each node."""
        alive = sum(node["Alive"] for node in ray.nodes())
        if alive < self.nodes:
            raise UsageError(
                f"--nodes is {self.nodes}, but the Ray cluster at {self.address} has {alive} "
                f"node{'' if alive == 1 else 's'}; give fewer, or start more"
            )
        group = ray.util.placement_group([{"CPU": each}] * self.nodes, strategy="STRICT_SPREAD")
        try:
            if not group.wait(PLACE_WAIT_S):
                raise ServiceError(
                    f"the Ray cluster at {self.address} had no {each} free processors (--workers) on each of "
                    f"{self.nodes} nodes (--nodes) within {PLACE_WAIT_S:g} s; ask for fewer, or wait until others have "
                    "ended"
                )
            yield group
        finally:
            ray.util.remove_placement_group(group)

    def _begun(self, ray: Any, group: Any, node: int, share: Share) -> RemoteWorker:
        """Begins a worker. Those of one node have neighbouring shares, so that they keep to different processors."""
        strategy = ray.util.scheduling_strategies.PlacementGroupSchedulingStrategy(
            placement_group=group, placement_group_bundle_index=node
        )
        remote = ray.remote(
            num_cpus=1,
            max_restarts=0,
            max_concurrency=THREADS,
            scheduling_strategy=strategy,
            runtime_env=_USUAL_PRIORITY,
        )
        actor = remote(WorkerActor).remote()
        host = ray.get(actor.host.remote())
        if host.version != __version__:
            raise ServiceError(
                f"the node {host.name} has fastbench {host.version}, and this is {__version__}: install one version on "
                "all nodes"
            )
        return RemoteWorker(actor, share, host.name)


def _ray() -> Any:
    """The package, imported late and without its types: it is an extra, and large."""
    try:
        import_module("ray.util.scheduling_strategies")
        return import_module("ray")
    except ImportError as error:
        raise UsageError(f"--ray needs the package ray: {install('ray')}") from error
