"""Prompts from a file, one JSON object a line: {"prompt": "…"}, {"question": "…"} or {"messages": […]}.

    fastbench perf --config examples/jsonl.py

A row may ask for its own length of output with "max_tokens".
"""

import os

models = [
    dict(
        type="openai_chat",
        abbr="jsonl-example",
        batch_size=4,
        max_out_len=32,  # output tokens for the rows that do not say
        # url="http://localhost:8000",  # your service, in the place of the next line
        mock=dict(ttft_ms=50, itl_ms=5),
    )
]

datasets = [
    dict(
        type="jsonl",
        abbr="prompts",
        path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "prompts.jsonl"),
        # prompt_key="text",  # where the prompt stands under another name
    )
]

# The columns of the first table: at most 8 of Average, Min, Max, Median and percentiles such as P99.9.
summarizer = dict(stats_list=["Average", "Min", "Max", "Median", "P90"])
