"""Conversations of ShareGPT and MT-Bench."""

from pathlib import Path
from typing import Any

import pytest
from data_files import all_shares, array_file, lines_file, small_tokenizer
from shared_data import MT_BENCH, needs

from fastbench.datasets import Dataset, Survey, Turn, open_dataset
from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.datasets.conversations.sharegpt import ShareGptConfig
from fastbench.errors import ConfigError, DatasetError


def talk(*texts: str, first: str = "human") -> dict[str, Any]:
    """A conversation of ShareGPT in which both sides take turns."""
    sides = [first, "gpt"] * len(texts)
    said = [{"from": side, "value": text} for side, text in zip(sides, texts, strict=False)]
    return {"id": texts[0] if texts else "", "conversations": said}


def sharegpt(folder: Path, *rows: Any, tokenizer: str = "", **settings: Any) -> Dataset:
    return open_dataset(ShareGptConfig(abbr="s", path=array_file(folder, rows), **settings), tokenizer)


def mtbench(folder: Path, *rows: Any, **settings: Any) -> Dataset:
    return open_dataset(MtBenchConfig(abbr="m", path=lines_file(folder, *rows), **settings))


def turns(dataset: Dataset) -> list[tuple[Turn, ...]]:
    return [sample.turns for sample in dataset.samples()]


def test_every_turn_is_sent_with_the_services_replies(tmp_path: Path) -> None:
    """In the mode every, the turns hold the user's texts only; the history is the service's to write."""
    data = sharegpt(tmp_path, talk("a", "b", "c", "d"))
    assert turns(data) == [(Turn("a"), Turn("c"))]
    assert next(data.samples()).prompt == []


def test_every_turn_is_sent_with_the_sets_replies(tmp_path: Path) -> None:
    """In the mode every_with_gt, each turn holds the reply that the later ones have as history."""
    data = sharegpt(tmp_path, talk("a", "b", "c", "d"), infer_mode="every_with_gt")
    assert turns(data) == [(Turn("a", "b"), Turn("c", "d"))]


def test_only_the_last_turn_is_sent(tmp_path: Path) -> None:
    """In the mode last, one request holds the history and the last question."""
    (sample,) = sharegpt(tmp_path, talk("a", "b", "c", "d"), infer_mode="last").samples()
    assert sample.prompt == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]
    assert sample.turns == ()


def test_unfit_conversations_are_left_out(tmp_path: Path) -> None:
    """Only conversations of whole exchanges that a human begins are used, and only they count."""
    rows = [
        talk("a", "b"),
        talk("a"),
        talk(),
        talk("x", "y", first="gpt"),
        talk("a", "b", "c"),
        {"id": 1},
        talk("c", "d"),
    ]
    data = sharegpt(tmp_path, *rows)
    assert turns(data) == [(Turn("a"),), (Turn("c"),)]
    assert data.count == 2
    with pytest.raises(DatasetError, match="has 1 rows, but none that can be used"):
        sharegpt(tmp_path, talk("a"))


def told(*said: tuple[str, str]) -> dict[str, Any]:
    """A conversation of (speaker, text)."""
    return {"conversations": [{"from": speaker, "value": text} for speaker, text in said]}


def history(dataset: Dataset) -> list[list[tuple[str, str]]]:
    """(role, text) of all that is said in each conversation, the set's replies among them."""
    return [
        [
            (message["role"], message["content"])
            for turn in sample.turns
            for message in (*turn.messages, {"role": "assistant", "content": turn.answer})
        ]
        for sample in dataset.samples()
    ]


MIXED = told(
    *(("System", "s"), ("human", "a"), ("human", "b"), ("gpt", "c"), ("gpt", "d"), ("system", "t"), ("user", "e")),
    *(("bing", "f"), ("observation", "g"), ("assistant", "h")),
)
MIXED_HISTORY = [
    ("system", "s"), ("user", "a\n\nb"), ("assistant", "c\n\nd"), ("system", "t"), ("user", "e"), ("assistant", "f"),
    ("tool", "g"), ("assistant", "h"),
]  # fmt: skip


def test_turns_go_by_their_speaker(tmp_path: Path) -> None:
    """In every mode each turn has its speaker's role; neighbours are joined, the system and tools keep their places."""
    assert history(sharegpt(tmp_path, MIXED, infer_mode="every_with_gt")) == [MIXED_HISTORY]
    (sample,) = sharegpt(tmp_path, MIXED, infer_mode="every").samples()
    asked = [(message["role"], message["content"]) for turn in sample.turns for message in turn.messages]
    assert asked == [said for said in MIXED_HISTORY if said[0] != "assistant"]
    assert [turn.answer for turn in sample.turns] == [None] * 3
    (last,) = sharegpt(tmp_path, MIXED, infer_mode="last").samples()
    assert [(message["role"], message["content"]) for message in last.prompt] == MIXED_HISTORY[:-1]  # type: ignore[index]


