"""Synthetic prompts: exact, seeded, lazy."""

import tracemalloc
from collections.abc import Callable
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from data_files import small_tokenizer
from shared_data import TOKENIZER, needs
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from fastbench.config.fields.lengths import Uniform, Zipf
from fastbench.datasets import Sample, Survey, SyntheticConfig, open_dataset
from fastbench.datasets.synthetic import MixPart, SyntheticDataset
from fastbench.errors import ConfigError
from fastbench.tokenizer import Draws, Vocabulary, common_words, load_tokenizer
from fastbench.tokenizer.tokenizer import Tokenizer as FileTokenizer
from fastbench.tokenizer.vocabulary import COMMON_WORDS


def dataset(**settings: object) -> SyntheticDataset:
    config = {"count": 1000, "input_len": Uniform(low=20, high=40), **settings}
    return SyntheticDataset(SyntheticConfig(**config), common_words())  # type: ignore[arg-type]


def common_prefix(first: str, second: str) -> int:
    """Words that both texts start with."""
    words = list(zip(first.split(), second.split(), strict=False))
    return next((i for i, (a, b) in enumerate(words) if a != b), len(words))


def test_a_sample_depends_only_on_seed_and_index() -> None:
    """The same seed gives the same samples, in any order and in any share; another seed gives others."""
    whole = list(dataset(seed=7).samples())
    assert [sample.index for sample in whole] == list(range(1000))
    assert [dataset(seed=7).sample(i) for i in (999, 0, 500)] == [whole[i] for i in (999, 0, 500)]
    assert list(dataset(seed=7).samples(1, 3)) == whole[1::3]
    assert next(dataset(seed=8).samples()) != whole[0]


def test_other_words_of_the_same_lengths() -> None:
    """Another seed of the words leaves all lengths as they are, has a shared prefix of its own, and no two prompts are
    alike; nor is what is made to warm a service up."""
    settings = {
        "input_len": Uniform(low=20, high=90),
        "output_len": Uniform(low=1, high=99),
        "shared_prefix": 8,
        "seed": 3,
    }
    sets = [dataset(count=200, words_seed=seed, **settings) for seed in (None, 3, 4)]
    lengths, texts = ([[one(sample) for sample in each.samples()] for each in sets] for one in (_lengths, _text))
    assert lengths[0] == lengths[1] == lengths[2]
    assert len({text for each in texts for text in each}) == 600
    assert [min(common_prefix(each[0], other) for other in each) for each in texts] == [8, 8, 8]
    assert common_prefix(texts[0][0], texts[2][0]) < 4
    assert max(common_prefix(a, b) for a, b in zip(texts[0], texts[1], strict=True)) < 12
    config = SyntheticConfig(count=5, words_seed=4, **settings)
    warm = {sample.prompt for sample in SyntheticDataset(config.alike(200), common_words()).samples()}
    assert warm.isdisjoint(texts[2])


def _lengths(sample: Sample) -> tuple[int | None, int | None]:
    return sample.input_len, sample.output_len


def _text(sample: Sample) -> str:
    return str(sample.prompt)


def test_prompts_stay_as_they_are() -> None:
    """Sample 3 of seed 0 is this text for ever: a recording's run can be sent again by a later version."""
    sample = dataset(input_len=Uniform(low=6, high=6), output_len=Uniform(low=1, high=100)).sample(3)
    assert (sample.prompt, sample.output_len) == ("away yard diet lady wall live", 91)


def test_lengths_are_uniform_with_both_ends() -> None:
    """Each length from the least to the most occurs, about equally often, and the prompt has it."""
    data = dataset(count=6000, input_len=Uniform(low=1, high=6), output_len=Uniform(low=5, high=10))
    samples = list(data.samples())
    assert all(len(str(sample.prompt).split()) == sample.input_len for sample in samples)
    for lengths, low in (([s.input_len for s in samples], 1), ([s.output_len for s in samples], 5)):
        values, counts = np.unique(lengths, return_counts=True)
        assert values.tolist() == list(range(low, low + 6))
        # 1000 expected, standard deviation 29.
        assert abs(counts - 1000).max() < 150


