"""The quarter report's page on its way: lag and notices, shares of units, steps, closing and follow-up."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from indicators import workflow
from indicators.models import PlannedValue, QuarterReport, ReportingPeriod, ReportStep, Status
from objectives.models import Unit
from objectives.roles import Role
from objectives.tests.pages import change_url, mistakes, signed_in, text

TEXTS = ("remark", "not_applicable_reason", "lag_reason", "response", "coordination", "check_note")
LAG = {"lag_reason": "時程延後", "response": "加派人力", "improve_by": "99.6.30"}
FIGURES = {"figure_outbound": "4", "figure_inbound": "8"}


def stored(report):
    return QuarterReport.objects.get(pk=report.pk)


@pytest.fixture
def post(planner):
    """Send what a browser would send of the report's texts, with what was typed over it."""

    def send(found, action="save", user=planner, follow=True, **typed):
        found = stored(found)
        data: dict[str, Any] = {name: getattr(found, name) for name in TEXTS}
        data |= {"action": action, "version": found.version, **typed}
        return signed_in(user).post(change_url(found), data, follow=follow)

    return send


@pytest.fixture
def look(planner):
    return lambda report, user=planner: signed_in(user).get(change_url(report))


@pytest.fixture
def behind(report):
    """A report whose figures, once typed, are behind what was planned."""
    found = report("K1-1", 1)
    PlannedValue.objects.create(indicator=found.indicator, quarter=1, value=Decimal(20))
    return found


@pytest.fixture
def submitted(report, planner, now):
    found = workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(8)}
    )
    return workflow.submit(report=found, by=planner, now=now)


# -- Behind the planned value


def test_a_lag_asks_for_its_reason_response_and_deadline_beside_the_fields(behind, post):
    response = post(behind, "submit", **FIGURES)
    assert mistakes(response).count("本季落後於預定值，送審前請填寫。") == 3
    assert "送審前請填寫：落後原因、因應對策、預定改善期限" in text(response)
    assert 'value="4"' in response.content.decode()
    assert stored(behind).status == Status.DRAFT
    assert not behind.figures.exists()
    assert "已送審，將由單位主管核章。" in text(post(behind, "submit", **FIGURES, **LAG))
    done = stored(behind)
    assert (done.lag_reason, done.response, done.improve_by) == ("時程延後", "加派人力", date(2010, 6, 30))


def test_the_texts_about_a_lag_are_open_only_where_it_is_behind(behind, look, post):
    closed = '<details id="lag" class="idle" >'
    assert closed in look(behind).content.decode()
    post(behind, **FIGURES)
    body = look(behind).content.decode()
    assert '<details id="lag" class="idle" open>' in body
    assert "送審前尚待補正" in text(look(behind))
    post(behind, figure_outbound="12", figure_inbound="8")
    assert closed in look(behind).content.decode()
    assert 'name="lag_reason"' in look(behind).content.decode()


def test_the_server_says_while_typing_whether_it_is_behind_and_what_is_noticed(behind, approved, planner):
    def answer(found, **typed):
        address = reverse("admin:indicators_quarterreport_value", args=[found.pk])
        return signed_in(planner).post(address, {"version": 0, **typed}).content.decode()

    assert "data-behind" in answer(behind, **FIGURES)
    assert "data-behind" not in answer(behind, figure_outbound="20", figure_inbound="0")
    assert "data-behind" not in answer(behind, not_applicable_reason="停辦")
    approved("K1-2", 1, projects=10)
    following = behind.indicator.goal.indicators.get(code="K1-2").reports.get(quarter=2)
    assert "超過前各季最高值" in answer(following, figure_projects="31")
    assert "notices" not in answer(following, figure_projects="30")


@pytest.mark.parametrize("typed", ["2010-06-31", "99.13.1", "明年"])
def test_a_deadline_is_a_day_of_the_roc_calendar(behind, post, typed):
    response = post(behind, **FIGURES, **(LAG | {"improve_by": typed}))
    assert "請以民國年填寫日期" in mistakes(response)
    assert f'value="{typed}"' in response.content.decode()
    assert stored(behind).improve_by is None


def test_what_was_noticed_is_explained_before_it_is_submitted(report, approved, post):
    approved("K1-2", 1, projects=10)
    target = report("K1-2", 2)
    response = post(target, "submit", figure_projects="40")
    assert "請就異常情形說明，或更正填報值。" in mistakes(response)
    assert "超過前各季最高值 10 之 3 倍" in text(response)
    post(target, "submit", figure_projects="40", check_note="新案集中核定")
    assert stored(target).status == Status.SUBMITTED


