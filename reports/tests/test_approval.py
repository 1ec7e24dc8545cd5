"""Approving: the effect is shown first, and is then exactly what happens."""

import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from indicators import workflow
from indicators.models import Indicator, PlannedValue, QuarterReport, ReportingPeriod, Status, Variable
from mofa_kpi.tests.cast import NOW
from objectives.models import Membership, Plan
from objectives.roles import Role
from objectives.tests.pages import signed_in, text

from .markup import markup


@pytest.fixture
def endorsed(report, planner, head):
    def make(code, quarter, **figures):
        found = workflow.save_draft(
            report=report(code, quarter),
            by=planner,
            now=NOW,
            figures={symbol: Decimal(value) for symbol, value in figures.items()},
            check_note="已查核",
        )
        found = workflow.submit(report=found, by=planner, now=NOW)
        return workflow.endorse(report=found, by=head, now=NOW)

    return make


def address(report):
    return f"/approve/{report.pk}/"


def before_and_after(response, name):
    """Return the exact numbers of a line of the effect."""
    row = next(row for row in markup(response).rows if row.startswith(name))
    return re.findall(r"\[([^\]]*)\]", row)


def effect_shown(user, path):
    """Return what stands for the effect in the page's form; empty where there is no form."""
    found = re.search(r'name="effect" value="([^"]*)"', signed_in(user).get(path).content.decode())
    return found[1] if found else ""


def send(user, report, action="approve", **data):
    effect = data.pop("effect", None) or effect_shown(user, address(report))
    data = {"action": action, "version": report.version, "reason": "", "effect": effect, **data}
    return signed_in(user).post(address(report), data, follow=True)


def test_the_effect_shown_is_the_effect_that_approving_has(endorsed, approved, reviewer, managing):
    waiting = endorsed("K1-1", 4, outbound=30, inbound=14)
    for quarter in (1, 2, 3, 4):
        approved("K1-2", quarter, projects=100)
    for quarter in (1, 2, 3):
        approved("K1-1", quarter, outbound=0, inbound=0)
    page = signed_in(reviewer).get(address(waiting))
    assert before_and_after(page, "K1-1") == ["0", "44", "80"]
    assert before_and_after(page, "一、") == ["100", "90"]
    assert "▲ 黃燈" in text(page)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED
    send(reviewer, waiting)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.APPROVED
    assert "90" in markup(managing.get("/?year=99&quarter=4")).numbers


def test_a_late_approval_shows_what_it_does_to_the_latest_quarter_too(endorsed, approved, reviewer):
    waiting = endorsed("K5-2", 1, projects=3)
    approved("K5-2", 2, projects=4)
    page = text(signed_in(reviewer).get(address(waiting)))
    assert "截至第 1 季" in page
    assert "截至第 2 季" in page


def test_the_page_shows_what_is_approved(endorsed, report, planner, head, reviewer):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K5-2"), quarter=1, value=2)
    found = workflow.save_draft(
        report=report("K5-2", 1),
        by=planner,
        now=NOW,
        figures={"projects": Decimal(3)},
        remark="已核定三案",
        lag_reason="經費未撥",
        response="加速辦理",
        improve_by=NOW.date(),
        coordination="請主計處協助",
    )
    found = workflow.endorse(report=workflow.submit(report=found, by=planner, now=NOW), by=head, now=NOW)
    page = text(signed_in(reviewer).get(address(found)))
    for words in (
        "已核定三案",
        "經費未撥",
        "加速辦理",
        "100 年 1 月 15 日",
        "請主計處協助",
        "planner",
        "head",
    ):
        assert words in page


def test_a_report_that_the_head_has_not_endorsed_is_not_approved(report, planner, reviewer):
    found = workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=NOW, figures={"projects": Decimal(3)}
    )
    found = workflow.submit(report=found, by=planner, now=NOW)
    assert "尚未經單位主管核章" in text(signed_in(reviewer).get(address(found)))
    assert "尚未經單位主管核章" in text(send(reviewer, found))
    assert QuarterReport.objects.get(pk=found.pk).status == Status.SUBMITTED
    Plan.objects.update(head_step=False)
    send(reviewer, found)
    assert QuarterReport.objects.get(pk=found.pk).status == Status.APPROVED


def test_a_return_from_here_needs_a_reason_and_an_approval_has_none(endorsed, reviewer):
    waiting = endorsed("K5-2", 1, projects=3)
    assert "請填寫退回原因" in text(send(reviewer, waiting, "return")) or "理由" in text(
        send(reviewer, waiting, "return")
    )
    assert "請先清除" in text(send(reviewer, waiting, reason="數字不符"))
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED
    send(reviewer, waiting, "return", reason="數字不符")
    found = QuarterReport.objects.get(pk=waiting.pk)
    assert (found.status, found.return_reason) == (Status.RETURNED, "數字不符")


