from fastbench.mock._engine import Engine
from fastbench.mock._reply import Script
from fastbench.mock.plan import Plan

class Intake:
    """From a whole request to a stream of tokens or an answer."""

    def __init__(self, script: Script, engine: Engine, plan: Plan) -> None: ...
