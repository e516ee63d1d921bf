"""The numbers that other tools would print of a recording, by their own rules, beside fastbench's.

    computed = compute_for_page(recording, ("Median", "P99"))
    for tool in dialects_of(computed, ("vllm", "sglang")):
        print(tool.name, tool.rows[0].values)

rules ── the table: each tool's rules, and where they stand in its source; replies ── the moments and counts that rules
are made of; conventions ── how a tool makes a percentile of its samples; figures ── rules → numbers
"""

from fastbench.answers.number_dialects.figures import OURS, chosen_dialects, dialects_of
from fastbench.answers.number_dialects.rules import NUMBER_DIALECTS, NumberDialect, Rule, Source

__all__ = [
    "NUMBER_DIALECTS",
    "OURS",
    "NumberDialect",
    "Rule",
    "Source",
    "chosen_dialects",
    "dialects_of",
]
