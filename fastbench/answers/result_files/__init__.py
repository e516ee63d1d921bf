"""The files that other tools write of a run, made of a recording, for what reads those.

    vllm_result(computed)       # what `vllm bench serve --save-result` writes; detailed=True: and `--save-detailed`
    vllm_numbers(computed, asked)   # of that file what its command has measured, as it is asked for
    llm_d_report(computed)      # llm-d's Benchmark Report v0.2.1

Both are dicts for JSON. vLLM's has the numbers by vLLM's rules (`number_dialects`), llm-d's fastbench's own.
"""

from fastbench.answers.result_files.llm_d import llm_d_report
from fastbench.answers.result_files.vllm import VllmAsked, vllm_numbers, vllm_result

__all__ = ["VllmAsked", "llm_d_report", "vllm_numbers", "vllm_result"]
