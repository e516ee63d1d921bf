"""A package that adds one of each to fastbench (`examples/plugin`), installed and used, with no file changed."""

from __future__ import annotations

import configparser
import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml
from nursery import IMPORTED, run_python
from plugged import NAME, PLUGIN, acme, lay
from running import Ended, fastbench_command, perf
from tiny_service import Tiny, tiny_service

from fastbench.recording import FLAGS, recorded_id

SIZE = 3
EVERY_NS = 200_000_000
LOAD = {"type": "bursts", "size": SIZE, "every": "200ms"}
OPTION = "bursts:size=3,every=200ms"
RIDDLES = [{"riddle": f"What has {n} keys?", "hint": f"music {n}"} for n in range(8)]
PROMPTS = [f"{row['riddle']} ({row['hint']})" for row in RIDDLES]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the package as pip puts it there."""
    target = tmp_path_factory.mktemp("site")
    lay(target)
    return target


@pytest.mark.slow
def test_pip_puts_it_there(site: Path, tmp_path: Path) -> None:
    """What pip installs of the package is what these tests use: its modules, byte for byte, and its entry points."""
    source, target = tmp_path / "plugin", tmp_path / "site"
    shutil.copytree(PLUGIN, source, ignore=shutil.ignore_patterns("__pycache__"))
    how = ("--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--no-input", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", "install", *how, "--target", target, source], check=True, timeout=120)
    modules = [path.relative_to(site) for path in site.glob(f"{NAME}/*.py")]
    assert modules
    assert [(target / path).read_bytes() for path in modules] == [(site / path).read_bytes() for path in modules]
    theirs, ours = (entry_points_in(folder) for folder in (target, site))
    assert theirs == ours != {}


def entry_points_in(folder: Path) -> dict[str, dict[str, str]]:
    """What the package registers, by group and name."""
    (path,) = folder.glob(POINTS)
    found = configparser.ConfigParser()
    found.read(path)
    return {group: dict(found[group]) for group in found.sections()}


def finding(site: Path) -> dict[str, str]:
    """The environment in which `site` is on the path."""
    return {"PYTHONPATH": os.pathsep.join((str(IMPORTED), str(site)))}


def config_in(folder: Path, tiny: Tiny, **settings: Any) -> Path:
    """A config in YAML of the package's dialect and data-set format, and the data set."""
    rows = folder / "hard.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in RIDDLES), encoding="utf-8")
    service = {"type": "acme_ask", "url": tiny.url, "model": "big", "max_out_len": 3, "batch_size": 8}
    path = folder / "run.yaml"
    dataset = {"type": "riddles", "path": str(rows), "with_hint": True}
    content = {"models": [service | {"request_id_header": "none"}], "datasets": [dataset], **settings}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def measured(tiny: Tiny) -> list[Mapping[str, Any]]:
    """The bodies of the requests with the data set's prompts, in the order of their ids."""
    bodies = [asked.body for asked in tiny.posts() if asked.body["talk"]["turns"][0]["says"] in PROMPTS]
    return sorted(bodies, key=lambda body: str(body["trace"]))


def measured_rows(rows: np.ndarray) -> np.ndarray:
    """Those of the plan's requests, in its order."""
    rows = rows[rows["flags"] & FLAGS["warmup"] == 0]
    return rows[np.argsort(rows["request"])]


def check_requests(tiny: Tiny, rows: np.ndarray, run_id: str) -> None:
    """Each prompt was asked once, in the dialect's form, at its time of the shape."""
    bodies = measured(tiny)
    assert [body["talk"]["turns"] for body in bodies] == [[{"who": "user", "says": prompt}] for prompt in PROMPTS]
    assert all(body["how"] == {"live": True, "at_most": 3} for body in bodies)
    assert [body["trace"] for body in bodies] == [recorded_id(run_id, n) for n in range(len(PROMPTS))]
    assert {asked.headers["x-acme-version"] for asked in tiny.posts()} == {"2"}
    assert not any("x-request-id" in asked.headers for asked in tiny.posts())
    check_times(rows)


def check_times(rows: np.ndarray) -> None:
    """Bursts of the size, each so long after the one before; nothing was sent before its time."""
    rows = measured_rows(rows)
    bursts = np.arange(len(PROMPTS)) // SIZE * EVERY_NS
    assert (rows["intended_ns"] - rows["intended_ns"].min()).tolist() == bursts.tolist()
    assert (rows["sent_ns"] >= rows["intended_ns"]).all()