def test_a_reviewer_approves_what_they_saw_and_nothing_newer(endorsed, planner, head, reviewer):
    waiting = endorsed("K5-2", 1, projects=3)
    seen = waiting.version
    back = workflow.return_for_correction(report=waiting, by=reviewer, now=NOW, reason="x")
    back = workflow.save_draft(report=back, by=planner, now=NOW, figures={"projects": Decimal(9)})
    again = workflow.endorse(report=workflow.submit(report=back, by=planner, now=NOW), by=head, now=NOW)
    assert "他人" in text(send(reviewer, again, version=seen))
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED
    assert "notanumber" not in text(send(reviewer, again, version="notanumber"))


def test_whoever_had_a_hand_in_it_is_told_so(endorsed, planner, reviewer, ministry):
    waiting = endorsed("K5-2", 1, projects=3)
    Membership.objects.create(user=planner, unit=ministry, role=Role.REVIEWER)
    assert "由其他研考人員審核" in text(signed_in(planner).get(address(waiting)))
    assert send(planner, waiting).status_code == 403
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        ("planner", 403), ("head", 403), ("manager", 403), ("auditor", 403), ("administrator", 403),
        ("outsider", 403), ("neighbour", 404), ("stranger", 404),
    ],
)  # fmt: skip
def test_only_reviewers_approve_here(request, endorsed, who, answer):
    waiting = endorsed("K5-2", 1, projects=3)
    person = request.getfixturevalue(who)
    assert signed_in(person).get(address(waiting)).status_code == answer
    assert send(person, waiting).status_code == answer
    quarter = signed_in(person).get("/approve/99/1/MOFA/")
    assert quarter.status_code == (403 if who == "outsider" else 404)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED


def everything_due(quarter):
    """Leave of the plan's indicators in that quarter only K5-2 and K8-1 something to report."""
    others = Indicator.objects.exclude(code__in=["K5-2", "K8-1"])
    others.update(not_applicable_reason="本測試不計")


QUARTER = "/approve/99/1/MOFA/"


def approve_quarter(user, reports, effect=None):
    data = {
        "report": [f"{each.pk}:{each.version}" for each in reports],
        "effect": effect or effect_shown(user, QUARTER),
    }
    return signed_in(user).post(QUARTER, data, follow=True)


def test_a_units_quarter_is_approved_at_once(endorsed, reviewer):
    everything_due(1)
    ready = [endorsed("K5-2", 1, projects=3), endorsed("K8-1", 1, rotations=1)]
    page = signed_in(reviewer).get("/approve/99/1/MOFA/")
    assert before_and_after(page, "K5-2") == ["3", "25"]
    assert "審核通過 2 份季填報" in text(approve_quarter(reviewer, ready))
    assert {each.status for each in QuarterReport.objects.filter(quarter=1).exclude(status="DRAFT")} == {
        Status.APPROVED
    }
    assert "本季無待審核" in text(signed_in(reviewer).get("/approve/99/1/MOFA/"))


def test_one_report_that_is_not_ready_blocks_the_whole_quarter_and_is_named(endorsed, reviewer):
    everything_due(1)
    ready = endorsed("K5-2", 1, projects=3)
    page = text(signed_in(reviewer).get("/approve/99/1/MOFA/"))
    assert "K8-1" in page
    assert "草稿" in page
    answer = text(approve_quarter(reviewer, [ready]))
    assert "全部未予審核通過" in answer
    assert QuarterReport.objects.get(pk=ready.pk).status == Status.ENDORSED


def test_a_quarter_that_changed_since_it_was_seen_is_not_approved(endorsed, planner, head, reviewer):
    everything_due(1)
    first, second = endorsed("K5-2", 1, projects=3), endorsed("K8-1", 1, rotations=1)
    assert "請重新檢視" in text(approve_quarter(reviewer, [first]))
    second.version -= 1
    assert "請重新檢視" in text(approve_quarter(reviewer, [first, second]))
    assert not QuarterReport.objects.approved().exists()


def test_a_closed_quarter_is_not_approved_and_says_who_closed_it(endorsed, reviewer, administrator, now):
    everything_due(1)
    waiting = endorsed("K5-2", 1, projects=3)
    period = ReportingPeriod.objects.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now, reason="已報院")
    for page in (
        signed_in(reviewer).get(address(waiting)),
        send(reviewer, waiting),
        signed_in(reviewer).get("/approve/99/1/MOFA/"),
        approve_quarter(reviewer, [waiting]),
    ):
        assert "第 1 季已由administrator於 100 年 1 月 15 日 09:30 關閉" in text(page)
        assert "已報院" in text(page)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED


def plan_two():
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K5-2"), quarter=1, value=2)


def half_the_target():
    Indicator.objects.filter(code="K5-2").update(target=6)


CHANGES = [plan_two, half_the_target]


