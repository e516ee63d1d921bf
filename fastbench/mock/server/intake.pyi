from fastbench.mock.plan import Plan
from fastbench.mock.replies.reply import Script
from fastbench.mock.server.engine import Engine

class Intake:
    """From a whole request to a stream of tokens or an answer."""

    def __init__(self, script: Script, engine: Engine, plan: Plan) -> None: ...
