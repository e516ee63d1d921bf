"""Keys stay secret, files of others run nothing, and recordings of others write nowhere else."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from recordings import Request, header_of, record
from running import Ended, fastbench_command, perf, write_config
from tiny_service import Answer, Asked, tiny_service, usual

KEYS = ("sk-hardening-5up3rs3cr37-01", "team-t0k3n-9f8e7d6c5b4a", "tenant-77-green", "body-k3y")
ENV = {"HARDENING_KEY": KEYS[0], "HARDENING_TENANT": KEYS[2]}


def repeating(asked: Asked) -> Answer:
    """A service that says the keys whenever it can: in what it lists, generates, counts and refuses."""
    said = f"{asked.headers.get('authorization')} {asked.headers.get('x-api-key')} {asked.headers.get('x-tenant')}"
    said += f" {(asked.body or {}).get('auth_token')}"
    if asked.path == "/metrics":
        line = f'vllm:num_requests_running{{model_name="{said}"}} 1\n'
        return Answer(200, "text/plain", line.encode())
    if not asked.body:
        return Answer(200, "application/json", json.dumps({"data": [{"id": "m"}], "said": said}).encode())
    kind = asked.body["messages"][0]["content"]
    if kind == "refuse":
        return Answer(401, "application/json", json.dumps({"error": {"message": f"wrong key {said}"}}).encode())
    if kind == "fail":
        event = json.dumps({"error": {"message": f"engine died holding {said}"}})
        return Answer(200, "text/event-stream", f"data: {event}\n\n".encode())
    events = [{"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": "stop"}]}]
    return Answer(200, "text/event-stream", "".join(f"data: {json.dumps(one)}\n\n" for one in events).encode())


def everything(directory: Path, *ended: Ended) -> dict[str, bytes]:
    """All that the commands have printed, and every file below the directory, by name."""
    found = {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    for number, command in enumerate(ended):
        found |= {f"output {number}": command.out.encode(), f"errors {number}": command.err.encode()}
    return found


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_no_key_in_anything(tmp_path: Path, workers: int) -> None:
    """Whatever a service repeats, no key is in any file, log, page, export, status or message of any command (R16)."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": kind}) + "\n" for kind in ("refuse", "fail", "generate") * 4))
    with tiny_service(repeating) as tiny:
        headers = {"X-Api-Key": KEYS[1], "X-Tenant": "$HARDENING_TENANT"}
        keys = {"api_key": "env:HARDENING_KEY", "headers": headers, "generation_kwargs": {"auth_token": KEYS[3]}}
        model = {"url": tiny.url, **keys}
        config = write_config(
            tmp_path,
            models=[{"type": "openai_chat", "batch_size": 2, "retry": 0, "save_text": True, **model}],
            datasets=[{"type": "jsonl", "path": str(rows)}],
            workers=workers,
            num_warmups=0,
            service_metrics="100ms",
        )
        measured = perf(tmp_path, "--config", config, env=ENV, page=True)
        reused = perf(tmp_path, "--config", config, "--reuse", env=ENV, page=True)
    assert (measured.code, reused.code) == (0, 0), measured.err
    config.unlink()  # the user's own file
    assert {asked.headers["authorization"] for asked in tiny.posts()} == {f"Bearer {KEYS[0]}"}
    run = measured.run
    others = [
        fastbench_command(tmp_path, "recalc", run),
        fastbench_command(tmp_path, "report", run),
        fastbench_command(tmp_path, "export", run, "--format", "jsonl", "-o", tmp_path / "rows.out"),
        fastbench_command(tmp_path, "perf", "-w", "out", "--reuse"),
    ]
    found = everything(tmp_path, measured, reused, *others)
    assert len(found) > 15
    leaks = [name for name, content in found.items() for key in KEYS if key.encode() in content]
    assert leaks == []
    assert any(Path(name).match("texts*.jsonl") for name in found), "the replies' text was looked through too"
    assert b"wrong key" in b"".join(found.values())