def test_a_part_above_its_whole_is_refused_beside_the_part(report, post):
    target = report("K6-1", 1)
    target.indicator.variables.filter(symbol="offering").update(not_above="missions")
    typed = {"figure_offering": "5", "figure_missions": "4"}
    response = post(target, "submit", **typed, check_note="無誤")
    assert "為 5，不得大於" in mistakes(response)
    assert stored(target).status == Status.DRAFT


def test_every_text_survives_a_conflict_beside_what_is_stored(behind, post, person, ministry):
    colleague = person("colleague", (Role.PLANNER, ministry))
    post(behind, user=colleague, **FIGURES, **LAG, coordination="請主計處協助")
    mine = {"lag_reason": "我的原因", "improve_by": "99.7.1", "coordination": "請主計處協助"}
    response = post(behind, version=0, **FIGURES, **mine)
    words, body = text(response), response.content.decode()
    assert "我的原因</textarea>" in body
    assert 'value="99.7.1"' in body
    assert "目前儲存：時程延後" in words
    assert "目前儲存：99.6.30" in words
    assert "目前儲存：請主計處協助" not in words
    assert stored(behind).lag_reason == "時程延後"


def test_what_a_page_does_not_send_stays_as_it_is(behind, post, planner):
    post(behind, **FIGURES, **LAG)
    version = stored(behind).version
    signed_in(planner).post(change_url(behind), {"action": "save", "version": version, "remark": "補充"})
    after = stored(behind)
    assert (after.remark, after.lag_reason, after.figures.count()) == ("補充", "時程延後", 2)


# -- The summary, and three things that are not the same


def test_the_summary_gives_quarter_cumulative_planned_and_difference(report, approved, look):
    approved("K1-1", 1, outbound=4, inbound=8)
    PlannedValue.objects.create(indicator=report("K1-1", 1).indicator, quarter=2, value=Decimal(30))
    assert "本季 — 累計 12 預定值 30 差異 －18" in text(look(report("K1-1", 2)))


def test_the_quarter_alone_is_shown_where_the_value_is_a_sum(report, approved, look, post):
    approved("K1-1", 1, outbound=4, inbound=8)
    post(report("K1-1", 2), figure_outbound="5", figure_inbound="3")
    assert "本季 8 累計 20" in text(look(report("K1-1", 2)))
    post(report("K7-1", 1), figure_remitted="50", figure_budget="100")
    assert "本季 非逐季累加 累計 50" in text(look(report("K7-1", 1)))


def test_zero_not_reported_and_not_applicable_are_three_things(report, approved, look, post, manager):
    post(report("K1-1", 1), "submit", not_applicable_reason="本季停辦")
    post(report("K1-1", 2), figure_outbound="0")
    cells = re.findall(r'<td class="num [^>]*>(.*?)</td>', look(report("K1-1", 3)).content.decode())
    assert cells == ["不適用", "0", "未填", "—", "不適用", "未填", "未填", "—"]
    assert "本季不適用 本季停辦" in text(look(report("K1-1", 1), manager))
    for quarter, pills in ((1, ["不適用", "不適用"]), (2, ["未填"])):
        body = look(report("K1-1", quarter), manager).content.decode()
        reading = body.partition('class="reading"')[2].partition("</dl>")[0]
        assert re.findall(r'class="pill [^"]*">(.*?)<', reading) == pills


# -- Shares of several units


@pytest.fixture
def shared(report, department):
    """K1-1 given by unit: the ministry leads, the department contributes."""
    indicator = report("K1-1", 1).indicator
    indicator.contributing_units.add(department)
    indicator.variables.update(by_unit=True)
    return report("K1-1", 1)


@pytest.fixture
def lead(person, ministry, shared):
    """A planner of another department that leads the indicator."""
    unit = Unit.objects.create(code="LEAD", name="國際組織司", parent=ministry)
    shared.indicator.lead_unit = unit
    shared.indicator.save()
    return person("lead", (Role.PLANNER, unit))


def share(unit, symbol):
    return f"share_{unit.pk}_{symbol}"


def inputs(response):
    return re.findall(r'name="(share_[^"]*|figure_[^"]*)"', response.content.decode())


