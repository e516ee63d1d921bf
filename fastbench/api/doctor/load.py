"""Checks that a second of load on the simulated service makes: does the client keep its times on this machine?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from fastbench.api.doctor.check import Check, checked
from fastbench.api.doctor.system import Ticks, ticks
from fastbench.api.planning import prepare
from fastbench.api.running import Running
from fastbench.errors import FastbenchError
from fastbench.metrics import ClientError, Metrics
from fastbench.metrics.trust import reach_ms
from fastbench.options import Options, run_of_options
from fastbench.report import Published
from fastbench.run import Stop
from fastbench.units import number, quantity, share

SHORT = {"input_len": 16, "output_len": 16, "num_warmups": 0, "workers": 1}
"""Of the requests that are sent here."""
_LOAD = {
    **SHORT,
    "mock_option": (("ttft_ms", 5.0), ("itl_ms", 5.0)),
    "rate": "200/s",
    "num_prompts": 200,
}
"""A second, in which something is to be read three times a millisecond."""
MOSTLY = 0.5
LONGEST_MS = 10_000.0
"""Where times of a whole reply are uncertain nothing can be measured."""
STOLEN = 0.01
"""From this share of the processors' time on others disturb."""


def measured(settings: Options, stop: Stop) -> Published | None:
    """What a run comes to, whose files are not kept; None where it was stopped. Raises FastbenchError."""
    with _place() as place:
        run, _ = run_of_options(settings.having("work_dir", place))
        running = Running(prepare(run), stop)
        with running:
            (task,) = running
        if task.error is not None:
            raise task.error
        return None if stop.asked else task.publish(page=False)


def _place() -> tempfile.TemporaryDirectory[str]:
    """Where the run's files are until they are read. FastbenchError where that can be nowhere."""
    try:
        return tempfile.TemporaryDirectory(prefix="fastbench-doctor-")
    except OSError as error:
        raise FastbenchError(
            f"no directory for temporary files can be written ({error.strerror}): name one by TMPDIR"
        ) from error


def of_load(stop: Stop) -> Iterator[Check]:
    """What the load shows of the client; nothing where it is stopped."""
    before = ticks()
    try:
        published = measured(Options(_LOAD), stop)
    except FastbenchError as error:
        yield checked("Trial", "the simulated service could not be measured", fails=True, remedy=str(error))
        return
    if published is None:
        return
    found = published.metrics
    yield stamps(found.client, "on loopback")
    yield priority(found.client)
    yield noise(found.client, before, ticks())
    yield trial(found)


def stamps(client: ClientError, route: str) -> Check:
    """Whether the kernel stamps what arrives. route: in words."""
    stamped = client.reads - client.unstamped_reads
    return checked(
        "Kernel stamps",
        f"{number(stamped)} of {number(client.reads)} reads {route} have one",
        fails=not stamped,
        warns=client.unstamped_reads > 0,
        remedy="use a kernel that has SO_TIMESTAMPNS for TCP (Linux itself; gVisor has none): without stamps a time is "
        "that at which the client came to read",
        reads=client.reads,
        unstamped_reads=client.unstamped_reads,
    )


def priority(client: ClientError) -> Check:
    """Whether the thread that sends and reads runs before ordinary ones."""
    real_time = client.real_time_share
    return checked(
        "Priority",
        f"real-time for {share(real_time)} of the time" if real_time else "ordinary: no other is permitted",
        warns=(real_time or 0) < MOSTLY,
        remedy="permit it: as root, with ulimit -r 1, LimitRTPRIO=1, docker run --cap-add SYS_NICE, in Kubernetes "
        "capabilities.add [SYS_NICE], and not under nice; else leave a processor idle for the client",
        real_time_share=real_time,
    )


def noise(client: ClientError, before: Ticks, after: Ticks) -> Check:
    """Whether the thread gets a processor when it is due. before, after: as they stood around the load."""
    stolen = (after.stolen - before.stolen) / max(1, after.all - before.all)
    stalls = "1 stall" if client.stalls == 1 else f"{number(client.stalls)} stalls"
    longest = f", the longest {quantity(client.stall_longest_ms, 'ms')}" if client.stalls else ""
    lag = client.lag.values.get("P99")
    return checked(
        "Noise",
        f"{stalls}{longest}; read {quantity(lag, client.lag.unit)} late (P99); {share(stolen)} of the processors' time "
        "stolen",
        warns=client.stalls > 0 or stolen > STOLEN,
        remedy="stop what else runs here, give the client a processor of its own (taskset, isolcpus, a dedicated "
        "instance), or measure from another machine",
        stalls=client.stalls,
        longest_stall_ms=client.stall_longest_ms,
        read_lag_p99_us=lag,
        stolen_share=stolen,
    )


def trial(found: Metrics) -> Check:
    """Whether the load was sent as planned: the verdict of that run. Where only its times of some ms are too short for
    this client, a slower service can be measured."""
    late, reach = found.load.send_lateness, reach_ms(found)
    if reach is not None and reach > LONGEST_MS:
        reach = None
    told = f"200 requests/s sent {quantity(late.values.get('P99'), late.unit)} late (P99): "
    if reach is None:
        remedy = " ".join(found.verdict.sentences)
    else:
        remedy = f"measure times below {quantity(reach, 'ms')} when less else runs here. {found.verdict.sentences[0]}"
    return checked(
        "Trial",
        told + (found.verdict.word if reach is None else f"times below {quantity(reach, 'ms')} uncertain by over 1 %"),
        fails=not found.verdict.valid and reach is None,
        warns=reach is not None,
        remedy=remedy,
        verdict=found.verdict.word,
        send_lateness_p99_ms=late.values.get("P99"),
        least_time_ms=reach,
    )
