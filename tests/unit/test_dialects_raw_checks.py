"""Whether a request that comes whole can go to a service, told before anything is sent."""

from typing import Any

import pytest

from fastbench.config.services import ServiceConfig
from fastbench.dialects import RawCheck
from fastbench.errors import ConfigError

MESSAGES = [{"role": "user", "content": "a"}]
CHAT = {"messages": MESSAGES}


def fault(body: dict[str, Any], *, api: str = "openai_chat", **around: Any) -> str | None:
    given = {"path": "", "headers": {}, "method": None, "url": None} | around
    return RawCheck(ServiceConfig(type=api, abbr="m")).fault(body, **given)


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai_chat", CHAT),
        ("openai_completions", {"prompt": "a"}),
        ("openai_completions", {"prompt": [1, 2]}),
        ("tgi_generate", {"inputs": "a"}),
        ("triton_generate", {"text_input": "a"}),
        ("mindie_infer", {"inputs": "a"}),
    ],
)
def test_a_body_of_the_api_is_taken(api: str, body: dict[str, Any]) -> None:
    """A body with the API's own prompt, whatever else stands in it, has no fault; nor a batch row for its path."""
    assert fault({**body, "anything": {"x": 1}, "n": 1}, api=api) is None


def test_a_batch_row_for_the_service_is_taken() -> None:
    """One whose method and url are the service's own."""
    assert fault(CHAT, method="POST", url="/v1/chat/completions") is None


@pytest.mark.parametrize(
    ("body", "around", "told"),
    [
        ({"prompt": "a"}, {}, "has prompt and no messages: it is a request of openai_completions; use type "
         "openai_completions (--api completions)"),
        ({**CHAT, "prompt": "a"}, {}, "has prompt beside messages, which is a field of openai_completions"),
        ({"question": "a"}, {}, "is no request body of openai_chat: it has no messages, only question; for rows of "
         "prompts use --dataset"),
        ({"messages": "a"}, {}, "has 'a' as messages, which openai_chat does not take"),
        ({"messages": []}, {}, "has [] as messages"),
        ({**CHAT, "n": 2}, {}, "has 2 as n; only one answer can be measured, so leave it out"),
        (CHAT, {"method": "GET"}, "has 'GET' as method"),
        (CHAT, {"url": "/v1/embeddings"}, "has '/v1/embeddings' as url, and requests to openai_chat go to "
         "/v1/chat/completions"),
        (CHAT, {"url": "/v1/completions"}, "use type openai_completions (--api completions)"),
        (CHAT, {"path": "/v1/completions"}, "has '/v1/completions' as path, which is another API's than openai_chat"),
        (CHAT, {"headers": {"x-request-ID": "a"}}, "has the header X-Request-Id, which is set by fastbench"),
    ],
)  # fmt: skip
def test_what_cannot_go_to_the_service(body: dict[str, Any], around: dict[str, Any], told: str) -> None:
    """The field, and what to use in its place."""
    assert told in (fault(body, **around) or "")


def test_several_prompts_in_one_request_are_refused() -> None:
    """A list of texts asks for several answers, which cannot be told apart in time."""
    assert "has ['a', 'b'] as prompt" in (fault({"prompt": ["a", "b"]}, api="openai_completions") or "")


def test_adapters_by_row_are_the_rows_own() -> None:
    """The file of adapters is refused, as rows name theirs."""
    service = ServiceConfig(type="openai_chat", abbr="m", generation_kwargs={"lora_data_map_file": "x.json"})
    with pytest.raises(ConfigError, match="rows of whole requests name their adapters as model; leave it out"):
        RawCheck(service)
