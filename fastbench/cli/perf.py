"""`fastbench perf`: measure a service."""

from typing import Any

import click

from fastbench.cli.values import header, lengths, pair

# No defaults here: an option that was not given leaves the config's value alone.
_OPTIONS = (
    click.option("--config", type=click.Path(), help="Python config file; the other options override it."),
    click.option("--url", help="Base URL of the service, such as http://host:8000."),
    click.option("--mock", is_flag=True, default=None, help="Start the embedded simulated service instead."),
    click.option(
        "--mock-option",
        type=pair,
        metavar="NAME=VALUE",
        multiple=True,
        help="Setting of that service; implies --mock.",
    ),
    click.option("--model", help="Model to ask for.  [default: the first one the service lists]"),
    click.option("--api", type=click.Choice(["chat", "completions"]), help="Endpoint.  [default: chat]"),
    click.option("--stream/--no-stream", default=None, help="Ask for a stream of events.  [default: stream]"),
    click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the API key."),
    click.option("--header", type=header, metavar="'NAME: VALUE'", multiple=True, help="Further request header."),
    click.option("--param", type=pair, metavar="NAME=VALUE", multiple=True, help="Sampling parameter, sent as it is."),
    click.option(
        "--ignore-eos/--no-ignore-eos",
        default=None,
        help="Ask for output up to its full length.  [default without --config: ignore]",
    ),
    click.option("--input-len", type=lengths, metavar="N|MIN:MAX", help="Prompt tokens.  [default: 1024]"),
    click.option("--output-len", type=lengths, metavar="N|MIN:MAX", help="Output tokens.  [default: 128]"),
    click.option("--seed", type=int, help="Seed of the synthetic prompts.  [default: 0]"),
    click.option("--shared-prefix", type=int, metavar="N", help="Tokens that all prompts start with."),
    click.option("--dataset", type=click.Path(), help="JSONL file of prompts instead of synthetic ones."),
    click.option("--tokenizer", type=click.Path(), help="tokenizer.json for exact prompt lengths."),
    click.option("--num-prompts", type=int, metavar="N", help="Requests to send.  [default: 100]"),
    click.option("--num-warmups", type=int, metavar="N", help="Unmeasured requests before.  [default: 1]"),
    click.option(
        "--concurrency", type=int, metavar="N", help="Most requests in flight.  [default: 1; with --rate 1000]"
    ),
    click.option("--rate", metavar="RATE", help='Open loop at this rate, such as "200/s".'),
    click.option("--timeout", metavar="TIME", help='Limit for a request, such as "30s".  [default: 600s]'),
    click.option("--connect-timeout", metavar="TIME", help="Limit for a connection.  [default: 10s]"),
    click.option(
        "--retry",
        type=int,
        metavar="N",
        help="Attempts after the first, for requests that failed before any byte of an answer.  [default: 2]",
    ),
    click.option("--stats", metavar="LIST", help="Columns of the report, such as Average,P50,P99.9."),
    click.option("--save-text", is_flag=True, default=None, help="Keep the replies' text."),
    click.option("-w", "--work-dir", type=click.Path(), help="For results.  [default: outputs/default]"),
    click.option("-q", "--quiet", is_flag=True, help="No progress bar."),
)


def _with_options(command: Any) -> Any:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("perf")
@_with_options
def perf_command(config: str | None, quiet: bool, **given: Any) -> int:
    """Sends the planned load to a service, records it and reports what it did.

    \b
    fastbench perf --config run.py
    fastbench perf --url http://host:8000 --input-len 1024 --output-len 128 --concurrency 64
    """
    # Imported late: help must not wait for them.
    from fastbench.cli.perf_settings import run_of_options

    run = run_of_options(config, given)
    from fastbench.cli.perf_run import carry_out

    return carry_out(run, quiet=quiet)
