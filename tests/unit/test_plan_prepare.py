"""What is found in the data before anything is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from fastbench import structured
from fastbench.aisbench import build_run
from fastbench.config import RunConfig
from fastbench.errors import DatasetError, UsageError
from fastbench.plan.prepare import RunPlan, plan_run
from fastbench.run.machine import this_machine


def planned(run: RunConfig) -> RunPlan:
    return plan_run(run, this_machine())


@pytest.mark.parametrize(
    ("kind", "taken"), [("openai_completions", True), ("openai_chat", False), ("tgi_generate", False)]
)
def test_token_ids_in_a_file(tmp_path: Path, kind: str, taken: bool) -> None:
    """The first row of token ids is told where the service takes texts alone, before anything is sent."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": [1, 2, 3]}\n{"prompt": [4]}\n')
    run = build_run(
        {
            "models": [{"type": kind, "url": "http://127.0.0.1:1", "model": "m"}],
            "datasets": [{"type": "jsonl", "path": str(path)}],
        },
        "run.py",
    )
    if taken:
        assert [one.survey.samples for one in planned(run).tasks] == [3]
        return
    with pytest.raises(UsageError, match=f"row 1 holds token ids, which {kind} of the model .* does not take; give"):
        planned(run)


@pytest.mark.parametrize(
    "content", [[{"type": "text", "text": "a"}], [{"type": "image_url", "image_url": {"url": "u"}}]]
)
def test_typed_parts_in_a_file(tmp_path: Path, content: Any) -> None:
    """The first row with a message of typed parts, such as an image, is told where the service takes text alone, before
    anything is sent; a chat has them as they are."""
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"prompt": "a"}}\n{json.dumps({"messages": [{"role": "user", "content": content}]})}\n')
    assert remarks_of("jsonl", path) == ()
    for kind in ("openai_completions", "tgi_generate"):
        with pytest.raises(
            UsageError, match=rf"row 1 holds a message that is not text, but {kind} of .* takes text; use"
        ):
            remarks_of("jsonl", path, type=kind, model="m")


def remarks_of(kind: str, path: Path, **model: Any) -> tuple[str, ...]:
    """What is said of one data set before a run."""
    service = {"type": "openai_chat", "url": "http://127.0.0.1:1"} | model
    return planned(build_run({"models": [service], "datasets": [{"type": kind, "path": str(path)}]}, "run.py")).remarks


def test_conversations_that_are_left_out(tmp_path: Path) -> None:
    """How many conversations of a file are not sent, and why, is said before the run."""
    path = tmp_path / "s.json"
    fit = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    path.write_text(json.dumps([{"conversations": each} for each in (fit, fit[:1], fit[1:], fit[1:])]))
    why = "2 that do not begin with the user, 1 that do not end with a reply"
    assert remarks_of("sharegpt", path) == (f"s: 3 conversations of the file are left out: {why}",)


def test_a_structure_that_is_none(tmp_path: Path) -> None:
    """A schema that is none is refused before anything is sent: a row's with file and line, the run's with its
    setting; of a service that does not take it the row is refused all the same."""
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"prompt": "a", "guided_json": {"type": "object"}}\n{"prompt": "b", "guided_json": {"type": "x"}}\n'
    )
    for kind in ("openai_chat", "tgi_generate"):
        with pytest.raises(UsageError, match=r"rows.jsonl, line 2: the row has a guided_json that is no JSON schema"):
            remarks_of("jsonl", path, type=kind)
    for part in ('"guided_json": {"type": "x"}', '"extra_body": {"guided_json": {"type": "x"}}'):
        whole = '{"messages": [{"role": "user", "content": "a"}]'
        path.write_text(f"{whole}}}\n{whole}, {part}}}\n")
        with pytest.raises(UsageError, match=r"rows.jsonl, line 2: the row has a [a-z_.]*guided_json that is no JSON"):
            remarks_of("rows", path)
    path.write_text('{"prompt": "a"}')
    told = r"^generation_kwargs \(--param\) of the model .* has '\(' as regex, which is no .*; correct or remove it$"
    with pytest.raises(UsageError, match=told):
        remarks_of("jsonl", path, generation_kwargs={"regex": "("})