def test_each_unit_finds_inputs_for_its_own_share_only(shared, lead, neighbour, department, look):
    shared.refresh_from_db()
    unit = stored(shared).indicator.lead_unit
    assert inputs(look(shared, lead)) == [share(unit, "outbound"), share(unit, "inbound")]
    response = look(shared, neighbour)
    assert inputs(response) == [share(department, "outbound"), share(department, "inbound")]
    assert 'name="remark"' not in response.content.decode()
    assert 'value="submit"' not in response.content.decode()
    assert "執行情形等文字及送審，由主辦單位（國際組織司）辦理" in text(response)


def test_who_enters_for_the_whole_ministry_finds_every_share_the_lead_unit_first(
    shared, look, ministry, department
):
    found = inputs(look(shared))
    assert found[:2] == [share(ministry, "outbound"), share(department, "outbound")]


def test_a_contributing_unit_saves_its_share_and_nothing_else(shared, lead, neighbour, department, post):
    post(shared, user=neighbour, **{share(department, "outbound"): "3"}, remark="改", lag_reason="改")
    after = stored(shared)
    assert [(f.unit, f.value, f.changed_by) for f in after.figures.all()] == [(department, 3, neighbour)]
    assert (after.remark, after.lag_reason) == ("", "")
    unit = after.indicator.lead_unit
    post(shared, user=neighbour, **{share(unit, "outbound"): "9", "figure_outbound": "9"})
    assert after.figures.count() == 1


@pytest.mark.parametrize("action", ["submit", "withdraw", "endorse", "return", "reopen"])
def test_a_contributing_unit_takes_no_step(shared, lead, neighbour, department, post, action):
    typed = {share(department, symbol): "3" for symbol in ("outbound", "inbound")}
    assert post(shared, action, user=neighbour, **typed, reason="退").status_code == 403
    assert stored(shared).status == Status.DRAFT


def test_the_sum_and_what_is_missing_are_named_by_unit(shared, lead, neighbour, department, post, look):
    post(shared, user=neighbour, **{share(department, "outbound"): "3"})
    assert "合計：3。 尚缺：國際組織司。" in text(look(shared, lead))
    unit = stored(shared).indicator.lead_unit
    mine = {share(unit, symbol): "1" for symbol in ("outbound", "inbound")}
    response = post(shared, "submit", user=lead, **mine)
    assert re.search("送審前請填報：[^。]*（亞東太平洋司）", text(response))
    post(shared, user=neighbour, **{share(department, "inbound"): "0"})
    post(shared, "submit", user=lead, **mine)
    assert stored(shared).status == Status.SUBMITTED


def test_readers_see_the_breakdown(shared, lead, neighbour, department, post, look, manager):
    post(shared, user=neighbour, **{share(department, "outbound"): "3"})
    post(shared, user=lead, **{share(stored(shared).indicator.lead_unit, "outbound"): "4"})
    words = text(look(shared, manager))
    assert re.search("國際組織司 4 .*亞東太平洋司 3", words)
    assert "7" in re.findall(r'<td class="num figure[^>]*>(.*?)</td>', look(shared).content.decode())


def test_a_share_keeps_standing_when_its_unit_contributes_no_more(shared, neighbour, department, post, look):
    post(shared, user=neighbour, **{share(department, "outbound"): "3"})
    shared.indicator.contributing_units.clear()
    assert look(shared, neighbour).status_code == 404
    assert share(department, "outbound") in inputs(look(shared))
    assert "亞東太平洋司" in text(look(shared))
    assert post(shared, **{share(department, "outbound"): ""}).status_code == 200
    assert not shared.figures.exists()


def test_two_units_lose_nothing_to_each_other(shared, lead, neighbour, department, post):
    post(shared, user=lead, **{share(stored(shared).indicator.lead_unit, "outbound"): "4"})
    response = post(shared, user=neighbour, version=0, **{share(department, "outbound"): "3"})
    assert "您開啟本頁後，本填報已有更動" in text(response)
    assert 'value="3"' in response.content.decode()
    post(shared, user=neighbour, **{share(department, "outbound"): "3"})
    assert sorted(shared.figures.values_list("value", flat=True)) == [3, 4]


# -- Steps


def buttons(response):
    return re.findall(r'name="action" value="(\w+)"', response.content.decode())


