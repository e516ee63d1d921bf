"""The chat endpoint as a stream, for data sets of conversations."""

models = [
    dict(
        attr="service",
        type="VLLMCustomAPIChat",
        abbr="vllm-multiturn-api-chat-stream",
        path="",  # tokenizer.json or the directory that holds it; "" = no tokenizer
        model="",  # "" = the first one that the service lists
        stream=True,
        request_rate=0,  # requests per second; 0 = as many at once as batch_size says
        use_timestamp=False,  # True = send at the times of the data set
        retry=2,  # attempts after the first one
        api_key="",  # the key, best as "env:NAME" of an environment variable
        host_ip="localhost",
        host_port=8080,
        url="",  # replaces host_ip and host_port, such as "https://host/base"
        max_out_len=512,
        batch_size=1,  # the most requests in flight
        trust_remote_code=False,
        generation_kwargs=dict(
            temperature=0.01,
            ignore_eos=False,  # True = the full output length, where the service knows this
        ),
    )
]