def test_a_structure_that_cannot_be_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package jsonschema a run with schemas goes on, and says how to have it; one without says nothing."""
    monkeypatch.setattr(structured, "PACKAGE", "jsonschema_that_is_not_there")
    structured._made.cache_clear()
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "guided_json": {"type": "object"}}')
    (remark,) = remarks_of("jsonl", path)
    assert remark.endswith("(guided_json), as the package jsonschema is missing: pip install 'fastbench-llm[schema]'")
    assert remarks_of("jsonl", path, type="tgi_generate")[0].startswith("rows: these row fields could change")
    path.write_text('{"prompt": "a", "regex": "a"}')
    assert remarks_of("jsonl", path) == ()
    path.write_text('{"messages": [{"role": "user", "content": "a"}], "response_format": {"type": "json_object"}}')
    assert "(response_format), as the package jsonschema is missing" in remarks_of("rows", path)[0]
    structured._made.cache_clear()


def test_prompts_that_hold_their_answer(tmp_path: Path) -> None:
    """Rows of messages that end with the assistant's are sent whole, and that is said."""
    path = tmp_path / "rows.jsonl"
    asked = [{"role": "user", "content": "q"}]
    answered = [*asked, {"role": "assistant", "content": "a"}]
    path.write_text("\n".join(json.dumps({"messages": each}) for each in (asked, answered)))
    (told,) = remarks_of("jsonl", path)
    assert told.startswith("rows: 1 of 2 prompts end with a message of the assistant")