def test_without_output_lengths_none_is_asked() -> None:
    """A data set without output lengths leaves them to the service."""
    assert dataset().sample(0).output_len is None


def test_prompts_share_no_prefix() -> None:
    """Of 1000 prompts no two have more than the first few words in common."""
    prompts = sorted(str(sample.prompt) for sample in dataset().samples())
    assert max(common_prefix(first, second) for first, second in pairwise(prompts)) <= 4


def test_a_prefix_is_shared_where_asked() -> None:
    """With `shared_prefix` all prompts start with the same words, and differ after them."""
    prompts = [str(sample.prompt) for sample in dataset(shared_prefix=15).samples()]
    prefixes = {common_prefix(first, second) for first, second in pairwise(prompts)}
    assert min(prefixes) == 15
    assert max(prefixes) <= 19
    whole = dataset(shared_prefix=20, input_len=Uniform(low=20, high=20))
    assert len({sample.prompt for sample in whole.samples()}) == 1


def test_checking_counts_what_a_run_gets() -> None:
    """The number of samples is the limit or the data set's count, whichever is less."""
    assert (
        dataset().count,
        dataset().survey(None).samples,
        dataset().survey(5).samples,
        dataset().survey(5000).samples,
    ) == (
        1000,
        1000,
        5,
        1000,
    )


def test_memory_does_not_grow_with_the_walk() -> None:
    """Walking 600 prompts of 4,096 words keeps less than a few of them."""
    data = dataset(count=10**6, input_len=Uniform(low=4096, high=4096))
    data.sample(0)
    tracemalloc.start()
    for _ in islice(data.samples(), 600):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_draws_cover_the_whole_range() -> None:
    """Draws reach both ends of a range, of one value as of 2^20, and any count of them."""
    assert Draws(2**63 - 1, 0, 2**62).integers(7, 7, 3).tolist() == [7, 7, 7]
    assert Draws(0, 0, 0).integers(0, 9, 0).tolist() == []
    many = Draws(1, 0, 0).integers(1, 2**20, 200_001)
    assert len(many) == 200_001
    assert 1 <= many.min() < 100
    assert 2**20 - 100 < many.max() <= 2**20


def test_streams_and_indices_differ() -> None:
    """Neighbouring seeds, streams and indices give unrelated numbers."""
    keys = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 2)]
    rows = np.array([Draws(*key).integers(0, 2**31 - 1, 4096) for key in keys], float)
    assert abs(np.corrcoef(rows) - np.eye(len(keys))).max() < 0.08


def test_a_sequence_can_be_begun_anew() -> None:
    """Whatever was drawn before, a sequence begins with the numbers of its own generator, one by one as at once."""
    draws = Draws(5, 6)
    for index, before in ((3, 0), (2**62, 1), (3, 7)):
        draws.integers(0, 9, before)
        assert draws.at(index).integers(3, 9999, 5).tolist() == Draws(5, 6, index).integers(3, 9999, 5).tolist()
        assert draws.at(index).integer(3, 2**31) == Draws(5, 6, index).integers(3, 2**31, 1)[0]
    # A seed means the same in every version.
    assert [Draws(1, 2, index).integer(0, 10**6) for index in range(4)] == [708304, 810075, 747285, 613072]


def test_common_words_are_fit() -> None:
    """The built-in words are distinct, of four letters and many."""
    assert len(set(COMMON_WORDS)) == len(COMMON_WORDS) >= 400
    assert {len(word) for word in COMMON_WORDS} == {4}


def test_words_of_several_widths_are_refused() -> None:
    """A vocabulary cannot hold words of different widths, which would break texts."""
    with pytest.raises(ValueError, match="words of one length"):
        Vocabulary(["ab", "abc"])


@cache
def the_tokenizer() -> FileTokenizer:
    """The model's, which takes a while to load."""
    return load_tokenizer(str(TOKENIZER))


