"""Which descriptors can be read."""

import fcntl
import os
import resource

import pytest
from fastbench.live.modes import readable


def test_what_can_be_read() -> None:
    """A descriptor with bytes and one that has ended can be read; another one cannot when the time is over."""
    (full, fill), (ended, end), (still, kept) = os.pipe(), os.pipe(), os.pipe()
    os.write(fill, b"x")
    os.close(end)
    assert readable([full, ended, still], 10) == {full, ended}
    assert readable([still], 0) == set()
    for descriptor in (full, fill, ended, still, kept):
        os.close(descriptor)


def test_a_descriptor_of_any_number() -> None:
    """Descriptors from 1,024 on, which a run of many streams has, are waited for too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3_000:
        pytest.skip("the system allows too few open files")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 3_000), hard))
    reader, writer = os.pipe()
    far = fcntl.fcntl(reader, fcntl.F_DUPFD, 2_000)
    try:
        os.write(writer, b"x")
        assert readable([far], 10) == {far}
    finally:
        for descriptor in (reader, writer, far):
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
