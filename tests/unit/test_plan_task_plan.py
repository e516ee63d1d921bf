"""A task's plan: made once, the same each time, and all that a run goes by."""

import pickle
from pathlib import Path
from typing import ClassVar

import msgspec
import numpy as np
import pytest
from data_files import lines_file
from msgspec.structs import replace
from tasks import plan_of, task_of

from fastbench.config import Task
from fastbench.config.services import TrafficConfig
from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.plan.load import load_of
from fastbench.plan.shapes import LoadShape, LoadSpec, Schedule, open_loop, read_shape
from fastbench.plan.sharing import Remainder, Share
from fastbench.units import Duration, Rate

URL = "http://h:1"
RAMP = TrafficConfig(burstiness=0.5, ramp_up_strategy="exponential", ramp_up_start_rps=1.0, ramp_up_end_rps=9.0)
TALKS = [{"question_id": row, "category": "c", "turns": ["q"] * (1 + row)} for row in range(3)]


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        (task_of(URL), "concurrency"),
        (task_of(URL, request_rate=Rate(5)), "constant"),
        (task_of(URL, request_rate=Rate(5), traffic_cfg=TrafficConfig(burstiness=1.0)), "poisson"),
        (task_of(URL, request_rate=Rate(5), traffic_cfg=TrafficConfig(burstiness=0.2)), "gamma"),
        (task_of(URL, request_rate=Rate(5), traffic_cfg=RAMP), "ramp"),
        (task_of(URL, request_rate=Rate(5), traffic_cfg=RAMP, use_timestamp=True), "trace"),
        (replace(task_of(URL, request_rate=Rate(5)), pressure=True), "pressure"),
        (replace(task_of(URL, use_timestamp=True), pressure=True), "trace"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_shape_that_settings_ask_for(task: Task, shape: str) -> None:
    """Time stamps go before a ramp, and a ramp before a rate, as in AISBench; without any the loop is closed."""
    assert load_of(task).shape.name == shape


def test_it_is_pure_and_picklable() -> None:
    """The same task makes the same plan, and a plan that was pickled plans the same."""
    task = task_of(URL, request_rate=Rate(50), traffic_cfg=TrafficConfig(burstiness=1.0), batch_size=9)
    plan, again = plan_of(task), plan_of(task)
    sent = pickle.loads(pickle.dumps(plan))
    assert plan.record() == again.record() == sent.record()
    assert np.array_equal(plan.schedule.offsets, sent.schedule.offsets)
    assert plan.part(Share(1, 3)).reactor.limit == sent.part(Share(1, 3)).reactor.limit == 3


@pytest.mark.parametrize("traffic", [RAMP, TrafficConfig(), TrafficConfig(burstiness=0.5)])
def test_the_header_holds_it(traffic: TrafficConfig) -> None:
    """What a header has of a plan is plain JSON, and leads back to the load's shape."""
    plan = plan_of(task_of(URL, request_rate=Rate(5), traffic_cfg=traffic))
    record = msgspec.json.decode(msgspec.json.encode(plan.record()))
    assert read_shape(record["load"]) == plan.load.shape
    assert record["load"]["planned"] == 12
    assert record["workers"] == {"count": 1, "shares_queue": False, "reasons": []}


def test_places_are_conversations_and_requests_their_turns(tmp_path: Path) -> None:
    """A plan counts conversations as samples and each turn as a request; where the time decides, nobody knows how many
    there will be."""
    task = task_of(URL, MtBenchConfig(abbr="talk", path=lines_file(tmp_path, *TALKS)), batch_size=2)
    plan = plan_of(task)
    assert (plan.samples, plan.requests, plan.has_turns) == (3, 6, True)
    assert (plan.planned, plan.part().left) == (6, 3)
    timed = plan_of(replace(task, duration=Duration(10**9)))
    assert (timed.planned, timed.part().left) == (None, None)


def test_what_is_left_of_it() -> None:
    """A plan with a remainder sends its places alone, at the plan's times counted from the first of them."""
    plan = plan_of(task_of(URL, request_rate=Rate(10)))
    places = np.array([3, 5, 11])
    rest = plan.changed(remainder=Remainder(places, 300_000_000, 1, 1, 0, 1.0))
    part = rest.part()
    assert (part.planned, rest.left, rest.planned) == (3, 3, 12)
    assert part.schedule.offsets is not None
    assert part.schedule.offsets.tolist() == [0, 200_000_000, 800_000_000]
    assert list(rest.places(Share())) == [3, 5, 11]


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (task_of(URL, batch_size=3), "closed loop, at most 3 in flight"),
        (
            task_of(URL, request_rate=Rate(4), traffic_cfg=TrafficConfig(burstiness=1.0)),
            "open loop, poisson at 4/s, the last request after 2.750 s, at most 1 in flight",
        ),
        (
            replace(task_of(URL, request_rate=Rate(4)), on_full="drop"),
            "open loop, constant at 4/s, the last request after 2.750 s, at most 1 in flight, dropping what is due "
            "beyond",
        ),
        (
            replace(task_of(URL, request_rate=Rate(4), batch_size=9), pressure=True),
            "closed loop, at most 9 in flight, opened by pressure, constant at 4/s",
        ),
    ],
    ids=range(4),
)
def test_the_load_in_words(task: Task, line: str) -> None:
    """A plan says its load in one line."""
    assert plan_of(task).line() == line


def test_a_schedule_of_fewer_requests() -> None:
    """Where a package's shape begins fewer requests than there are, that is said before the run."""

    class Half(LoadShape, frozen=True, kw_only=True):
        name: ClassVar[str] = "half"

        def schedule(self, spec: LoadSpec, count: int) -> Schedule:
            return open_loop(spec, np.arange(count // 2, dtype=np.int64))

    whole = task_of(URL)
    count = plan_of(whole).requests
    assert not [remark for remark in plan_of(whole).remarks if "load shape" in remark]
    assert f"the load shape begins {count // 2} of {count} requests; the others are not sent" in " ".join(
        plan_of(replace(whole, load=Half())).remarks
    )
