"""Text Generation Inference, `/generate`."""

models = [
    dict(
        attr="service",
        type="TGICustomAPI",
        abbr="tgi-api-general",
        path="",  # tokenizer.json or the directory that holds it; "" = no tokenizer
        model="",  # "" = the first one that the service lists
        stream=False,
        request_rate=0,  # requests per second; 0 = as many at once as batch_size says
        use_timestamp=False,  # True = send at the times of the data set
        retry=2,  # attempts after the first one
        host_ip="localhost",
        host_port=8080,
        url="",  # replaces host_ip and host_port, such as "https://host/base"
        max_out_len=512,
        batch_size=1,  # the most requests in flight
        trust_remote_code=False,
        generation_kwargs=dict(
            temperature=0.01,
        ),
    )
]
