"""When a quarter is open, for whom, and who says so."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from indicators import workflow
from indicators.models import PlannedValue, QuarterReport, Reopening, ReportingPeriod, Status
from indicators.workflow import Closed, Refusal
from objectives.models import Plan, WorkItem


@pytest.fixture
def period(plan):
    return plan.periods.get(quarter=1)


def enter(report, planner, now, value=3):
    return workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(value)}
    )


def test_a_plans_quarters_have_the_usual_days(plan):
    first, *_, last = plan.periods.order_by("quarter")
    days = [(each.opens_on, each.submit_by, each.endorse_by, each.approve_by) for each in (first, last)]
    assert days == [
        (date(2010, 4, 1), date(2010, 4, 10), date(2010, 4, 15), date(2010, 4, 20)),
        (date(2011, 1, 1), date(2011, 1, 10), date(2011, 1, 15), date(2011, 1, 20)),
    ]
    assert not any(each.closed_at or each.closes_on for each in plan.periods.all())


def test_a_quarter_opens_on_its_day_in_taipei(period, report, planner):
    with pytest.raises(Closed, match="99 年 4 月 1 日"):
        enter(report, planner, datetime(2010, 3, 31, 15, 59, tzinfo=UTC))
    enter(report, planner, datetime(2010, 3, 31, 16, 0, tzinfo=UTC))


def test_after_its_due_day_a_quarter_is_late_and_still_open(period, report, planner):
    late = datetime(2010, 5, 1, tzinfo=UTC)
    assert period.is_overdue(late)
    enter(report, planner, late)


def test_after_its_last_day_a_quarter_is_closed(period, report, planner):
    ReportingPeriod.objects.filter(pk=period.pk).update(closes_on=date(2010, 4, 30))
    enter(report, planner, datetime(2010, 4, 30, 15, 59, tzinfo=UTC))
    with pytest.raises(Closed, match="99 年 4 月 30 日"):
        enter(report, planner, datetime(2010, 4, 30, 16, 0, tzinfo=UTC), 4)


def test_a_closed_quarter_refuses_and_says_who_closed_it_when_and_why(
    period, report, planner, administrator, now
):
    workflow.close_period(period=period, by=administrator, now=now, reason="已報行政院")
    with pytest.raises(Closed, match=r"administrator於 100 年 1 月 15 日 09:30 關閉.*已報行政院"):
        enter(report, planner, now)
    assert not report("K5-2", 1).figures.exists()


def test_a_reopening_is_for_one_unit_until_its_moment_and_needs_a_reason(
    period, report, planner, administrator, ministry, department
):
    now = timezone.now()  # the database judges by its own clock
    workflow.close_period(period=period, by=administrator, now=now)
    tomorrow = now + timedelta(days=1)
    reopen = {"period": period, "by": administrator, "now": now}
    with pytest.raises(Refusal, match="理由"):
        workflow.reopen_period(**reopen, unit=ministry, until=tomorrow, reason=" ")
    with pytest.raises(Refusal, match="不得早於"):
        workflow.reopen_period(**reopen, unit=ministry, until=now, reason="補正")
    workflow.reopen_period(**reopen, unit=department, until=tomorrow, reason="補正")
    with pytest.raises(Closed):
        enter(report, planner, now)
    workflow.reopen_period(**reopen, unit=ministry, until=tomorrow, reason="補正")
    assert set(Reopening.objects.in_force(now).values_list("unit", flat=True)) == {ministry.pk, department.pk}
    enter(report, planner, now)
    with pytest.raises(Closed):
        enter(report, planner, tomorrow, 4)


def test_only_an_open_quarter_is_closed_and_only_a_closed_one_opened(period, administrator, ministry, now):
    with pytest.raises(Refusal):
        workflow.open_period(period=period, by=administrator, now=now, reason="x")
    later = now + timedelta(days=1)
    with pytest.raises(Refusal):
        workflow.reopen_period(
            period=period, unit=ministry, until=later, reason="x", by=administrator, now=now
        )
    workflow.close_period(period=period, by=administrator, now=now)
    with pytest.raises(Refusal):
        workflow.close_period(period=period, by=administrator, now=now)
    with pytest.raises(Refusal):
        workflow.open_period(period=period, by=administrator, now=now, reason="")
    workflow.open_period(period=period, by=administrator, now=now, reason="誤關")
    assert not ReportingPeriod.objects.get(pk=period.pk).closed_at


@pytest.mark.parametrize("who", ["planner", "head", "reviewer", "manager", "auditor", "stranger", "outsider"])
def test_only_administrators_open_and_close(request, plan, period, administrator, ministry, now, who):
    person = request.getfixturevalue(who)
    with pytest.raises(PermissionDenied):
        workflow.close_period(period=period, by=person, now=now)
    with pytest.raises(PermissionDenied):
        workflow.close_year(plan=plan, by=person, now=now)
    workflow.close_period(period=period, by=administrator, now=now)
    for verb in (workflow.open_period, workflow.reopen_period):
        extra = {"unit": ministry, "until": now + timedelta(1)} if verb is workflow.reopen_period else {}
        with pytest.raises(PermissionDenied):
            verb(period=period, by=person, now=now, reason="x", **extra)


def test_a_unit_of_another_agency_gets_no_reopening(period, administrator, stranger, now):
    workflow.close_period(period=period, by=administrator, now=now)
    other = stranger.memberships.get().unit
    with pytest.raises(ValidationError):
        workflow.reopen_period(
            period=period, unit=other, until=now + timedelta(1), reason="x", by=administrator, now=now
        )


def test_closing_the_year_freezes_it_and_leaves_no_way_back(
    plan, period, report, planner, approved, administrator, ministry, now
):
    waiting = workflow.submit(report=enter(report, planner, now), by=planner, now=now)
    with pytest.raises(Refusal, match="1 份"):
        workflow.close_year(plan=plan, by=administrator, now=now)
    workflow.withdraw(report=waiting, by=planner, now=now)
    with pytest.raises(Refusal, match="尚未結束"):
        workflow.close_year(plan=plan, by=administrator, now=datetime(2010, 12, 31, tzinfo=UTC))
    workflow.close_year(plan=plan, by=administrator, now=now)
    assert Plan.objects.get().is_closed
    assert plan.periods.filter(closed_at=now, closed_by=administrator).count() == 4
    later = now + timedelta(days=1)
    for refused in (
        lambda: enter(report, planner, later, 4),
        lambda: workflow.open_period(period=period, by=administrator, now=later, reason="x"),
        lambda: workflow.reopen_period(
            period=period, unit=ministry, until=later + timedelta(1), reason="x", by=administrator, now=later
        ),
        lambda: workflow.close_year(plan=plan, by=administrator, now=later),
        lambda: workflow.save_progress(
            item=WorkItem.objects.earliest("pk"), quarter=1, text="x", by=planner, now=later
        ),
    ):
        with pytest.raises(Closed, match="99 年度已由administrator"):
            refused()


def test_what_lies_behind_its_planned_value_is_explained_before_it_is_submitted(report, planner, now):
    found = enter(report, planner, now)
    PlannedValue.objects.create(indicator=found.indicator, quarter=1, value=4)
    with pytest.raises(Refusal, match="落後原因、因應對策、預定改善期限"):
        workflow.submit(report=found, by=planner, now=now)
    explained: workflow.Texts = {"lag_reason": "原因", "response": "對策", "improve_by": date(2010, 9, 30)}
    found = workflow.save_draft(report=found, by=planner, now=now, figures={}, **explained)
    assert workflow.submit(report=found, by=planner, now=now).status == Status.SUBMITTED


def test_what_is_noticed_needs_an_explanation_and_what_cannot_be_needs_mending(
    report, planner, approved, now
):
    approved("K5-2", 1, projects=3)
    leaping = workflow.save_draft(
        report=report("K5-2", 2), by=planner, now=now, figures={"projects": Decimal(10)}
    )
    with pytest.raises(Refusal, match="3 倍"):
        workflow.submit(report=leaping, by=planner, now=now)
    workflow.save_draft(report=leaping, by=planner, now=now, figures={}, check_note="三案併計")
    workflow.submit(report=leaping, by=planner, now=now)
    above = workflow.save_draft(
        report=report("K6-1", 1),
        by=planner,
        now=now,
        figures={"offering": Decimal(130), "missions": Decimal(122)},
        check_note="無誤",
    )
    with pytest.raises(Refusal, match="不得大於"):
        workflow.submit(report=above, by=planner, now=now)


def test_a_response_stays_open_until_it_is_marked_done(report, planner, manager, now):
    first = enter(report, planner, now)
    workflow.save_draft(report=first, by=planner, now=now, figures={}, response="加速辦理")
    second = report("K5-2", 2)
    assert workflow.open_responses(second) == [first]
    with pytest.raises(Refusal, match="請先送審"):
        workflow.follow_up(report=first, by=planner, now=now, note="完成")
    first = workflow.submit(report=first, by=planner, now=now)
    with pytest.raises(PermissionDenied):
        workflow.follow_up(report=first, by=manager, now=now, note="完成")
    with pytest.raises(Refusal):
        workflow.follow_up(report=first, by=planner, now=now, note=" ")
    done = workflow.follow_up(report=first, by=planner, now=now, note="已完成採購")
    assert (done.followed_up_by, done.followed_up_note) == (planner, "已完成採購")
    assert workflow.open_responses(second) == []
    with pytest.raises(Refusal):
        workflow.follow_up(report=first, by=planner, now=now, note="再一次")


def test_progress_of_a_work_item_is_its_units_to_write(plan, planner, neighbour, department, now):
    item = WorkItem.objects.earliest("pk")
    with pytest.raises(PermissionDenied):
        workflow.save_progress(item=item, quarter=1, text="辦理中", by=neighbour, now=now)
    workflow.save_progress(item=item, quarter=1, text="辦理中", by=planner, now=now, seen="")
    with pytest.raises(workflow.Conflict):
        workflow.save_progress(item=item, quarter=1, text="完成", by=planner, now=now, seen="")
    item.lead_unit = department
    item.save()
    workflow.save_progress(item=item, quarter=1, text="完成", by=neighbour, now=now, seen="辦理中")
    assert item.progress.get().changed_by == neighbour
    assert item.progress.get().version == 2


def test_a_submission_is_withdrawn_only_while_nobody_has_taken_it_up(report, planner, head, now):
    waiting = workflow.submit(report=enter(report, planner, now), by=planner, now=now)
    back = workflow.withdraw(report=waiting, by=planner, now=now)
    assert (back.status, back.submitted_by) == (Status.DRAFT, None)
    again = workflow.submit(report=back, by=planner, now=now)
    workflow.endorse(report=again, by=head, now=now)
    with pytest.raises(Refusal):
        workflow.withdraw(report=again, by=planner, now=now)


def test_a_reopened_report_counts_no_more_until_it_is_approved_again(
    approved, reviewer, planner, approve, now
):
    done = approved("K5-2", 1, projects=3)
    back = workflow.reopen(report=done, by=reviewer, now=now, reason="數字有誤")
    assert (back.status, back.return_reason, back.approved_by) == (Status.RETURNED, "數字有誤", None)
    assert not QuarterReport.objects.approved().exists()
    assert [step.step for step in back.steps.all()] == ["SUBMIT", "ENDORSE", "APPROVE", "REOPEN"]
    assert back.steps.last().comment == "數字有誤"
    fixed = workflow.save_draft(report=back, by=planner, now=now, figures={"projects": Decimal(4)})
    approve(workflow.submit(report=fixed, by=planner, now=now))
