from fastbench.mock._engine import Engine
from fastbench.mock._intake import Intake
from fastbench.mock._log import Log
from fastbench.mock._reply import Script
from fastbench.mock.plan import Plan

class Server:
    """The event loop. listeners: fds of listening sockets that do not block; it ends when `stop_fd` can be read."""

    def __init__(
        self,
        intake: Intake,
        script: Script,
        engine: Engine,
        log: Log | None,
        plan: Plan,
        listeners: list[int],
        stop_fd: int,
    ) -> None: ...
    def run(self) -> None:
        """Serves, without the GIL; requests still running at the end are logged as aborted."""
