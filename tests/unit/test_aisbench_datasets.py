"""AISBench's data set dicts: classes, readers, templates."""

import os
from typing import Any

import pytest
from dataset_dicts import QUESTION, built, faults, gsm8k

from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.datasets.conversations.sharegpt import ShareGptConfig
from fastbench.datasets.custom import CustomConfig
from fastbench.datasets.mooncake import MooncakeConfig
from fastbench.datasets.template import TemplateConfig


def test_the_originals_rounds_become_messages() -> None:
    """Rounds become messages of a chat, a last round of the model is left for it to write, the reader's range holds."""
    rounds = [
        {"role": "HUMAN", "prompt": "1+1?"},
        {"role": "BOT", "prompt": "2"},
        QUESTION,
        {"role": "BOT", "prompt": ""},
    ]
    template = {"begin": [{"role": "SYSTEM", "fallback_role": "HUMAN", "prompt": "Count."}, "</E>"], "round": rounds}
    reader = {"input_columns": ["question", "max_out_len"], "output_column": "answer", "test_range": "[0:8]"}
    config = built(gsm8k(template, reader_cfg=reader))
    assert config == TemplateConfig(
        abbr="gsm8k",
        path="/data/gsm8k/test.jsonl",
        template=(
            {"role": "system", "content": "Count."},
            {"role": "user", "content": "1+1?"},
            {"role": "assistant", "content": "2"},
            {"role": "user", "content": "Q: {question}"},
        ),
        columns=("question",),
        output_column="answer",
        test_range="[0:8]",
    )


@pytest.mark.parametrize("begin", ["</E>", ["</E>"], [{"role": "SYSTEM", "prompt": "Count.</E>"}], "Count.</E>"])
def test_the_place_of_examples_is_never_sent(begin: object) -> None:
    """The mark of the place of examples is left out of any message, and a text of it alone is no message."""
    system = ({"role": "system", "content": "Count."},) if "Count" in str(begin) else ()
    template = {"begin": begin, "round": [{"role": "HUMAN", "prompt": "</E>{question}"}]}
    assert built(gsm8k(template)).template == (*system, {"role": "user", "content": "{question}"})


def test_the_end_of_a_template_is_sent() -> None:
    """`end` holds messages as `begin` does, behind the rounds; one that is no list is told."""
    end = [{"role": "SYSTEM", "prompt": "Be brief."}]
    last = built(gsm8k({"round": [QUESTION], "end": end})).template[-1]
    assert last == {"role": "system", "content": "Be brief."}
    place = "infer_cfg.prompt_template.template"
    assert faults(gsm8k({"round": [QUESTION], "end": "."}))[0].startswith(f"{place} is {{'round'")
    assert faults(gsm8k({"round": [QUESTION], "end": [5]}))[0].startswith(f"{place}.end[0] is 5; it must be")


def test_the_originals_text_templates_stay_text() -> None:
    """A template of text stays one, without the place of examples; it may stand under ice_template."""
    assert built(gsm8k("</E>Q: {question}")).template == "Q: {question}"
    infer = {"ice_template": {"type": "PromptTemplate", "template": "{question}", "ice_token": "</E>"}}
    assert built(gsm8k(infer_cfg=infer)).template == "{question}"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"infer_cfg": gsm8k()["infer_cfg"] | {"retriever": {"type": "FixKRetriever"}}},
            "infer_cfg.retriever is FixKRetriever; it must be",
        ),
        (
            {"infer_cfg": gsm8k()["infer_cfg"] | {"inferencer": {"type": "icl.PPLInferencer"}}},
            "infer_cfg.inferencer is PPLInferencer, which does not generate an answer; use one such",
        ),
        ({"infer_cfg": gsm8k()["infer_cfg"] | {"retriever": 5}}, "infer_cfg.retriever is 5; it must be ZeroRetriever"),
        (
            {"infer_cfg": {"prompt_template": {"template": "</E>"}}},
            "infer_cfg.prompt_template.template is ''",
        ),
        ({"infer_cfg": 5}, "infer_cfg is 5; it must be a dict of settings"),
        ({"infer_cfg": {}}, "template is missing; it must be text or a list of"),
        ({"reader_cfg": {"input_columns": 5}}, "reader_cfg.input_columns is 5; it must be a list of names"),
        ({"reader_cfg": {"test_range": "8"}}, "reader_cfg.test_range is '8'; it must be a slice such as"),
        (
            {"reader_cfg": {"test_range": -2}},
            "reader_cfg.test_range is -2; it must be a whole number of rows above 0",
        ),
        (
            {"reader_cfg": {"test_range": 2.5}},
            "reader_cfg.test_range is 2.5; it must be a whole number of rows above 0",
        ),
        ({"pth": 5}, "pth is not a known field; did you mean path?"),
        ({"path": ""}, "path is ''; it must be text that is not empty"),
    ],
)
def test_faults_in_the_originals_form(changes: dict[str, Any], told: str) -> None:
    """What cannot be used of the original's dict is told by its path, and nothing else is."""
    (line,) = faults(gsm8k() | changes)
    assert line.startswith(told)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"A": "yes"}, "infer_cfg.prompt_template.template is {'A': 'yes'}; it must be text, or a dict with"),
        ({"round": [5]}, "infer_cfg.prompt_template.template.round[0] is 5; it must be a dict such as"),
        ({"round": [{"role": "BOT", "prompt": "x"}]}, "infer_cfg.prompt_template.template has no question"),
        ({"round": [QUESTION, {"role": "HUMAN", "content": "Q"}]}, "infer_cfg.prompt_template.template.round[1] is {"),
        (
            {"round": [{"role": "HUMAN", "prompt_mm": {"text": "Q", "image": "{image}"}}]},
            "infer_cfg.prompt_template.template.round[0].prompt_mm holds pictures, video or sound; fastbench",
        ),
        (
            {"round": [QUESTION | {"role": "HUMMAN"}]},
            "infer_cfg.prompt_template.template.round[0].role is 'HUMMAN'; did you mean HUMAN?",
        ),
        (
            {"round": [QUESTION | {"role": "x"}]},
            "infer_cfg.prompt_template.template.round[0].role is 'x'; it must be HUMAN, BOT, SYSTEM, TOOL",
        ),
    ],
)
def test_faults_in_the_originals_templates(template: object, told: str) -> None:
    """A template that asks nothing, that asks with pictures, or that has no known role is told by its path."""
    (line,) = faults(gsm8k(template))
    assert line.startswith(told)