def test_everyone_finds_the_steps_that_are_theirs(submitted, look, head, reviewer, manager, planner, now):
    def offered():
        return {user.username: buttons(look(submitted, user)) for user in (planner, head, reviewer, manager)}

    assert offered() == {
        "planner": ["withdraw"],
        "head": ["return", "endorse"],
        "reviewer": ["return"],
        "manager": [],
    }
    workflow.endorse(report=submitted, by=head, now=now)
    assert offered() == {
        "planner": [],
        "head": ["return"],
        "reviewer": ["return"],
        "manager": [],
    }
    body = look(submitted, reviewer).content.decode()
    assert f'href="{reverse("approve", args=[submitted.pk])}"' in body  # where the effect is shown first
    workflow.approve(report=submitted, by=reviewer, now=now)
    assert offered() == {"planner": [], "head": [], "reviewer": ["reopen"], "manager": []}


def test_a_submission_is_withdrawn_while_nobody_has_taken_it_up(submitted, post, head, now):
    response = post(submitted, "withdraw")
    assert "已撤回送審，本填報恢復為草稿。" in text(response)
    assert 'id="report-form"' in response.content.decode()
    post(submitted, "submit", **FIGURES)
    workflow.endorse(report=submitted, by=head, now=now)
    response = post(submitted, "withdraw")
    assert "單位主管核章" in text(response)
    assert stored(submitted).status == Status.ENDORSED


@pytest.mark.parametrize(("action", "role"), [("withdraw", "planner"), ("endorse", "head")])
def test_pressing_twice_says_that_it_is_done(request, submitted, post, action, role):
    user = request.getfixturevalue(role)
    version = submitted.version
    post(submitted, action, user=user)
    response = post(submitted, action, user=user, version=version)
    assert "先前已辦理完成。" in text(response)
    assert ReportStep.objects.filter(report=submitted, by=user).last().step == action.upper()
    assert ReportStep.objects.filter(report=submitted, step=action.upper()).count() == 1


def test_a_reason_is_not_lost_when_the_report_was_withdrawn_meanwhile(submitted, post, planner, head, now):
    workflow.withdraw(report=submitted, by=planner, now=now)
    response = post(submitted, "return", user=head, version=submitted.version, reason="請附文號")
    words = text(response)
    assert "已輸入但未儲存" in words
    assert "請附文號" in words
    assert "撤回送審：planner" in words
    assert stored(submitted).status == Status.DRAFT


def test_an_approved_report_is_reopened_with_a_reason(approved, post, look, reviewer):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    assert "請填寫退回理由" in mistakes(post(done, "reopen", user=reviewer, reason=" "))
    response = post(done, "reopen", user=reviewer, reason="數據誤植")
    assert "已重新開放" in text(response)
    assert stored(done).status == Status.RETURNED
    assert "審核通過後重新開放 數據誤植 reviewer" in text(look(done))


def test_the_way_so_far_keeps_every_comment(submitted, look, post, head, reviewer, planner, now):
    workflow.return_for_correction(report=submitted, by=head, now=now, reason="第一次退回")
    again = workflow.submit(report=submitted, by=planner, now=now + timedelta(hours=1))
    workflow.return_for_correction(
        report=again, by=reviewer, now=now + timedelta(hours=2), reason="第二次退回"
    )
    body = look(submitted).content.decode()
    notice, _, way = body.partition('class="card trail"')
    assert "第二次退回" in notice
    assert "第一次退回" not in notice
    comments = re.findall(r"<blockquote><p>(.*?)</p>", way)
    assert comments == ["第一次退回", "第二次退回"]
    labels = re.findall(r"<b>(.*?)</b>", way)
    assert labels == ["最後更動", "送審", "退回補正", "送審", "退回補正"]


def test_reports_from_before_the_steps_were_kept_still_tell_their_way(approved, look):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    done.steps.all().delete()
    labels = re.findall(r"<b>(.*?)</b>", look(done).content.decode().partition('class="card trail"')[2])
    assert labels == ["最後更動", "送審", "單位主管核章", "審核通過"]


# -- A closed quarter


@pytest.fixture
def close(plan, administrator, now):
    def shut(quarter):
        period = ReportingPeriod.objects.get(plan=plan, quarter=quarter)
        return workflow.close_period(period=period, by=administrator, now=now, reason="年度結算")

    return shut


def test_a_closed_quarter_says_who_closed_it_and_takes_nothing(report, close, look, post, planner):
    close(1)
    target = report("K1-1", 1)
    response = look(target)
    assert re.search("第 1 季.*administrator.*100 年 1 月 15 日 09:30.*年度結算", text(response))
    assert 'id="report-form"' not in response.content.decode()
    late = post(target, "submit", **FIGURES, remark="遲交")
    assert "administrator" in text(late)
    assert "已輸入但未儲存" in text(late)
    assert "遲交" in text(late)
    assert not target.figures.exists()


