"""Room for connections: each needs a file descriptor."""

import resource

from fastbench.errors import UsageError

MARGIN = 64
"""Descriptors for everything but connections."""


def allow_connections(most: int, *, certain: bool) -> None:
    """Raises this process's soft limit for `most` connections, as far as the hard limit lets it.

    certain: that many will be open, so that a hard limit below is a UsageError now and not failed requests later.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + MARGIN
    if soft >= wanted or soft == resource.RLIM_INFINITY:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if certain and allowed < wanted:
        raise UsageError(
            f"batch_size (--concurrency) {most} needs {wanted} open files, and this system allows {hard}: "
            "raise the hard limit (`ulimit -Hn`, LimitNOFILE, or /etc/security/limits.conf), or ask for fewer."
        )
