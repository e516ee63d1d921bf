"""`fastbench vllm-bench serve`: the flags of `vllm bench serve` → a run of `fastbench perf`, and vLLM's result file."""

from fastbench.cli.vllm_bench.command import vllm_bench_command

__all__ = ["vllm_bench_command"]