def test_no_step_is_offered_or_taken_in_a_closed_quarter(submitted, close, look, post, planner, head):
    close(1)
    for user in (planner, head):
        assert buttons(look(submitted, user)) == []
    response = post(submitted, "return", user=head, reason="請附文號")
    assert "administrator" in text(response)
    assert "請附文號" in text(response)
    assert stored(submitted).status == Status.SUBMITTED


def test_before_a_quarter_opens_the_page_says_when(report, look, plan):
    soon = timezone.now() + timedelta(days=3)
    days = dict.fromkeys(("opens_on", "submit_by", "endorse_by", "approve_by"), soon.date())
    ReportingPeriod.objects.filter(plan=plan, quarter=2).update(**days)
    response = look(report("K1-1", 2))
    assert "第 2 季" in text(response)
    assert "起開放填報" in text(response)
    assert 'id="report-form"' not in response.content.decode()


def test_a_quarter_reopened_for_one_unit_is_open_for_its_share_only(
    shared, lead, neighbour, department, close, look, administrator, now
):
    period = close(1)
    workflow.reopen_period(
        period=period,
        unit=department,
        until=timezone.now() + timedelta(days=1),
        reason="補報",
        by=administrator,
        now=now,
    )
    assert inputs(look(shared, neighbour)) == [share(department, "outbound"), share(department, "inbound")]
    assert inputs(look(shared, lead)) == []


# -- Follow-up of responses


@pytest.fixture
def answered(behind, post):
    post(behind, "submit", **FIGURES, **LAG)
    return behind


def follow_up(post, report, of, note, **others):
    return post(report, "follow_up", report=of, note=note, **others)


def test_an_open_response_is_carried_into_later_quarters_until_it_is_done(answered, report, look, post):
    later = report("K1-1", 3)
    words = text(look(later))
    assert "因應對策追蹤 第 1 季 逾期 加派人力 預定改善期限：99 年 6 月 30 日" in words
    assert "因應對策追蹤" not in text(look(report("K1-2", 3)))
    assert "請說明因應對策之辦理結果" in mistakes(follow_up(post, later, answered.pk, " "))
    response = follow_up(post, later, answered.pk, "已增派三人，進度趕上")
    assert "因應對策已標示完成。" in text(response)
    assert "加派人力" not in text(look(later))
    assert stored(answered).followed_up_note == "已增派三人，進度趕上"


def test_a_response_of_another_indicator_cannot_be_reached_from_here(answered, report, post):
    assert follow_up(post, report("K1-2", 3), answered.pk, "完成").status_code == 404
    for pk in ("", "x", "９", "999999", "9" * 5_000):
        assert follow_up(post, report("K1-1", 3), pk, "完成").status_code == 404
    assert stored(answered).has_open_response


def test_following_up_twice_and_too_late_loses_nothing(answered, report, post, person, ministry):
    later = report("K1-1", 3)
    follow_up(post, later, answered.pk, "完成")
    assert "先前已辦理完成。" in text(follow_up(post, later, answered.pk, "完成"))
    colleague = person("colleague", (Role.PLANNER, ministry))
    response = follow_up(post, later, answered.pk, "我的說明", user=colleague)
    assert "我的說明" in text(response)
    assert "目前儲存：完成" in text(response)


@pytest.mark.parametrize("role", ["head", "reviewer", "manager", "auditor", "administrator"])
def test_only_the_units_planner_marks_a_response_done(request, answered, report, look, post, role):
    user = request.getfixturevalue(role)
    later = report("K1-1", 3)
    assert "加派人力" in text(look(later, user))
    assert 'value="follow_up"' not in look(later, user).content.decode()
    assert follow_up(post, later, answered.pk, "完成", user=user).status_code == 403


def test_a_report_on_its_way_shows_its_own_response_and_how_it_ended(behind, post, look, manager):
    post(behind, "submit", **FIGURES, **LAG)
    assert "因應對策追蹤 第 1 季 逾期 加派人力" in text(look(behind, manager))
    follow_up(post, behind, behind.pk, "已趕上進度")
    assert "已完成 加派人力" in text(look(behind, manager))
    assert "已趕上進度" in text(look(behind, manager))
