"""Traces by their layouts: Azure, BurstGPT, Mooncake, and any table whose columns are named."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from data_files import all_shares, lines_file
from msgspec.structs import replace
from tasks import plan_of, task_of

from fastbench.config import Issues
from fastbench.config.dataset import build_dataset
from fastbench.datasets import Dataset, open_dataset
from fastbench.datasets.traces import TraceConfig
from fastbench.errors import ConfigError, DatasetError

S, MS = 1_000_000_000, 1_000_000
AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens"
AZURE_2023 = (
    "2023-11-16 18:15:46.6805900,374,44",
    "2023-11-16 18:15:50.9951690,396,109",
    "2023-11-16 18:15:51.2224670,879,55",
)
AZURE_2024 = ("2024-05-10 00:00:00.009930+00:00,2162,5", "2024-05-10 00:00:01+00:00,2399,6")
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURST_1 = (
    "5,ChatGPT,472,18,490,Conversation log",
    "45,ChatGPT,1087,230,1317,Conversation log",
    "118,GPT-4,417,0,417,API log",
)
BURST_SESSIONS = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type"
BURST_3 = (
    "19440110.0,a-1,3.5,ChatGPT,40,18,58,Conversation log",
    "19440111.0,,1.5,ChatGPT,40,18,58,API log",
    "19440112.5,a-1,3.5,ChatGPT,90,18,108,Conversation log",
)


def table(folder: Path, header: str, *rows: str, name: str = "trace.csv") -> str:
    return lines_file(folder, header, *rows, name=name)


def opened(path: str, **settings: Any) -> Dataset:
    """The data set of a trace, its settings checked as those of a config are."""
    issues = Issues("run.py")
    config = build_dataset({"type": "trace", "path": path, **settings}, "datasets[0]", issues)
    issues.check()
    assert config is not None
    return open_dataset(config)


def shapes(data: Dataset) -> list[tuple[float | None, int | None, int | None]]:
    """(ms since the first, tokens of the prompt, of the reply) of each sample."""
    return [
        (None if one.timestamp_ns is None else one.timestamp_ns / MS, one.input_len, one.output_len)
        for one in data.samples()
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "TIMESTAMP;ContextTokens;GeneratedTokens\n2023-11-16 18:15:46;7;8\n;;\n"),
        ("t.tsv", "TIMESTAMP\tContextTokens\tGeneratedTokens\n2023-11-16 18:15:46\t7\t8\n"),
        ("t.csv", "\ufeff\r\nTIMESTAMP, ContextTokens, GeneratedTokens\r\n2023-11-16 18:15:46, 7, 8\r\n,,\r\n"),
    ],
)
def test_tables_as_other_programs_write_them(tmp_path: Path, name: str, content: str) -> None:
    """A trace may have semicolons or tabs, a byte order mark, blanks around cells, rows of empty cells."""
    path = tmp_path / name
    path.write_text(content, newline="")
    assert shapes(opened(str(path))) == [(0, 7, 8)]


def refused(path: str, **settings: Any) -> str:
    with pytest.raises((DatasetError, ConfigError)) as caught:
        opened(path, **settings)
    return str(caught.value)


def test_azure_of_2023(tmp_path: Path) -> None:
    """Times with seven digits, prompts and replies as long as the row says."""
    data = opened(table(tmp_path, AZURE, *AZURE_2023))
    assert shapes(data) == [(0, 374, 44), (4314.579, 396, 109), (4541.877, 879, 55)]
    assert [len(str(one.prompt).split()) for one in data.samples()] == [374, 396, 879]


def test_azure_of_2024(tmp_path: Path) -> None:
    """Times with a zone, some of them without a fraction, and a column more, as the multimodal trace has one."""
    rows = [row.replace(",", ",2,", 1) for row in AZURE_2024]
    data = opened(table(tmp_path, AZURE.replace(",", ",NumImages,", 1), *rows))
    assert shapes(data) == [(0, 2162, 5), (990.07, 2399, 6)]
    assert data.survey(None).unused == (("NumImages", 2),)


def test_burstgpt_leaves_failed_requests_out(tmp_path: Path) -> None:
    """Seconds; a request without response tokens is not sent, and that is told."""
    path = table(tmp_path, BURST, *BURST_1)
    data = opened(path)
    assert shapes(data) == [(0, 472, 18), (40_000, 1087, 230)]
    assert data.survey(None).notes == (
        f"1 row is left out of {path}: requests that failed, whose Response tokens are 0",
    )


def test_burstgpt_with_sessions(tmp_path: Path) -> None:
    """Prompts of a session begin alike, as a conversation's history grows; others share nothing."""
    path = table(tmp_path, BURST_SESSIONS, *BURST_3)
    first, alone, third = (str(one.prompt).split() for one in opened(path).samples())
    assert first == third[:40]
    assert alone[:2] != first[:2]
    apart = [str(one.prompt).split() for one in opened(path, columns={"session": ""}).samples()]
    assert apart[0][:2] != apart[2][:2]


