"""The mock's prefix cache."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from mock_client import CHAT, COMPLETIONS, chat
from nursery import Mock
from test_mock_service_metrics import scrape

from fastbench.errors import ConfigError
from fastbench.mock.options import make_options

WORDS = [f"w{number}" for number in range(64)]


def post(mock: Mock, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(mock.url).netloc, timeout=60)
    connection.request("POST", path, orjson.dumps(body or {}))
    answer = connection.getresponse()
    return answer.status, answer.read()


def cached(mock: Mock, path: str, body: dict[str, Any]) -> int:
    """The cached tokens of a reply's usage."""
    status, text = post(mock, path, {**body, "stream": False, "max_tokens": 1})
    assert status == 200, text
    found: int = orjson.loads(text)["usage"]["prompt_tokens_details"]["cached_tokens"]
    return found


def test_blocks_of_a_prefix_are_found_again() -> None:
    """Whole blocks of 16 tokens up to the first that is new are found, never the one with the last token; a reset
    forgets them, and the metrics page counts them."""
    with Mock(prefix_cache=100) as mock:

        def ask(count: int, last: str = "") -> int:
            return cached(mock, CHAT, chat(" ".join([*WORDS[:count], *([last] if last else [])])))

        assert (ask(40), ask(40), ask(64), ask(64)) == (0, 32, 32, 48)
        assert (ask(20, "other"), ask(15, "other"), ask(64, "more")) == (16, 0, 64)
        page = scrape(mock)
        assert post(mock, "/reset_prefix_cache") == (200, b"")
        assert (ask(64), ask(64), post(mock, "/flush_cache")[0], ask(64)) == (0, 48, 200, 0)
    assert page.value("prefix_cache_hits") == 192


def test_token_ids_and_several_prompts() -> None:
    """Ids are tokens of a prefix too; each prompt of a request has its own."""
    with Mock(prefix_cache=100) as mock:
        ids = list(range(40))
        assert [cached(mock, COMPLETIONS, {"prompt": one}) for one in (ids, ids, [ids, ids[:17]])] == [0, 32, 48]


def test_a_full_cache_forgets_all() -> None:
    """Beyond its blocks it begins anew."""
    with Mock(prefix_cache=3) as mock:
        texts = [" ".join(f"{name}{number}" for number in range(33)) for name in "ab"]
        found = [cached(mock, CHAT, chat(texts[which])) for which in (0, 0, 1, 0)]
    assert found == [0, 32, 0, 0]


def test_without_one_there_is_nothing_to_reset() -> None:
    """The endpoints are those of a service with a cache, and hits are its own."""
    with Mock() as mock:
        assert post(mock, "/reset_prefix_cache")[0] == 404
    with pytest.raises(ConfigError, match="prefix_cache has its own hits"):
        make_options({"prefix_cache": 1, "prefix_hits": 0.5})
