from fastbench.mock.plan import Plan
from fastbench.mock.replies.reply import Script
from fastbench.mock.server.engine import Engine
from fastbench.mock.server.intake import Intake
from fastbench.mock.server.log import Log
from fastbench.mock.server.sockets import Sockets

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
