"""Conversations of several turns, in the formats of ShareGPT and MT-Bench."""

from fastbench.datasets.conversations.turns import ConversationConfig, open_conversations, turn_lengths

__all__ = ["ConversationConfig", "open_conversations", "turn_lengths"]
