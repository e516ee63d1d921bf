"""The mock's table of options, its command line and its start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mock_client import ask, chat, get
from nursery import Mock

from fastbench.cli.mock import mock_command
from fastbench.errors import ConfigError, ServiceError
from fastbench.mock import make_options
from fastbench.mock.options import flag_name, option_fields


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ttft": 5}, "mock.ttft: there is no such option"), ({"ttft_ms": -1}, "mock.ttft_ms: must be a number from 0"),
        ({"seed": 1.5}, "mock.seed: must be a whole number"), ({"port": True}, "mock.port: must be a whole number"),
        ({"style": "tgi"}, "mock.style: must be one of vllm, llama"), ({"spaced": 1}, "mock.spaced: must be true or"),
        ({"faults": 7}, "mock.fault: must be a list"), ({"faults": ["cut"]}, "'cut' is not KIND"),
        ({"faults": ["cut=3:2"]}, "the share of 'cut=3:2'"), ({"faults": ["http=200"]}, "'http=200' is not"),
        ({"faults": ["empty:0.6", "html:0.6"]}, "add up to 1"), ({"model": ""}, "mock.model: must be a text"),
        ({"itl_ms": 1, "decode_ms": 1}, "give one kind"), ({"tls_cert": "a"}, "tls_cert and tls_key go together"),
        ({"no_done": True, "double_done": True}, "exclude each other"), ({"model": "x" * 201}, "at most 200 bytes"),
        ({"error-event": 1}, "there is no such option"), ({"faults": ["error-event=-1"]}, "is not KIND"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(values: dict[str, Any], message: str) -> None:
    """Each mistake raises one sentence that names the field."""
    with pytest.raises(ConfigError) as caught:
        make_options(values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_fault_needs_no_list() -> None:
    """A single fault may be given as a text."""
    assert make_options({"fault": "html:0.5"}).fault == ("html:0.5",)


def test_the_command_line_has_every_option_of_the_table() -> None:
    """Command line and Python API come from one table: same names, same defaults."""
    params = {param.name: param for param in mock_command.params}
    assert set(params) == {row.name for row in option_fields()}
    for row in option_fields():
        assert flag_name(row.name) in params[row.name].opts
        assert params[row.name].default == row.default


def test_the_command_reports_a_wrong_value_in_one_sentence() -> None:
    """A user's mistake on the command line is exit status 2 without a traceback."""
    result = CliRunner().invoke(mock_command, ["--fault", "bogus"])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert "'bogus'" in result.output


def test_importing_the_package_is_light() -> None:
    """`import fastbench.mock` loads no compiled module, no click and no numpy."""
    code = "import sys, fastbench.mock; own = [m for name, m in sys.modules.items() if 'fastbench.mock' in name]"
    code += "; print([m.__name__ for m in own if m.__file__.endswith('.so')])"
    code += "; print('numpy' in sys.modules, 'click' in sys.modules, 'asyncio' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "[]\nFalse False False\n"


def test_every_option_reaches_the_service() -> None:
    """The API hands all values on, also those that look like flags or hold blanks."""
    with Mock(model="a model --x", usage_always=True, no_done=False, style="transformers", seed=3) as mock:
        assert get(mock.url, "/v1/models").json["data"][0]["id"] == "a model --x"
        answer = ask(mock.url, {**chat(stream=True, max_tokens=1), "model": "a model --x"})
    assert answer.data[-1] == "[DONE]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_service_cleanly(number: signal.Signals) -> None:
    """SIGINT and SIGTERM end the command with status 0 after its one line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fastbench.cli.mock", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    assert line.startswith("fastbench mock serves http://127.0.0.1:")
    assert line.endswith(" (model mock); stop with Ctrl-C\n")
    process.send_signal(number)
    assert process.communicate(timeout=120) == (b"", b"")
    assert process.returncode == 0


def test_a_taken_port_is_a_clear_error() -> None:
    """The second service on a port does not start, and says why."""
    with Mock() as mock:
        port = int(mock.url.rpartition(":")[2])
        with pytest.raises(ServiceError, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use"):
            Mock(port=port).__enter__()


def test_an_unwritable_log_is_a_clear_error(tmp_path: Path) -> None:
    """A log in a folder that does not exist stops the start."""
    with pytest.raises(ServiceError, match="cannot write"):
        Mock(log=tmp_path / "no" / "log").__enter__()


def test_the_service_ends_with_the_block() -> None:
    """After the `with` block the process is gone, also when the block raised."""
    mock = Mock()
    pids = []

    def fail() -> None:
        with mock:
            pids.append(mock.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    with pytest.raises(RuntimeError, match="inside its `with` block"):
        _ = mock.pid


def test_the_service_ends_with_its_parent() -> None:
    """A parent that is killed leaves no service behind."""
    code = "import time; from fastbench.mock import Mock\nwith Mock() as m: print(m.pid, flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    watch = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    assert wait([watch], 10) == [watch]
    os.close(watch)
