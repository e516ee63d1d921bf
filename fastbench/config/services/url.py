"""The address of a service: a base URL or a host and a port, parsed and checked."""

import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from fastbench.config.fields.issues import show
from fastbench.errors import ConfigError
from fastbench.secrets import HIDDEN, hide_in_text

DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_][A-Za-z0-9_-]{0,62}(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/%-]*")
# A password may have a slash in it, which a port before a path has not.
_USER = re.compile(r"([A-Za-z0-9+.-]*://)?(?:[^/?#]*|[^/?#@:]*:(?!\d+[/?#]).*)@")
_ENDPOINT = re.compile(
    r"(/v1)?/(chat/completions|completions|models)$|/v2/models/[^/]+/generate(_stream)?$|/generate(_stream)?$"
)


class BaseUrl(NamedTuple):
    """The parts of a base URL; `path` has no slash at its end and no `/v1`."""

    scheme: str
    host: str
    """Without the brackets of an IPv6 address."""
    port: int
    path: str


def shown_url(text: str) -> str:
    """A URL as a message may show it: without user, password and query."""
    place = _USER.sub(lambda match: f"{match[1] or ''}{HIDDEN}@", text)
    base, mark, _ = re.split(r"([?#])", f"{place}?", maxsplit=1)
    return repr(hide_in_text(place if base == place else f"{base}{mark}{HIDDEN}"))


def parse_host(text: str) -> str:
    """A DNS name or an address, an IPv6 one without its brackets. Raises ConfigError."""
    text = text.strip()
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    if ":" in bare:
        try:
            IPv6Address(bare)
        except AddressValueError as error:
            raise ConfigError(f"is {shown_url(text)}; it must be a host name or an address, without a port") from error
        return bare
    if not _NAME.fullmatch(bare):
        raise ConfigError(f"is {shown_url(text)}; it must be a host name or an IPv4 or IPv6 address")
    return bare


def parse_url(text: str, *, tls: bool) -> BaseUrl:
    """A base URL, white space around it aside; without a scheme it is https where `tls`, else http.

    Raises ConfigError.
    """
    text = text.strip()
    if _USER.match(text):
        raise ConfigError("holds a user name or password; put the key into api_key or headers")
    parts = _split(text if "://" in text else f"{'https' if tls else 'http'}://{text}", text)
    if parts.scheme not in DEFAULT_PORTS:
        raise ConfigError(f"is {shown_url(text)}; its scheme must be http or https")
    if parts.query or parts.fragment:
        raise ConfigError(f"is {shown_url(text)}; a base URL ends before '?' and '#'")
    path = parts.path.rstrip("/")
    if endpoint := _ENDPOINT.search(path):
        raise ConfigError(f"is {shown_url(text)}; give only what stands before {endpoint[0]}")
    if not _PATH.fullmatch(path):
        raise ConfigError(f"is {shown_url(text)}; write other characters of its path as %XX")
    host = parse_host(parts.hostname or "")
    port = parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]
    return BaseUrl(parts.scheme, host, port, path.removesuffix("/v1"))


def page_url(text: str) -> str:
    """The URL of a metrics page in full; one without a path is of `/metrics`. Raises ConfigError."""
    scheme, host, port, path = parse_url(text, tls=False)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path or '/metrics'}"


def reset_url(text: str) -> str:
    """The URL that resets a cache, in full. Raises ConfigError."""
    scheme, host, port, path = parse_url(text, tls=False)
    if "://" not in text or not path:
        raise ConfigError(
            f"is {shown_url(text)}; give auto, none, or a URL such as http://host:8000/reset_prefix_cache"
        )
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"


def base_of(location: str) -> str | None:
    """The base URL of a redirect's target; None if it has none."""
    parts = urlsplit(location)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    path = _ENDPOINT.sub("", parts.path.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}{path}"


def _split(url: str, text: str) -> SplitResult:
    if not text.isprintable():
        raise ConfigError(f"is {shown_url(text)}; remove its line breaks and control characters")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ConfigError(f"is {shown_url(text)}; it must be a URL such as http://host:8000") from error
    try:
        valid = parts.port is None or parts.port >= 1
    except ValueError:  # no number, or one above 65535
        valid = False
    if not valid:
        raise ConfigError(f"is {shown_url(text)}; its port must be a whole number from 1 to 65535")
    if not parts.hostname:
        raise ConfigError(f"is {shown_url(text)}; it names no host, as http://host:8000 does")
    return parts


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


def header_fault(name: str, value: str) -> str | None:
    """Why this header cannot be sent, or None. Never quotes the value, which may be a key."""
    if not _TOKEN.fullmatch(name):
        return f"is named {show(name)}; a header name holds only letters, digits and !#$%&'*+-.^_`|~"
    if name.lower() in _OWN:
        return "is set by fastbench; leave it out"
    if not _VALUE.fullmatch(value):
        return "has a value with a line break, a control character or one outside Latin-1; remove it"
    return None
