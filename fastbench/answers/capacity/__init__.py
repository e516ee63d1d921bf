"""How much load a service carries within its SLOs: the search, and what it is made of. Pure: it sends nothing.

search ── the state machine: which level is next, the answer; asked ── what it is asked and answers; levels ── what was
seen of each, as evidence; bracket ── the posterior of the answer, probabilistic bisection; curve ── isotonic fit, the
knee; steady ── from when on requests count, whether a queue grows; looking ── of
one visit, from requests that ended to what the search is told
"""

from fastbench.answers.capacity.asked import Answer, Found, OpenLoop, Settings, Step
from fastbench.answers.capacity.bracket import Bracket, Posterior, Told
from fastbench.answers.capacity.curve import Knee, Measured, falling_fit, knee, rising_fit
from fastbench.answers.capacity.levels import Level, Levels, Purpose, Seen
from fastbench.answers.capacity.looking import EndedRequests, Looked, Visiting
from fastbench.answers.capacity.search import Search
from fastbench.answers.capacity.steady import backlog_length_ns, begin_ns, behind, falls_behind, mser5

__all__ = [
    "Answer",
    "Bracket",
    "EndedRequests",
    "Found",
    "Knee",
    "Level",
    "Levels",
    "Looked",
    "Measured",
    "OpenLoop",
    "Posterior",
    "Purpose",
    "Search",
    "Seen",
    "Settings",
    "Step",
    "Told",
    "Visiting",
    "backlog_length_ns",
    "begin_ns",
    "behind",
    "falling_fit",
    "falls_behind",
    "knee",
    "mser5",
    "rising_fit",
]
