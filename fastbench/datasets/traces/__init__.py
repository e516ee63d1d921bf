"""Traces of real services: when requests came, and how long they were.

`settings.py`: the settings. `layouts.py`: which column of a file means what. `tables.py`: the cells of a CSV, JSON or
parquet file. `loading.py`: cells → arrays, each one checked. `replay.py`: the data set.
"""

from fastbench.datasets.traces.replay import TRACE
from fastbench.datasets.traces.settings import TraceColumns, TraceConfig

__all__ = ["TRACE", "TraceColumns", "TraceConfig"]