@pytest.mark.parametrize("load", ["in the config", "as an option"])
def test_one_of_each_is_measured(site: Path, tmp_path: Path, load: str) -> None:
    """A config in YAML names a package's dialect, data-set format and load shape, which an option may name too, and
    the run is theirs: requests, times, and the package's metric in console, JSON, page and export."""
    with tiny_service(acme) as tiny:
        settings, options = ({"load": LOAD}, ()) if load == "in the config" else ({}, ("--load", OPTION))
        ended = perf(tmp_path, config_in(tmp_path, tiny, **settings), *options, env=finding(site), page=True)
    assert (ended.code, ended.err) == (0, "")
    recording = ended.recording
    header = recording.header
    check_requests(tiny, recording.rows, header["run_id"])
    assert header["service"]["backend"] == "acme_ask"
    assert header["load"]["arrival"] == "bursts"
    assert header["load"]["shape"] == {"type": "bursts", "size": SIZE, "every": EVERY_NS}
    assert (ended.common()["Success Requests"], ended.common()["Total Generated Tokens"]) == (8, 8 * 3)
    check_metric(ended, tmp_path, finding(site))


def opening_ms(ended: Ended) -> np.ndarray:
    """What each request waited for its connection, as the recording has it."""
    waited: np.ndarray = measured_rows(ended.recording.rows)["connect_ns"]
    return waited / 1e6