def test_mooncake_by_its_fields(tmp_path: Path) -> None:
    """A trace with hash ids is Mooncake's: its prompts share the blocks that they share."""
    rows = [{"timestamp": t, "input_length": 600, "output_length": 7, "hash_ids": [1, t]} for t in (100, 3100)]
    first, second = opened(lines_file(tmp_path, *rows)).samples()
    assert (first.timestamp_ns, second.timestamp_ns) == (0, 3000 * MS)
    assert str(first.prompt).split()[:512] == str(second.prompt).split()[:512]


def test_any_columns_by_name(tmp_path: Path) -> None:
    """Columns of a CSV or JSONL file that are named, times in ms; missing replies ask for nothing."""
    columns = {"timestamp": "at:ms", "input": "in"}
    assert shapes(opened(table(tmp_path, "in,at", "5,0", "6,1500.5"), columns=columns)) == [
        (0, 5, None),
        (1500.5, 6, None),
    ]
    rows = [{"at": 10, "in": 5, "out": 3}, {"at": 20, "in": 6, "out": "4"}]
    path = lines_file(tmp_path, *rows, name="t.jsonl")
    assert shapes(opened(path, columns={**columns, "output": "out"})) == [(0, 5, 3), (10, 6, 4)]


def test_parquet(tmp_path: Path) -> None:
    """A parquet file with times of its own type is read like a CSV; a bad row of it is named."""
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    moments = [datetime(2024, 5, 10, 0, 0, second, tzinfo=UTC) for second in (1, 3)]

    def written(inputs: Sequence[int | None]) -> str:
        path = str(tmp_path / "trace.parquet")
        parquet.write_table(
            pyarrow.table({"GeneratedTokens": [5, 6], "TIMESTAMP": moments, "ContextTokens": inputs}), path
        )
        return path

    assert shapes(opened(written([7, 8]))) == [(0, 7, 5), (2000, 8, 6)]
    assert "trace.parquet, row 2: the row has an empty field as ContextTokens" in refused(written([7, None]))
    (tmp_path / "trace.parquet").write_bytes(b"PAR1 no")
    assert "this is not a parquet file" in refused(str(tmp_path / "trace.parquet"))


def test_arrivals_of_one_file_lengths_of_another(tmp_path: Path) -> None:
    """Times of the trace, lengths of `lengths` in its order, used again where they are fewer, which is told."""
    arrivals = table(tmp_path, "t", "0", "1", "5", name="arrivals.csv")
    lengths = table(tmp_path, BURST, BURST_1[1], BURST_1[0], name="lengths.csv")
    data = opened(arrivals, columns={"timestamp": "t"}, lengths=lengths)
    assert shapes(data) == [(0, 1087, 230), (1000, 472, 18), (5000, 1087, 230)]
    assert data.survey(None).notes == (f"{lengths} has lengths for 2 of 3 requests: they are used again",)


