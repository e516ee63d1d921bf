"""Tokens: counting those of prompts, and words to make prompts of a given length."""

from fastbench.tokenizer.chat_template import ChatTemplate, PromptCounter, load_chat_template, template_tokens
from fastbench.tokenizer.tokenizer import Message, Prompt, Tokenizer, load_tokenizer, prompt_text
from fastbench.tokenizer.vocabulary import (
    Draws,
    IdVocabulary,
    TokenMeasure,
    Vocabulary,
    Words,
    common_words,
    safe_words,
    words_for,
)

__all__ = [
    "ChatTemplate",
    "Draws",
    "IdVocabulary",
    "Message",
    "Prompt",
    "PromptCounter",
    "TokenMeasure",
    "Tokenizer",
    "Vocabulary",
    "Words",
    "common_words",
    "load_chat_template",
    "load_tokenizer",
    "prompt_text",
    "safe_words",
    "template_tokens",
    "words_for",
]
