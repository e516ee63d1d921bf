"""Shares of one plan as the parts of one recording."""

import os
from pathlib import Path
from typing import Any

import pytest
from recordings import FOOTER, HEADER, Request, batch_of

from fastbench.errors import RecordingError, UsageError
from fastbench.recording import (
    REQUESTS,
    PartFile,
    Recording,
    RecordingWriter,
    check_parts,
    merge,
    part_files,
    part_path,
)

OF = 3
SHM = Path("/dev/shm")
"""Another file system than that of temporary files, on most machines."""


def write_share(place: Path, number: int, *, text: bool = False, **header: Any) -> Path:
    """The recording of one share, in a directory of its own."""
    directory = place / str(number)
    load = {**HEADER["load"], "planned": OF, **header.pop("load", {})}
    writer = RecordingWriter(
        directory, {**HEADER, "load": load, "share": {"number": number, "of": OF}, **header}, number
    )
    writer.append(batch_of([Request(number, text=b't"said"' if text else None)]))
    writer.close({**FOOTER, "planned": 1})
    return directory


def pieces(*directories: Path) -> list[PartFile]:
    return [piece for directory in directories for piece in part_files(directory)]


def test_the_parts_are_the_shares_files(tmp_path: Path) -> None:
    """In whatever order the shares are named, each becomes a part with its texts, the same file under another name."""
    shares = [write_share(tmp_path, number, text=True) for number in (2, 0, 1)]
    found = pieces(*shares)
    assert check_parts(found) == []
    merge(found, tmp_path / "whole")
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == [
        f"{kind}{part}.{end}" for kind, end in (("requests", "fbr"), ("texts", "jsonl")) for part in ("-1", "-2", "")
    ]
    for number in range(OF):
        merged, own = (part_path(place, REQUESTS, number) for place in (tmp_path / "whole", tmp_path / str(number)))
        assert os.path.samefile(merged, own)
    recording = Recording.open(tmp_path / "whole")
    assert recording.rows["request"].tolist() == [0, 1, 2]
    assert (recording.damage, recording.lost_rows) == ([], 0)


@pytest.mark.skipif(not SHM.is_dir(), reason="there is no /dev/shm")
def test_another_file_system(tmp_path: Path) -> None:
    """Where no link can be made the files are copied, byte for byte, for their owner alone."""
    shares = [write_share(tmp_path, number) for number in range(OF)]
    target = SHM / f"fastbench-test-{os.getpid()}"
    try:
        merge(pieces(*shares), target)
        for number, share in enumerate(shares):
            copy = part_path(target, REQUESTS, number)
            assert copy.read_bytes() == part_path(share, REQUESTS, number).read_bytes()
            assert copy.stat().st_mode & 0o777 == 0o600
    finally:
        for path in target.iterdir():
            path.unlink()
        target.rmdir()


@pytest.mark.parametrize(("apart_s", "one_load"), [(0.9, True), (1.1, False)])
def test_shares_that_did_not_begin_together(tmp_path: Path, apart_s: float, one_load: bool) -> None:
    """Shares that began at different times are no load of one plan: they are refused, with both times."""
    start_ns = 1_800_000_000 * 10**9
    found = pieces(*(write_share(tmp_path, k, start_at_ns=start_ns + int(k * apart_s * 1e9)) for k in range(2)))
    if one_load:
        assert check_parts(found) == [2]
        return
    told = r"--start-at was 2027-01-15T08:00:00\.000\+00:00 and 2027-01-15T08:00:01\.100\+00:00"
    with pytest.raises(UsageError, match=told):
        check_parts(found)


def test_missing_shares_are_named(tmp_path: Path) -> None:
    """The numbers that no piece has come back."""
    assert check_parts(pieces(write_share(tmp_path, 1))) == [0, 2]


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        ({"load": {"rate": 7.5}}, "load.rate is None and 7.5"),
        ({"config": {"models": [{"url": "other"}]}}, "config.models is None and "),
        ({"task": {"model": "mock", "dataset": "other"}}, "task.dataset is 'synthetic' and 'other'"),
        ({"fastbench": "9.9.9"}, "fastbench is '0.1.0' and '9.9.9'"),
        ({"tokens_per_word": 1.3}, "tokens_per_word is None and 1.3"),
    ],
)
def test_shares_of_different_plans(tmp_path: Path, difference: dict[str, Any], sentence: str) -> None:
    """The first setting in which two shares differ is named, with both of its values."""
    found = pieces(write_share(tmp_path, 0), write_share(tmp_path, 1, **difference))
    with pytest.raises(UsageError) as caught:
        check_parts(found)
    assert "are shards of different runs" in str(caught.value)
    assert sentence in str(caught.value)


def test_what_each_share_may_have_for_itself(tmp_path: Path) -> None:
    """Hosts, clocks, run ids and what changes nothing of the load may differ."""
    one = write_share(tmp_path, 0, config={"debug": True, "workers": 1}, run_id="a", host={"name": "a"})
    two = write_share(tmp_path, 1, config={"debug": False, "workers": "auto"}, run_id="b", host={"name": "b"})
    assert check_parts(pieces(one, two)) == [2]


def test_another_number_of_shares(tmp_path: Path) -> None:
    """Shares of three and of four are not of one plan."""
    found = pieces(write_share(tmp_path, 0), write_share(tmp_path, 1, share={"number": 1, "of": 4}))
    with pytest.raises(UsageError, match=r"is one of 4 shards, .* one of 3"):
        check_parts(found)


def test_a_share_that_is_still_written(tmp_path: Path) -> None:
    """A share whose run goes on is refused, as its file is still growing."""
    writer = RecordingWriter(tmp_path / "0", {**HEADER, "share": {"number": 0, "of": OF}}, 0)
    with pytest.raises(RecordingError, match="is still being written: wait for the end of its run"):
        part_files(tmp_path / "0")
    writer.close(FOOTER)
    assert len(part_files(tmp_path / "0")) == 1


def test_a_damaged_header(tmp_path: Path) -> None:
    """One good copy of the header is enough; without any the share cannot be told."""
    share = write_share(tmp_path, 1)
    file = part_path(share, REQUESTS, 1)
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[80:88], "little")
    data[100] ^= 255
    file.write_bytes(data)
    assert part_files(share)[0].number == 1
    data[96 + length + 100] ^= 255
    file.write_bytes(data)
    with pytest.raises(RecordingError, match=r"the header of .* is damaged"):
        part_files(share)


@pytest.mark.parametrize("odd", [{"start_at_ns": "soon"}, {"start_at_ns": 2**70}, {"leg": []}, {"clock": 5}])
def test_a_header_that_is_none(tmp_path: Path, odd: dict[str, Any]) -> None:
    """A header whose values are of other types or sizes than any of ours is as good as damaged."""
    with pytest.raises(RecordingError, match=r"the header of .* is damaged"):
        part_files(write_share(tmp_path, 1, **odd))


def test_a_place_that_is_taken(tmp_path: Path) -> None:
    """A directory that is there is not merged into."""
    share = write_share(tmp_path, 0)
    with pytest.raises(RecordingError, match=r"cannot be written .File exists.: give another --output"):
        merge(pieces(share), share)
