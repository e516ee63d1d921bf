"""`vllm bench serve`'s flags, translated into a command of `fastbench perf`, and its result file.

    translated = translate({"request_rate": 10.0, ...})      # words of the command, notes, what the result is to hold
    result_of(translated, numbers, model, now)               # the JSON file, of the numbers of the run

Nothing here sends anything. What is more than the table of flags is imported on first use: help must not wait for it.
"""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy
from fastbench.vllm_bench.flag import Flag, Form
from fastbench.vllm_bench.flags import FLAGS, FORMER, GROUPS

if TYPE_CHECKING:
    from fastbench.vllm_bench.result import file_of, lines, result_of, save
    from fastbench.vllm_bench.translation import Translated, translate
else:
    __getattr__ = lazy(
        __name__,
        {
            "result": (
                "file_of",
                "lines",
                "result_of",
                "save",
            ),
            "translation": (
                "Translated",
                "translate",
            ),
        },
    )

__all__ = [
    "FLAGS",
    "FORMER",
    "GROUPS",
    "Flag",
    "Form",
    "Translated",
    "file_of",
    "lines",
    "result_of",
    "save",
    "translate",
]
