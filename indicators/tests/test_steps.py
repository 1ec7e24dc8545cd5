"""What keeps a report from its next step: what has changed since, and whose hands were in it."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError
from django.urls import reverse

from indicators import workflow
from indicators.models import PlannedValue, QuarterReport, Status
from indicators.workflow import Refusal, Step
from objectives.models import User
from objectives.roles import Role
from objectives.tests.pages import signed_in, text


def stored(report):
    return QuarterReport.objects.get(pk=report.pk)


@pytest.fixture
def entered(report, planner, now):
    return workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(3)}, remark="完成"
    )


@pytest.fixture
def submitted(entered, planner, now):
    return workflow.submit(report=entered, by=planner, now=now)


@pytest.fixture
def endorsed(submitted, head, now):
    return workflow.endorse(report=submitted, by=head, now=now)


# -- Endorsement and approval look again --------------------------------------------------------------------


def plan_more(indicator):
    PlannedValue.objects.create(indicator=indicator, quarter=1, value=Decimal(5))
    return "落後原因"


def ask_for_another_variable(indicator):
    indicator.variables.create(symbol="more", name="追加項目", rollup="SUM", kind="COUNT", position=9)
    return "追加項目"


@pytest.mark.parametrize("change", [plan_more, ask_for_another_variable])
def test_what_could_not_be_submitted_any_more_is_neither_endorsed_nor_approved(
    submitted, change, head, reviewer, now
):
    lacking = change(submitted.indicator)
    with pytest.raises(Refusal, match=lacking):
        workflow.endorse(report=submitted, by=head, now=now)
    QuarterReport.objects.filter(pk=submitted.pk).update(
        status=Status.ENDORSED, endorsed_by=head, endorsed_at=now
    )
    with pytest.raises(Refusal, match=f"請退回補正.*{lacking}"):
        workflow.approve(report=submitted, by=reviewer, now=now)
    seen = stored(submitted)
    with pytest.raises(Refusal, match=f"K5-2.*{lacking}"):
        workflow.approve_all(reports=[(seen, seen.version)], by=reviewer, now=now)
    assert stored(submitted).status == Status.ENDORSED


def test_a_unit_that_contributes_from_now_on_is_waited_for(
    report, planner, head, reviewer, department, ministry, now
):
    found = report("K5-2", 1)
    found.indicator.variables.update(by_unit=True)
    found = workflow.save_draft(report=found, by=planner, now=now, figures={"projects": Decimal(3)})
    found = workflow.submit(report=found, by=planner, now=now)
    found = workflow.endorse(report=found, by=head, now=now)
    found.indicator.contributing_units.add(department)
    with pytest.raises(Refusal, match="亞東太平洋司"):
        workflow.approve(report=found, by=reviewer, now=now)
    workflow.return_for_correction(report=found, by=reviewer, now=now, reason="新增協辦單位")


# -- Four eyes, in every round ------------------------------------------------------------------------------


@pytest.fixture
def both(person, ministry):
    """Somebody who may do everything with a report but not all of it with one report."""
    return person("both", (Role.PLANNER, ministry), (Role.HEAD, ministry), (Role.REVIEWER, ministry))


def back_by_return(report, planner, head, reviewer, now):
    return workflow.return_for_correction(report=report, by=reviewer, now=now, reason="補正")


def back_by_withdrawal(report, planner, head, reviewer, now):
    return workflow.withdraw(report=report, by=planner, now=now)


def back_by_reopening(report, planner, head, reviewer, now):
    report = workflow.endorse(report=report, by=head, now=now)
    report = workflow.approve(report=report, by=reviewer, now=now)
    return workflow.reopen(report=report, by=reviewer, now=now, reason="更正")


@pytest.mark.parametrize("back", [back_by_return, back_by_withdrawal, back_by_reopening])
def test_whoever_submitted_in_any_round_decides_in_none(entered, both, planner, head, reviewer, back, now):
    back(workflow.submit(report=entered, by=both, now=now), planner, head, reviewer, now)
    again = workflow.submit(report=stored(entered), by=planner, now=now)
    assert not QuarterReport.objects.to_endorse(both).filter(pk=again.pk).exists()
    assert Step.ENDORSE not in workflow.possible_steps(again, both)
    with pytest.raises(PermissionDenied):
        workflow.endorse(report=again, by=both, now=now)
    again = workflow.endorse(report=again, by=head, now=now)
    assert not QuarterReport.objects.to_approve(both).filter(pk=again.pk).exists()
    assert Step.APPROVE not in workflow.possible_steps(again, both)
    with pytest.raises(PermissionDenied):
        workflow.approve(report=again, by=both, now=now)
    assert workflow.approve(report=again, by=reviewer, now=now).status == Status.APPROVED


# -- A quarter in which nothing is due ----------------------------------------------------------------------


def test_a_quarter_without_anything_due_or_entered_is_not_submitted(report, planner, head, reviewer, now):
    idle = report("K8-2", 1)
    with pytest.raises(Refusal, match="毋須送審"):
        workflow.submit(report=idle, by=planner, now=now)
    told = workflow.save_draft(report=idle, by=planner, now=now, figures={}, remark="規劃中")
    assert workflow.submit(report=told, by=planner, now=now).status == Status.SUBMITTED


def test_an_empty_report_that_is_on_its_way_is_not_approved(report, planner, head, reviewer, now):
    QuarterReport.objects.filter(pk=report("K8-2", 1).pk).update(
        status=Status.SUBMITTED, submitted_by=planner, submitted_at=now
    )
    with pytest.raises(Refusal, match="毋須送審"):
        workflow.endorse(report=report("K8-2", 1), by=head, now=now)


# -- What leaves a hand -------------------------------------------------------------------------------------


def test_whoever_set_a_constant_does_not_approve_what_it_changes(
    report, person, administrator, planner, head, ministry, now
):
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.REVIEWER, ministry))
    found = report("K3-1", 1)
    baseline = found.indicator.variables.get(symbol="baseline")
    workflow.set_constant(variable=baseline, value=Decimal(3), by=both)
    figures = {symbol: Decimal(1) for symbol in ("meetings", "projects", "visits")}
    found = workflow.save_draft(report=stored(found), by=planner, now=now, figures=figures)
    found = workflow.submit(report=found, by=planner, now=now)
    found = workflow.endorse(report=found, by=head, now=now)
    assert not QuarterReport.objects.to_approve(both).filter(pk=found.pk).exists()
    with pytest.raises(PermissionDenied):
        workflow.approve(report=found, by=both, now=now)
    workflow.set_constant(variable=baseline, value=Decimal(3), by=administrator)  # nothing changes
    assert set(found.editors.all()) == {both, planner}


@pytest.fixture
def answered(entered, planner, now):
    """Submitted with a response to a lag."""
    told = workflow.save_draft(
        report=entered, by=planner, now=now, figures={}, lag_reason="延期", response="加速辦理"
    )
    return workflow.submit(report=told, by=planner, now=now)


def test_whoever_marked_a_response_done_does_not_approve_the_report(answered, both, head, now):
    workflow.follow_up(report=answered, by=both, now=now, note="已完成")
    endorsed = workflow.endorse(report=stored(answered), by=head, now=now)
    with pytest.raises(PermissionDenied):
        workflow.approve(report=endorsed, by=both, now=now)


def test_a_response_that_is_rewritten_is_open_again(answered, planner, reviewer, report, now):
    workflow.follow_up(report=answered, by=planner, now=now, note="已完成")
    back = workflow.return_for_correction(report=stored(answered), by=reviewer, now=now, reason="補正")
    same = workflow.save_draft(report=back, by=planner, now=now, figures={}, response="加速辦理 ", remark="x")
    assert not same.has_open_response
    rewritten = workflow.save_draft(report=same, by=planner, now=now, figures={}, response="改採他法")
    assert rewritten.has_open_response
    assert (rewritten.followed_up_by, rewritten.followed_up_note) == (None, "")
    assert workflow.open_responses(report("K5-2", 2)) == [rewritten]


@pytest.mark.parametrize("hand", ["editor", "decider"])
def test_whoever_left_a_hand_in_a_report_keeps_the_account(
    submitted, person, administrator, planner, head, ministry, hand, now
):
    if hand == "editor":  # and nothing else tells of them any more
        gone = person("gone", (Role.PLANNER, ministry))
        found = QuarterReport.objects.get(indicator=submitted.indicator, quarter=2)
        workflow.save_draft(report=found, by=gone, now=now, figures={"projects": Decimal(4)})
        workflow.save_draft(report=found, by=planner, now=now, figures={"projects": Decimal(5)})
        with pytest.raises(ProtectedError):
            gone.delete()
    else:
        gone = head
        workflow.endorse(report=submitted, by=head, now=now)
    address = reverse("admin:objectives_user_delete", args=[gone.pk])
    page = text(signed_in(administrator).post(address, {"post": "yes"}))
    assert "K5-2" in page
    assert "請取消勾選「啟用」" in page
    assert User.objects.filter(pk=gone.pk).exists()


def test_an_account_that_did_nothing_is_deleted(person, administrator, ministry):
    unused = person("unused", (Role.PLANNER, ministry))
    address = reverse("admin:objectives_user_delete", args=[unused.pk])
    assert signed_in(administrator).post(address, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=unused.pk).exists()


# -- Words that nobody can see ------------------------------------------------------------------------------


@pytest.mark.parametrize("unseen", ["\u200b", "\u3164 \ufeff", "\u00ad\u2060"], ids=ascii)
def test_words_that_nobody_can_see_explain_nothing(answered, entered, planner, reviewer, unseen, now):
    with pytest.raises(Refusal):
        workflow.follow_up(report=answered, by=planner, now=now, note=unseen)
    with pytest.raises(Refusal):
        workflow.return_for_correction(report=answered, by=reviewer, now=now, reason=unseen)
    back = workflow.withdraw(report=answered, by=planner, now=now)
    PlannedValue.objects.create(indicator=back.indicator, quarter=1, value=Decimal(5))
    back = workflow.save_draft(
        report=back, by=planner, now=now, figures={}, lag_reason=unseen, response=unseen
    )
    assert (back.lag_reason, back.response) == ("", "")
    version = back.version
    assert (
        workflow.save_draft(report=back, by=planner, now=now, figures={}, response=unseen).version == version
    )
    with pytest.raises(Refusal, match="落後原因"):
        workflow.submit(report=back, by=planner, now=now)


def test_a_document_number_is_there_once_however_it_is_written(entered, planner, now):
    workflow.add_document_number(report=entered, number="外亞字第12號", by=planner, now=now)
    for same in ("外亞字第12號\u200b", "外亞字第１２號", "外亞字第\u3164 12 號"):
        with pytest.raises(Refusal):
            workflow.add_document_number(report=entered, number=same, by=planner, now=now)
    with pytest.raises(Refusal):
        workflow.add_document_number(report=entered, number="\u200b\u3164", by=planner, now=now)
    assert entered.evidence.count() == 1