def check_metric(ended: Ended, folder: Path, env: Mapping[str, str]) -> None:
    """The package's metric is in every report, with the recording's values."""
    opened = opening_ms(ended)
    (row,) = (row for row in ended.trust["further"] if row["name"] == "ConnectTime")
    assert (row["unit"], row["n"], row["values"]["Max"]) == ("ms", opened.size, pytest.approx(opened.max()))
    assert "ConnectTime" in ended.out
    (page,) = ended.run.glob("performances/*/*_plot.html")
    card = r">ConnectTime</a></abbr> </span><b>[\d.,]+ <i>\S+ median</i></b>"
    assert re.search(card, page.read_text(encoding="utf-8"))
    exported = fastbench_command(folder, "export", ended.run, "--format", "csv", "-o", folder / "x.csv", env=env)
    assert (exported.code, exported.err) == (0, "")
    with (folder / "x.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert sorted(float(line["connect_ms"]) for line in table if line["connect_ms"]) == pytest.approx(np.sort(opened))
    assert {line["request_id"] for line in table} == {
        recorded_id(ended.recording.header["run_id"], n) for n in range(len(PROMPTS))
    }


def test_two_workers_share_a_packages_shape(site: Path, tmp_path: Path) -> None:
    """Of two workers each sends every other time of the package's load shape; together they send it."""
    with tiny_service(acme) as tiny:
        ended = perf(tmp_path, config_in(tmp_path, tiny, load=LOAD), "--workers", 2, env=finding(site))
    assert (ended.code, ended.err) == (0, "")
    parts = [measured_rows(part.table.rows)["request"].tolist() for part in ended.recording.parts]
    assert sorted(parts) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    check_times(ended.recording.rows)
    assert sorted(body["talk"]["turns"][0]["says"] for body in measured(tiny)) == sorted(PROMPTS)


def test_a_plan_shows_the_shape(site: Path, tmp_path: Path) -> None:
    """A dry run says the shape in its own words and when its last request goes out, and sends nothing."""
    with tiny_service(acme) as tiny:
        ended = perf(tmp_path, config_in(tmp_path, tiny), "--load", OPTION, "--dry-run", env=finding(site))
        assert tiny.asked == []
    assert (ended.code, ended.err) == (0, "")
    assert "open loop, bursts of 3 every 200ms, the last request after 0.400 s, at most 8 in flight" in ended.out
    assert "/acme/big/ask (acme_ask, as a stream)" in ended.out


def test_options_alone_name_them(site: Path, tmp_path: Path) -> None:
    """Without a config `--api` takes the dialect's short name and `--load` the shape, and they are what is sent."""
    with tiny_service(acme) as tiny:
        what = ("--api", "acme", "--model", "big", "--input-len", 4, "--output-len", 2, "--num-prompts", len(PROMPTS))
        what = (*what, "--no-ignore-eos")
        ended = perf(tmp_path, "--url", tiny.url, *what, "--load", OPTION, env=finding(site))
    assert (ended.code, ended.err) == (0, "")
    assert {asked.path for asked in tiny.posts()} == {"/acme/big/ask"}
    check_times(ended.recording.rows)


def test_the_schema_and_a_dump_have_them(site: Path, tmp_path: Path) -> None:
    """The JSON Schema knows the package's names and parameters, and a config that is printed says the same again."""
    env = finding(site)
    path = config_in(tmp_path, Tiny("http://127.0.0.1:9"), load=LOAD)
    schema = json.loads(fastbench_command(tmp_path, "config", "--schema", env=env).out)
    check = jsonschema.Draft202012Validator(schema)
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(check.iter_errors(raw)) == []
    wrong = raw | {"load": LOAD | {"size": 0}, "datasets": [raw["datasets"][0] | {"with_hint": 3}]}
    assert {error.json_path for error in check.iter_errors(wrong)} >= {"$.load", "$.datasets[0].with_hint"}
    dumped = fastbench_command(tmp_path, "config", path, env=env)
    assert (dumped.code, dumped.err) == (0, "")
    again = yaml.safe_load(dumped.out)
    assert again["load"] == LOAD
    assert again["datasets"][0] | raw["datasets"][0] == again["datasets"][0]


SCRIPT = """
import json, sys
import fastbench as fb
result = fb.run(sys.argv[1], load=json.loads(sys.argv[2]), work_dir="out", stats=["P50"])
figures = result["ConnectTime"]
print(json.dumps([figures["P50"], figures.unit, figures.n, str(result.path)]))
"""


def test_one_of_each_from_python(site: Path, tmp_path: Path) -> None:
    """`fastbench.run` takes the package's dialect, format and shape by their names, and its result has the metric."""
    pytest.importorskip("fastbench.api.running", reason="fastbench has no API yet")
    with tiny_service(acme) as tiny:
        path = config_in(tmp_path, tiny)
        (tmp_path / "measure.py").write_text(SCRIPT, encoding="utf-8")
        done = run_python(tmp_path, path, json.dumps(LOAD), env=finding(site), module="measure")
    assert (done.returncode, done.stderr) == (0, "")
    p50, unit, n, recording = json.loads(done.stdout)
    ended = Ended(0, "", "", tmp_path / "out")
    assert (tmp_path / recording).parents[2].samefile(ended.run)
    check_requests(tiny, ended.recording.rows, ended.recording.header["run_id"])
    opened = opening_ms(ended)
    assert (p50, unit, n) == (pytest.approx(np.median(opened)), "ms", opened.size)


def changed(site: Path, folder: Path, module: str, old: str, new: str) -> Path:
    """The installed package with another text in one of its files."""
    copy = folder / "changed"
    shutil.copytree(site, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (path,) = copy.glob(module)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return copy


POINTS = f"{NAME}-*.dist-info/entry_points.txt"
SHAPE = f"{NAME}/shape.py"
TIMES = "np.arange(count, dtype=np.int64) // self.size * self.every"
PACKAGE = "of the package fastbench-acme"


@pytest.mark.parametrize(
    ("module", "old", "new", "told"),
    [
        (
            SHAPE,
            "import numpy as np",
            "import numpie as np",
            f"the load shape bursts {PACKAGE} cannot be loaded (Module",
        ),
        (
            f"{NAME}/dataset.py",
            "import TokenMeasure",
            "import Tokens",
            f"the data-set format riddles {PACKAGE} cannot be",
        ),
        (f"{NAME}/dialect.py", "takes=", "take=", f"the dialect acme_ask {PACKAGE} cannot be loaded (TypeError: "),
        (
            POINTS,
            "shape:Bursts",
            "dataset:RIDDLES",
            f"bursts {PACKAGE} is an object of DatasetFormat, and must be a subclass of fastbench.plan.shap",
        ),
        (
            POINTS,
            "dataset:RIDDLES",
            "shape:Bursts",
            f"riddles {PACKAGE} is the class Bursts, and must be fastbench.datasets.",
        ),
        (
            POINTS,
            "dialect:ACME_ASK",
            "metric:CONNECT_TIME",
            f"acme_ask {PACKAGE} is Metric, and must be fastbench.dial",
        ),
        (POINTS, "acme_ask = ", "openai_chat = ", "models[0].type is 'acme_ask'; it must be one of openai_chat, "),
        (
            SHAPE,
            '= "bursts"',
            '= "burst"',
            f"the load shape bursts {PACKAGE} is named burst; give it and its entry",
        ),
        (SHAPE, "return open", "raise ZeroDivisionError('by 0')\n        return open", "(ZeroDivisionError: by 0)"),
        (SHAPE, f"open_loop(spec, {TIMES})", "[1, 2]", f"bursts {PACKAGE} gives list as its schedule, not a Schedule"),
        (
            SHAPE,
            TIMES,
            f"({TIMES})[::-1]",
            f"bursts {PACKAGE} gives offsets that fall: 400000000 ns, then 200000000 ns at place 2",
        ),
        (
            SHAPE,
            f"{TIMES})",
            f"{TIMES})._replace(total=9)",
            f"bursts {PACKAGE} begins 9 requests of 8, and has no duration",
        ),
        (SHAPE, f"{TIMES})", f"{TIMES})._replace(total=7)", f"bursts {PACKAGE} gives 8 offsets for 7 requests"),
        (
            SHAPE,
            TIMES,
            f"({TIMES}) / 1",
            f"bursts {PACKAGE} gives offsets that are 1-dimensional of float64, not an array (n,) of",
        ),
        (SHAPE, TIMES, f"{TIMES} - 1", f"bursts {PACKAGE} gives offsets from -1 to 399999999 ns, not from 0"),
    ],
)
def test_a_broken_package_is_told_before_anything_is_sent(
    site: Path, tmp_path: Path, module: str, old: str, new: str, told: str
) -> None:
    """What is wrong with a package is one sentence that names it; the command ends with 2, and the service is not
    asked for anything."""
    broken = changed(site, tmp_path, module, old, new)
    with tiny_service(acme) as tiny:
        ended = perf(tmp_path, config_in(tmp_path, tiny, load=LOAD), env=finding(broken), page=True)
        assert tiny.asked == []
    assert ended.code == 2
    assert told in ended.one_sentence()


@pytest.mark.parametrize(
    ("old", "new", "load", "told"),
    [
        (
            "bursts = ",
            "poisson = ",
            {"type": "poisson", "rate": 5},
            "load.type is 'poisson', but the load shape poisson",
        ),
        ("riddles = ", "jsonl = ", None, "datasets[0].type is 'jsonl', but the data-set format jsonl"),
        ("acme_ask = ", "openai_chat = ", None, "models[0].type is 'openai_chat', but the dialect openai_chat"),
    ],
)
def test_a_name_of_fastbenchs_own_is_refused(
    site: Path, tmp_path: Path, old: str, new: str, load: dict[str, Any] | None, told: str
) -> None:
    """A package cannot take a name of fastbench's own: who asks for it is told, and nothing is sent."""
    broken = changed(site, tmp_path, POINTS, old, new)
    with tiny_service(acme) as tiny:
        path = config_in(tmp_path, tiny, load=load)
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "jsonl" in new:
            raw["datasets"] = [{"type": "jsonl", "path": raw["datasets"][0]["path"]}]
        if "openai" in new:
            raw["models"][0]["type"] = "openai_chat"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        ended = perf(tmp_path, path, env=finding(broken), page=True)
        assert tiny.asked == []
    assert ended.code == 2
    assert f"{told} {PACKAGE} has the name of one of fastbench's own; rename it there" in ended.one_sentence()


def test_a_broken_metric_costs_its_row_alone(site: Path, tmp_path: Path) -> None:
    """A package's metric that cannot be computed is left out of the report with a note; the run is whole."""
    broken = changed(site, tmp_path, f"{NAME}/metric.py", 'rows["connect_ns"], rows', 'rows["conect_ns"], rows')
    with tiny_service(acme) as tiny:
        ended = perf(tmp_path, config_in(tmp_path, tiny, load=LOAD), env=finding(broken), page=True)
    assert ended.code == 0
    assert ended.common()["Success Requests"] == 8
    assert not [row for row in ended.trust["further"] if row["name"] == "ConnectTime"]
    assert f"A row is left out: the metric ConnectTime {PACKAGE} cannot be computed (ValueError: no field" in " ".join(
        ended.out.split()
    )
