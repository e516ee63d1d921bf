"""A `Result` in a notebook: static HTML that needs nothing from outside; all that comes from a service is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from fastbench.errors import RecordingError, UsageError
from fastbench.report import (
    common_table,
    failures_table,
    footnotes_list,
    parameters_table,
    promises,
    stages_table,
    verdict_html,
)

if TYPE_CHECKING:
    from fastbench.api.result import Result

# Colours of the notebook's own theme: it may be dark.
_STYLE = """
.fastbench { font: 13px/1.45 system-ui, sans-serif; }
.fastbench h3 { margin: 0 0 .3em; font-size: 1.1em; }
.fastbench .wide { overflow-x: auto; margin: .6em 0; }
.fastbench table { font: inherit; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.fastbench th, .fastbench td { padding: .15em .7em; text-align: right; white-space: nowrap; border: 0; }
.fastbench th:first-child { text-align: left; font-weight: 600; }
.fastbench table.words td { text-align: left; }
.fastbench thead th { border-bottom: 1px solid currentColor; }
.fastbench .verdict { display: inline-block; margin: .2em .8em .2em 0; padding-left: .6em; }
.fastbench .valid, .fastbench .kept { border-left: 4px solid #2a9d4a; }
.fastbench .invalid, .fastbench .overloaded { border-left: 4px solid #d9480f; }
.fastbench .reasons { margin: .2em 0 .4em; padding-left: 1.6em; }
.fastbench .note { margin: .2em 0; opacity: .75; }
"""


def html(result: Result) -> str:
    """The verdicts and the tables of a result."""
    try:
        metrics = result.metrics
    except (RecordingError, UsageError) as error:
        return f"<p>{escape(str(error))}</p>"
    state = " · interrupted" if result.interrupted else ""
    notes = "".join(f'<p class="note">{escape(remark)}</p>' for remark in result.remarks)
    tables = parameters_table(metrics) + common_table(metrics) + failures_table(metrics)
    stages = stages_table(metrics) if metrics.stages else ""
    return (
        f'<div class="fastbench"><style>{_STYLE}</style><h3>{escape(result.name)}{state}</h3>{verdict_html(metrics)}'
        f"{promises(metrics)}{stages}{tables}{footnotes_list(metrics)}{notes}"
        f'<p class="note">{escape(str(result.path))}</p></div>'
    )
