"""Prompts of real text: exact lengths by any tokenizer, places of their own, prefixes, and what cannot be used."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from data_files import lines_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from fastbench.config import Issues
from fastbench.config.dataset import build_dataset
from fastbench.config.files.dump import public_settings
from fastbench.datasets import Dataset, open_dataset
from fastbench.datasets.text.cutting import PREFIXES, CutText, RealText, open_text
from fastbench.datasets.text.source import MOST, read_text
from fastbench.errors import ConfigError, DatasetError
from fastbench.tokenizer import load_tokenizer

# Of a tokenizer of today: letters with what stands before them, digits by threes, punctuation with the lines behind it.
SPLIT = r"(?i:'s|'t|'re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
WORDS = " ".join(a + b + c + d for a in "bdfk" for b in "aeiou" for c in "lmnr" for d in "ae")
CHINESE = "今天天气很好我们去公园散步。孩子们在草地上跑来跑去笑声传得很远。他慢慢地站起来向桥的那一头走去。" * 20


def _bytes(split: str) -> Tokenizer:
    made = Tokenizer(models.BPE())
    parts = [pre_tokenizers.Split(Regex(split), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    made.pre_tokenizer = pre_tokenizers.Sequence(parts)
    made.post_processor = processors.ByteLevel(trim_offsets=True)
    made.decoder = decoders.ByteLevel()
    return made


def _pieces() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    return made


def _word_pieces() -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return made


KINDS: dict[str, tuple[Any, type, dict[str, Any]]] = {
    "bytes": (
        lambda: _bytes(SPLIT),
        trainers.BpeTrainer,
        {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "vocab_size": 2500},
    ),
    "pieces": (
        _pieces,
        trainers.UnigramTrainer,
        {"vocab_size": 900, "unk_token": "<unk>", "special_tokens": ["<unk>"]},
    ),
    "word pieces": (_word_pieces, trainers.WordPieceTrainer, {"vocab_size": 1500, "special_tokens": ["[UNK]"]}),
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Kind → the path of a small tokenizer of it."""
    folder = tmp_path_factory.mktemp("tokenizers")

    @cache
    def made(kind: str) -> str:
        make, trainer, settings = KINDS[kind]
        found = make()
        data = [read_text("corpus").text[:40_000], *[WORDS, *WORDS.split()] * 40, "".join(sorted(set(CHINESE)))]
        found.train_from_iterator(data, trainer(show_progress=False, **settings))
        path = str(folder / f"{kind}.json")
        found.save(path)
        return path

    return made


def opened(tokenizer: str, **settings: Any) -> Dataset:
    issues = Issues("run.py")
    usual = {"text": "corpus"} if "type" in settings else {"type": "synthetic", "count": 20, "text": "corpus"}
    config = build_dataset({**usual, **settings}, "datasets[0]", issues)
    issues.check()
    assert config is not None
    return open_dataset(config, tokenizer)


@cache
def corpus(tokenizer: str) -> CutText:
    """The corpus as a tokenizer cuts it, which takes a while."""
    return open_text("corpus", tokenizer)


@pytest.mark.parametrize("kind", KINDS)
def test_lengths_are_exact(tokenizer: Any, kind: str) -> None:
    """A prompt has exactly the tokens that were asked for when it is tokenized again, by tokenizers of three kinds."""
    cut = corpus(tokenizer(kind))
    assert not cut.counted
    made, again = RealText(cut, 5), load_tokenizer(tokenizer(kind))
    for length in (1, 2, 3, 4, 9, 33, 257, 1000):
        assert {again.count(str(made.prompt(index, length))) for index in range(6)} == {length}


def test_a_text_without_spaces(tokenizer: Any, tmp_path: Path) -> None:
    """Chinese is cut behind any token, and each prompt is counted: its length is exact too."""
    path = tmp_path / "zh.txt"
    path.write_text(CHINESE, encoding="utf-8")
    cut = open_text(str(path), tokenizer("bytes"))
    assert cut.counted
    made = RealText(cut, 0)
    for length in (1, 5, 64, 700, 9000):
        assert {cut.tokenizer.count(str(made.prompt(index, length))) for index in range(3)} == {length}
    assert sum(letter in CHINESE for letter in str(made.prompt(0, 64))) > 15


def test_prompts_are_the_text(tokenizer: Any) -> None:
    """A prompt is a slice of the text but for its first two words, and for some at its end, which fill it up."""
    cut = corpus(tokenizer("bytes"))
    made = RealText(cut, 1)
    for index in range(20):
        words = str(made.prompt(index, 200)).split(" ")
        assert " ".join(words[2:-20]) in cut.text