@pytest.mark.parametrize(("length", "told"), [(5, 1), (7, 0), (None, 0)])
def test_lengths_without_effect(tmp_path: Path, length: int | None, told: int) -> None:
    """A length given to all requests is told where the data set asks for another one."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "max_tokens": 7}\n')
    parameters = {} if length is None else {"max_completion_tokens": length}
    remarks = remarks_of("jsonl", path, generation_kwargs=parameters)
    assert ["rows: the output lengths of the data set have no effect" in one for one in remarks] == [True] * told


ROW = {"prompt": "q", "tools": [{}], "temperature": 0.5, "model": "x", "id": 1, "max_tokens": 3}


@pytest.mark.parametrize(
    ("kind", "row", "told"),
    [
        ("openai_chat", ROW, "model (2)"),
        ("openai_completions", ROW, "tools (2), model (2)"),
        ("tgi_generate", ROW, "tools (2), model (2)"),
        ("openai_chat", {"prompt": "q", "tools": [{}], "id": 1}, None),
        ("openai_chat", {"prompt": "q", "id": 1, "answer": "a"}, None),
    ],
)
def test_parameters_that_are_not_sent(tmp_path: Path, kind: str, row: dict[str, Any], told: str | None) -> None:
    """Parameters that rows have and requests do not are told with the number of rows; other fields are plain data."""
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(each) for each in (row, row, {"prompt": "q"})))
    remarks = remarks_of("jsonl", path, type=kind, model="m")
    text = "rows: these row fields could change the requests but are not sent (with the number of rows): "
    assert remarks == (() if told is None else (text + told,))


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("mtbench", {"turns": ["q"], "tools": [{}], "category": "x"}),
        ("custom", {"question": "q", "tools": [{}], "answer": "x"}),
        (
            "sharegpt",
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "tools": [{}]},
        ),
        ("mooncake", {"input_length": 5, "output_length": 5, "tools": [{}]}),
    ],
)
def test_parameters_of_other_data_sets_are_told(tmp_path: Path, kind: str, row: dict[str, Any]) -> None:
    """Where the rows of a data set are no requests, none of their parameters is sent, and that is said."""
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row))
    (told,) = remarks_of(kind, path)
    assert told.endswith("are not sent (with the number of rows): tools (1)")


def plan(models: list[dict[str, object]], datasets: list[dict[str, object]], **settings: object) -> RunConfig:
    usual = {"type": "openai_chat", "url": "http://127.0.0.1:1", "model": "m"}
    return build_run({"models": [usual | model for model in models], "datasets": datasets, **settings}, "run.py")


def test_what_a_service_cannot_have_is_told_of_all_tasks(tmp_path: Path) -> None:
    """Conversations for a text backend, and time stamps that are not there, are refused before any task begins."""
    talks, rows = tmp_path / "talks.jsonl", tmp_path / "rows.jsonl"
    talks.write_text('{"question_id": 1, "prompt": ["first", "second"]}\n')
    rows.write_text('{"prompt": "a"}\n')
    models = [
        {"abbr": "chat"},
        {"abbr": "text", "type": "openai_completions"},
        {"abbr": "timed", "use_timestamp": True},
    ]
    run = plan(models, [{"type": "mtbench", "path": str(talks)}, {"type": "jsonl", "path": str(rows)}])
    with pytest.raises(UsageError) as caught:
        planned(run)
    told = str(caught.value).splitlines()
    assert any("talks holds conversations of several turns, which the model text cannot hold" in line for line in told)
    assert any(
        "use_timestamp (--use-timestamp) of the model timed is True, but the data set rows" in line for line in told
    )


@pytest.mark.parametrize(
    ("model", "settings", "told"),
    [
        ({"batch_size": 64}, {}, "batch_size (--concurrency) is 64, but there are 10 requests: 54 slots stay empty"),
        ({"batch_size": 11}, {}, "batch_size (--concurrency) is 11, but there are 10 requests: 1 slot stays empty"),
        ({"batch_size": 64}, {"num_prompts": 4}, "there are 4 requests: 60 slots stay empty"),
        ({"batch_size": 2}, {"num_prompts": 1}, "but there is 1 request: 1 slot stays empty"),
        ({"batch_size": 10}, {}, None),
        ({"batch_size": 64, "request_rate": 5}, {}, None),
        ({"batch_size": 64}, {"duration": 5}, None),
        ({"batch_size": 64}, {"pressure": True}, None),
        ({"batch_size": 20, "generation_kwargs": {"num_return_sequences": 2}}, {}, None),
    ],
)
def test_slots_that_stay_empty(model: dict[str, object], settings: dict[str, object], told: str | None) -> None:
    """A concurrency that the prompts cannot reach is told, in a closed loop that sends each of them once."""
    run = plan([model], [{"type": "synthetic", "count": 10, "input_len": 4}], **settings)
    remarks = planned(run).remarks
    assert [told in remark for remark in remarks if told] == ([True] if told else [])
    assert bool(remarks) == bool(told)


@pytest.mark.parametrize(
    ("dataset", "most", "told"),
    [
        ({"type": "synthetic", "count": 3, "input_len": [10, 90], "output_len": 10}, 100, ""),
        (
            {"type": "synthetic", "count": 3, "input_len": [10, 90], "output_len": 11},
            100,
            "synthetic: input_len: a prompt",
        ),
        (
            {"type": "synthetic", "count": 3, "mix": [{"input_len": 5}, {"input_len": 50}]},
            60,
            r"synthetic: mix\[1\]: a",
        ),
        ({"type": "mooncake", "path": "blocks.jsonl"}, 607, ""),
        (
            {"type": "mooncake", "path": "blocks.jsonl"},
            606,
            "blocks.jsonl, line 2: a prompt of 600 tokens and a reply of 7",
        ),
        ({"type": "trace", "path": "azure.csv"}, 505, ""),
        ({"type": "trace", "path": "azure.csv"}, 504, "azure.csv, request 2 of the trace: a prompt of 396 tokens"),
    ],
)
def test_what_is_beyond_the_context(tmp_path: Path, dataset: dict[str, Any], most: int, told: str) -> None:
    """What may have more tokens than `max_context` is refused with its place, also where a law could draw it."""
    lines = ({"input_length": 20, "output_length": 7}, {"input_length": 600, "output_length": 7})
    (tmp_path / "blocks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "azure.csv").write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,374,44\n2023-11-16 18:15:50.99,396,109\n"
    )
    given = {**dataset, "path": str(tmp_path / dataset["path"])} if "path" in dataset else dataset
    model = {"type": "openai_chat", "url": "http://127.0.0.1:9", "max_out_len": 20}
    run = build_run({"models": [model], "datasets": [given], "max_context": most}, "run.py")
    if not told:
        planned(run)
        return
    with pytest.raises(DatasetError, match=rf"{told}.*max_context \(--max-context\) is {most}"):
        planned(run)
