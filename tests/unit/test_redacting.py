"""`client/hiding.py`: keys are taken out of what a service says."""

import numpy as np
import pytest

from fastbench._core.ring import MARK_DTYPE, ROW_DTYPE, Batch
from fastbench.client.tally import ServiceRedactor
from fastbench.config.services import ServiceConfig
from fastbench.errors import ServiceError

KEY = "sk-0123456789"


def hiding(**settings: object) -> ServiceRedactor:
    return ServiceRedactor(ServiceConfig(type="openai_chat", abbr="m", **settings))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (f"Bearer {KEY} is wrong", "<hidden> is wrong"),
        (f'{{"key":"{KEY}"}}', '{"key":"<hidden>"}'),
        (f"{KEY}{KEY}", "<hidden><hidden>"),
        ("sk-012345678, said the Bearer of news", "sk-012345678, said the Bearer of news"),
        (f"cut after 4 KiB: {KEY[:9]}", "cut after 4 KiB: <hidden>"),
    ],
)
def test_key_is_taken_out(said: str, kept: str) -> None:
    """The key is hidden wherever it stands, with its scheme or without, its beginning too where the text was cut."""
    assert hiding(api_key=KEY).clean(said.encode()) == kept.encode()


def test_secret_headers_are_taken_out() -> None:
    """The values of headers that usually carry a key are hidden, those of others are not."""
    found = hiding(headers={"X-Api-Key": "hunter2!", "X-Team": "blue-team"})
    assert found.clean(b"hunter2! of blue-team") == b"<hidden> of blue-team"


def test_key_outside_ascii_is_taken_out_of_both_encodings() -> None:
    """A key is hidden as it was sent and as a service is likely to repeat it."""
    found = hiding(api_key="schlüssel")
    assert found.clean("schlüssel".encode("latin-1")) == found.clean("schlüssel".encode()) == b"<hidden>"


def test_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the config only points at is hidden too."""
    monkeypatch.setenv("HIDING_KEY", KEY)
    assert hiding(api_key="env:HIDING_KEY").clean(KEY.encode()) == b"<hidden>"


def test_a_few_letters_are_no_secret() -> None:
    """A key too short to be one does not tear holes into messages."""
    assert hiding(api_key="abc").clean(b"abcabc") == b"abcabc"


def test_errors_are_cleaned() -> None:
    """An error keeps its kind and its words, all but the key."""
    error = hiding(api_key=KEY).clean_error(ServiceError(f"no: {KEY}"))
    assert (type(error), str(error)) == (ServiceError, "no: <hidden>")


def test_batches_are_cleaned_on_their_way() -> None:
    """A batch's messages and texts are cleaned before the next in line sees them."""
    batch = Batch(
        np.zeros(2, ROW_DTYPE),
        np.empty(0, np.uint16),
        np.empty(0, np.int64),
        np.empty(0, np.uint16),
        np.empty(0, MARK_DTYPE),
        [(0, 1, KEY.encode()), (1, 2, b"fine")],
    )
    seen: list[Batch] = []
    hiding(api_key=KEY).on_the_way_to(seen.append)(batch)
    assert seen == [batch]
    assert batch.notes == [(0, 1, b"<hidden>"), (1, 2, b"fine")]
