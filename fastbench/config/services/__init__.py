"""The settings of a service under test: address, API, load limits."""

from fastbench.config.services.build import build_service, tokenizer_file
from fastbench.config.services.schema import (
    ADAPTERS,
    REPEATS,
    STREAM_OPTIONS,
    TAKES_TOKEN_IDS,
    ServiceConfig,
    TrafficConfig,
)
from fastbench.config.services.tls import tls_context
from fastbench.config.services.url import (
    DEFAULT_PORTS,
    base_of,
    header_fault,
    page_url,
    parse_host,
    parse_url,
    reset_url,
    shown_url,
)

__all__ = [
    "ADAPTERS",
    "DEFAULT_PORTS",
    "REPEATS",
    "STREAM_OPTIONS",
    "TAKES_TOKEN_IDS",
    "ServiceConfig",
    "TrafficConfig",
    "base_of",
    "build_service",
    "header_fault",
    "page_url",
    "parse_host",
    "parse_url",
    "reset_url",
    "shown_url",
    "tls_context",
    "tokenizer_file",
]