def test_the_originals_conversations() -> None:
    """ShareGPT and MT-Bench take the mode of their inferencer and the file below their directory."""
    infer = {"inferencer": {"type": "MultiTurnGenInferencer", "infer_mode": "last"}}
    raw = {"abbr": "s", "type": "ShareGPTDataset", "disable_shuffle": True, "path": "/d", "infer_cfg": infer}
    file = "/d/ShareGPT_V3_unfiltered_cleaned_split.json"
    assert built(raw) == ShareGptConfig(abbr="s", path=file, infer_mode="last")
    assert built(raw | {"disable_shuffle": False}).shuffle
    raw = {"abbr": "m", "type": "ais_bench.benchmark.datasets.MTBenchDataset", "path": "/d/question.jsonl"}
    assert built(raw) == MtBenchConfig(abbr="m", path="/d/question.jsonl", infer_mode="every")
    raw["infer_cfg"] = {"inferencer": {"infer_mode": "each"}}
    (line,) = faults(raw)
    assert line == 'infer_cfg.inferencer.infer_mode is \'each\'; it must be "every", "every_with_gt" or "last"'


def test_the_originals_trace() -> None:
    """A trace keeps its window; an end before the start is refused, and -1 is no end."""
    raw = {"type": "MooncakeTraceDataset", "path": "/t.jsonl", "random_seed": None, "generated_prompts_path": ""}
    window = {"fixed_schedule_start_offset": 500, "fixed_schedule_end_offset": -1}
    config = built(raw | window)
    assert config == MooncakeConfig(abbr="mooncake-trace", path="/t.jsonl", fixed_schedule_start_offset=500)
    (line,) = faults(raw | window | {"fixed_schedule_end_offset": 499})
    assert line.startswith("fixed_schedule_end_offset is 499; it must be at least fixed_schedule_start_offset, 500")


def test_the_originals_custom_sets() -> None:
    """A custom set of the original keeps its template and its meta file; an empty meta_path is none."""
    raw = {"type": "CustomDataset", "path": "/d/q.v2.csv", "meta_path": ""}
    assert built(raw) == CustomConfig(abbr="q", path="/d/q.v2.csv")
    infer = {"prompt_template": {"template": {"round": [QUESTION]}}}
    config = built(raw | {"meta_path": "m.json", "infer_cfg": infer})
    assert (config.meta_path, config.template) == (
        os.path.abspath("m.json"),
        ({"role": "user", "content": "Q: {question}"},),
    )


def test_other_classes_are_read_from_their_files() -> None:
    """A class that is not known is read by its file of rows, C-Eval by its subject's file."""
    other = gsm8k(type="MyDataset", path="/d/my.csv")
    assert built(other).path == "/d/my.csv"
    assert built(gsm8k(type="CEvalDataset", path="/c", name="law")).path == "/c/val/law_val.csv"


def test_the_readers_split_says_which_file_is_read() -> None:
    """`test_split` takes the file of that part where a class has one for each, and changes nothing where it has one."""
    train = {"input_columns": ["question"], "test_split": "train"}
    assert built(gsm8k(reader_cfg=train)).path == "/data/gsm8k/train.jsonl"
    assert built(gsm8k(type="BoolQDataset", reader_cfg=train)).path == "/data/gsm8k/val.jsonl"
    dev = train | {"test_split": "dev"}
    assert built(gsm8k(type="CEvalDataset", path="/c", name="law", reader_cfg=dev)).path == "/c/dev/law_dev.csv"
    assert faults(gsm8k(reader_cfg=dev)) == ["reader_cfg.test_split is 'dev'; it must be one of test, train"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"type": "MyDataset", "path": "/d"},
            "type is MyDataset, a data set that fastbench does not know; set path to",
        ),
        ({"type": "MMCustomDataset", "path": "/d.jsonl"}, "type is MMCustomDataset, which has pictures"),
        ({"type": "TextVQADataset", "path": "/d.jsonl"}, "type is TextVQADataset, which has pictures"),
        ({"type": "sharegtp", "infer_cfg": None, "reader_cfg": None}, "type is sharegtp, a data set"),
    ],
)
def test_classes_that_cannot_be_read(changes: dict[str, Any], told: str) -> None:
    """A set of pictures, and a class without a file of rows, are refused with a way out."""
    (line,) = faults(gsm8k() | changes)
    assert line.startswith(told)
