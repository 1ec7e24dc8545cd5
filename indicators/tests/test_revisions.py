"""How an adopted plan's targets, formulas and constants are revised: by two people, from a quarter on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from threading import Barrier

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from indicators import workflow
from indicators.models import Indicator, PlannedValue, Status, TargetRevision, Variable
from indicators.workflow import Closed, Conflict, Refusal
from ledger.models import Entry
from objectives.models import Plan, Unit
from objectives.roles import Role
from objectives.tests.pages import add_url, change_url, list_url, signed_in, text
from objectives.workflow import adopt_plan

LETTER = {
    "reason": "業務量增加",
    "authority": "行政院",
    "decided_on": date(2010, 6, 1),
    "number": "院授研字第 1 號",
}


@pytest.fixture
def adopted(plan, administrator):
    return adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院臺外字第 1 號")


@pytest.fixture
def k11(adopted):
    return Indicator.objects.get(code="K1-1")


@pytest.fixture
def propose(administrator, now):
    """Enter a revision: propose(indicator, from_quarter, target=…)."""

    def enter(indicator, from_quarter, **changes):
        given = {**LETTER, "by": administrator, "now": now, **changes}
        return workflow.propose_revision(indicator=indicator, from_quarter=from_quarter, **given)

    return enter


@pytest.fixture
def revise(propose, reviewer, now):
    """Enter a revision and approve it."""

    def both(indicator, from_quarter, **changes):
        revision = propose(indicator, from_quarter, **changes)
        return workflow.approve_revision(revision=revision, by=reviewer, now=now)

    return both


def targets(code):
    indicator = Indicator.objects.get(code=code)
    return [indicator.in_force(quarter).target for quarter in (1, 2, 3, 4)]


# -- In force ----------------------------------------------------------------------------------------------


def test_a_revision_is_in_force_from_its_quarter_on_once_another_person_approves_it(
    k11, propose, reviewer, administrator, now
):
    revision = propose(k11, 3, target=Decimal(60))
    assert (revision.old_target, revision.old_formula, revision.old_constant) == (
        55,
        "outbound + inbound",
        None,
    )
    assert (revision.proposed_by, revision.proposed_at) == (administrator, now)
    assert targets("K1-1") == [55, 55, 55, 55]
    workflow.approve_revision(revision=revision, by=reviewer, now=now)
    assert targets("K1-1") == [55, 55, 60, 60]
    k11.refresh_from_db()
    assert k11.target == 55  # the plan's own wording


def test_a_further_revision_starts_from_the_one_in_force(k11, revise):
    revise(k11, 2, target=Decimal(60))
    second = revise(k11, 3, target=Decimal(70))
    assert second.old_target == 60
    assert targets("K1-1") == [55, 60, 70, 70]


def test_a_formula_is_revised_over_the_indicators_variables(k11, revise):
    revision = revise(k11, 4, formula=" outbound + inbound * 2 ")
    assert (revision.formula, revision.target) == ("outbound + inbound * 2", None)
    assert k11.in_force(3).formula == "outbound + inbound"
    assert k11.in_force(4).rule.formula.source == "outbound + inbound * 2"


def test_a_constant_is_corrected(adopted, administrator, revise):
    variable = Variable.objects.get(indicator__code="K3-1", symbol="baseline")
    workflow.set_constant(variable=variable, value=Decimal(10), by=administrator)
    revision = revise(variable.indicator, 2, variable=variable, constant=Decimal(12))
    assert revision.old_constant == 10
    constants = [
        {each.symbol: each.constant for each in variable.indicator.in_force(quarter).rule.variables}[
            "baseline"
        ]
        for quarter in (1, 2)
    ]
    assert constants == [10, 12]


def test_what_stays_as_it_is_is_left_out(k11, propose):
    revision = propose(k11, 3, target=Decimal(55), formula="outbound")
    assert (revision.target, revision.formula) == (None, "outbound")


# -- What is refused ---------------------------------------------------------------------------------------


def test_before_adoption_the_definition_itself_is_edited(plan, propose):
    with pytest.raises(Refusal, match="尚未核定"):
        propose(Indicator.objects.get(code="K1-1"), 2, target=Decimal(60))


def test_a_closed_year_is_not_revised_any_more(k11, propose, reviewer, administrator, now):
    entered = propose(k11, 2, target=Decimal(60))
    Plan.objects.update(closed_at=now, closed_by=administrator)
    with pytest.raises(Closed, match="99 年度已由administrator"):
        propose(k11, 2, target=Decimal(70))
    with pytest.raises(Closed):
        workflow.approve_revision(revision=entered, by=reviewer, now=now)
    assert targets("K1-1") == [55] * 4


def test_a_quarter_that_is_approved_keeps_its_definition(k11, approved, propose):
    approved("K1-1", 2, outbound=4, inbound=8)
    for quarter in (1, 2):
        with pytest.raises(Refusal, match=r"第 2 季.*審核通過.*退回"):
            propose(k11, quarter, target=Decimal(60))
    assert propose(k11, 3, target=Decimal(60)).from_quarter == 3


def test_after_a_report_was_reopened_its_quarter_can_be_revised(k11, approved, revise, reviewer, now):
    report = approved("K1-1", 2, outbound=4, inbound=8)
    workflow.reopen(report=report, by=reviewer, now=now, reason="目標修正")
    revise(k11, 2, target=Decimal(60))
    assert targets("K1-1") == [55, 60, 60, 60]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "沒有任何變更"),
        ({"target": Decimal(55)}, "沒有任何變更"),
        ({"formula": "outbound + inbound"}, "沒有任何變更"),
        ({"formula": "outbound +"}, "outbound \\+"),
        ({"formula": "outbound + nobody"}, "nobody"),
        ({"target": Decimal(10) ** 14}, "位數"),
        ({"target": Decimal("1.1234567")}, "位數"),
        ({"target": Decimal("NaN")}, "數字"),
        ({"constant": Decimal(1)}, "常數"),
        ({"target": Decimal(60), "reason": " "}, "不能為空"),
        ({"target": Decimal(60), "number": ""}, "不能為空"),
        ({"target": Decimal(60), "authority": ""}, "不能為空"),
    ],
)
def test_what_cannot_be_in_force_is_refused(k11, propose, changes, words):
    with pytest.raises(ValidationError, match=words):
        propose(k11, 2, **changes)
    assert not TargetRevision.objects.exists()


@pytest.mark.parametrize("quarter", [0, 5])
def test_there_are_four_quarters(k11, propose, quarter):
    with pytest.raises(ValidationError):
        propose(k11, quarter, target=Decimal(60))


def test_a_memo_is_in_no_formula(adopted, propose):
    memo = Variable.objects.filter(memo=True).first()
    with pytest.raises(Refusal, match="備查項目"):
        propose(memo.indicator, 2, formula=memo.symbol)


def test_only_the_indicators_own_constants_are_corrected(k11, propose):
    reported = Variable.objects.get(indicator=k11, symbol="outbound")
    baseline = Variable.objects.get(indicator__code="K3-1", symbol="baseline")
    for variable in (reported, baseline):
        with pytest.raises(Refusal, match=variable.name):
            propose(k11, 2, variable=variable, constant=Decimal(3))
    with pytest.raises(ValidationError, match="負"):
        propose(baseline.indicator, 2, variable=baseline, constant=Decimal(-3))


@pytest.mark.parametrize(
    "who", ["planner", "head", "reviewer", "manager", "auditor", "neighbour", "stranger", "outsider"]
)
def test_only_administrators_enter_and_withdraw(request, k11, propose, who):
    person = request.getfixturevalue(who)
    revision = propose(k11, 2, target=Decimal(60))
    with pytest.raises(PermissionDenied):
        propose(k11, 2, target=Decimal(70), by=person)
    with pytest.raises(PermissionDenied):
        workflow.withdraw_revision(revision=revision, by=person)


@pytest.mark.parametrize(
    "who", ["planner", "head", "administrator", "manager", "auditor", "neighbour", "stranger"]
)
def test_only_reviewers_approve(request, k11, propose, now, who):
    revision = propose(k11, 2, target=Decimal(60))
    with pytest.raises(PermissionDenied):
        workflow.approve_revision(revision=revision, by=request.getfixturevalue(who), now=now)


def test_a_reviewer_finds_it_in_their_work_until_it_is_decided(k11, propose, administrator, reviewer, now):
    revision = propose(k11, 2, target=Decimal(60))
    words = text(signed_in(reviewer).get("/my-work/"))
    assert "1 件目標值修正待核定" in words
    assert str(revision) in words
    assert "待核定" not in text(signed_in(administrator).get("/my-work/"))
    workflow.approve_revision(revision=revision, by=reviewer, now=now)
    words = text(signed_in(reviewer).get("/my-work/"))
    assert "待核定" not in words
    assert "目前沒有待辦事項" in words


def test_a_reviewer_of_a_department_does_not_revise_the_ministrys_plan(k11, propose, person, department, now):
    revision = propose(k11, 2, target=Decimal(60))
    with pytest.raises(PermissionDenied):
        workflow.approve_revision(revision=revision, by=person("司", (Role.REVIEWER, department)), now=now)


def test_whoever_entered_a_revision_does_not_approve_it(k11, propose, person, ministry, reviewer, now):
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.REVIEWER, ministry))
    revision = propose(k11, 2, target=Decimal(60), by=both)
    with pytest.raises(PermissionDenied, match="不得"):
        workflow.approve_revision(revision=revision, by=both, now=now)
    workflow.approve_revision(revision=revision, by=reviewer, now=now)


# -- Judged anew -------------------------------------------------------------------------------------------


def test_a_report_approved_in_between_keeps_the_definition(k11, propose, approved, reviewer, now):
    revision = propose(k11, 2, target=Decimal(60))
    approved("K1-1", 3, outbound=4, inbound=8)
    with pytest.raises(Refusal, match="第 3 季"):
        workflow.approve_revision(revision=revision, by=reviewer, now=now)
    assert targets("K1-1") == [55] * 4


def test_a_revision_in_between_is_not_undone_unseen(k11, propose, reviewer, now):
    first, second = propose(k11, 2, target=Decimal(60)), propose(k11, 2, target=Decimal(70))
    workflow.approve_revision(revision=second, by=reviewer, now=now)
    with pytest.raises(Refusal, match="重新"):
        workflow.approve_revision(revision=first, by=reviewer, now=now)
    assert targets("K1-1") == [55, 70, 70, 70]


def test_a_revision_does_not_begin_before_one_that_is_in_force_already(k11, propose, reviewer, now):
    first, second = propose(k11, 2, target=Decimal(60)), propose(k11, 3, target=Decimal(70))
    workflow.approve_revision(revision=second, by=reviewer, now=now)
    with pytest.raises(Refusal, match="請改選第 3 季或以後之季別"):
        workflow.approve_revision(revision=first, by=reviewer, now=now)
    with pytest.raises(Refusal, match="院授研字第 1 號"):
        propose(k11, 1, target=Decimal(50))
    assert targets("K1-1") == [55, 55, 70, 70]


def test_two_revisions_of_different_things_go_together_in_any_order(k11, revise):
    revise(k11, 3, target=Decimal(70))
    # The target named here is the one in force in quarter 2, so it is not revised.
    revise(k11, 2, target=Decimal(55), formula="outbound + inbound * 2")
    assert targets("K1-1") == [55, 55, 70, 70]
    assert k11.in_force(2).formula == k11.in_force(4).formula == "outbound + inbound * 2"


def test_whoever_saw_a_report_by_the_old_definition_looks_at_it_again(
    k11, report, planner, head, reviewer, revise, now
):
    found = workflow.save_draft(
        report=report("K1-1", 2), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(8)}
    )
    submitted = workflow.submit(report=found, by=planner, now=now)
    endorsed = workflow.endorse(report=submitted, by=head, now=now)
    first = report("K1-1", 1)
    revise(k11, 2, target=Decimal(60))
    with pytest.raises(Conflict):
        workflow.approve(report=endorsed, by=reviewer, now=now, version=endorsed.version)
    again = report("K1-1", 2)
    assert again.status == Status.ENDORSED
    workflow.approve(report=again, by=reviewer, now=now, version=again.version)
    assert report("K1-1", 1).version == first.version


def test_an_approved_revision_stands(k11, revise, administrator, reviewer, now):
    revision = revise(k11, 2, target=Decimal(60))
    with pytest.raises(Refusal, match="已審核通過"):
        workflow.withdraw_revision(revision=revision, by=administrator)
    with pytest.raises(Refusal):
        workflow.approve_revision(revision=revision, by=reviewer, now=now)
    assert TargetRevision.objects.get().approved_by == reviewer


def test_a_withdrawn_revision_stays_in_the_ledger(k11, propose, administrator, reviewer, now):
    revision = propose(k11, 2, target=Decimal(60))
    key = revision.pk
    workflow.withdraw_revision(revision=revision, by=administrator)
    assert not TargetRevision.objects.exists()
    kept = Entry.objects.filter(table="indicators_targetrevision", key=str(key)).order_by("seq")
    assert [each.action for each in kept] == ["INSERT", "DELETE"]
    with pytest.raises(Refusal, match="撤回"):
        workflow.approve_revision(revision=TargetRevision(pk=key, indicator=k11), by=reviewer, now=now)


# -- The admin's pages -------------------------------------------------------------------------------------


TYPED = {
    "from_quarter": "2", "target": "６０", "formula": "", "reason": "業務量增加", "authority": "行政院",
    "decided_on": "99.6.1", "number": "院授研字第 1 號",
}  # fmt: skip


def adding(indicator):
    return f"{add_url(TargetRevision)}?indicator={indicator.pk}"


def step_url(name, revision):
    return reverse(f"admin:indicators_targetrevision_{name}", args=[revision.pk])


def test_an_administrator_enters_a_revision_and_a_reviewer_approves_it(k11, administrator, reviewer):
    client = signed_in(administrator)
    assert adding(k11) in client.get(change_url(k11)).content.decode()
    page = text(client.get(adding(k11)))
    assert "年底適用者：至少 55 次數" in page
    assert "outbound 我國部次長" in page
    entered = client.post(adding(k11), TYPED, follow=True)
    revision = TargetRevision.objects.get()
    assert (revision.target, revision.decided_on, revision.proposed_by) == (
        60,
        date(2010, 6, 1),
        administrator,
    )
    assert "55 次數 60 次數" in text(entered)
    assert "待審核" in text(entered)
    assert targets("K1-1") == [55] * 4
    approved_page = signed_in(reviewer).post(step_url("approve", revision), follow=True)
    assert "已生效" in text(approved_page)
    assert targets("K1-1") == [55, 60, 60, 60]
    assert "自第 2 季起 年度目標值 55 次數 → 60 次數" in text(client.get(change_url(k11)))
    assert "至少 60 次數（原訂 55）" in text(client.get(list_url(Indicator)))
    assert "55 次數 → 60 次數" in text(client.get(list_url(TargetRevision)))


def test_the_page_names_the_planned_values_that_have_to_be_looked_at(
    k11, propose, administrator, reviewer, now
):
    PlannedValue.objects.bulk_create(
        PlannedValue(indicator=k11, quarter=quarter, value=quarter * 11) for quarter in (1, 2, 3, 4)
    )
    revision = propose(k11, 3, target=Decimal(20))

    def page():
        return signed_in(administrator).get(change_url(revision))

    words = "第 3 季：33 第 4 季：44"
    assert words in text(page())
    assert f"{change_url(k11)}#planned_values-group" in page().content.decode()
    assert 'id="planned_values-group"' in signed_in(administrator).get(change_url(k11)).content.decode()
    workflow.approve_revision(revision=revision, by=reviewer, now=now)
    assert words in text(page())
    workflow.close_year(plan=k11.goal.plan, by=administrator, now=now)
    assert "預定值" not in text(page())


def test_a_revised_formula_says_nothing_of_planned_values(k11, propose, administrator):
    PlannedValue.objects.create(indicator=k11, quarter=4, value=55)
    revision = propose(k11, 3, formula="outbound + inbound * 2")
    assert "預定值" not in text(signed_in(administrator).get(change_url(revision)))


def test_what_was_typed_stays_where_it_is_refused(k11, administrator):
    page = signed_in(administrator).post(adding(k11), TYPED | {"target": "55", "decided_on": "2010-06-31"})
    assert "decided_on" in page.context["form"].errors
    page = signed_in(administrator).post(adding(k11), TYPED | {"target": "55"})
    assert "沒有任何變更" in text(page)
    assert 'value="院授研字第 1 號"' in page.content.decode()
    assert not TargetRevision.objects.exists()


def test_the_indicator_is_chosen_among_those_that_can_be_revised(plan, k11, administrator, person):
    client = signed_in(administrator)
    page = client.get(add_url(TargetRevision))
    assert "K1-1" in text(page)
    elsewhere = Unit.objects.create(code="OTHER", name="他部")
    assert "K1-1" not in text(
        signed_in(person("他", (Role.ADMINISTRATOR, elsewhere))).get(add_url(TargetRevision))
    )
    Plan.objects.update(adopted_on=None, adopted_number="")
    assert "K1-1" not in text(client.get(add_url(TargetRevision)))
    assert client.get(adding(k11)).status_code == 404
    assert "登錄目標值修正" not in text(client.get(change_url(k11)))


@pytest.mark.parametrize("asked", ["0", "x", "١", "9" * 30, "1 OR 1=1"])
def test_an_indicator_that_there_is_not_answers_404(k11, administrator, asked):
    assert signed_in(administrator).get(add_url(TargetRevision), {"indicator": asked}).status_code == 404


def test_a_constant_is_corrected_on_the_page(adopted, administrator):
    variable = Variable.objects.get(indicator__code="K3-1", symbol="baseline")
    workflow.set_constant(variable=variable, value=Decimal(10), by=administrator)
    typed = TYPED | {"target": "", "variable": variable.pk, "constant": "12"}
    page = signed_in(administrator).post(adding(variable.indicator), typed, follow=True)
    assert f"{variable.name} 10 12" in text(page)
    other = Indicator.objects.get(code="K1-1")
    assert "更正之常數" not in text(signed_in(administrator).get(adding(other)))


@pytest.mark.parametrize("who", ["planner", "head", "reviewer", "manager", "auditor", "neighbour"])
def test_every_role_reads_revisions_and_only_administrators_enter_them(request, k11, propose, who):
    revision = propose(k11, 2, target=Decimal(60))
    client = signed_in(request.getfixturevalue(who))
    assert "業務量增加" in text(client.get(change_url(revision)))
    assert client.get(add_url(TargetRevision)).status_code == 403
    assert client.post(adding(k11), TYPED).status_code == 403
    assert client.post(step_url("withdraw", revision)).status_code == 403
    if who != "reviewer":
        assert client.post(step_url("approve", revision)).status_code == 403
    assert targets("K1-1") == [55] * 4
    assert TargetRevision.objects.count() == 1


def test_another_agencys_revisions_do_not_exist(k11, propose, stranger):
    revision = propose(k11, 2, target=Decimal(60))
    client = signed_in(stranger)
    assert client.get(change_url(revision)).status_code == 404
    assert {client.post(step_url(name, revision)).status_code for name in ("approve", "withdraw")} == {404}
    assert not client.get(list_url(TargetRevision)).context["cl"].result_list


def test_nothing_changes_by_get_and_nobody_edits_or_deletes_a_revision(k11, propose, administrator):
    revision = propose(k11, 2, target=Decimal(60))
    client = signed_in(administrator)
    assert {client.get(step_url(name, revision)).status_code for name in ("approve", "withdraw")} == {405}
    assert client.post(change_url(revision), TYPED | {"target": "70"}).status_code == 403
    delete = reverse("admin:indicators_targetrevision_delete", args=[revision.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    assert TargetRevision.objects.get().target == 60


def test_a_revision_is_withdrawn_on_its_page(k11, propose, administrator):
    revision = propose(k11, 2, target=Decimal(60))
    page = signed_in(administrator).post(step_url("withdraw", revision), follow=True)
    assert "已撤回" in text(page)
    assert not TargetRevision.objects.exists()


def test_whoever_entered_a_revision_is_told_why_they_cannot_approve_it(k11, propose, person, ministry):
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.REVIEWER, ministry))
    revision = propose(k11, 2, target=Decimal(60), by=both)
    client = signed_in(both)
    page = client.get(change_url(revision))
    assert "須由機關其他研考人員審核" in text(page)
    assert step_url("approve", revision) not in page.content.decode()
    assert client.post(step_url("approve", revision)).status_code == 403


def test_a_refused_approval_says_why(k11, propose, approved, reviewer):
    revision = propose(k11, 2, target=Decimal(60))
    approved("K1-1", 2, outbound=4, inbound=8)
    page = signed_in(reviewer).post(step_url("approve", revision), follow=True)
    assert "第 2 季填報已審核通過" in text(page)
    assert not TargetRevision.objects.get().is_approved


def test_the_report_shows_the_target_in_force_and_the_original(k11, report, planner, revise):
    revise(k11, 2, target=Decimal(60))
    client = signed_in(planner)
    assert "至少 60 次數（原訂 55）" in text(client.get(change_url(report("K1-1", 2))))
    first = text(client.get(change_url(report("K1-1", 1))))
    assert "至少 55 次數" in first
    assert "原訂" not in first


def test_the_list_takes_the_same_number_of_queries_at_any_size(
    k11, propose, administrator, django_assert_num_queries
):
    client = signed_in(administrator)
    propose(k11, 2, target=Decimal(60))
    with CaptureQueriesContext(connection) as few:
        client.get(list_url(TargetRevision))
    propose(Indicator.objects.get(code="K1-2"), 2, target=Decimal(60))
    with django_assert_num_queries(len(few)):
        client.get(list_url(TargetRevision))


# -- At the same time --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_a_revision_and_an_approval_at_the_same_time_one_is_judged_by_the_other(
    k11, report, planner, head, reviewer, person, ministry, propose, now
):
    """Whichever comes second finds what the first one did, and leaves it alone."""
    revision = propose(k11, 2, target=Decimal(60))
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    found = workflow.save_draft(report=report("K1-1", 2), by=planner, now=now, figures=figures)
    submitted = workflow.submit(report=found, by=planner, now=now)
    seen = workflow.endorse(report=submitted, by=head, now=now)
    second = person("second", (Role.REVIEWER, ministry))
    at_once = Barrier(2)

    def attempt(verb):
        try:
            at_once.wait()
            verb()
        except Refusal as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        refusals = list(
            pool.map(
                attempt,
                [
                    lambda: workflow.approve_revision(revision=revision, by=reviewer, now=now),
                    lambda: workflow.approve(report=seen, by=second, now=now, version=seen.version),
                ],
            )
        )
    revised, decided = TargetRevision.objects.get().is_approved, report("K1-1", 2).status == Status.APPROVED
    assert revised != decided
    assert [refusal is None for refusal in refusals] == [revised, decided]
    assert targets("K1-1")[1] == (60 if revised else 55)
