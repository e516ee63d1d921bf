"""Proxies of the environment are not used, and the user is told where one would be."""

import pytest

from fastbench.options import Options
from fastbench.options.settings import run_of_options

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


def remarks(**options: object) -> list[str]:
    told = run_of_options(Options({"input_len": 8, **options})).remarks
    return [remark for remark in told if "proxy" in remark]


@pytest.fixture(autouse=True)
def _none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("HTTP_PROXY", "http://host:8000"),
        ("http_proxy", "host:8000"),
        ("HTTPS_PROXY", "https://host"),
        ("ALL_PROXY", "http://host"),
        ("all_proxy", "https://host"),
    ],
)
def test_a_proxy_that_would_apply_is_told(monkeypatch: pytest.MonkeyPatch, variable: str, url: str) -> None:
    """A variable that names a proxy for the service's scheme is told, without its value; NO_PROXY ends it."""
    monkeypatch.setenv(variable, "http://me:hunter2@proxy:3128")
    (told,) = remarks(url=url)
    assert told.startswith(f"{variable.upper()} is set, but fastbench uses no proxy")
    assert "hunter2" not in told
    for hosts in ("host", "*", "other,host"):
        monkeypatch.setenv("NO_PROXY", hosts)
        assert remarks(url=url) == []


@pytest.mark.parametrize(
    ("variable", "options"),
    [
        ("HTTPS_PROXY", {"url": "http://host"}),
        ("HTTP_PROXY", {"url": "https://host"}),
        ("HTTP_PROXY", {"mock": True}),
        ("FTP_PROXY", {"url": "http://host"}),
    ],
)
def test_a_proxy_of_something_else_is_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, options: dict[str, object]
) -> None:
    """A proxy for another scheme, or one beside an embedded service, is nobody's concern."""
    monkeypatch.setenv(variable, "http://proxy:3128")
    assert remarks(**options) == []
