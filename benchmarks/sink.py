"""A terminal that nobody looks at."""

import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminal() -> Iterator[int]:
    """The side of a terminal that is drawn on; what is drawn is read at once, and thrown away."""
    master, side = pty.openpty()

    def read() -> None:
        while True:
            try:
                os.read(master, 65536)
            except OSError:  # Linux says so when all other sides have closed
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield side
    finally:
        os.close(side)
        reader.join()
        os.close(master)
