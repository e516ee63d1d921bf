from fastbench._core.reactor.connections import Connections

class Loop(Connections):
    """The reactor's thread; `Reactor` is what Python makes of it."""
