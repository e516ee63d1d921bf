"""The examples for continuous integration: their form, and each of their commands, run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import CliRunner
from nursery import ROOT, Mock, nursery, package_environment

EXAMPLES = ROOT / "examples" / "ci"
SCHEMAS = {
    "github.yml": ["--builtin-schema", "vendor.github-workflows"],
    "gitlab.yml": ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
}
SMALL = {
    "--num-prompts 300": "--num-prompts 20",
    # The answer is not asked here: a busy machine makes INVALID runs.
    "save main measured --force": "save main measured --force --anyway",
}
ANSWERS = {0, 3, 4}


def github() -> list[str]:
    """The scripts of its steps that run fastbench, but for the service."""
    steps = yaml.safe_load((EXAMPLES / "github.yml").read_text())["jobs"]["measure"]["steps"]
    named = {step.get("name"): step["run"] for step in steps if "run" in step}
    renew = next(line for line in named["Renew the baseline"].splitlines() if line.startswith("fastbench"))
    return [named["Measure three times"], renew, named["Compare with the main branch"]]


def gitlab() -> list[str]:
    """The same of GitLab: on the main branch, then in a merge request."""
    measure, judge = yaml.safe_load((EXAMPLES / "gitlab.yml").read_text())["performance"]["script"]
    return [measure, f"CI_PIPELINE_SOURCE=push\n{judge}", f"CI_PIPELINE_SOURCE=merge_request_event\n{judge}"]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_vendors_schema_takes_it(name: str) -> None:
    """The file has the form that its vendor's schema asks for."""
    checker = pytest.importorskip("check_jsonschema", reason="pip install check-jsonschema")
    done = CliRunner().invoke(checker.main, [*SCHEMAS[name], str(EXAMPLES / name)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_docs_show_it(name: str) -> None:
    """`docs/ci.md` has the very file."""
    assert f"```yml\n{(EXAMPLES / name).read_text()}```" in (ROOT / "docs" / "ci.md").read_text()


@pytest.mark.parametrize("scripts", [github(), gitlab()], ids=SCHEMAS)
def test_its_commands_answer(scripts: list[str], tmp_path: Path) -> None:
    """Measuring, renewing the baseline and comparing with it each give an answer, and the files that the job keeps."""
    summary = tmp_path / "summary.md"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    place = nursery().script(bin_)
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"
    with Mock(ttft_ms=5, itl_ms=1) as mock:
        environment = {**package_environment(), "PATH": path, "URL": mock.url, "GITHUB_STEP_SUMMARY": str(summary)}
        for script in scripts:
            small = script
            for whole, part in SMALL.items():
                small = small.replace(whole, part)
            bash = ["bash", "-c", small]
            done = subprocess.run(bash, cwd=tmp_path, env=environment, pass_fds=[place], capture_output=True, text=True)
            assert done.returncode in ANSWERS, done.stdout + done.stderr
    assert len(list((tmp_path / "measured").iterdir())) == 3
    assert (tmp_path / "baselines" / "main.json").stat().st_size <= 200_000
    for name in ("slo-1.xml", "slo-2.xml", "slo-3.xml", "compare.xml"):
        assert ElementTree.parse(tmp_path / name).getroot().tag == "testsuites"
    assert (tmp_path / "compare.md").read_text() in summary.read_text()
