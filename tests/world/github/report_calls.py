"""Runs whose report makes a certain call to GitHub."""

from collections.abc import Callable

from functions.github.reports import comment
from tests.github.answers import (
    ANSWERS,
    fails_with,
)
from tests.github.report_bench import ReportBench


def first_report(reporting: ReportBench) -> None:
    reporting.succeeds()


def pull_request_that_is_rejected(reporting: ReportBench) -> None:
    reporting.succeeds()
    fails_with(reporting.github, "POST /repos/acme/shop/pulls", ANSWERS["422 exists"])


def duplicate_comments(reporting: ReportBench) -> None:
    reporting.succeeds()
    for _ in range(2):
        reporting.shop.comment(
            reporting.issue, comment.text(reporting.run()), "5dlabs-rex[bot]", reporting.github.app.shown()
        )


def report_of_another_attempt(reporting: ReportBench) -> None:
    reporting.succeeds()
    reporting.report()
    reporting.asks(contextVersion=2)
    reporting.succeeds()


REPORTS: dict[str, Callable[[ReportBench], None]] = {
    "GET /repos/acme/shop": pull_request_that_is_rejected,
    "GET /repos/acme/shop/pulls": first_report,
    "POST /repos/acme/shop/pulls": first_report,
    "GET /repos/acme/shop/issues/*/comments": first_report,
    "POST /repos/acme/shop/issues/*/comments": first_report,
    "GET /repos/acme/shop/commits/*/check-runs": first_report,
    "POST /repos/acme/shop/check-runs": first_report,
    "PATCH /repos/acme/shop/issues/comments/*": report_of_another_attempt,
    "PATCH /repos/acme/shop/check-runs/*": report_of_another_attempt,
    "DELETE /repos/acme/shop/issues/comments/*": duplicate_comments,
}
"""For each call of a report, the steps that cause it."""