@pytest.mark.parametrize("infer_mode", ["every", "every_with_gt", "last"])
def test_neither_side_speaks_for_the_other(tmp_path: Path, infer_mode: str) -> None:
    """Nothing that the model said is sent as the user's, nor the other way round, whatever the order of turns."""
    rows = [
        told(("human", "H1"), ("human", "H2"), ("gpt", "G1"), ("gpt", "G2")),
        told(("human", "H1"), ("gpt", "G1"), ("gpt", "G2"), ("human", "H2"), ("human", "H3"), ("gpt", "G3")),
        told(("human", "H1"), ("system", "S"), ("human", "H2"), ("gpt", "G1")),
    ]
    for sample in sharegpt(tmp_path, *rows, infer_mode=infer_mode).samples():
        sent = list(sample.prompt) if infer_mode == "last" else [m for turn in sample.turns for m in turn.messages]
        kinds = {"user": "H", "assistant": "G", "system": "S"}
        assert all(message["content"][0] == kinds[message["role"]] for message in sent)  # type: ignore[index]
        assert all((turn.answer or "G")[0] == "G" for turn in sample.turns)


@pytest.mark.parametrize("key", ["conversations", "conversation", "messages", "items"])
@pytest.mark.parametrize(("speaker", "words"), [("from", "value"), ("role", "content"), ("from", "text")])
def test_other_names_of_the_format(tmp_path: Path, key: str, speaker: str, words: str) -> None:
    """Sets that write the list, the speaker or the words under other names are read too, as is a row's `system`."""
    said = [{speaker: "human", words: "a"}, {speaker: "chatgpt", words: ""}]
    data = sharegpt(tmp_path, {key: said, "system": "s"}, infer_mode="every_with_gt")
    assert history(data) == [[("system", "s"), ("user", "a"), ("assistant", "")]]


@pytest.mark.parametrize(
    "row",
    [
        {
            "conversations": [
                {"from": None, "role": "user", "value": None, "content": "a"},
                {"from": "gpt", "value": "b"},
            ]
        },
        {"conversations": [], "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"conversations": '[{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]'},
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": ["b"]},
            ]
        },
    ],
)
def test_columns_that_hold_nothing(tmp_path: Path, row: dict[str, Any]) -> None:
    """Of several names for one thing the first that holds anything counts; lists may be JSON text, words parts."""
    data = sharegpt(tmp_path, row, infer_mode="every_with_gt")
    assert history(data) == [[("user", "a"), ("assistant", "b")]]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """The survey says how many conversations are left out and why, and so does the message where none is left."""
    rows = [
        talk("a", "b"),
        talk("a"),
        talk("a", "b", "c"),
        talk("x", "y", first="gpt"),
        told(("system", "s"), ("gpt", "b")),
        told(("human", "a"), ("narrator", "b"), ("gpt", "c")),
        told(("human", " "), ("gpt", "b")),
        told(("human", "a"), ("gpt", "b"), ("system", "s"), ("gpt", "c")),
        {"conversations": [{"from": "human", "value": None}]},
        {"conversations": [{"value": "a"}]},
        {"conversations": [{"from": "human", "value": [{"type": "image_url", "image_url": {"url": "u"}}]}]},
        {"id": 1},
        {"conversations": []},
    ]
    survey = sharegpt(tmp_path, *rows).survey(None)
    assert survey.samples == 1
    assert dict(survey.left_out) == {
        "that do not end with a reply": 2,
        "that do not begin with the user": 2,
        "without turns": 2,
        "with the unknown role 'narrator'": 1,
        "with the unknown role None": 1,
        "with a user turn without text": 1,
        "with a reply before any question": 1,
        "with a turn that holds no text": 1,
        "with a turn of images or other parts beside text": 1,
    }
    with pytest.raises(DatasetError, match="none that can be used: 1 that do not end with a reply"):
        sharegpt(tmp_path, talk("a"))
    assert sharegpt(tmp_path, talk("a", "b")).survey(None).left_out == ()


def test_empty_turns_of_the_system_are_dropped(tmp_path: Path) -> None:
    """A turn of the system without text changes nothing, wherever it stands."""
    data = sharegpt(
        tmp_path,
        told(("system", ""), ("human", "a"), ("gpt", "b"), ("system", " "), ("gpt", "c"), ("human", "d"), ("gpt", "")),
        infer_mode="every_with_gt",
    )
    assert turns(data) == [(Turn("a", "b\n\nc"), Turn("d", ""))]


def test_a_survey_counts_turns(tmp_path: Path) -> None:
    """Each turn is a request, and the longest output of any turn counts."""
    data = mtbench(tmp_path, {"turns": ["a", "b"], "max_tokens": [5, 9]}, {"turns": ["c"]})
    assert data.survey(None) == Survey(samples=2, requests=3, longest_output=9, timed=0, uncounted=2)


