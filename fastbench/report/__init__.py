"""`Metrics` → what a person reads: console, csv, json, page, rate charts; and exports for other tools."""

from typing import TYPE_CHECKING

from fastbench.lazy import lazy

if TYPE_CHECKING:
    from fastbench.report.answer import STRIP_BINS, Answer, Latency, Level, Span, Statement, Subject, answer_of
    from fastbench.report.checks.written import Checked, checked, junit, markdown
    from fastbench.report.comparing.lines import comparison_lines
    from fastbench.report.comparing.written import comparison_json, comparison_junit, comparison_markdown
    from fastbench.report.console import render
    from fastbench.report.exports.columns import request_columns
    from fastbench.report.exports.document import ReportedTask, result_json
    from fastbench.report.exports.parquet import requests_table
    from fastbench.report.exports.write import FORMATS, export
    from fastbench.report.files import document_json, replace
    from fastbench.report.levels import CurvePoint, FrontPoint, LevelsPage, Marked, Measured, Wanted, levels_page
    from fastbench.report.page.comparison.page import comparison_page
    from fastbench.report.page.index import Task, index_page
    from fastbench.report.page.rate_chart import RateChart, planned_chart
    from fastbench.report.page.sections import (
        common_table,
        failures_table,
        footnotes_list,
        parameters_table,
        promises,
        stages_table,
        verdict_html,
    )
    from fastbench.report.published import PAGE, Published, publish, reading, task_of, write_page
    from fastbench.report.screen.lines import Finished, Line, Part, Style, plain, text_of
    from fastbench.report.screen.summary import strip, summarize
    from fastbench.report.sentence import Outcomes, Piece, Rates
    from fastbench.report.service_tables import publish_spec_decode
    from fastbench.report.statements import service_statement
else:
    __getattr__ = lazy(
        __name__,
        {
            "answer": (
                "Answer",
                "Latency",
                "Level",
                "STRIP_BINS",
                "Span",
                "Statement",
                "Subject",
                "answer_of",
            ),
            "checks.written": (
                "Checked",
                "checked",
                "junit",
                "markdown",
            ),
            "comparing.lines": ("comparison_lines",),
            "comparing.written": (
                "comparison_json",
                "comparison_junit",
                "comparison_markdown",
            ),
            "console": ("render",),
            "exports.columns": ("request_columns",),
            "exports.parquet": ("requests_table",),
            "exports.write": (
                "FORMATS",
                "export",
            ),
            "files": ("document_json", "replace"),
            "levels": (
                "CurvePoint",
                "FrontPoint",
                "LevelsPage",
                "Marked",
                "Measured",
                "Wanted",
                "levels_page",
            ),
            "page.comparison.page": ("comparison_page",),
            "page.index": (
                "Task",
                "index_page",
            ),
            "page.rate_chart": (
                "RateChart",
                "planned_chart",
            ),
            "page.sections": (
                "common_table",
                "failures_table",
                "footnotes_list",
                "parameters_table",
                "promises",
                "stages_table",
                "verdict_html",
            ),
            "exports.document": ("ReportedTask", "result_json"),
            "published": (
                "PAGE",
                "Published",
                "publish",
                "reading",
                "task_of",
                "write_page",
            ),
            "screen.lines": (
                "Finished",
                "Line",
                "Part",
                "Style",
                "plain",
                "text_of",
            ),
            "screen.summary": (
                "strip",
                "summarize",
            ),
            "sentence": (
                "Outcomes",
                "Piece",
                "Rates",
            ),
            "service_tables": ("publish_spec_decode",),
            "statements": ("service_statement",),
        },
    )

__all__ = [
    "FORMATS",
    "PAGE",
    "STRIP_BINS",
    "Answer",
    "Checked",
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
    "ReportedTask",
    "Span",
    "Statement",
    "Style",
    "Subject",
    "Task",
    "Wanted",
    "answer_of",
    "checked",
    "common_table",
    "comparison_json",
    "comparison_junit",
    "comparison_lines",
    "comparison_markdown",
    "comparison_page",
    "document_json",
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
    "result_json",
    "service_statement",
    "stages_table",
    "strip",
    "summarize",
    "task_of",
    "text_of",
    "verdict_html",
    "write_page",
]
