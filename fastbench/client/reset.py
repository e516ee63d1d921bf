"""Asks the service to empty its prefix cache."""

from collections.abc import AsyncIterator, Callable, Mapping

from fastbench.client.diagnosis import reason_of
from fastbench.client.tls import TlsSettings
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError
from fastbench.text import excerpt

TIMEOUT_S = 30.0
_PATHS = ("/reset_prefix_cache", "/flush_cache")
"""Of vLLM, which has it with VLLM_SERVER_DEV_MODE=1, and of SGLang."""
_ABSENT = (404, 405)
_EXCERPT = 200


async def reset_prefix_cache(
    where: str,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    hide: Callable[[bytes], bytes] = bytes,
    tls: TlsSettings | None = None,
) -> str:
    """POSTs to `where`, a URL, or with "auto" to what vLLM and SGLang have; what the service answered, in words.

    headers: for the service itself; another one at `where` gets none. hide: takes keys out of the answer. Raises
    ServiceError where the cache was not reset.
    """
    # Imported late: 0.3 s that hardly any run need pay.
    import aiohttp

    urls = [endpoint.url + path for path in _PATHS] if where == "auto" else [where]
    own = f"{endpoint.scheme}://{endpoint.authority}/"
    # A connection each: the service may have closed the one before.
    connector, timeout = aiohttp.TCPConnector(force_close=True), aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        for url in urls:
            sent = dict(headers) if url.startswith(own) else {}
            try:
                async with session.post(
                    url, headers=sent, allow_redirects=False, ssl=tls.context if tls else True
                ) as answer:
                    status, text = answer.status, await _beginning(answer.content.iter_any(), hide)
            except (TimeoutError, aiohttp.ClientError) as error:
                raise ServiceError(
                    f"The prefix cache was not reset: POST {url} failed ({reason_of(error, 'no answer in time')}): "
                    "check the service, or leave reset_cache (--reset-cache) out."
                ) from error
            told = f"POST {url} answered {status}{f' {text!r}' if text else ''}"
            if 200 <= status < 300:
                return told
            if status not in _ABSENT or where != "auto":
                raise ServiceError(
                    f"The prefix cache was not reset: {told}: check reset_cache (--reset-cache), or leave it out."
                )
    raise ServiceError(
        f"The prefix cache was not reset: the service has neither {' nor '.join(_PATHS)}: start vLLM with "
        "VLLM_SERVER_DEV_MODE=1, name the URL that resets it, or leave reset_cache (--reset-cache) out."
    )


async def _beginning(pieces: AsyncIterator[bytes], hide: Callable[[bytes], bytes]) -> str:
    """The beginning of an answer in one line; more of it is not read."""
    read = bytearray()
    async for piece in pieces:
        read += piece
        if len(read) > _EXCERPT * 8:
            break
    return excerpt(hide(bytes(read)).decode(errors="replace"), _EXCERPT)