def test_lengths_of_a_law(tmp_path: Path) -> None:
    """`input_len` and `output_len` go over the trace's."""
    data = opened(table(tmp_path, AZURE, *AZURE_2023), input_len=[50, 60], output_len=9)
    assert all(50 <= (one.input_len or 0) <= 60 and one.output_len == 9 for one in data.samples())
    assert data.survey(None).longest_output == 9


def test_a_part_of_the_rows(tmp_path: Path) -> None:
    """Times count from the first row that is used; drawn rows keep the trace's order; shares are the whole."""
    path = table(tmp_path, AZURE, *AZURE_2023)
    data = opened(path, test_range="[1:]")
    assert shapes(data) == [(0, 396, 109), (227.298, 879, 55)]
    times = [one.timestamp_ns or 0 for one in opened(path, test_range=2).samples()]
    assert times == sorted(times)
    whole = opened(path)
    assert all_shares(whole, 2) == list(whole.samples())


def test_a_length_of_nothing_is_one_token(tmp_path: Path) -> None:
    """Of a trace that says nothing of failures, a request of 0 tokens has one, and asks for one."""
    assert shapes(opened(table(tmp_path, AZURE, "2023-11-16 18:15:46.5,0,0"))) == [(0, 1, 1)]


def test_rows_that_are_sorted(tmp_path: Path) -> None:
    """With `sort` the rows go in the order of their times."""
    path = table(tmp_path, AZURE, AZURE_2023[1], AZURE_2023[0])
    assert shapes(opened(path, sort=True)) == [(0, 374, 44), (4314.579, 396, 109)]


GOOD = AZURE_2023[0]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (
            "2023-11-16 18:15:46.6805900,,44",
            "the row has an empty field as ContextTokens, which must be a whole number",
        ),
        (
            "2023-11-16 18:15:46.6805900,5,-44",
            "the row has '-44' as GeneratedTokens, which must be a whole number from 0 to 1048576; correct",
        ),
        ("2023-11-16 18:15:46.6805900,5.5,4", "the row has '5.5' as ContextTokens"),
        (",5,4", "the row has an empty field as TIMESTAMP, which must be a date with its time"),
        ("2023-13-16 18:15:46,5,4", "the row has '2023-13-16 18:15:46', which is no date; correct or remove it"),
        (
            "2023-11-16 18:15:46.6805899,5,4",
            "the row has '2023-11-16 18:15:46.6805899' as TIMESTAMP, which is before '2023-11-16 18:15:46.6805900' of "
            "the row above it; sort the rows by TIMESTAMP, or set sort=True of the data set",
        ),
        ("2023-11-16 18:15:46.6805900,5", "the row has 2 cells, where the header has 3; correct or remove it"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, fault: str) -> None:
    """What is wrong with row 17 is told with its line, its field and the way out."""
    path = table(tmp_path, AZURE, *[GOOD] * 16, row, GOOD)
    assert refused(path).startswith(f"{path}, line 18: {fault}")


def test_a_broken_row_of_a_json_file_is_named(tmp_path: Path) -> None:
    """In JSON lines too, where a row may lack a field."""
    rows = [{"at": n, "in": 5} for n in range(16)]
    path = lines_file(tmp_path, *rows, {"at": 16})
    fault = refused(path, columns={"timestamp": "at", "input": "in"})
    assert fault.startswith(f"{path}, line 17: the row has an empty field as in, which must be a whole number")


def test_times_of_mooncakes_that_fall(tmp_path: Path) -> None:
    """They are refused as those of other traces are, unless `sort` is set."""
    rows = [{"timestamp": time, "input_length": 5, "hash_ids": [1]} for time in (3, 7, 7, 5.5)]
    path = lines_file(tmp_path, *rows)
    assert refused(path) == (
        f"{path}, line 4: the row has 5.5 as timestamp, which is before 7.0 of the row above it; sort the rows by "
        "timestamp, or set sort=True of the data set in a config"
    )
    assert [time for time, *_ in shapes(opened(path, sort=True))] == [0, 2.5, 4, 4]


