"""The names that a config may use for a service's settings beside their own."""

from typing import Final

TYPES: Final[dict[str, tuple[str, bool | None]]] = {
    "openai_chat": ("openai_chat", None),
    "openai_completions": ("openai_completions", None),
    "tgi_generate": ("tgi_generate", None),
    "triton_generate": ("triton_generate", None),
    "mindie_infer": ("mindie_infer", None),
    "VLLMCustomAPI": ("openai_completions", None),
    "VLLMCustomAPIStream": ("openai_completions", True),
    "VLLMCustomAPIChat": ("openai_chat", None),
    "VLLMCustomAPIChatStream": ("openai_chat", True),
    "VllmMultiturnAPIChatStream": ("openai_chat", True),
    "TGICustomAPI": ("tgi_generate", None),
    "TGICustomAPIStream": ("tgi_generate", True),
    "TritonCustomAPI": ("triton_generate", None),
    "TritonCustomAPIStream": ("triton_generate", True),
    "MindieStreamApi": ("mindie_infer", None),
}
"""`type` in a config: the backend, and the value of `stream` that the name stands for."""

REFUSED_TYPES: Final[dict[str, str]] = {
    "VITAGenerateAPI": "it sends pictures and sound, which fastbench does not; measure text by openai_chat",
}
"""Types of the guide that cannot be measured, and why."""

WITHOUT_EFFECT: Final = frozenset(
    {
        "pred_postprocessor",
        "returns_tool_calls",
        "summarizer_abbr",
        "run_cfg",
        "min_out_len",
        "verbose",
        "response_anomaly",
    }
)
"""Settings of the guide that change nothing in a measurement: they are taken and left alone."""

MEANT: Final[dict[str, str]] = {
    "base_url": "url",
    "concurrency": "batch_size",
    "endpoint": "url",
    "host": "host_ip",
    "key": "api_key",
    "max_concurrency": "batch_size",
    "max_new_tokens": "max_out_len",
    "max_tokens": "max_out_len",
    "name": "abbr",
    "output_len": "max_out_len",
    "port": "host_port",
    "rate": "request_rate",
    "retries": "retry",
    "sampling_params": "generation_kwargs",
    "temperature": "generation_kwargs",
    "timeout": "request_timeout",
    "tokenizer": "path",
    "tokenizer_path": "path",
}
"""Fields that do not exist, and those that do what they say."""
