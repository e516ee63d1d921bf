"""The reactor: a thread without the GIL with its own sockets, clock and parsers, and its Python interface."""

from fastbench._core.reactor import tls_message
from fastbench._core.reactor.reactor import Reactor, favour_thread, favour_thread_no_more

__all__ = ["Reactor", "favour_thread", "favour_thread_no_more", "tls_message"]