def test_no_two_prompts_begin_alike(tokenizer: Any) -> None:
    """Neither of one seed nor of several; the first ones of each begin with a sentence."""
    cut = corpus(tokenizer("bytes"))
    texts = [RealText(cut, seed) for seed in range(2)]
    starts = [" ".join(str(text.prompt(index, 40)).split()[:5]) for text in texts for index in range(200)]
    assert len(set(starts)) == len(starts)
    capitals = sum(not start.split()[2].islower() for start in starts)
    assert capitals > 0.95 * len(starts)
    assert RealText(cut, 1).prompt(7, 40) == texts[1].prompt(7, 40)


def test_a_prompt_longer_than_the_text(tokenizer: Any, tmp_path: Path) -> None:
    """The text is read once through, then again from another place; the length is exact, and it is told."""
    path = tmp_path / "short.txt"
    path.write_text(read_text("corpus").text[:3000], encoding="utf-8")
    data = opened(tokenizer("bytes"), text=str(path), input_len=[10, 9000], count=2000)
    cut = open_text(str(path), tokenizer("bytes"))
    prompt = str(RealText(cut, 0).prompt(0, 3 * cut.whole))
    assert cut.tokenizer.count(prompt) == 3 * cut.whole
    phrase = " ".join(prompt.split()[2:10])
    assert prompt.count(phrase) in (2, 3)
    assert prompt.index(phrase, 50) > 2000
    notes = data.survey(None).notes
    assert notes[0] == (
        f"the text {path} has {cut.whole} tokens, and prompts have up to 9000: it is read again from another place"
    )
    assert "places to begin at, for 2000 prompts" in notes[1]
    assert data.survey(5).notes == notes[:1]


def test_prefixes_and_mixes(tokenizer: Any) -> None:
    """Lengths of a law hold with a prefix for all, and with a pool, whose prefixes are as many as were asked for."""
    path = tokenizer("bytes")
    count = load_tokenizer(path).count
    shared = list(opened(path, input_len=[60, 90], shared_prefix=50).samples())
    assert all(count(str(one.prompt)) == one.input_len for one in shared)
    prefix = str(RealText(corpus(path), 0).prompt(PREFIXES, 50))
    assert count(prefix) == 50
    assert all(str(one.prompt).startswith(f"{prefix} ") for one in shared)
    assert len({str(one.prompt).removeprefix(prefix).split()[0] for one in shared}) > 10
    pool = [str(one.prompt) for one in opened(path, input_len=50, prefix_pool={"count": 3, "length": 50}).samples()]
    assert len(set(pool)) == 3
    assert {count(prompt) for prompt in pool} == {50}


def test_ids(tokenizer: Any) -> None:
    """With `as_ids` the text's own tokens are sent, as many as were asked for."""
    whole = " ".join(map(str, corpus(tokenizer("bytes")).ids.tolist()))
    for sample in opened(tokenizer("bytes"), input_len=70, shared_prefix=20, as_ids=True).samples():
        assert isinstance(sample.prompt, list)
        assert len(sample.prompt) == 70
        assert " ".join(map(str, sample.prompt[22:])) in whole


def test_a_trace_of_real_text(tokenizer: Any, tmp_path: Path) -> None:
    """Prompts of a trace are as long as it says, of the text; those of a session begin at one place of it."""
    rows = ["t,in,chat", "0,40,a", "1,50,", "2,90,a", "3,30,b"]
    path = lines_file(tmp_path, *rows, name="trace.csv")
    columns = {"timestamp": "t", "input": "in", "session": "chat"}
    samples = list(opened(tokenizer("bytes"), type="trace", path=path, columns=columns).samples())
    count = load_tokenizer(tokenizer("bytes")).count
    first, alone, third, other = (str(one.prompt) for one in samples)
    assert [count(prompt) for prompt in (first, alone, third, other)] == [40, 50, 90, 30]
    assert first[:80] == third[:80]
    assert len({prompt[:12] for prompt in (first, alone, other)}) == 3


