"""The model's name, from the service's list of models."""

from collections.abc import AsyncIterator, Callable, Mapping

from fastbench.client.address import speaks_tls
from fastbench.client.advice import REDIRECTS, SPEAKS_TLS, advice_for, by_status, redirected
from fastbench.client.diagnosis import reason_of
from fastbench.client.tls import TlsSettings
from fastbench.dialects import Endpoint
from fastbench.errors import ServiceError
from fastbench.text import excerpt

TIMEOUT_S = 5.0
MAX_BYTES = 16 << 20
"""A longer answer is not a list of models."""


async def first_model(
    endpoint: Endpoint,
    headers: Mapping[str, str],
    hide: Callable[[bytes], bytes] = bytes,
    tls: TlsSettings | None = None,
) -> str:
    """The first id that `GET /v1/models` lists. Raises ServiceError when there is none to be had.

    tls: that of the requests. hide: takes keys out of what the service said, before it is cut for a message.
    """
    # Imported late: 0.3 s that a run with a model's name given need not pay.
    import aiohttp

    url = f"{endpoint.url}/v1/models"
    way_out = "check url, or set model to the name that the service knows"
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=dict(headers), allow_redirects=False, ssl=tls.context if tls else True) as answer,
        ):
            text = hide(await _beginning(answer.content.iter_any())).decode(errors="replace")
            if answer.status != 200:
                in_clear = answer.status == 400 and not endpoint.tls and await speaks_tls(endpoint)
                hint = redirected(answer.headers.get("Location")) if answer.status in REDIRECTS else None
                raise ServiceError(
                    f"GET {url} for the model's name answered {answer.status} {answer.reason} "
                    f"{excerpt(text)!r}: "
                    f"{hint or by_status(answer.status) or (in_clear and SPEAKS_TLS) or way_out}."
                )
    except (TimeoutError, aiohttp.ClientError) as error:
        reason = reason_of(error, "no answer in time")
        if reason.startswith("TLS: "):
            way_out = advice_for("refused", 0, reason)
        elif not endpoint.tls and await speaks_tls(endpoint):
            way_out = SPEAKS_TLS
        raise ServiceError(f"GET {url} for the model's name failed ({reason}): {way_out}.") from error
    return _first_id(text, url, way_out)


async def _beginning(pieces: AsyncIterator[bytes]) -> bytes:
    """The beginning of an answer: one without an end must not fill the memory."""
    read = bytearray()
    async for piece in pieces:
        read += piece
        if len(read) > MAX_BYTES:
            break
    return bytes(read[:MAX_BYTES])


def _first_id(text: str, url: str, way_out: str) -> str:
    import orjson

    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document = None
    match document:
        case {"data": [{"id": str(name)}, *_]} if name:
            return name
        case {"data": []}:
            raise ServiceError(f"{url} lists no model: load one, or set model (--model) to the service's name for it.")
    raise ServiceError(f"{url} did not answer with a list of models ({excerpt(text)!r}): {way_out}.")