@pytest.mark.parametrize("change", CHANGES)
def test_a_report_is_not_approved_with_another_effect_than_was_shown(endorsed, reviewer, change):
    waiting = endorsed("K5-2", 1, projects=3)
    seen = effect_shown(reviewer, address(waiting))
    change()
    page = send(reviewer, waiting, effect=seen)
    told = text(page)
    assert "資料已變更，請重新確認審核通過之影響" in told.partition("截至第 1 季")[0]  # before the new effect
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED
    assert effect_shown(reviewer, address(waiting)) in page.content.decode()  # and may be confirmed at once
    send(reviewer, waiting)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.APPROVED


@pytest.mark.parametrize("change", CHANGES)
def test_a_quarter_is_not_approved_with_another_effect_than_was_shown(endorsed, reviewer, change):
    everything_due(1)
    ready = [endorsed("K5-2", 1, projects=3), endorsed("K8-1", 1, rotations=1)]
    seen = effect_shown(reviewer, QUARTER)
    change()
    page = approve_quarter(reviewer, ready, effect=seen)
    assert "資料已變更，請重新確認審核通過之影響" in text(page)
    assert not QuarterReport.objects.approved().exists()
    assert effect_shown(reviewer, QUARTER) in page.content.decode()
    approve_quarter(reviewer, ready)
    assert QuarterReport.objects.approved().count() == 2


def test_the_planned_value_that_progress_is_judged_by_is_shown(endorsed, reviewer):
    plan_two()
    waiting = endorsed("K8-1", 1, rotations=1)
    assert "預定值" not in text(signed_in(reviewer).get(address(waiting)))
    PlannedValue.objects.create(indicator=waiting.indicator, quarter=1, value=1)
    assert "預定值 1 " in text(signed_in(reviewer).get(address(waiting)))


def test_an_earlier_quarter_that_is_reopened_meanwhile_changes_the_effect(endorsed, approved, reviewer):
    first = approved("K5-2", 1, projects=3)
    waiting = endorsed("K5-2", 2, projects=4)
    seen = effect_shown(reviewer, address(waiting))
    workflow.reopen(report=first, by=reviewer, now=NOW, reason="數字有誤")
    assert "資料已變更" in text(send(reviewer, waiting, effect=seen))
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED


def test_a_constant_that_is_given_meanwhile_changes_the_effect(endorsed, reviewer):
    waiting = endorsed("K3-1", 1, meetings=5, projects=1, visits=1)
    seen = effect_shown(reviewer, address(waiting))
    Variable.objects.filter(indicator__code="K3-1", rollup="CONSTANT").update(constant=20)
    assert "資料已變更" in text(send(reviewer, waiting, effect=seen))
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.ENDORSED


def test_what_does_not_touch_the_effect_does_not_stand_in_the_way(endorsed, reviewer):
    waiting = endorsed("K5-2", 1, projects=3)
    seen = effect_shown(reviewer, address(waiting))
    other = endorsed("K8-1", 1, rotations=1)
    PlannedValue.objects.create(indicator=other.indicator, quarter=1, value=2)
    send(reviewer, waiting, effect=seen)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.APPROVED


def test_without_an_effect_nothing_is_approved(endorsed, reviewer):
    everything_due(1)
    ready = [endorsed("K5-2", 1, projects=3), endorsed("K8-1", 1, rotations=1)]
    data = {"action": "approve", "version": ready[0].version}
    assert "資料已變更" in text(signed_in(reviewer).post(address(ready[0]), data))
    data = {"report": [f"{each.pk}:{each.version}" for each in ready]}
    assert "資料已變更" in text(signed_in(reviewer).post(QUARTER, data))
    assert not QuarterReport.objects.approved().exists()


@pytest.mark.parametrize(
    "path",
    [
        "/approve/99/5/MOFA/",
        "/approve/98/1/MOFA/",
        "/approve/99/1/NOBODY/",
        "/approve/99/1/%00/",
        "/approve/0/",
    ],
)
def test_what_is_not_there_is_not_found(plan, reviewer, path):
    assert signed_in(reviewer).get(path).status_code == 404


def test_the_pages_take_a_constant_number_of_queries(
    endorsed, report, planner, reviewer, django_assert_max_num_queries
):
    waiting = endorsed("K5-2", 1, projects=3)
    with django_assert_max_num_queries(66):
        signed_in(reviewer).get(address(waiting))
    for code, symbol in (("K8-1", "rotations"), ("K2-2", "meetings"), ("K1-2", "projects")):
        endorsed(code, 1, **{symbol: 1})
    with django_assert_max_num_queries(66):
        signed_in(reviewer).get("/approve/99/1/MOFA/")


def test_a_units_quarter_takes_the_same_queries_for_many_reports(endorsed, reviewer):
    client = signed_in(reviewer)

    def taken():
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/approve/99/1/MOFA/").status_code == 200
        return len(queries)

    endorsed("K5-2", 1, projects=3)
    client.get("/approve/99/1/MOFA/")  # what a process looks up once is not counted
    few = taken()
    endorsed("K1-2", 1, projects=92)
    endorsed("K2-2", 1, meetings=1)
    endorsed("K8-1", 1, rotations=1)
    assert taken() == few
