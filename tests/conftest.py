"""Makes the helpers of the tests importable wherever a test stands, and holds the fixtures that rooms share."""

import ctypes
import gc
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from spreading import pytest_addoption, pytest_collection, pytest_runtestloop  # noqa: F401  # hooks of pytest

# A busy machine is no fault of what is tested. `make promises` looks at more examples: --hypothesis-profile=promises.
settings.register_profile("plain", deadline=None, max_examples=15)
settings.register_profile("promises", deadline=None, max_examples=300)
settings.load_profile("plain")

sys.path.insert(0, str(Path(__file__).parent / "unit"))


def one_thread() -> None:
    """Leaves numpy one thread, as the command line has it: on a busy machine its threads wait for each other, for
    seconds, and burn the CPU the while. The variable is for what is started and for scipy: pytest-randomly has imported
    numpy before it could be set."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for library in Path(np.__file__).parents[1].glob("numpy.libs/libscipy_openblas64_*.so"):
        ctypes.CDLL(str(library)).scipy_openblas_set_num_threads64_(1)


one_thread()


def keep_memory() -> None:
    """Leaves the C library the memory that it was given once: else each array of some size is taken from the system and
    given back, which zeroes it page by page, and that was a twentieth of all the tests' work."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc has it
        for parameter, value in ((M_MMAP_THRESHOLD, 1 << 25), (M_TRIM_THRESHOLD, 1 << 27)):
            library.mallopt(parameter, value)


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
keep_memory()

os.environ["SSL_CERT_FILE"] = os.devnull
"""No test has to do with the system's authorities, whose certificates cost 30 ms at each connection over TLS."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """What starts a browser has the marker `browser`, which no file can forget."""
    if isinstance(item, pytest.Function) and hasattr(item.module, "chromium"):
        item.add_marker("browser")


def pytest_collectstart() -> None:
    """Nothing is garbage before the tests are collected."""
    gc.disable()


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no garbage collection has to look through it again. What a test leaves is
    little: it is looked through less often than usual."""
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


SMALL = 4_000
"""Bytes of a file whose tests take little time."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The small files last, so that several processes end at about the same time."""
    is_small = {path: path.stat().st_size < SMALL for path in {item.path for item in items}}
    items.sort(key=lambda item: (item.path.parent.name == "unit", is_small[item.path]))


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose listener accepts nobody and has no place left for those who knock."""
    fillers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        try:
            while True:
                filler = socket.socket()
                fillers.append(filler)
                filler.settimeout(0.2)
                filler.connect(listener.getsockname())
        except TimeoutError:
            yield int(listener.getsockname()[1])
        for filler in fillers:
            filler.close()
