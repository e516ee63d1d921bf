"""`fastbench config`: a config as it is understood, or the schema of all of them; nothing is sent."""

import json

import click

from fastbench.errors import UsageError


@click.command("config")
@click.argument("config_file", metavar="[CONFIG]", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of YAML and JSON configs.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json", "python"]),
    default="yaml",
    show_default=True,
    help="How to write the config.",
)
def config_command(config_file: str | None, schema: bool, form: str) -> None:
    """Print the config file CONFIG as it is understood: checked, with all defaults, without keys.

    \b
    fastbench config run.py > run.yaml      an AISBench or Python config as YAML
    fastbench config --schema               for an editor that completes and checks YAML
    """
    # Imported late: help must not wait for it.
    from fastbench.aisbench import load_config
    from fastbench.config import dump_config, dump_json, dump_yaml

    if schema == (config_file is not None):
        raise UsageError("give either a config file or --schema")
    if config_file is None:
        from fastbench.config.files import json_schema

        def left_out(fault: str) -> None:
            click.echo(f"left out: {fault}", err=True)

        click.echo(json.dumps(json_schema(left_out), indent=2, ensure_ascii=False))
        return
    write = {"yaml": dump_yaml, "json": dump_json, "python": dump_config}[form]
    click.echo(write(load_config(config_file)), nl=False)
