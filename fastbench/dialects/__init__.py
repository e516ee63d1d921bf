"""APIs of services: a sample → the bytes of a request; which JSON paths of a reply mean what.

One file an API makes a `Dialect` (`apis/`, or that of another package, by an entry point of the group
`fastbench.dialects`); a `Speaker` is one set up for a service. What a new dialect needs is here.
"""

from fastbench._core.bodies import BodyWriter
from fastbench.config.fields import FOR_CHAT, FOR_OPENAI
from fastbench.dialects.dialect import (
    CHOICES,
    ERRORS,
    MESSAGE,
    REASONS,
    BodyParts,
    Dialect,
    Rule,
    Rules,
    UsageField,
    check_conversations,
    dialect_of,
    known_model,
    not_taken,
    output_length,
    usage_rules,
)
from fastbench.dialects.parameters import NEWER, LengthField, OutputLength
from fastbench.dialects.prompts import SampleLike, WordsLike, as_messages, as_text, as_text_or_ids
from fastbench.dialects.raw import raw_length
from fastbench.dialects.raw_checks import RawCheck
from fastbench.dialects.speaker import Endpoint, Speaker, check_requests, secrets_of, service_headers
from fastbench.dialects.template import OMITTED, Adapter, Members, Slot, Template

__all__ = [
    "CHOICES",
    "ERRORS",
    "FOR_CHAT",
    "FOR_OPENAI",
    "MESSAGE",
    "NEWER",
    "OMITTED",
    "REASONS",
    "Adapter",
    "BodyParts",
    "BodyWriter",
    "Dialect",
    "Endpoint",
    "LengthField",
    "Members",
    "OutputLength",
    "RawCheck",
    "Rule",
    "Rules",
    "SampleLike",
    "Slot",
    "Speaker",
    "Template",
    "UsageField",
    "WordsLike",
    "as_messages",
    "as_text",
    "as_text_or_ids",
    "check_conversations",
    "check_requests",
    "dialect_of",
    "known_model",
    "not_taken",
    "output_length",
    "raw_length",
    "secrets_of",
    "service_headers",
    "usage_rules",
]
