"""«我的填報»: what is due from whom, when, and how far the units are."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from indicators import workflow
from indicators.models import Indicator, QuarterReport, ReportingPeriod, Status, Variable
from indicators.my_work import (
    Kind,
    Standing,
    due_words,
    explain,
    number_of_tasks,
    opened_periods,
    progress,
    tasks,
    worksheet_url,
)
from objectives.models import Goal, Unit, User, WorkItem
from objectives.roc import TAIPEI
from objectives.roles import Role
from objectives.tests.pages import signed_in, text

IN_APRIL = datetime(2010, 4, 12, 10, tzinfo=TAIPEI)  # quarter 1 is open, its submission due on the 10th


def again(user: User) -> User:
    """Read the person anew, as the next request does."""
    return User.objects.get(pk=user.pk)


def due(user, now=IN_APRIL, kind=None, code=None):
    """Give the tasks of a kind, or about an indicator."""
    return [
        task
        for task in tasks(again(user), now)
        if kind in (None, task.kind)
        and (code is None or (task.report and task.report.indicator.code == code))
    ]


@pytest.fixture
def send(report, planner, now):
    """Enter and submit quarter 1 of K1-1."""

    def make(code="K1-1", quarter=1, **figures):
        figures = figures or {"outbound": 4, "inbound": 8}
        values = {symbol: Decimal(value) for symbol, value in figures.items()}
        saved = workflow.save_draft(report=report(code, quarter), by=planner, now=now, figures=values)
        return workflow.submit(report=saved, by=planner, now=now)

    return make


@pytest.fixture
def shared(plan, department):
    """K1-1 with a variable of which the department gives a share."""
    indicator = Indicator.objects.get(code="K1-1")
    indicator.contributing_units.add(department)
    Variable.objects.filter(indicator=indicator, symbol="inbound").update(by_unit=True)
    return indicator


# -- Planners


def test_only_quarters_that_have_opened_are_due(planner, plan):
    assert {task.period.quarter for task in due(planner)} == {1}
    assert due(planner, IN_APRIL.replace(month=3)) == []


def test_the_newest_quarter_comes_first(planner, plan, now):
    quarters = [task.period.quarter for task in due(planner, now)]
    assert quarters == sorted(quarters, reverse=True)
    assert set(quarters) == {1, 2, 3, 4}


def test_an_indicator_is_not_asked_for_where_nothing_is_due(planner, plan, now):
    """C1-1 is due in quarter 4 only; a memo alone would not make it due."""
    assert due(planner, code="C1-1") == []
    assert {task.period.quarter for task in due(planner, now, code="C1-1")} == {4}
    Variable.objects.filter(indicator__code="C1-1").update(memo=True)
    assert due(planner, now, code="C1-1") == []


def test_an_indicator_not_applicable_this_year_is_not_asked_for(planner, plan):
    Indicator.objects.filter(code="K1-1").update(not_applicable_reason="本年度停辦")
    assert due(planner, code="K1-1") == []


def test_a_report_says_what_is_missing_in_words(planner, report):
    [task] = explain(due(planner, code="K1-1"))
    assert task.kind is Kind.FILL_IN
    assert task.standing is Standing.EMPTY
    assert len(task.lacking) == 1
    for variable in report("K1-1", 1).indicator.variables.all():
        assert variable.name in task.lacking[0]


def test_a_complete_draft_lacks_nothing(planner, report, now):
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures)
    [task] = explain(due(planner, code="K1-1"))
    assert task.standing is Standing.DRAFT
    assert task.lacking == []


def test_a_draft_behind_its_planned_value_lacks_the_explanation(planner, report, now):
    report("K1-1", 1).indicator.planned_values.create(quarter=1, value=50)
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures)
    [task] = explain(due(planner, code="K1-1"))
    assert "落後原因" in task.lacking[0]


def test_what_was_submitted_is_due_from_the_planner_no_more(planner, send):
    send()
    assert due(planner, code="K1-1") == []


def test_what_was_returned_comes_first_with_the_comment(planner, head, send, now):
    workflow.return_for_correction(
        report=send("K5-1", seminars=2, visits=1), by=head, now=now, reason="請查明"
    )
    first = due(planner)[0]
    assert first.report.indicator.code == "K5-1"
    assert first.is_returned
    assert "請查明" in text(signed_in(planner).get("/my-work/"))


def test_due_dates_are_said_in_words(planner, head, reviewer, send):
    send()
    [task] = due(planner, code="K1-2")
    assert (task.due, task.days_left, task.due_words) == (date(2010, 4, 10), -2, "逾期 2 日")
    [endorse] = due(head)
    assert (endorse.due, endorse.due_words) == (date(2010, 4, 15), "尚餘 3 日")
    assert due_words(0) == "今日到期"


def test_work_items_are_due_until_something_is_written(planner, plan, now):
    [task] = due(planner, kind=Kind.PROGRESS)
    assert len(task.items) == WorkItem.objects.count() == 13
    item = task.items[0]
    workflow.save_progress(item=item, quarter=1, text="已辦理", by=planner, now=now)
    [task] = due(planner, kind=Kind.PROGRESS)
    assert item not in task.items
    workflow.save_progress(item=item, quarter=1, text="", by=planner, now=now)
    [task] = due(planner, kind=Kind.PROGRESS)
    assert item in task.items


def test_a_departments_work_items_are_its_own(planner, neighbour, department, plan):
    WorkItem.objects.filter(pk=WorkItem.objects.first().pk).update(lead_unit=department)
    [task] = due(neighbour, kind=Kind.PROGRESS)
    assert task.unit == department
    assert task.worksheet == worksheet_url(99, 1, department) == "/worksheet/99/1/DEPT/"


def test_an_open_response_is_followed_up_in_the_next_quarter(planner, send, report, now):
    report("K1-1", 1).indicator.planned_values.create(quarter=1, value=50)
    with pytest.raises(workflow.Refusal):
        send()
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={}, lag_reason="行程延期", response="下季補辦",
        improve_by=date(2010, 6, 30),
    )  # fmt: skip
    sent = workflow.submit(report=report("K1-1", 1), by=planner, now=now)
    assert due(planner, kind=Kind.FOLLOW_UP) == []
    in_july = datetime(2010, 7, 2, tzinfo=TAIPEI)
    [task] = due(planner, in_july, kind=Kind.FOLLOW_UP)
    assert (task.report, task.period.quarter, task.due_words) == (sent, 2, "逾期 2 日")
    assert "下季補辦" in task.lacking[0]
    workflow.follow_up(report=sent, by=planner, now=now, note="已補辦")
    assert due(planner, in_july, kind=Kind.FOLLOW_UP) == []


# -- Contributing units


def test_a_contributing_unit_is_asked_for_its_share_only(neighbour, department, shared, report, now):
    [task] = due(neighbour)
    assert (task.kind, task.unit, task.report.indicator) == (Kind.SHARE, department, shared)
    name = Variable.objects.get(indicator=shared, symbol="inbound").name
    [words] = task.lacking
    assert f"{name}（{department}）" in words
    assert "外交部" not in words.replace(name, "")
    share: dict[workflow.Key, Decimal] = {("inbound", department.pk): Decimal(3)}
    workflow.save_draft(report=report("K1-1", 1), by=neighbour, now=now, figures=share)
    assert due(neighbour) == []


def test_a_returned_report_is_told_to_the_contributing_unit_too(
    neighbour, planner, head, department, ministry, shared, report, now
):
    figures: dict[workflow.Key, int] = {
        "outbound": 4,
        ("inbound", ministry.pk): 5,
        ("inbound", department.pk): 3,
    }
    values: dict[workflow.Key, Decimal] = {key: Decimal(value) for key, value in figures.items()}
    saved = workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=values)
    sent = workflow.submit(report=saved, by=planner, now=now)
    assert due(neighbour) == []
    workflow.return_for_correction(report=sent, by=head, now=now, reason="協辦數有誤")
    [task] = due(neighbour)
    assert task.is_returned
    assert task.lacking == []
    assert "協辦數有誤" in text(signed_in(neighbour).get("/my-work/"))


def test_the_lead_units_planner_is_not_asked_twice(planner, shared):
    assert [task.kind for task in due(planner, code="K1-1")] == [Kind.FILL_IN]


def test_a_unit_that_contributes_nothing_by_unit_is_not_asked(neighbour, shared):
    Variable.objects.filter(indicator=shared).update(by_unit=False)
    assert due(neighbour) == []


# -- Heads and reviewers


def test_each_step_is_due_from_whoever_takes_it(head, reviewer, send, now):
    sent = send()
    assert [task.kind for task in due(head)] == [Kind.ENDORSE]
    assert due(reviewer) == []
    endorsed = workflow.endorse(report=sent, by=head, now=now)
    assert due(head) == []
    [task] = due(reviewer)
    assert (task.kind, task.report, task.due) == (Kind.APPROVE, sent, date(2010, 4, 20))
    workflow.approve(report=endorsed, by=reviewer, now=now)
    assert due(reviewer) == []


def test_without_the_heads_step_reports_go_to_the_reviewer(plan, head, reviewer, send):
    plan.head_step = False
    plan.save()
    send()
    assert due(head) == []
    assert [task.kind for task in due(reviewer)] == [Kind.APPROVE]


def test_nobody_is_asked_to_decide_their_own_work(person, ministry, report, now):
    both = person("both", (Role.PLANNER, ministry), (Role.HEAD, ministry))
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    saved = workflow.save_draft(report=report("K1-1", 1), by=both, now=now, figures=figures)
    workflow.submit(report=saved, by=both, now=now)
    assert due(both, kind=Kind.ENDORSE) == []


@pytest.mark.parametrize("who", ["manager", "auditor", "administrator", "outsider", "stranger"])
def test_nothing_is_due_from_others(request, plan, send, who):
    send()
    assert due(request.getfixturevalue(who)) == []


def test_a_deputy_is_asked_for_what_their_principal_would_be(planner, person, ministry, plan):
    deputy = person("deputy", (Role.MANAGER, ministry))
    today = timezone.localdate()
    planner.deputies.create(deputy=deputy, starts_on=today, ends_on=today)
    assert len(due(deputy)) == len(due(planner)) > 0


# -- Closed quarters


def test_a_closed_quarter_asks_for_nothing_and_says_who_closed_it(planner, administrator, plan, now):
    period = plan.periods.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now, reason="已陳核")
    assert 1 not in {task.period.quarter for task in due(planner, now)}
    words = text(signed_in(planner).get("/my-work/"))
    assert "administrator" in words
    assert words.index("第 2 季") < words.index("已陳核")


def test_a_reopened_quarter_asks_that_unit_again(planner, neighbour, administrator, department, plan, now):
    Indicator.objects.filter(code="K1-2").update(lead_unit=department)
    period = plan.periods.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now)
    workflow.reopen_period(
        period=period,
        unit=department,
        until=now + timedelta(days=2),
        reason="補正",
        by=administrator,
        now=now,
    )
    found = [task for task in due(neighbour, now) if task.period.quarter == 1]
    assert [task.report.indicator.code for task in found] == ["K1-2"]
    assert {task.unit for task in due(planner, now) if task.period.quarter == 1} == {department}
    assert 1 not in {task.period.quarter for task in due(neighbour, now + timedelta(days=3))}


def test_a_closed_year_asks_for_nothing(planner, administrator, plan, now):
    workflow.close_year(plan=plan, by=administrator, now=now)
    assert due(planner, now) == []
    assert "administrator" in text(signed_in(planner).get("/my-work/"))


# -- The page


def test_progress_is_counted_by_unit_and_quarter(planner, head, send, department, plan, now):
    Indicator.objects.filter(code="K1-2").update(lead_unit=department)
    workflow.return_for_correction(
        report=send("K5-1", seminars=2, visits=1), by=head, now=now, reason="請查明"
    )
    send()
    user = again(planner)
    rows = {
        (row.unit.code, row.period.quarter): row for row in progress(user, opened_periods(user, IN_APRIL))
    }
    ministry = rows["MOFA", 1].counts
    assert ministry[Standing.RETURNED] == ministry[Standing.SUBMITTED] == 1
    assert rows["DEPT", 1].counts == dict.fromkeys(Standing, 0) | {Standing.EMPTY: 1}
    asked = QuarterReport.objects.asked_for().filter(quarter=1).count()
    assert rows["MOFA", 1].total + rows["DEPT", 1].total == asked
    assert asked < Indicator.objects.count()


def test_a_draft_in_which_nothing_is_due_is_not_counted(planner, plan):
    user = again(planner)
    [row] = progress(user, opened_periods(user, IN_APRIL))
    not_due = Indicator.objects.exclude(
        variables__in=Variable.objects.filter(due_quarters__contains="1", memo=False)
    )
    assert not_due.exists()
    assert row.total == Indicator.objects.count() - not_due.count()


def test_the_address_chooses_quarter_and_status(planner, report, now):
    workflow.save_draft(report=report("K1-1", 2), by=planner, now=now, figures={"outbound": Decimal(4)})
    client = signed_in(planner)
    words = text(client.get("/my-work/?quarter=99-2&status=draft"))
    assert "K1-1" in words
    assert "K1-2" not in words
    assert "99 年度 第 3 季" not in words
    assert "K1-1" not in text(client.get("/my-work/?quarter=99-3&status=draft"))


@pytest.mark.parametrize("query", ["quarter=98-1", "quarter=99-5", "quarter=%00", "status=DRAFT", "status=x"])
def test_a_choice_that_does_not_exist_is_answered_with_404(planner, plan, query):
    assert signed_in(planner).get(f"/my-work/?{query}").status_code == 404


def test_who_may_see_the_page(client, planner, manager, outsider, plan):
    assert client.get("/my-work/").status_code == 302
    assert signed_in(outsider).get("/my-work/").status_code == 403
    assert "目前沒有待辦事項" in text(signed_in(manager).get("/my-work/"))
    assert signed_in(planner).post("/my-work/").status_code == 405
    assert "no-store" in signed_in(planner).get("/my-work/")["Cache-Control"]


def test_another_units_reports_are_not_shown(neighbour, plan):
    words = text(signed_in(neighbour).get("/my-work/"))
    assert "K1-1" not in words
    assert "目前沒有待辦事項" in words


def test_each_quarter_leads_to_the_worksheet_of_the_topmost_unit(
    planner, neighbour, reviewer, department, ministry, plan
):
    def sheets(user):
        page = signed_in(user).get("/my-work/").content.decode()
        return re.findall(r'class="button" href="(/worksheet/[^"]+)"', page)

    assert sheets(planner) == [f"/worksheet/99/{quarter}/MOFA/" for quarter in (4, 3, 2, 1)]
    assert sheets(neighbour) == [f"/worksheet/99/4/{department.code}/"]
    assert sheets(reviewer) == []


def test_a_reviewer_is_led_to_all_of_a_units_quarter(reviewer, planner, plan):
    page = signed_in(reviewer).get("/my-work/").content.decode()
    assert "/approve/99/4/MOFA/" in page
    assert "/approve/99/4/MOFA/" not in signed_in(planner).get("/my-work/").content.decode()


def test_the_menu_counts_what_is_to_do(planner, head, send, a_moment_later):
    send()
    number = len(tasks(again(planner), datetime.now(TAIPEI)))
    for page in ("/", "/admin/"):
        assert f"我的填報 {number} （待辦 {number} 件）" in text(signed_in(planner).get(page))
        assert "審核 1 （待辦 1 件）" in text(signed_in(head).get(page))
    assert "待辦" not in text(signed_in(planner).get(f"/?year=99&quarter=1&as_of={a_moment_later()}"))


def test_counting_takes_no_more_queries_than_the_tasks_themselves(planner, neighbour, shared, report, now):
    back = {"returned_by": planner, "returned_at": now, "return_reason": "補正", "status": Status.RETURNED}
    QuarterReport.objects.filter(pk=report("K1-2", 1).pk).update(response="對策", **back)
    planners = {Kind.FILL_IN, Kind.PROGRESS, Kind.FOLLOW_UP}
    for person, kinds in ((planner, planners), (neighbour, {Kind.SHARE})):
        with CaptureQueriesContext(connection) as listing:
            found = tasks(again(person), now)
        with CaptureQueriesContext(connection) as counting:
            assert number_of_tasks(again(person), now) == len(found)
        assert {task.kind for task in found} == kinds
        assert len(counting) <= len(listing)


def test_signing_in_still_leads_to_the_dashboard(client, planner, plan):
    answer = client.post(
        "/accounts/login/", {"username": "planner", "password": "correct horse battery staple 9"}
    )
    assert answer["Location"] == "/"


def multiply(plan, number):
    """Add indicators like K1-1 until there are so many."""
    like = Indicator.objects.get(code="K1-1")
    goal = Goal.objects.get(plan=plan, kind="KEY", number=1)
    variables = list(like.variables.all())
    for place in range(number - Indicator.objects.count()):
        like.pk, like.goal, like.number, like.code = None, goal, 100 + place, f"Z{place // 50}-{place % 50}"
        like._state.adding = True
        like.save()
        for variable in variables:
            variable.pk, variable.indicator = None, like
            variable._state.adding = True
            variable.save()
    workflow.create_reports(Indicator.objects.select_related("goal__plan"))


def test_the_page_takes_a_constant_number_of_queries(planner, plan, department, shared):
    client = signed_in(planner)
    taken = []
    for number in (20, 100):
        multiply(plan, number)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get("/my-work/")
        taken.append(len(queries))
        assert page.content.decode().count("K1-1") > 0
    assert Indicator.objects.count() == 100
    assert taken[0] == taken[1] <= 40


def test_a_plan_without_periods_asks_for_nothing(planner, plan):
    ReportingPeriod.objects.all().delete()
    assert due(planner) == []
    assert "目前尚無開放填報之季別" in text(signed_in(planner).get("/my-work/"))


def test_a_unit_with_another_plan_is_left_alone(plan, stranger):
    assert Unit.objects.filter(code="OTHER").exists()
    assert due(stranger) == []
    assert "99 年度" not in text(signed_in(stranger).get("/my-work/"))
