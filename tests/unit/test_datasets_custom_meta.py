"""The meta file of a custom data set."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fastbench.config.fields.lengths import Uniform
from fastbench.datasets.custom_meta import CustomMeta, meta_file, read_meta
from fastbench.errors import DatasetError


def written(folder: Path, content: object) -> str:
    path = folder / "q.jsonl.meta.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def output(method: str, **params: Any) -> dict[str, Any]:
    return {"output_config": {"method": method, "params": params}}


def test_all_fields_are_read(tmp_path: Path) -> None:
    """Count, mode and lengths are read; whole numbers may be written as text."""
    content = {"request_count": "12", "sampling_mode": "shuffle"} | output("uniform", min_value="3", max_value=9)
    expected = CustomMeta(request_count=12, sampling_mode="shuffle", output=Uniform(low=3, high=9))
    assert read_meta(written(tmp_path, content)) == expected
    assert read_meta(written(tmp_path, {})) == CustomMeta()


def test_shares_are_added_as_they_are_written(tmp_path: Path) -> None:
    """0.1 + 0.2 + 0.7 is exactly 1, as it is on paper."""
    shares = [[100, 0.1], ["200", 0.2], [300, 0.7]]
    meta = read_meta(written(tmp_path, output("percentage", percentage_distribute=shares)))
    assert meta.output == ((100, Decimal("0.1")), (200, Decimal("0.2")), (300, Decimal("0.7")))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"request_count": 0}, "request_count is 0; it must be a whole number from 1 to 2147483647"),
        ({"request_count": "many"}, "request_count is 'many'; it must be a whole number from 1"),
        ({"request_count": 1.5}, "request_count is 1.5; it must be a whole number from 1"),
        ({"sampling_mode": "first"}, 'sampling_mode is \'first\'; it must be "default", "random" or "shuffle"'),
        ({"requst_count": 1}, "requst_count is not a known field; did you mean request_count?"),
        ({"output_config": 5}, "output_config is 5; it must be a dict of settings"),
        (
            {"output_config": {"method": "uniform"}},
            "output_config.params is missing; it must be a dict with min_value and max_value, or with percentage_",
        ),
        (output("normal"), 'output_config.method is \'normal\'; it must be "uniform" or "percentage"'),
        (output("uniform", max_value=2), "output_config.params.min_value is missing; it must be a whole number from 1"),
        (output("uniform", min_value=0, max_value=2), "output_config.params.min_value is 0; it must be a whole number"),
        (output("uniform", min_value=3, max_value=2), "output_config.params.max_value is 2; it must be at least"),
        (output("uniform", min_value=1, max_value=2, mean=3), "output_config.params.mean is not a known field"),
        (output("percentage"), "output_config.params.percentage_distribute is missing; it must be a list of [tokens"),
        *(
            (output("percentage", percentage_distribute=bad), "output_config.params.percentage_distribute is ")
            for bad in (
                [],
                5,
                [5],
                [[1, 0.5]],
                [[1, 0.5], [2, 0.6]],
                [[0, 1]],
                [[1.5, 1]],
                [[1, "1"]],
                [[1, 0], [2, 1]],
            )
        ),
        ("[1]", "the meta file holds [1], not an object"),
        ("{", "the meta file is not JSON"),
    ],
)
def test_each_rule_of_the_meta_file_has_its_sentence(tmp_path: Path, content: object, told: str) -> None:
    """What is wrong in a meta file is told with the file, the field, what was found and what is allowed."""
    path = written(tmp_path, content)
    with pytest.raises(DatasetError) as caught:
        read_meta(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: {told}")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Each bad field of a meta file has its line."""
    with pytest.raises(DatasetError) as caught:
        read_meta(written(tmp_path, {"request_count": -1, "sampling_mode": 5, "x": 1}))
    assert len(str(caught.value).splitlines()) == 3


def test_the_meta_file_stands_beside_the_data(tmp_path: Path) -> None:
    """It is the data set's name with .meta.json behind it, or in the place of its suffix; or none."""
    data = str(tmp_path / "q.jsonl")
    assert meta_file(data, None) is None
    short = tmp_path / "q.meta.json"
    short.touch()
    assert meta_file(data, None) == str(short)
    path = written(tmp_path, {})
    assert meta_file(data, None) == path
    assert meta_file(data, "/other.json") == "/other.json"


def test_a_named_meta_file_must_be_there() -> None:
    """A meta file that was named and is missing is told with the setting that names it."""
    with pytest.raises(DatasetError, match=r"/no/such.json: the meta file cannot be read: .*; set meta_path"):
        read_meta("/no/such.json")
