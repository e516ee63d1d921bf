from fastbench.mock.plan import Timing

class Engine:
    """When each token is due."""

    batched: bool
    def __init__(self, timing: Timing) -> None: ...

def simulate(timing: Timing, requests: list[tuple[int, int, int]]) -> list[list[int]]:
    """When each token of each request is due by this model, without sending any; ns.

    requests: (arrival ns, prompt tokens, output tokens), sorted by arrival.
    """
