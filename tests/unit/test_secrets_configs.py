"""Keys in configs: no error and no dump shows them, whatever is wrong around them."""

import warnings
from pathlib import Path

import pytest
from command_lines import options_of

from fastbench.aisbench import load_config
from fastbench.config import dump_config
from fastbench.errors import ConfigError
from fastbench.options.settings import run_of_options

KEY = "hunter2-5up3rs3cr37"
DATA = "datasets = [dict(type='synthetic', count=10, input_len=4)]\n"
MODEL = f"type='openai_chat', url='http://host:8000', api_key='{KEY}'"


def error_of(folder: Path, text: str) -> str:
    path = folder / "run.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert caught.value.__cause__ is None or KEY not in str(caught.value.__cause__)
    return str(caught.value)


@pytest.mark.parametrize(
    "models",
    [
        f"dict({MODEL})",
        f"[[dict({MODEL})]]",
        f"[('api_key', '{KEY}')]",
        f"[dict(type=dict({MODEL}), url='http://host')]",
        f"[dict(type='openai_chat', url=dict({MODEL}))]",
        f"[dict(type='openai_chat', api_key=['{KEY}'])]",
        f"[dict(type='openai_chat', api_key=dict(value='{KEY}'))]",
        f"[dict(type='openai_chat', headers='Authorization: Bearer {KEY}')]",
        f"[dict(type='openai_chat', headers=[('Cookie', '{KEY}')])]",
        f"[dict(type='openai_chat', headers={{'X-Team': ['{KEY}']}})]",
        f"[dict(type='openai_chat', headers={{'Authorization: Bearer {KEY}': ''}})]",
        f"[dict(type='openai_chat', headers={{'Cookie': '{KEY}\\n'}})]",
        f"[dict(type='openai_chat', generation_kwargs=[dict(token='{KEY}')])]",
        f"[dict(type='openai_chat', generation_kwargs=dict(n=dict(auth_token='{KEY}')))]",
        f"[dict(type='openai_chat', traffic_cfg=[dict(api_key='{KEY}')])]",
        f"[dict(type='openai_chat', lora=1, path=dict(password='{KEY}'))]",
        f"[dict(type='openai_chat', url='http://user:{KEY}@host:8000')]",
        f"[dict(type='openai_chat', url='user:{KEY}@host:8000')]",
        f"[dict(type='openai_chat', url='http://user:{KEY}/7@host:8000')]",
        f"[dict(type='openai_chat', url='http://host:8000?api_key={KEY}')]",
        f"[dict(type='openai_chat', url='host:8000/v1?{KEY}')]",
        f"[dict(type='openai_chat', url='http://host:8000/#{KEY}')]",
        f"[dict(type='openai_chat', url='ftp://host:8000?k={KEY}')]",
        f"[dict(type='openai_chat', url='http://host:x?k={KEY}')]",
        f"[dict(type='openai_chat', host_ip='user:{KEY}@host')]",
        f"[dict(type='openai_chat', host_ip='host?token={KEY}')]",
        f"[dict(type='openai_chat', api_key='env:{KEY}')]",
        f"[dict(type='openai_chat', api_key='env:{KEY.replace('-', '_')}')]",
        f"[dict(type='openai_chat', summarizer_='x', retry=dict(api_key='{KEY}'))]",
    ],
)
def test_no_wrong_setting_shows_a_key(tmp_path: Path, models: str) -> None:
    """Wherever a key stands in a config that is refused, the error does not repeat it."""
    told = error_of(tmp_path, f"models = {models}\n{DATA}")
    assert KEY not in told
    assert KEY.replace("-", "_") not in told
    assert "models" in told


@pytest.mark.parametrize(
    "text",
    [
        f"models = [dict(api_key='{KEY}')\n",
        f"models = [dict({MODEL})] + {{'api_key': '{KEY}'}}['x' + '{KEY}']\n",
        f"api_key = '{KEY}'\nraise ValueError(f'no {{api_key}}')\n",
        f"api_key = '{KEY}'\nint(api_key)\n",
        f"api_key = '{KEY}'\n{{}}[api_key]\n",
        f"API_KEY={KEY.replace('-', '_')}\n",
        f"models = [dict(api_key='{KEY}')]\nmodels['{KEY}']\n",
        f"import os\ntoken = '{KEY}'\nopen('/no/' + token)\n",
        f"from .{KEY.replace('-', '_')} import x\napi_key = '{KEY.replace('-', '_')}'\n",
    ],
)
def test_no_error_of_a_file_shows_a_key(tmp_path: Path, text: str) -> None:
    """What stops a config file is told without the keys that stand in it."""
    told = error_of(tmp_path, text)
    assert KEY not in told
    assert KEY.replace("-", "_") not in told
    assert f"{tmp_path / 'run.py'}, line " in told


def test_no_warning_shows_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What Python warns of in a config is told without the line, which may hold a key."""
    path = tmp_path / "run.py"
    path.write_text(f"import warnings\nkey = '{KEY}'; warnings.warn('odd ' + key)\nmodels = [dict({MODEL})]\n{DATA}")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _print_warning
        load_config(str(path))
    told = capsys.readouterr().err
    assert "UserWarning: odd <hidden>" in told
    assert KEY not in told


def _print_warning(message, category, filename, lineno, file=None, line=None) -> None:  # type: ignore[no-untyped-def]
    import sys

    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def test_no_dump_shows_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump leaves out keys of every field, and what it left out has to be given again before it runs."""
    monkeypatch.setenv("SECRETS_KEY", KEY)
    model = (
        f"type='openai_chat', url='http://host:8000', api_key='{KEY}', "
        f"headers={{'X-Team': 'Bearer {KEY}', 'X-Trace': 'on', 'X-Random': 'Zz9{KEY}0123456789'}}, "
        f"generation_kwargs=dict(auth_token='{KEY}', user='sk-{KEY}', temperature=0.5, stop='x', "
        f"extra_body=dict(password='{KEY}', a=[dict(b='sk-proj-{KEY}0123456789')], keep='y'), "
        f"tools=[dict(type='mcp', headers=dict(Cookie='{KEY}'))], extra_headers={{'X-Any': '{KEY}'}})"
    )
    path = tmp_path / "run.py"
    path.write_text(f"models = [dict({model})]\n{DATA}")
    text = dump_config(load_config(str(path)))
    assert KEY not in text
    assert "'X-Trace': 'on'" in text
    assert "'temperature': 0.5, 'stop': 'x'" in text
    assert "'keep': 'y'" in text
    told = error_of(tmp_path, text)
    for name in ("auth_token", "extra_body", "tools", "extra_headers"):
        assert f"generation_kwargs['{name}'] was left out of the dumped config" in told
    assert "api_key was left out of the dumped config" in told


@pytest.mark.parametrize("name", ["sk-leakme-123", "sk_leakme_123", "hunter2_leakme_123"])
def test_a_key_in_the_place_of_its_variable(name: str) -> None:
    """Who gives the key itself to --api-key-env is told so, and the key is neither shown nor sent."""
    with pytest.raises(ConfigError) as caught:
        run_of_options(options_of("--url", "http://host:8000", "--api-key-env", name))
    told = str(caught.value)
    assert "leakme" not in told
    assert told.startswith("--api-key-env names ")
    assert "not the key" in told
