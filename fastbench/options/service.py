"""Options of the service: address, API, access."""

from fastbench.options.option import Option, Takes
from fastbench.options.places import IgnoreEos, Mock, ModelField, ModelPairs, Streaming
from fastbench.options.values import api, header, key_in, pair, url_fault

_TWO_SERVICES = "{0} and {1} name two services; give one of them"

SERVICE = (
    Option(
        flags="--url",
        metavar="URL",
        help="Base URL of the service, such as http://host:8000.",
        sets=ModelField("url"),
        check=url_fault,
        excludes={"mock": _TWO_SERVICES, "mock_option": _TWO_SERVICES},
        also={
            "--url URL": "-u base-url target",
            "--url http://HOST:PORT": "host host-ip host-port port",
            "--url https://HOST:PORT": "enable-ssl",
            "--url URL, without its path, and --api NAME": "endpoint",
        },
    ),
    Option(
        flags="--mock",
        takes=Takes.FLAG,
        help="Start the built-in simulated service and measure that.",
        sets=Mock(),
    ),
    Option(
        flags="--mock-option",
        metavar="NAME=VALUE",
        takes=Takes.REPEATED,
        parse=pair,
        help="Set an option of the simulated service; implies --mock.",
        sets=Mock(),
    ),
    Option(
        flags="--model",
        metavar="NAME",
        help="Model name to send.  [default: the first one the service lists]",
        sets=ModelField("model", also_for="model_name"),
        also={"--model NAME": "model-name served-model-name"},
    ),
    Option(
        flags="--api",
        metavar="[chat|completions|tgi|triton|mindie]",
        parse=api,
        help="API of the service.  [default: chat]",
        sets=ModelField("type"),
        also={"--api NAME": "backend endpoint-type service-kind"},
    ),
    Option(
        flags="--stream/--no-stream",
        takes=Takes.EITHER,
        help="Stream the replies, or not.  [default: stream]",
        sets=Streaming("stream"),
        also={"--stream": "streaming"},
    ),
    Option(
        flags="--api-key-env",
        metavar="NAME",
        parse=key_in,
        help="Environment variable that holds the API key.",
        sets=ModelField("api_key"),
        also={"--api-key-env NAME, the environment variable that holds the key": "api-key auth"},
    ),
    Option(
        flags="--ca-file",
        metavar="FILE",
        help="Verify the service's certificate by this PEM file.",
        sets=ModelField("ca_file"),
    ),
    Option(
        flags="--client-cert",
        metavar="FILE",
        help="Client certificate (PEM).",
        sets=ModelField("client_cert"),
    ),
    Option(
        flags="--client-key",
        metavar="FILE",
        help="Key of the client certificate, if it is in another file.",
        sets=ModelField("client_key"),
    ),
    Option(
        flags="--insecure",
        takes=Takes.FLAG,
        help="Do not verify the service's certificate; the report says so.",
        sets=ModelField("insecure"),
    ),
    Option(
        flags="--header",
        metavar="'NAME: VALUE'",
        takes=Takes.REPEATED,
        parse=header,
        help="Add a request header.",
        sets=ModelPairs("headers"),
        also={"--header 'NAME: VALUE'": "headers"},
    ),
    Option(
        flags="--request-id-header",
        metavar="NAME|none",
        help="Header for each request's id, a UUID; none leaves it out.  [default: X-Request-Id]",
        sets=ModelField("request_id_header"),
    ),
    Option(
        flags="--param",
        metavar="NAME=VALUE",
        takes=Takes.REPEATED,
        parse=pair,
        help="Sampling parameter, passed through unchanged.",
        sets=ModelPairs("generation_kwargs"),
        also={
            "--param NAME=VALUE": "extra-body extra-inputs generation-kwargs sampling-params",
            "--param temperature=N": "temperature",
            "--param top_k=N": "top-k",
            "--param top_p=N": "top-p",
        },
    ),
    Option(
        flags="--ignore-eos/--no-ignore-eos",
        takes=Takes.EITHER,
        help="Ask for the full output length.  [default: ignore, unless a config says otherwise]",
        sets=IgnoreEos(),
    ),
    Option(
        flags="--length-field",
        metavar="NAME",
        help="Field of the request that holds the output length, such as max_completion_tokens.",
        sets=ModelField("length_field"),
    ),
    Option(
        flags="--tokenizer",
        metavar="PATH",
        help="tokenizer.json or its directory, for exact prompt lengths.",
        sets=ModelField("path"),
        also={"--tokenizer PATH": "processor tokenizer-path"},
    ),
    Option(
        flags="--trust-remote-code",
        takes=Takes.FLAG,
        help="Accepted for AISBench compatibility, no effect: a tokenizer never runs code.",
        sets=ModelField("trust_remote_code"),
    ),
    Option(
        flags="--timeout",
        metavar="TIME",
        help='Time limit of one attempt, from its first byte sent, such as "30s".  [default: 600s]',
        sets=ModelField("request_timeout"),
        also={"--timeout TIME": "request-timeout"},
    ),
    Option(
        flags="--total-timeout",
        metavar="TIME",
        help="Time limit of a request, with all attempts, connecting and pauses.",
        sets=ModelField("total_timeout"),
    ),
    Option(
        flags="--connect-timeout",
        metavar="TIME",
        help="Time limit for connecting.  [default: 10s]",
        sets=ModelField("connect_timeout"),
    ),
    Option(
        flags="--reset-cache",
        metavar="auto|URL|none",
        help="Empty the service's prefix cache before each task: by vLLM's or SGLang's endpoint, or by a POST to URL.  "
        "[default: none]",
        sets=ModelField("reset_cache"),
    ),
    Option(
        flags="--retry",
        metavar="N",
        parse=int,
        help="Retries of a request that failed before any byte of an answer.  [default: 2]",
        sets=ModelField("retry"),
        also={"--retry N": "retries"},
    ),
)