def test_seeds(tokenizer: Any) -> None:
    """A seed of the words leaves the lengths as they are, and gives other prompts; so does what warms a service up."""
    settings = {"input_len": [20, 90], "shared_prefix": 8, "seed": 3}
    sets = [list(opened(tokenizer("bytes"), words_seed=seed, **settings).samples()) for seed in (None, 4)]
    assert [one.input_len for one in sets[0]] == [one.input_len for one in sets[1]]
    assert {str(one.prompt) for one in sets[0]}.isdisjoint(str(one.prompt) for one in sets[1])


def test_a_resumed_run_has_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's own config holds the whole paths of a text and of a trace's lengths, and the corpus by its name."""
    monkeypatch.chdir(tmp_path)
    for given, text in (("a.txt", str(tmp_path / "a.txt")), ("corpus", "corpus")):
        issues = Issues("run.py")
        raw = {"type": "trace", "path": "t.csv", "lengths": "l.csv", "text": given, "columns": {"input": "n"}}
        config = build_dataset(raw, "datasets[0]", issues)
        issues.check()
        assert config is not None
        saved = public_settings(config)
        assert (saved["path"], saved["lengths"], saved["text"]) == (
            str(tmp_path / "t.csv"),
            str(tmp_path / "l.csv"),
            text,
        )
        assert build_dataset({"type": "trace", **saved}, "datasets[0]", issues) is not None
        issues.check()


def test_rows_of_a_file_are_a_text(tokenizer: Any, tmp_path: Path) -> None:
    """Of a JSONL file all texts of more than one word are read, in their order, however deep they stand."""
    rows = [{"id": f"a{n}", "turns": [{"from": "human", "value": f"What is {n} and why?"}]} for n in range(200)]
    path = lines_file(tmp_path, *rows)
    assert read_text(path).text.startswith("What is 0 and why?\n\nWhat is 1 and why?")
    sample = next(opened(tokenizer("bytes"), text=path, input_len=40).samples())
    assert load_tokenizer(tokenizer("bytes")).count(str(sample.prompt)) == 40


def test_the_corpus_ships_with_its_sources() -> None:
    """Below 300 kB, plain ASCII, with a file beside it that says where it comes from, and no name of an edition."""
    folder = Path(__file__).parents[2] / "fastbench" / "datasets" / "text" / "assets"
    corpus = (folder / "corpus.txt").read_bytes()
    assert len(corpus) < 300_000
    assert corpus.isascii()
    assert b"gutenberg" not in corpus.lower()
    assert "public domain" in (folder / "SOURCES.md").read_text(encoding="utf-8")


def test_what_cannot_be_used(tokenizer: Any, tmp_path: Path) -> None:
    """No tokenizer, no file, a text too short or in another encoding: each is one sentence with the way out."""
    with pytest.raises(ConfigError, match=r"text \(--text\) is corpus, but the model has no tokenizer, .* set path"):
        opened("", input_len=5)
    with pytest.raises(DatasetError, match="there is no such text; name a file, or corpus"):
        opened(tokenizer("bytes"), input_len=5, text=str(tmp_path / "none.txt"))
    short, latin = tmp_path / "short.txt", tmp_path / "latin.txt"
    short.write_text("Too few words.")
    with pytest.raises(DatasetError, match=r"the text has \d+ tokens; name a text of at least 100"):
        opened(tokenizer("bytes"), input_len=5, text=str(short))
    latin.write_bytes("Größe ".encode("latin-1") * 200)
    with pytest.raises(DatasetError, match="the text is not UTF-8; save the file as UTF-8"):
        opened(tokenizer("bytes"), input_len=5, text=str(latin))


def test_the_start_of_a_large_file(tmp_path: Path) -> None:
    """Of a file that is larger than the limit its start is used, which is told."""
    path = tmp_path / "large.txt"
    path.write_text("wörd " * (MOST // 4), encoding="utf-8")
    text, is_cut = read_text(str(path))
    assert (len(text), is_cut) == (MOST, True)


def test_bad_cuts_are_left_out(tokenizer: Any) -> None:
    """A cut that the tokenizer does not bear, by its own count, neither begins nor ends a text."""
    path = tokenizer("bytes")
    words, text = corpus(path).words, read_text("corpus").text[:5000]
    cut = CutText("t", text, load_tokenizer(path), words, is_cut=False)
    made = RealText(cut, 0)
    whole = str(made.prompt(0, 60))
    end = int(cut.chars.searchsorted(cut.text.index(whole[10:60]) + len(whole) - 10, "right")) - 1
    cut._states[1, end - 3 : end + 3] = 2
    other = str(made.prompt(0, 60))
    assert other != whole
    assert cut.tokenizer.count(other) == 60
