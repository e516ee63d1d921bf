"""A result: what it keeps when directories change and when it is pickled, and that of a run without requests."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
from recordings import Request, record

import fastbench as fb

REQUESTS = [Request(0), Request(1)]


def result_of(directory: Path, requests: list[Request]) -> fb.Result:
    record(directory / "r", requests)
    (result,) = fb.runs(directory / "r")
    return result


def test_it_survives_another_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result whose path was relative is read after the current directory was changed."""
    (tmp_path / "m" / "d_recording").parent.mkdir()
    record(tmp_path / "m" / "d_recording", REQUESTS)
    monkeypatch.chdir(tmp_path)
    (result,) = fb.runs("m")
    monkeypatch.chdir("/")
    assert result.outcomes["ok"] == 2


def test_what_is_gone_is_told_to_be_gone(tmp_path: Path) -> None:
    """Of a recording that was there the message does not say that nothing was recorded."""
    result = result_of(tmp_path, REQUESTS)
    shutil.rmtree(tmp_path / "r")
    with pytest.raises(fb.RecordingError, match="has no recording: it was moved or deleted"):
        _ = result.outcomes


def test_it_is_pickled_whatever_is_open(tmp_path: Path) -> None:
    """A result whose recording is open is the same one after pickling."""
    result = result_of(tmp_path, REQUESTS)
    assert (result["TTFT"].n, result.requests["request"].size) == (2, 2)
    copy = pickle.loads(pickle.dumps(result))
    assert copy["TTFT"] == result["TTFT"]
    assert copy.requests["ttft_ms"].tolist() == result.requests["ttft_ms"].tolist()


def test_without_requests_there_are_columns(tmp_path: Path) -> None:
    """Where no request finished, `requests`, tables and exports have the usual columns and types, without a row."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    empty, full = result_of(tmp_path / "empty", []), result_of(tmp_path / "full", REQUESTS)
    assert list(empty.requests) == list(full.requests)
    assert {column.shape for column in empty.requests.values()} == {(0,)}
    assert [column.dtype for column in empty.requests.values()] == [column.dtype for column in full.requests.values()]
    assert empty.to_arrow().num_rows == 0
    types = zip(empty.to_arrow().schema, full.to_arrow().schema, strict=True)
    # Of columns without any value the type is not known.
    assert all(one == other or arrow.types.is_null(other.type) for one, other in types)
    for tokens in (False, True):
        lines, others = (
            fb.export(result, tmp_path / "x.csv", tokens=tokens).read_text().splitlines() for result in (empty, full)
        )
        assert lines == others[:1]
        names, others = (
            parquet.read_schema(fb.export(result, tmp_path / "x.parquet", tokens=tokens)).names
            for result in (empty, full)
        )
        assert names == others
