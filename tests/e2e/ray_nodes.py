"""Starts a Ray cluster of several node processes on this machine; run as a program.

Prints the address when it is ready. Each line on standard input kills one node without grace; its end stops all.
"""

import sys

from ray.cluster_utils import Cluster

CPUS = 2


def main(nodes: int) -> None:
    """A head that sends nothing, and `nodes` others."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        others = [cluster.add_node(num_cpus=CPUS, include_dashboard=False) for _ in range(nodes)]
        cluster.wait_for_nodes(timeout=100)
        print(cluster.address, flush=True)
        for _ in sys.stdin:
            cluster.remove_node(others.pop(), allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
