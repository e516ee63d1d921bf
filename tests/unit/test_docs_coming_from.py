"""`docs/coming-from.md` names options that there are, and all flags of `vllm bench serve`."""

import re
from pathlib import Path

import pytest
from every import every

from fastbench.options import OPTIONS
from fastbench.vllm_bench import FLAGS, Flag

PAGE = (Path(__file__).parents[2] / "docs" / "coming-from.md").read_text(encoding="utf-8")
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
NAMES = {name.lstrip("-") for option in OPTIONS.values() for part in option.flags.split("/") for name in part.split()}
TOOLS = ("`vllm bench serve`", "SGLang's `bench_serving`", "AIPerf and GenAI-Perf", "GuideLLM", "AISBench")


def flags_in(text: str) -> set[str]:
    return set(re.findall(r"--([a-z][a-z-]*)", text))


def cell_of(flag: Flag) -> str:
    """What the page says of a flag, without its backquotes."""
    told = f" ({flag.ignored})" if flag.ignored and flag.becomes == "nothing" else ""
    return f"{flag.becomes}{told}" if flag.becomes else f"refused: {flag.refused}"


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_has_its_table(tool: str) -> None:
    """Each tool has a heading with a table."""
    _, found, rest = PAGE.partition(f"\n## {tool}\n")
    assert found
    assert "| flag | here |" in rest.partition("\n## ")[0]


def test_each_option_exists() -> None:
    """What stands in the column of fastbench's own options are options, or vLLM's flags of its own command."""
    named = {name for row in ROWS for name in flags_in(row[1])} - {"sweep"}
    assert len(named) > 60
    assert sorted(named - NAMES - {flag.name for flag in FLAGS.values()}) == []
    own = [row for row in ROWS if "vllm-bench" not in row[1] and "refused" not in row[1]]
    assert sorted({name for row in own for name in flags_in(row[1])} - NAMES) == []


@every("flag", FLAGS.values())
def test_each_flag_of_vllm_has_its_row(flag: Flag) -> None:
    """Each flag that the command takes stands in the page, with what it becomes."""
    told = [row[1].replace("`", "").strip() for row in ROWS if row[0].strip() == f"`--{flag.name}`"]
    assert cell_of(flag).replace("`", "") in told
