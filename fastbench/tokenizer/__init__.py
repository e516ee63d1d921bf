"""The tokens of prompts: counting them as a model does, and words of which prompts of a given length are made."""

from fastbench.tokenizer.chat_template import ChatTemplate, load_chat_template, template_tokens
from fastbench.tokenizer.counter import PromptCounter
from fastbench.tokenizer.draws import Draws
from fastbench.tokenizer.prompts import Message, Prompt, prompt_text
from fastbench.tokenizer.tokenizer import Tokenizer, load_tokenizer
from fastbench.tokenizer.vocabulary import IdVocabulary, TokenMeasure, Vocabulary, Words, common_words, words_for

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
    "template_tokens",
    "words_for",
]
