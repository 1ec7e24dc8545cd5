"""The admin's pages for reporting periods: days, closing, opening, reopening, and closing the year."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from indicators import workflow
from indicators.models import QuarterReport, Reopening, ReportingPeriod
from ledger.models import Entry
from objectives.models import Plan
from objectives.roc import TAIPEI
from objectives.tests.pages import add_url, change_url, filled, list_url, mistakes, signed_in, text


@pytest.fixture
def period(plan) -> ReportingPeriod:
    return plan.periods.get(quarter=1)


@pytest.fixture
def closed(period, administrator) -> ReportingPeriod:
    return workflow.close_period(period=period, by=administrator, now=timezone.now(), reason="結束填報")


def step_url(name: str, key: Any) -> str:
    return reverse(f"admin:indicators_reportingperiod_{name}", args=[key])


def until(ahead: timedelta = timedelta(days=1)) -> dict[str, str]:
    """What is typed for a moment from now, by the ROC calendar and Taipei's clock."""
    local = (timezone.now() + ahead).astimezone(TAIPEI)
    return {"day": f"{local.year - 1911}.{local.month}.{local.day}", "time": f"{local:%H:%M}"}


# -- Days --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["planner", "head", "reviewer", "manager", "auditor", "neighbour"])
def test_every_role_reads_the_days_and_changes_none(request, period, role):
    client = signed_in(request.getfixturevalue(role))
    assert "99 年 4 月 10 日" in text(client.get(list_url(ReportingPeriod)))
    page = client.get(change_url(period))
    assert "99 年 4 月 10 日" in text(page)
    assert '<input type="submit"' not in page.content.decode()
    assert client.post(change_url(period), {"submit_by": "99.4.20"}).status_code == 403
    for name in ("close", "open", "reopen"):
        assert client.get(step_url(name, period.pk)).status_code == 403
        assert client.post(step_url(name, period.pk), {"reason": "x"}).status_code == 403
    assert client.get(step_url("close_year", period.plan_id)).status_code == 403


def test_another_agencys_quarters_do_not_exist(period, stranger):
    client = signed_in(stranger)
    addresses = [change_url(period), step_url("close_year", period.plan_id)]
    addresses += [step_url(name, period.pk) for name in ("close", "open", "reopen")]
    assert {client.get(address).status_code for address in addresses} == {404}
    assert not client.get(list_url(ReportingPeriod)).context["cl"].result_list


def test_administrators_set_the_days_by_the_roc_calendar(period, administrator):
    client = signed_in(administrator)
    page = client.get(change_url(period))
    data = filled(page)
    assert data["submit_by"] == "99.4.10"
    client.post(change_url(period), data | {"submit_by": "99/4/12", "closes_on": "99 年 5 月 31 日"})
    period.refresh_from_db()
    assert (period.submit_by, period.closes_on) == (date(2010, 4, 12), date(2010, 5, 31))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("submit_by", "99.3.31", "日期"),
        ("closes_on", "99.4.9", "日期"),
        ("approve_by", "99.2.30", "98.12.31"),
    ],
)
def test_days_out_of_order_or_that_do_not_exist_are_refused(period, administrator, name, value, words):
    client = signed_in(administrator)
    page = client.post(change_url(period), filled(client.get(change_url(period))) | {name: value})
    assert words in mistakes(page)
    assert ReportingPeriod.objects.get(pk=period.pk).submit_by == date(2010, 4, 10)


