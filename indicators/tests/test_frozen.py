"""What stands fast in a closed year, in a closed quarter and under an approved report, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from indicators import workflow
from indicators.models import Indicator, PlannedValue, Variable
from objectives.models import Goal, Plan, Strategy, WorkItem, WorkPlan
from objectives.tests.pages import add_url, change_url, filled, mistakes, signed_in, text
from objectives.workflow import adopt_plan

CLOSED = "99 年度已由administrator於"
FROZEN = (Plan, Goal, Strategy, WorkPlan, WorkItem, Indicator, Variable, PlannedValue)


@pytest.fixture
def adopted(plan, administrator) -> Plan:
    return adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院臺外字第 1 號")


@pytest.fixture
def close(plan, administrator, now) -> Callable[[int], Any]:
    def closed(quarter: int) -> Any:
        return workflow.close_period(period=plan.periods.get(quarter=quarter), by=administrator, now=now)

    return closed


@pytest.fixture
def edit(administrator) -> Callable[..., Any]:
    """Send a page back with changes: as it was opened, or as it was before something closed (opened)."""
    client = signed_in(administrator)

    def post(obj: Any, opened: dict[str, Any] | None = None, **changes: Any) -> Any:
        return client.post(change_url(obj), (opened or filled(client.get(change_url(obj)))) | changes)

    return post


def indicator(code: str) -> Indicator:
    return Indicator.objects.get(code=code)


def variable(code: str, symbol: str) -> Variable:
    return Variable.objects.get(indicator__code=code, symbol=symbol)


def stored(*models: Any) -> list[Any]:
    links: Any = Indicator.contributing_units.through
    return [list(model.objects.order_by("pk").values()) for model in (*models, links)]


# -- A closed year -----------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["in preparation", "adopted"])
def opened_before(request, plan, administrator, report, planner, approved, now) -> dict[Any, dict[str, Any]]:
    """Pages as they were opened before their year was closed, adopted or not, by object."""
    if request.param:
        adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="1")
    PlannedValue.objects.create(indicator=indicator("K1-1"), quarter=1, value=10)
    client = signed_in(administrator)
    objects = [plan, *(model.objects.first() for model in (Goal, Strategy, WorkPlan, WorkItem))]
    objects += [indicator("K1-1"), variable("K1-1", "outbound"), variable("K3-1", "baseline")]
    pages = {each: filled(client.get(change_url(each))) for each in objects}
    workflow.close_year(plan=plan, by=administrator, now=now)
    return pages


FORGED = {
    "green_threshold": "90", "amber_threshold": "50", "head_step": "", "year": "98", "kind": "COMMON",
    "number": "9", "title": "改", "position": "9", "text": "改", "target": "5", "formula": "1", "weight": "9",
    "direction": "AT_MOST", "assessed": "YEAR_END", "not_applicable_reason": "停辦", "rollup": "LATEST",
    "due_quarters": "4", "by_unit": "on", "zero_until_given": "on", "may_be_negative": "on", "constant": "20",
    "name": "改", "content": "改", "planned_values-0-value": "1", "planned_values-0-DELETE": "on",
    "planned_values-1-quarter": "2", "planned_values-1-value": "2", "variables-0-rollup": "LATEST",
    "variables-0-DELETE": "on", "items-0-DELETE": "on", "items-0-name": "改",
}  # fmt: skip


def test_nothing_that_enters_a_result_is_changed_once_the_year_is_closed(
    opened_before, administrator, department
):
    """Neither by a page that was open before, nor by what is forged on one that is opened now."""
    client = signed_in(administrator)
    before = stored(*FROZEN)
    for each, opened in opened_before.items():
        page = client.get(change_url(each))
        assert CLOSED in text(page)
        known = {name: value for name, value in FORGED.items() if name in opened or "-" in name}
        for sent in (opened, filled(page)):
            client.post(change_url(each), sent | known | {"contributing_units": [department.pk]})
        delete = change_url(each).replace("/change/", "/delete/")
        assert client.post(delete, {"post": "yes"}).status_code in (302, 403)
    assert stored(*FROZEN) == before


def test_nothing_is_added_to_a_closed_year(opened_before, administrator):
    client = signed_in(administrator)
    for model, owner in ((Goal, "plan"), (Strategy, "goal"), (WorkPlan, "plan"), (Indicator, "goal")):
        form = client.get(add_url(model)).context["adminform"].form
        assert not form.fields[owner].queryset.exists()


def test_notes_and_who_leads_may_still_change_in_a_closed_year(opened_before, edit, department):
    assert edit(indicator("K1-1"), note="註", lead_unit=department.pk).status_code == 302
    assert edit(variable("K1-1", "outbound"), note="註", help="說明").status_code == 302
    assert edit(WorkItem.objects.first(), note="註", lead_unit=department.pk).status_code == 302
    after = indicator("K1-1")
    assert (after.note, after.lead_unit) == ("註", department)
    assert variable("K1-1", "outbound").help == "說明"


def test_every_verb_says_who_closed_the_year(opened_before, administrator, now):
    baseline, target = variable("K3-1", "baseline"), indicator("K5-1")
    with pytest.raises(workflow.Refusal, match=CLOSED):
        workflow.set_constant(variable=baseline, value=Decimal(20), by=administrator)
    with pytest.raises(workflow.Refusal, match=CLOSED):
        workflow.spread_planned_values(indicator=target, by=administrator, now=now)
    assert not target.planned_values.exists()


# -- Planned values ----------------------------------------------------------------------------------------


@pytest.fixture
def planned(plan) -> Callable[[str], list[Any]]:
    """Plan all four quarters of K1-1; return what is planned."""
    for quarter in (1, 2, 3, 4):
        PlannedValue.objects.create(indicator=indicator("K1-1"), quarter=quarter, value=10 * quarter)

    def values(code: str = "K1-1") -> list[Any]:
        return [*PlannedValue.objects.filter(indicator__code=code).values_list("quarter", "value")]

    return values


@pytest.mark.parametrize("how", ["approved", "closed"])
def test_a_planned_value_stands_with_its_quarters_result(planned, edit, approved, close, how):
    if how == "closed":
        close(1)
    else:
        approved("K1-1", 1, behind=True, outbound=4, inbound=1)
    before = planned()
    response = edit(
        indicator("K1-1"),
        **{"planned_values-0-value": "5", "planned_values-1-value": "25", "note": "打了很久的字"},
    )
    assert response.status_code == 200
    formset = response.context["inline_admin_formsets"][1].formset
    assert "第 1 季" in str(formset.forms[0].errors["value"])
    assert [form.errors for form in formset.forms[1:4]] == [{}, {}, {}]
    again = filled(response)
    assert (again["planned_values-1-value"], again["note"]) == ("25", "打了很久的字")
    assert "第 1 季" in mistakes(edit(indicator("K1-1"), **{"planned_values-0-DELETE": "on"}))
    assert planned() == before
    again["planned_values-0-value"] = "10"
    assert edit(indicator("K1-1"), opened=again).status_code == 302
    assert planned()[:2] == [(1, 10), (2, 25)]


def test_no_planned_value_comes_to_a_quarter_whose_result_stands(plan, edit, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    added = {"planned_values-0-quarter": "1", "planned_values-0-value": "5"}
    assert "第 1 季" in mistakes(edit(indicator("K1-1"), **added))
    moved = {"planned_values-0-quarter": "2", "planned_values-0-value": "5"}
    assert edit(indicator("K1-1"), **moved).status_code == 302
    assert "第 1 季" in mistakes(edit(indicator("K1-1"), **{"planned_values-0-quarter": "1"}))
    assert PlannedValue.objects.get().quarter == 2


def test_a_reopened_quarter_is_planned_anew(planned, edit, close, plan, ministry, administrator, now):
    until = timezone.now() + timedelta(days=1)
    workflow.reopen_period(period=close(1), unit=ministry, until=until, reason="x", by=administrator, now=now)
    assert edit(indicator("K1-1"), **{"planned_values-0-value": "5"}).status_code == 302
    assert planned()[0] == (1, 5)


def test_quarters_that_have_not_opened_yet_are_planned(plan, edit):
    plan.periods.filter(quarter=4).update(
        **dict.fromkeys(("opens_on", "submit_by", "endorse_by", "approve_by"), date(9999, 1, 1))
    )
    added = {"planned_values-0-quarter": "4", "planned_values-0-value": "55"}
    assert edit(indicator("K1-1"), **added).status_code == 302
    assert PlannedValue.objects.get().value == 55


def test_nothing_is_spread_over_a_quarter_whose_result_stands(edit, close, administrator, now):
    close(2)
    with pytest.raises(workflow.Refusal, match="第 2 季已由administrator"):
        workflow.spread_planned_values(indicator=indicator("K1-1"), by=administrator, now=now)
    assert edit(indicator("K1-1"), _spread="", note="註").status_code == 302
    assert not PlannedValue.objects.exists()


# -- Revisions ---------------------------------------------------------------------------------------------


@pytest.fixture
def propose(adopted, administrator, now) -> Callable[..., Any]:
    def enter(quarter: int) -> Any:
        return workflow.propose_revision(
            indicator=indicator("K1-1"), from_quarter=quarter, target=Decimal(60), reason="x", authority="院",
            decided_on=date(2010, 6, 1), number="1", by=administrator, now=now,
        )  # fmt: skip

    return enter


def test_no_revision_applies_from_a_closed_quarter(propose, close, reviewer, now):
    entered = propose(2)
    close(2)
    for quarter in (1, 2):
        with pytest.raises(workflow.Closed, match=r"第 2 季已由administrator.*較後之季別"):
            propose(quarter)
    with pytest.raises(workflow.Closed):
        workflow.approve_revision(revision=entered, by=reviewer, now=now)
    assert propose(3).from_quarter == 3
    assert indicator("K1-1").in_force(4).target == 55


# -- Before adoption ---------------------------------------------------------------------------------------

COMPUTED = {
    "target": "5",
    "direction": "AT_MOST",
    "assessed": "YEAR_END",
    "formula": "outbound",
    "weight": "9",
}
VARIABLE = {
    "rollup": "LATEST", "kind": "AMOUNT", "due_quarters": "4", "may_be_negative": "on",
    "zero_until_given": "on", "by_unit": "on",
}  # fmt: skip


def test_what_an_approved_report_was_computed_with_stands_fast_before_adoption_too(
    edit, approved, administrator
):
    approved("K1-1", 1, outbound=4, inbound=8)
    before = stored(Indicator, Variable)
    page = signed_in(administrator).get(change_url(indicator("K1-1")))
    assert "第 1 季填報已審核通過" in text(page)
    assert "第 1 季填報已審核通過" in text(
        signed_in(administrator).get(change_url(variable("K1-1", "outbound")))
    )
    rows = {f"variables-0-{name}": value for name, value in (VARIABLE | {"DELETE": "on"}).items()}
    edit(indicator("K1-1"), **COMPUTED, **rows)
    edit(variable("K1-1", "outbound"), **VARIABLE, constant="3")
    assert stored(Indicator, Variable) == before
    assert edit(indicator("K1-1"), title="更正後之名稱", standard="更正").status_code == 302
    assert edit(variable("K1-1", "outbound"), name="出訪次數").status_code == 302
    assert (indicator("K1-1").title, variable("K1-1", "outbound").name) == ("更正後之名稱", "出訪次數")
    assert edit(indicator("K1-2"), target="5").status_code == 302


def test_a_page_opened_before_the_approval_is_told_what_can_no_longer_be_changed(
    edit, approved, administrator
):
    opened = filled(signed_in(administrator).get(change_url(indicator("K1-1"))))
    approved("K1-1", 1, outbound=4, inbound=8)
    response = edit(indicator("K1-1"), opened=opened, target="5", title="打好的名稱")
    assert "年度目標值" in mistakes(response)
    assert filled(response)["title"] == "打好的名稱"
    assert indicator("K1-1").target == 55


def test_after_its_reports_were_reopened_a_definition_is_edited(edit, approved, reviewer, now):
    found = approved("K1-1", 1, outbound=4, inbound=8)
    workflow.reopen(report=found, by=reviewer, now=now, reason="x")
    assert edit(indicator("K1-1"), target="5").status_code == 302
    assert indicator("K1-1").target == 5


@pytest.fixture
def baseline(approved) -> Variable:
    """The unknown baseline of an indicator of which a report is approved."""
    approved("K3-1", 1, meetings=1, projects=1, visits=1)
    return variable("K3-1", "baseline")


def test_an_unknown_constant_is_given_beside_an_approved_report_and_then_stands(
    edit, baseline, administrator
):
    assert edit(baseline, constant="20").status_code == 302
    assert variable("K3-1", "baseline").constant == 20
    assert edit(variable("K3-1", "baseline"), constant="5").status_code == 302
    for value in (Decimal(5), None):
        with pytest.raises(workflow.Refusal, match="第 1 季填報已審核通過"):
            workflow.set_constant(variable=baseline, value=value, by=administrator)
    assert variable("K3-1", "baseline").constant == 20


def test_a_variable_that_becomes_a_constant_gets_its_value_in_the_same_step(plan, edit):
    changes = {"rollup": "CONSTANT", "due_quarters": "", "constant": "7"}
    assert edit(variable("K1-1", "inbound"), **changes).status_code == 302
    assert variable("K1-1", "inbound").constant == 7
    assert edit(variable("K1-1", "inbound"), constant="").status_code == 302
    assert variable("K1-1", "inbound").constant is None
