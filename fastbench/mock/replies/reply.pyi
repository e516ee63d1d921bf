from fastbench.mock.plan import Form
from fastbench.mock.replies.wire import Wire

class Script:
    """The order of a reply's events."""

    def __init__(self, wire: Wire, form: Form) -> None: ...