@pytest.mark.parametrize("arguments", [("--debug",), ("--dry-run",), ("--api", "tgi"), ("--url", "http://127.0.0.1:9")])
def test_no_key_in_what_goes_wrong(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Nor is one in a log to the terminal, a plan, or the error of a run that cannot be."""
    with tiny_service(repeating) as tiny:
        options = ("--url", tiny.url) if "--url" not in arguments else ()
        load = ("--api-key-env", "HARDENING_KEY", "--header", f"X-Api-Key: {KEYS[1]}", "--num-prompts", 3)
        ended = perf(tmp_path, *options, *load, "--connect-timeout", "1s", "--retry", 0, *arguments, env=ENV, page=True)
    found = everything(tmp_path, ended)
    assert ended.out + ended.err
    assert [name for name, content in found.items() for key in KEYS if key.encode() in content] == []


def test_names_in_a_recording_lead_nowhere(tmp_path: Path) -> None:
    """A recording's own names are never paths: what is computed from it lies beside it."""
    place = tmp_path / "run" / "performances" / "model"
    up = "../../../../escaped"
    header = header_of(
        task={"model": up, "dataset": f"{up}/data"},
        config={"models": [{"abbr": up, "path": "/etc/passwd"}], "datasets": [{"abbr": up, "path": "/etc/passwd"}]},
    )
    record(place / "data_recording", [Request(number) for number in range(20)], header=header)
    before = outside(tmp_path)
    for command in (("recalc",), ("report",), ("export", "--format", "csv")):
        name, *options = command
        ended = fastbench_command(tmp_path, name, tmp_path / "run", *options)
        assert ended.code == 0, ended.err
        assert "root:" not in ended.out
    assert outside(tmp_path) == before
    assert {path.name for path in place.iterdir()} >= {"data.csv", "data.json", "data_plot.html"}


def outside(tmp_path: Path) -> set[Path]:
    """All files but those beside the recording."""
    inside = tmp_path / "run" / "performances" / "model"
    return {path for path in tmp_path.parent.rglob("*") if inside not in path.parents}


@pytest.mark.parametrize("name", ["requests.fbr", "requests-1.fbr"])
def test_a_recording_that_points_elsewhere(tmp_path: Path, name: str) -> None:
    """A part that is a symbolic link is not followed, and that is said: it may point at any file of the reader's."""
    recording = record(tmp_path / "data_recording", [Request(0)])
    elsewhere = tmp_path / "elsewhere"
    os.replace(recording / "requests.fbr", elsewhere)
    if name != "requests.fbr":
        record(tmp_path / "again", [Request(0)])
        os.replace(tmp_path / "again" / "requests.fbr", recording / "requests.fbr")
    (recording / name).symlink_to(elsewhere)
    ended = fastbench_command(tmp_path, "recalc", recording)
    told = f"({name}: Too many levels of symbolic links)"
    if name == "requests.fbr":
        assert ended.code == 1
        assert told in ended.one_sentence()
    else:
        assert told in ended.out
        assert ended.common()["Total Requests"] == 1


def test_a_models_code_is_not_run(tmp_path: Path) -> None:
    """A model directory's Python and its template run nothing, with `--trust-remote-code` or without."""
    mark = tmp_path / "mark"
    touch = f"open({str(mark)!r}, 'w').close()"
    model = tmp_path / "model"
    model.mkdir()
    pytest.importorskip("tokenizers")
    (model / "tokenizer.json").write_text(json.dumps(words_tokenizer()))
    for name in ("tokenization_evil.py", "configuration_evil.py", "__init__.py", "conftest.py"):
        (model / name).write_text(touch + "\n")
    loader = {"AutoTokenizer": ["tokenization_evil.Evil", "tokenization_evil.Evil"]}
    opens = f"{{{{ cycler.__init__.__globals__.__builtins__.open({str(mark)!r}, 'w') }}}}"
    (model / "tokenizer_config.json").write_text(json.dumps({"auto_map": loader, "chat_template": opens}))
    (model / "config.json").write_text(json.dumps({"auto_map": {"AutoConfig": "configuration_evil.Evil"}}))
    with tiny_service(usual) as tiny:
        for trust in ((), ("--trust-remote-code",)):
            ended = perf(tmp_path, "--url", tiny.url, "--tokenizer", model, "--num-prompts", 2, *trust)
            assert "Traceback" not in ended.err
            assert not mark.exists()


def words_tokenizer() -> dict[str, Any]:
    """The smallest tokenizer.json: words to numbers."""
    vocabulary = {"[UNK]": 0, **{f"w{number}": number for number in range(1, 200)}}
    return {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