def test_quarters_neither_come_nor_go_by_hand(period, administrator):
    client = signed_in(administrator)
    assert client.get(add_url(ReportingPeriod)).status_code == 403
    delete = reverse("admin:indicators_reportingperiod_delete", args=[period.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


# -- Closing and opening -----------------------------------------------------------------------------------


def test_whoever_closes_a_quarter_sees_first_what_is_not_approved(period, approved, administrator):
    approved("K1-1", 1, outbound=4, inbound=8)
    page = text(signed_in(administrator).get(step_url("close", period.pk)))
    assert "草稿 (19)" in page
    assert " K1-2 " in page
    assert " K1-1 " not in page


def test_a_quarter_closes_with_a_reason_that_the_ledger_keeps(period, administrator):
    client = signed_in(administrator)
    page = client.post(step_url("close", period.pk), {"reason": " "})
    assert mistakes(page)
    client.post(step_url("close", period.pk), {"reason": "已逾期"})
    period.refresh_from_db()
    assert (period.closed_by, period.close_reason) == (administrator, "已逾期")
    assert Entry.objects.filter(table="indicators_reportingperiod").latest("seq").reason == "已逾期"
    words = text(client.get(change_url(period)))
    assert "已逾期" in words
    assert "■ 已關閉" in words


def test_a_closed_quarter_closes_only_once(closed, administrator):
    page = signed_in(administrator).post(step_url("close", closed.pk), {"reason": "再關"})
    assert "結束填報" in mistakes(page)


def test_a_quarter_opens_again_for_everybody(closed, administrator):
    client = signed_in(administrator)
    assert mistakes(client.post(step_url("open", closed.pk), {"reason": ""}))
    client.post(step_url("open", closed.pk), {"reason": "誤關"})
    assert ReportingPeriod.objects.get(pk=closed.pk).closed_at is None
    assert mistakes(client.post(step_url("open", closed.pk), {"reason": "誤關"}))


def test_a_get_changes_nothing(closed, period, administrator):
    client = signed_in(administrator)
    for name in ("close", "open", "reopen"):
        assert client.get(step_url(name, period.pk), {"reason": "x"}).status_code == 200
    assert ReportingPeriod.objects.get(pk=closed.pk).closed_at == closed.closed_at
    assert not Reopening.objects.exists()


# -- Reopening ---------------------------------------------------------------------------------------------


def test_a_quarter_reopens_for_a_unit_until_a_moment(closed, administrator, department, planner):
    client = signed_in(administrator)
    typed = until()
    response = client.post(step_url("reopen", closed.pk), {"unit": department.pk, "reason": "更正", **typed})
    assert response.status_code == 302
    found = Reopening.objects.get()
    assert (found.unit, found.by, found.reason) == (department, administrator, "更正")
    assert f"{found.until.astimezone(TAIPEI):%H:%M}" == typed["time"]
    page = text(client.get(change_url(closed)))
    assert f"{department} " in page
    assert "更正" in page
    assert "◐" in page
    assert "亞東太平洋司" in text(signed_in(planner).get(change_url(closed)))


def test_a_reopening_for_the_agency_is_listed_once(closed, administrator, ministry, department):
    data = {"unit": ministry.pk, "reason": "更正", **until()}
    client = signed_in(administrator)
    client.post(step_url("reopen", closed.pk), data)
    assert Reopening.objects.count() == 2
    [granted] = client.get(change_url(closed)).context["granted"]
    assert (granted.units, granted.in_force) == (ministry.name, True)
    client.post(step_url("reopen", closed.pk), data | {"reason": "延長", **until(timedelta(days=2))})
    assert [
        (each.first.reason, each.in_force) for each in client.get(change_url(closed)).context["granted"]
    ] == [
        ("延長", True),
        ("更正", False),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"unit": ""},
        {"day": "115.2.30"},
        {"time": "25:00"},
        {"day": "99.1.1"},
    ],
)
def test_a_reopening_without_its_particulars_is_refused(closed, administrator, ministry, wrong):
    data = {"unit": ministry.pk, "reason": "更正", **until(), **wrong}
    page = signed_in(administrator).post(step_url("reopen", closed.pk), data)
    assert mistakes(page)
    assert not Reopening.objects.exists()


def test_no_other_agencys_unit_is_offered(closed, administrator, stranger):
    other = stranger.memberships.get().unit
    data = {"unit": other.pk, "reason": "更正", **until()}
    assert mistakes(signed_in(administrator).post(step_url("reopen", closed.pk), data))


# -- The year ----------------------------------------------------------------------------------------------


def test_a_year_closes_for_good(plan, administrator, planner):
    client = signed_in(administrator)
    assert step_url("close_year", plan.pk) in client.get(change_url(plan)).content.decode()
    assert mistakes(client.post(step_url("close_year", plan.pk), {}))
    assert client.post(step_url("close_year", plan.pk), {"certain": "on"}).status_code == 302
    assert Plan.objects.get().closed_by == administrator
    period = plan.periods.get(quarter=2)
    page = client.get(change_url(period))
    assert '<input type="submit"' not in page.content.decode()
    assert "administrator" in text(page)
    assert client.post(change_url(period), {"submit_by": "99.7.11"}).status_code == 403
    for name, data in (("open", {}), ("reopen", {"unit": plan.unit_id, **until()})):
        assert mistakes(client.post(step_url(name, period.pk), {"reason": "x", **data}))
    assert step_url("close_year", plan.pk) not in client.get(change_url(plan)).content.decode()


def test_a_year_with_reports_on_their_way_stays_open(plan, report, planner, administrator, now):
    figures = {"projects": Decimal(92)}
    found = workflow.save_draft(report=report("K1-2", 1), by=planner, now=now, figures=figures)
    workflow.submit(report=found, by=planner, now=now)
    client = signed_in(administrator)
    page = client.get(step_url("close_year", plan.pk))
    assert "送審 (1)" in text(page)
    assert mistakes(client.post(step_url("close_year", plan.pk), {"certain": "on"}))
    assert not Plan.objects.get().is_closed


def test_the_list_takes_the_same_number_of_queries_with_reopenings(
    closed, administrator, ministry, department, django_assert_num_queries
):
    client = signed_in(administrator)
    with CaptureQueriesContext(connection) as before:
        client.get(list_url(ReportingPeriod))
    workflow.reopen_period(
        period=closed, unit=ministry, until=timezone.now() + timedelta(days=1), reason="x", by=administrator,
        now=timezone.now(),
    )  # fmt: skip
    with django_assert_num_queries(len(before)):
        client.get(list_url(ReportingPeriod))


def test_the_moments_typed_are_taipeis(closed, administrator, ministry):
    tomorrow = datetime.now(TAIPEI) + timedelta(days=1)
    data = {"unit": ministry.pk, "reason": "x", "time": "17:30"}
    data["day"] = f"{tomorrow.year - 1911}.{tomorrow.month}.{tomorrow.day}"
    signed_in(administrator).post(step_url("reopen", closed.pk), data)
    assert Reopening.objects.get().until == tomorrow.replace(hour=17, minute=30, second=0, microsecond=0)


def test_nothing_here_touches_a_report(closed, plan, administrator):
    before = list(QuarterReport.objects.order_by("pk").values())
    signed_in(administrator).post(step_url("open", closed.pk), {"reason": "x"})
    assert list(QuarterReport.objects.order_by("pk").values()) == before
