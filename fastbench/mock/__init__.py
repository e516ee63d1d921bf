"""The simulated service: `Mock` starts it as a process of its own, `fastbench mock` from the command line.

with Mock(ttft="50ms", itl="10ms") as mock: ... # mock.url

options: its options. plan, styles: the options as numbers, and the replies of the engines it imitates. service, tls:
the service in this process, around the compiled modules: `requests` reads what is asked, `replies` writes what is
answered, `server` is the loop with its engine, connections and log.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.mock.options import flag_name, make_options, option_fields
    from fastbench.mock.process import Mock
    from fastbench.mock.service import serve
else:
    __getattr__ = lazy(
        __name__,
        {
            "options": ("flag_name", "make_options", "option_fields"),
            "process": ("Mock",),
            "service": ("serve",),
        },
    )

__all__ = [
    "Mock",
    "flag_name",
    "make_options",
    "option_fields",
    "serve",
]
