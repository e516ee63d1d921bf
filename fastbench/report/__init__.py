"""`Metrics` → what a person reads: console, csv, json, page, rate charts; and exports for other tools."""

from fastbench.report.answer import STRIP_BINS, Answer, Latency, Level, Span, Statement, Subject, answer_of
from fastbench.report.checks.written import Checked, checked, junit, markdown
from fastbench.report.comparing.lines import comparison_lines
from fastbench.report.comparing.written import comparison_json, comparison_junit, comparison_markdown
from fastbench.report.console import render
from fastbench.report.exports.columns import request_columns
from fastbench.report.exports.parquet import requests_table
from fastbench.report.exports.write import FORMATS, export
from fastbench.report.files import replace
from fastbench.report.levels import (
    CurvePoint,
    FrontPoint,
    LevelsPage,
    Marked,
    Measured,
    Wanted,
    levels_page,
)
from fastbench.report.page.compare import STATS, Compared, comparison
from fastbench.report.page.index import Task, index_page
from fastbench.report.page.rate_chart import RateChart, planned_chart
from fastbench.report.page.sections import (
    common_table,
    failures_table,
    footnotes_list,
    parameters_table,
    promises,
    stages_table,
)
from fastbench.report.page.sections import verdict as verdict_html
from fastbench.report.published import PAGE, Published, publish, reading, task_of, write_page
from fastbench.report.screen.lines import Finished, Line, Part, Style, plain, text_of
from fastbench.report.screen.summary import strip, summarize
from fastbench.report.sentence import Outcomes, Piece, Rates
from fastbench.report.service_tables import publish_spec_decode
from fastbench.report.statements import service as service_statement

__all__ = [
    "FORMATS",
    "PAGE",
    "STATS",
    "STRIP_BINS",
    "Answer",
    "Checked",
    "Compared",
    "CurvePoint",
    "Finished",
    "FrontPoint",
    "Latency",
    "Level",
    "LevelsPage",
    "Line",
    "Marked",
    "Measured",
    "Outcomes",
    "Part",
    "Piece",
    "Published",
    "RateChart",
    "Rates",
    "Span",
    "Statement",
    "Style",
    "Subject",
    "Task",
    "Wanted",
    "answer_of",
    "checked",
    "common_table",
    "comparison",
    "comparison_json",
    "comparison_junit",
    "comparison_lines",
    "comparison_markdown",
    "export",
    "failures_table",
    "footnotes_list",
    "index_page",
    "junit",
    "levels_page",
    "markdown",
    "parameters_table",
    "plain",
    "planned_chart",
    "promises",
    "publish",
    "publish_spec_decode",
    "reading",
    "render",
    "replace",
    "request_columns",
    "requests_table",
    "service_statement",
    "stages_table",
    "strip",
    "summarize",
    "task_of",
    "text_of",
    "verdict_html",
    "write_page",
]
