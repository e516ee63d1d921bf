from fastbench.mock._engine import Engine
from fastbench.mock._intake import Intake
from fastbench.mock._log import Log
from fastbench.mock._reply import Script
from fastbench.mock._sockets import Sockets
from fastbench.mock.plan import Plan

class Server:
    """The event loop; it ends when the sockets' stop fd can be read."""

    def __init__(
        self,
        intake: Intake,
        script: Script,
        engine: Engine,
        log: Log | None,
        plan: Plan,
        sockets: Sockets,
    ) -> None: ...
    def run(self) -> None:
        """Serves, without the GIL; requests still running at the end are logged as aborted."""
