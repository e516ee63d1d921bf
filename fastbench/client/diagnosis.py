"""Why the service could not be asked, and what a further request to it says about that."""

import ssl
from collections.abc import Mapping

from fastbench.client.address import LOOK_S, speaks_tls
from fastbench.client.advice import REDIRECTS, SPEAKS_TLS, redirected
from fastbench.client.tls import TlsSettings, tls_words
from fastbench.dialects import Endpoint

_IN_CLEAR = ("reset", "refused", "truncated", "malformed")


async def second_look(
    endpoint: Endpoint, url: str, headers: Mapping[str, str], tls: TlsSettings | None, outcome: str, status: int
) -> str | None:
    """The remedy found by another request to the service: where it redirects to, or that it uses TLS.

    url: where the request went that ended like this. None = nothing more is known.
    """
    if status in REDIRECTS:
        return redirected(await _location(url, headers, tls))
    doubtful = outcome in _IN_CLEAR or status == 400
    return SPEAKS_TLS if doubtful and not endpoint.tls and await speaks_tls(endpoint) else None


async def _location(url: str, headers: Mapping[str, str], tls: TlsSettings | None) -> str | None:
    # Imported late: 0.3 s that hardly any run need pay.
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=LOOK_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=dict(headers)) as session,
            session.post(url, json={}, allow_redirects=False, ssl=tls.context if tls else True) as answer,
        ):
            return answer.headers.get("Location")
    except (TimeoutError, aiohttp.ClientError):
        return None  # only a detail of a hint; the failure itself is reported


def reason_of(error: Exception, otherwise: str) -> str:
    """Why aiohttp could not ask, in the words of the system or of TLS; aiohttp's own name an object in memory.

    otherwise: for an error without words.
    """
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if isinstance(cause, ssl.SSLError):
        detail = getattr(cause, "verify_message", None)
        return f"TLS: {tls_words(cause)}{f', {detail}' if detail else ''}"
    if isinstance(cause, OSError):
        return f"Cannot connect: {cause.strerror or cause}"
    return str(error) or otherwise
