"""fastbench measures a running LLM inference service through its streaming interface.

From Python (`docs/api.md`):

    import fastbench as fb

    result = fb.run(url="http://localhost:8000", input_len=1024, output_len=128, concurrency=64, num_prompts=1000)
    print(result["TTFT"]["P99"], result["TTFT"].unit, result.verdict.word)

A name is imported when it is first asked for: `import fastbench` itself takes no time.
"""

import sys

__version__ = "0.2.0"
"""The one place of the version: the package's data and the pages take it from here."""

TYPE_CHECKING = False
"""As `typing` has it, which is slow to import; type checkers know the name."""
if TYPE_CHECKING:
    from typing import Any

    from fastbench.api import (
        Comparison,
        Figures,
        Result,
        Saturation,
        check,
        compare,
        compare_live,
        compute,
        export,
        open,
        report,
        run,
        run_all,
        runs,
        saturate,
        save_baseline,
    )
    from fastbench.config import RunConfig
    from fastbench.errors import (
        ConfigError,
        DatasetError,
        FastbenchError,
        NotARunError,
        RecordingError,
        ServiceError,
        UsageError,
    )
    from fastbench.live import Progress
    from fastbench.metrics import Metrics
    from fastbench.mock import Mock
    from fastbench.recording import Recording
    from fastbench.run import Stop

_MODULES = {
    "api": (
        *("Comparison", "Figures", "Result", "Saturation", "check", "compare", "compare_live", "compute", "export"),
        *("open", "report", "run", "run_all", "runs", "saturate", "save_baseline"),
    ),
    "config": ("RunConfig",),
    "errors": (
        *("ConfigError", "DatasetError", "FastbenchError", "NotARunError"),
        *("RecordingError", "ServiceError", "UsageError"),
    ),
    "live": ("Progress",),
    "metrics": ("Metrics",),
    "mock": ("Mock",),
    "recording": ("Recording",),
    "run": ("Stop",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Comparison",
    "ConfigError",
    "DatasetError",
    "FastbenchError",
    "Figures",
    "Metrics",
    "Mock",
    "NotARunError",
    "Progress",
    "Recording",
    "RecordingError",
    "Result",
    "RunConfig",
    "Saturation",
    "ServiceError",
    "Stop",
    "UsageError",
    "__version__",
    "check",
    "compare",
    "compare_live",
    "compute",
    "export",
    "open",
    "report",
    "run",
    "run_all",
    "runs",
    "saturate",
    "save_baseline",
]


class _Face(type(sys)):  # type: ignore[misc]  # the class of modules, without the import of `types`
    """`run` and `report` are packages of fastbench too; Python would put those here when they are first imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _MODULE_OF or not isinstance(value, type(sys)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face


def __getattr__(name: str) -> "Any":
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Imported late: it is slow too.
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    except ModuleNotFoundError as error:
        if not str(error.name).startswith(f"{__name__}._core"):
            raise
        raise ImportError(
            f"{__path__[0]} is a source tree in which nothing is compiled: start Python in another directory to use "
            "the fastbench that is installed, or install this one in place with `pip install -e .`"
        ) from error


def __dir__() -> "list[str]":
    return sorted({*globals(), *__all__})
