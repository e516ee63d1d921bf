"""The quick start: measures the simulated service that comes with fastbench. Nothing else is needed.

    fastbench perf --config examples/quickstart.py

To measure your own service, copy this file and put its address in the place of `mock`.
"""

models = [
    dict(
        type="openai_chat",  # POST /v1/chat/completions; "openai_completions" for /v1/completions
        abbr="quickstart",  # names the directory of the results
        model="",  # "" = the first one that the service lists at /v1/models
        stream=True,  # token times need a stream
        batch_size=16,  # concurrency: the most requests in flight
        request_rate=0,  # 0 = a request goes out as soon as another ends; 200 = 200 a second
        retry=2,  # attempts after the first, when a request failed before any answer
        generation_kwargs=dict(
            temperature=0.01,
            ignore_eos=True,  # every answer has its full length, so that runs can be compared
        ),
        # url="http://localhost:8000",  # your service, in the place of the next line
        mock=dict(ttft_ms=60, itl_ms=5, jitter=0.1),  # started for this run, ends with it
    )
]

datasets = [
    dict(
        type="synthetic",  # made prompts, new ones in each run
        abbr="synthetic",  # names the files of the results
        count=500,  # requests; the P99 of fewer than 459 would be a guess
        input_len=[128, 512],  # tokens, uniform between the two
        output_len=[8, 32],
    )
]

num_warmups = 4  # requests before the measured ones
