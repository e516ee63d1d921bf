"""`fastbench perf --ray ADDRESS --nodes N`: the nodes of a cluster send the load."""

from fastbench.cli.perf_sources import Options
from fastbench.config.plan import RunConfig
from fastbench.errors import UsageError
from fastbench.fleet.ray_cluster import RayCluster


def cluster_of(options: Options, run: RunConfig) -> RayCluster | None:
    """The cluster that the options ask for; None = this host alone. Raises UsageError for one that cannot be had."""
    if "ray" not in options:
        if "nodes" in options:
            raise UsageError("--nodes goes with --ray ADDRESS, which is not given")
        return None
    if "nodes" not in options:
        raise UsageError("--ray needs --nodes N: how many nodes of the cluster are to send")
    if "shard" in options:
        raise UsageError("--ray and --shard are two ways to share a plan; give one of them")
    if any(service.mock is not None for service in run.models):
        raise UsageError("--ray and --mock: the nodes could not reach a service of this host's own; give its --url")
    cluster = RayCluster(options["ray"], options["nodes"])
    cluster.check()
    return cluster