def test_files_that_are_no_trace(tmp_path: Path) -> None:
    """No rows, no header, no known layout, no such column: each is one sentence with the way out."""
    assert "the trace has no row that can be sent below its header" in refused(table(tmp_path, AZURE))
    assert "all 1 rows are of failed requests" in refused(table(tmp_path, BURST, BURST_1[2]))
    assert "the trace is empty; it needs a header" in refused(table(tmp_path, ""))
    path = table(tmp_path, "when,n", "1,2")
    assert refused(path) == (
        f"{path}: its columns are when, n, which is none of the known layouts (Azure, BurstGPT, Mooncake); name them "
        "with columns (--trace-columns) timestamp=NAME,input=NAME,output=NAME"
    )
    assert refused(path, columns={"timestamp": "when", "input": "tokens"}) == (
        f"{path}: there is no column tokens, which columns (--trace-columns) names as input; its columns are when, n"
    )
    assert (
        "no column holds prompt lengths; name it with columns (--trace-columns) input=NAME, or set input_len"
        in refused(path, columns={"timestamp": "when"})
    )
    assert f"{path}: columns (--trace-columns) names when:min as timestamp, and min is no unit of times" in refused(
        path, columns={"timestamp": "when:min", "input": "n"}
    )
    assert "no such data set" in refused(str(tmp_path / "none.csv"))
    (tmp_path / "trace.csv.gz").write_bytes(b"\x1f\x8b\x08\0")
    assert "is gzip data; unpack it" in refused(str(tmp_path / "trace.csv.gz"))
    assert "the column 'n' is there twice" in refused(table(tmp_path, "n,when,n", "1,2,3"))
    wrong = refused(path, columns={"time": "when"})
    assert wrong.startswith("run.py: datasets[0].columns.time is not a known field; did you mean timestamp?")


def test_whether_a_trace_shares_prefixes(tmp_path: Path) -> None:
    """Words of the run's own seed are new, so nothing is cached, unless rows are of one session or name blocks."""
    azure = table(tmp_path, AZURE, *AZURE_2023)
    config = TraceConfig(abbr="t", path=azure, words_seed=7)
    assert (config.common_prefix(7), config.common_prefix(8)) == (0, None)
    assert opened(azure).survey(None).shares == ""
    sessions = table(tmp_path, BURST_SESSIONS, *BURST_3, name="burst.csv")
    assert opened(sessions).survey(None).shares == "the beginnings of their sessions"
    assert opened(sessions).survey(2).shares == ""
    row = {"timestamp": 0, "input_length": 5, "output_length": 1, "hash_ids": [1]}
    blocks = lines_file(tmp_path, row, name="blocks.jsonl")
    assert opened(blocks).survey(None).shares == "the blocks of their hash_ids"


def test_the_plan_of_a_trace_promises_new_prompts(tmp_path: Path) -> None:
    """Where prompts share nothing; where they do it promises nothing, and a note says what they share; nor where the
    warm-up has rows of it."""
    found = []
    for header, rows in ((AZURE, AZURE_2023), (BURST_SESSIONS, BURST_3)):
        config = TraceConfig(abbr="t", path=table(tmp_path, header, *rows), words_seed=7)
        plan = plan_of(replace(task_of("http://127.0.0.1:9", config), fresh_seed=7))
        found.append((plan.record()["prompts"]["cold"], any("on purpose" in note for note in plan.notes)))
    assert found == [(0, False), (None, True)]
    again = replace(
        task_of("http://127.0.0.1:9", TraceConfig(abbr="t", path=table(tmp_path, AZURE, *AZURE_2023), words_seed=7))
    )
    assert replace(again, fresh_seed=7, warmup_data="dataset").cold is None
