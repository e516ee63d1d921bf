from fastbench.mock._wire import Wire
from fastbench.mock.plan import Form

class Script:
    """The order of a reply's events."""

    def __init__(self, wire: Wire, form: Form) -> None: ...
