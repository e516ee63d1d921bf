from fastbench._core.connections import Connections

class Loop(Connections):
    """The reactor's thread; `Reactor` is what Python makes of it."""
