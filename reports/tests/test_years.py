"""An indicator's years side by side: linked by their plans, each as its own page has it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from indicators import workflow
from indicators.models import Indicator, QuarterReport
from indicators.next_year import copy_plan
from objectives.models import Plan
from objectives.tests.pages import signed_in, text


@pytest.fixture
def next_plan(plan, administrator, now) -> Plan:
    return copy_plan(plan=plan, by=administrator, now=now, baselines={})


def table(response: Any) -> str:
    """The words of the table of years."""
    _before, _heading, after = text(response).partition("歷年對照")
    return after.partition("衡量標準")[0]


@pytest.mark.django_db
def test_there_is_no_table_while_there_is_one_year(managing, plan):
    assert table(managing.get("/indicators/K1-1/?year=99")) == ""


@pytest.mark.django_db
def test_every_year_stands_beside_the_others_as_its_own_page_has_it(
    managing, approved, plan, administrator, now, planner, head, reviewer
):
    for quarter in (1, 2, 3, 4):
        approved("K2-2", quarter, meetings=1)
    next_plan = copy_plan(plan=plan, by=administrator, now=now, baselines={})
    found = QuarterReport.objects.get(indicator__goal__plan=next_plan, indicator__code="K2-2", quarter=1)
    _approve(found, planner, head, reviewer, meetings=3)
    page = managing.get("/indicators/K2-2/?year=99&quarter=2")
    words = table(page)
    assert "99 年度 年底" in words
    assert "100 年度" in words
    [first, second] = page.context["years"]
    assert (first.year, first.quarter, first.chosen) == (99, 4, True)
    assert (first.row.value.shown, first.row.attainment.shown) == ("4", "80")
    assert (second.year, second.row.value.shown, second.chosen) == (100, "3", False)
    own = managing.get(f"/indicators/K2-2/{second.query}&quarter={second.quarter}")
    assert own.context["row"].value == second.row.value
    assert own.context["row"].standing == second.row.standing
    assert [each.year for each in own.context["years"]] == [99, 100]


def _approve(report: QuarterReport, planner: Any, head: Any, reviewer: Any, **figures: int) -> None:
    later = datetime.fromisoformat("2012-01-15T01:30+00:00")
    given = {symbol: Decimal(value) for symbol, value in figures.items()}
    saved = workflow.save_draft(report=report, by=planner, now=later, figures=given)
    sent = workflow.submit(report=saved, by=planner, now=later)
    workflow.approve(report=workflow.endorse(report=sent, by=head, now=later), by=reviewer, now=later)


@pytest.mark.django_db
def test_a_longer_chain_is_in_order_from_wherever_one_looks(managing, next_plan, administrator, now):
    copy_plan(plan=next_plan, by=administrator, now=now, baselines={})
    for year in (99, 100, 101):
        page = managing.get(f"/indicators/K1-1/?year={year}")
        assert [each.year for each in page.context["years"]] == [99, 100, 101]


@pytest.mark.django_db
def test_an_indicator_that_was_renamed_leads_to_its_own_page(managing, next_plan):
    Indicator.objects.filter(goal__plan=next_plan, code="K2-2").update(code="K2-9")
    page = managing.get("/indicators/K2-2/?year=99")
    assert "/indicators/K2-9/?year=100" in page.content.decode()


@pytest.mark.django_db
def test_the_past_knows_no_later_year(managing, plan, administrator, now, a_moment_later):
    moment = a_moment_later()
    copy_plan(plan=plan, by=administrator, now=now, baselines={})
    assert managing.get("/indicators/K1-1/?year=99").context["years"]
    assert managing.get(f"/indicators/K1-1/?year=99&as_of={moment}").context["years"] == []


@pytest.mark.django_db
def test_another_agencys_years_do_not_exist(next_plan, stranger):
    assert signed_in(stranger).get("/indicators/K1-1/?year=99").status_code == 404


@pytest.mark.django_db
def test_the_dashboard_shows_the_year_before_at_the_same_quarter(
    managing, approved, plan, administrator, now, django_assert_num_queries
):
    assert "year-before" not in managing.get("/?year=99&quarter=1").content.decode()
    approved("K2-2", 1, meetings=1)
    copy_plan(plan=plan, by=administrator, now=now, baselines={})
    managing.get("/?year=100&quarter=1")
    with django_assert_num_queries(15):
        page = managing.get("/?year=100&quarter=1").content.decode()
    said = page.partition('class="year-before')[2].partition("</p>")[0]
    assert '<data value="20">20</data>%' in said
    assert 'href="?year=99&amp;quarter=1"' in said
    assert '<data value="20" id="mean">' in managing.get("/?year=99&quarter=1").content.decode()
    assert 'id="mean"' not in page
