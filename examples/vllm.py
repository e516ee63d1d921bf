"""A vLLM service, or any other that speaks OpenAI's interface, at three levels of concurrency.

    vllm serve Qwen/Qwen2.5-7B-Instruct --port 8000
    fastbench perf --config examples/vllm.py

Each model is measured with each data set, one after the other; all tables are printed at the end.
"""

service = dict(
    type="openai_chat",
    url="http://localhost:8000",
    model="",  # "" = the one that vLLM serves
    # api_key="env:VLLM_API_KEY",  # for `vllm serve --api-key`: read from the environment, never written anywhere
    # path="/models/Qwen2.5-7B-Instruct",  # its tokenizer.json makes prompts of exactly the lengths below
    request_timeout="300s",
    generation_kwargs=dict(temperature=0.0, ignore_eos=True),
)

models = [dict(service, abbr=f"vllm-concurrency-{limit}", batch_size=limit) for limit in (8, 32, 128)]

datasets = [
    dict(type="synthetic", abbr="chat", count=1000, input_len=[50, 500], output_len=[20, 200]),
    dict(type="synthetic", abbr="summary", count=500, input_len=[2000, 4000], output_len=128),
]

# Warm-up requests are sent and recorded, but not measured.
num_warmups = 8

work_dir = "outputs/vllm"
