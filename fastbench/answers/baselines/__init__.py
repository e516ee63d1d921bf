"""Baselines: summaries of runs in one small JSON file, which a repository can keep, and a comparison reads again.

content = encode_baseline(Baseline(name="main", saved=now, fastbench=version, runs=side.runs))
decode_baseline(content, "baselines/main.json").runs
"""

from fastbench.answers.baselines.stored import (
    LIMIT,
    PERCENTILES,
    Baseline,
    decode_baseline,
    encode_baseline,
    same_workload,
)

__all__ = ["LIMIT", "PERCENTILES", "Baseline", "decode_baseline", "encode_baseline", "same_workload"]