@needs(TOKENIZER)
@pytest.mark.parametrize("length", [1, pytest.param(2, marks=pytest.mark.slow), 4096])
def test_prompts_have_exactly_the_tokens_asked(length: int) -> None:
    """With the model's tokenizer each prompt re-tokenises to exactly its length, without outer spaces."""
    count = 40 if length < 100 else 10
    data = open_dataset(SyntheticConfig(count=count, input_len=Uniform(low=length, high=length)), str(TOKENIZER))
    tokenizer = the_tokenizer()
    prompts = [str(sample.prompt) for sample in data.samples()]
    assert {tokenizer.count(prompt) for prompt in prompts} == {length}
    assert all(prompt == prompt.strip() for prompt in prompts)


def test_a_directory_with_a_tokenizer_will_do(tmp_path: Path) -> None:
    """A tokenizer may be named by its directory."""
    folder = small_tokenizer(tmp_path, ["hi", "you"])
    by_name = [load_tokenizer(place).encode("you hi you") for place in (folder, f"{folder}/tokenizer.json")]
    assert by_name == [[2, 1, 2]] * 2


def byte_level() -> Tokenizer:
    """As GPT-2 and its heirs cut: a space belongs to the word after it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def sentence_piece() -> Tokenizer:
    """As Llama 2 and Gemma cut: each space is a mark before the word, and the text gets one at its start."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    return tokenizer


