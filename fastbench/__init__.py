"""fastbench measures a running LLM inference service through its streaming interface."""

__version__ = "0.1.0"