def test_each_turn_has_its_own_length(tmp_path: Path) -> None:
    """Output lengths may be one for all turns or a list of one for each."""
    data = mtbench(tmp_path, {"prompt": ["a", "b"], "max_tokens": [5, 9]}, {"turns": ["c", "d"], "max_tokens": 7})
    assert turns(data) == [(Turn("a", None, 5), Turn("b", None, 9)), (Turn("c", None, 7), Turn("d", None, 7))]
    (last, _) = mtbench(
        tmp_path, {"turns": ["a", "b"], "max_tokens": [5, 9]}, {"turns": ["c"]}, infer_mode="last"
    ).samples()
    assert last.output_len == 9


def test_turns_without_reference_keep_the_services_reply(tmp_path: Path) -> None:
    """Where MT-Bench has no reference, every_with_gt goes on with the service's reply, and last with an empty one."""
    rows = [{"turns": ["a", "b"]}, {"turns": ["c", "d"], "reference": ["e", "f"]}]
    given = turns(mtbench(tmp_path, *rows, infer_mode="every_with_gt"))
    assert given == [(Turn("a"), Turn("b")), (Turn("c", "e"), Turn("d", "f"))]
    first, second = mtbench(tmp_path, *rows, infer_mode="last").samples()
    assert [message["content"] for message in first.prompt if isinstance(message, dict)] == ["a", "", "b"]
    assert [message["content"] for message in second.prompt if isinstance(message, dict)] == ["c", "e", "d"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"q": 1}, "has None as prompt, which must be a list of texts"),
        ({"turns": []}, "has [] as turns, which must be a list of texts"),
        ({"turns": ["a", " "]}, "has ['a', ' '] as turns, which must be a list of non-empty texts"),
        ({"turns": ["a", 5]}, "has ['a', 5] as turns, which must be a list of texts"),
        ({"turns": ["a", "b"], "reference": ["c"]}, "has 1 reference answers for 2 turns"),
        ({"turns": ["a", "b"], "max_tokens": [1]}, "has 1 lengths as max_tokens for 2 turns"),
        ({"turns": ["a"], "max_tokens": [0]}, "has 0 as max_tokens, which must be a whole number from 1"),
    ],
)
def test_broken_questions_are_told(tmp_path: Path, row: Any, told: str) -> None:
    """A question of MT-Bench that cannot be asked is told with file, line and reason."""
    data = mtbench(tmp_path, {"turns": ["fine"]}, row)
    with pytest.raises(DatasetError) as caught:
        data.survey(None)
    assert str(caught.value).startswith(f"{tmp_path / 'rows.jsonl'}, line 2: the row {told}")


def test_shuffling_is_seeded(tmp_path: Path) -> None:
    """A shuffled set has all conversations in an order that the seed decides."""
    rows = [talk(str(number), "x") for number in range(30)]
    plain = turns(sharegpt(tmp_path, *rows))
    mixed = turns(sharegpt(tmp_path, *rows, shuffle=True))
    assert mixed != plain
    assert sorted(mixed, key=plain.index) == plain
    assert turns(sharegpt(tmp_path, *rows, shuffle=True)) == mixed
    assert turns(sharegpt(tmp_path, *rows, shuffle=True, seed=1)) != mixed
    data = sharegpt(tmp_path, *rows, shuffle=True, test_range="[:9]")
    assert all_shares(data, 4) == list(data.samples())


def test_lengths_of_answers_need_a_tokenizer(tmp_path: Path) -> None:
    """Asking for as many tokens as the set's replies have, without a tokenizer, is refused with the way out."""
    with pytest.raises(ConfigError, match="the data set s: answer_lengths is True, but the model has no tokenizer"):
        sharegpt(tmp_path, talk("a", "b"), answer_lengths=True)


def test_lengths_of_answers(tmp_path: Path) -> None:
    """Each turn asks for as many tokens as the set's reply has, at least one, in every mode."""
    rows = [talk("a", "one two three", "c", "")]
    tokenizer = small_tokenizer(tmp_path, ["one", "two", "three"])
    data = sharegpt(tmp_path, *rows, answer_lengths=True, tokenizer=tokenizer)
    assert turns(data) == [(Turn("a", None, 3), Turn("c", None, 1))]


@needs(MT_BENCH)
def test_mt_bench_loads_whole() -> None:
    """The 80 questions of MT-Bench have two turns each; 39 of them have references."""
    data = open_dataset(MtBenchConfig(abbr="m", path=str(MT_BENCH), infer_mode="every_with_gt"))
    plain = (("question_id", 80), ("category", 80))
    assert data.survey(None) == Survey(
        samples=80, requests=160, longest_output=None, timed=0, unused=plain, uncounted=80
    )
    assert sum(turn.answer is not None for sample in data.samples() for turn in sample.turns) == 78