def word_piece() -> Tokenizer:
    """As BERT cuts: spaces are lost."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize("make", [byte_level, sentence_piece, word_piece])
def test_exact_lengths_with_each_kind_of_tokenizer(make: Callable[[], Tokenizer], tmp_path: Path) -> None:
    """Byte-level, SentencePiece-like and WordPiece tokenizers all give prompts of the length asked."""
    tokenizer = make()
    kind = trainers.WordPieceTrainer if make is word_piece else trainers.BpeTrainer
    text = " ".join(COMMON_WORDS)
    lines = [text, *(f"{word} {word}" for word in COMMON_WORDS), *COMMON_WORDS]
    tokenizer.train_from_iterator(lines, kind(vocab_size=3000, special_tokens=["<unk>", "<s>"], show_progress=False))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    data = open_dataset(SyntheticConfig(count=20, input_len=Uniform(low=1, high=300)), str(tmp_path))
    for sample in data.samples():
        assert len(tokenizer.encode(str(sample.prompt), add_special_tokens=False).ids) == sample.input_len


def test_limits_of_training_are_lifted(tmp_path: Path) -> None:
    """A tokenizer file that cuts texts still counts all tokens, and gives prompts of full length."""
    path = small_tokenizer(tmp_path, list(COMMON_WORDS))
    assert load_tokenizer(path).count("time " * 50) == 50
    data = open_dataset(SyntheticConfig(count=1, input_len=Uniform(low=50, high=50)), path)
    assert load_tokenizer(path).count(str(next(data.samples()).prompt)) == 50


def test_a_tokenizer_without_words_is_refused(tmp_path: Path) -> None:
    """A tokenizer with too few whole words cannot make exact prompts, and is told how to go on."""
    path = small_tokenizer(tmp_path, ["a", "bcd"])
    with pytest.raises(ConfigError, match=r"leave path \(--tokenizer\) empty"):
        open_dataset(SyntheticConfig(count=1, input_len=Uniform(low=1, high=1)), path)


@pytest.mark.parametrize(("text", "reason"), [(None, "cannot be read: No such file"), ("{}", "not a tokenizer.json")])
def test_a_broken_tokenizer_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    """A tokenizer file that is missing or is none gives one sentence with its name."""
    path = tmp_path / "tokenizer.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=reason) as caught:
        load_tokenizer(str(path))
    assert str(caught.value).startswith(str(path))


def test_a_mix_has_its_shares_and_lengths() -> None:
    """Each part of a mix comes as often as its weight says, with its own lengths of prompts and replies."""
    parts = (
        MixPart(input_len=Uniform(low=10, high=10), output_len=Uniform(low=7, high=7), weight=3),
        MixPart(input_len=Uniform(low=20, high=22), weight=1),
    )
    samples = list(dataset(count=4000, input_len=None, mix=parts).samples())
    short = [sample for sample in samples if sample.input_len == 10]
    assert abs(len(short) - 3000) < 150
    assert {sample.output_len for sample in short} == {7}
    assert {(sample.input_len, sample.output_len) for sample in samples if sample.input_len != 10} == {
        (20, None),
        (21, None),
        (22, None),
    }


def test_parts_of_a_mix_have_classes_and_parameters() -> None:
    """A sample has the class and the parameters of its part; a part of weight 0 sends nothing."""
    one = Uniform(low=1, high=1)
    parts = (
        MixPart(input_len=one, class_name="a", parameters={"model": "lora", "priority": 1}, weight=3),
        MixPart(input_len=one, class_name="never", weight=0),
        MixPart(input_len=one),
    )
    data = dataset(count=400, input_len=None, mix=parts)
    kinds = {(sample.class_name, sample.fields and sample.fields["model"]) for sample in data.samples()}
    assert kinds == {("a", "lora"), ("", None)}
    found = data.survey(None)
    assert (found.classes, found.fields) == (("a",), (("model", 300), ("priority", 300)))


def test_a_survey_of_synthetic_prompts_needs_no_walk() -> None:
    """The survey knows number, longest output and the most that each part can have from the settings alone."""
    parts = (
        MixPart(input_len=Uniform(low=1, high=1), output_len=Zipf(alpha=2, low=1, high=700)),
        MixPart(input_len=Uniform(low=1, high=1), output_len=Uniform(low=5, high=9)),
    )
    data = dataset(count=10**9, input_len=None, mix=parts)
    found = data.survey(None)
    assert found._replace(extents=()) == Survey(samples=10**9, requests=10**9, longest_output=700, timed=0)
    assert found.extents == ((1, 700, "mix[0]", None), (1, 9, "mix[1]", None))
    assert dataset().survey(5)._replace(extents=()) == Survey(5, requests=5, longest_output=None, timed=0)


def test_ids_without_a_tokenizer_are_below_the_size() -> None:
    """With as_ids and a vocabulary's size, prompts are lists of ids below it, as long as asked."""
    config = SyntheticConfig(count=50, input_len=Uniform(low=100, high=100), as_ids=True, vocab_size=300)
    prompts = [sample.prompt for sample in open_dataset(config).samples()]
    assert {len(prompt) for prompt in prompts} == {100}
    ids = {number for prompt in prompts for number in prompt}
    assert all(type(number) is int for number in ids)
    assert ids == set(range(300))


def test_ids_need_a_vocabulary() -> None:
    """as_ids with neither a tokenizer nor a size is refused before anything is sent."""
    config = SyntheticConfig(count=1, input_len=Uniform(low=1, high=1), as_ids=True)
    with pytest.raises(ConfigError, match="the data set synthetic: as_ids is True, but the model has no tokenizer"):
        open_dataset(config)


def test_ids_of_a_tokenizer_are_no_special_ones(tmp_path: Path) -> None:
    """With a tokenizer, ids are those of ordinary tokens; added and special ones are left out."""
    path = small_tokenizer(tmp_path, ["a", "b"])
    tokenizer = Tokenizer.from_file(f"{path}/tokenizer.json")
    tokenizer.add_special_tokens(["<s>", "[UNK]"])
    tokenizer.add_tokens(["<added>"])
    tokenizer.save(f"{path}/tokenizer.json")
    config = SyntheticConfig(count=20, input_len=Uniform(low=9, high=9), as_ids=True)
    ids = {number for sample in open_dataset(config, path).samples() for number in sample.prompt}
    assert ids == {tokenizer.token_to_id("a"), tokenizer.token_to_id("b")}
