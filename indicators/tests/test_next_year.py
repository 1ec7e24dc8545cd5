"""編製次年度計畫: what is copied, what stays behind, and which baselines the year offers."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from indicators import locks, workflow
from indicators.formula import compile_formula, minuend
from indicators.models import (
    Figure,
    Indicator,
    PlannedValue,
    QuarterReport,
    ReportingPeriod,
    TargetRevision,
    Variable,
)  # fmt: skip
from indicators.my_work import tasks
from indicators.next_year import Offer, copy_plan, offers
from indicators.value import Rollup, Rule, State, Value, VariableRule, offered_baseline
from objectives.models import Goal, Plan, Strategy, Unit, WorkItem, WorkPlan
from objectives.roc import TAIPEI
from objectives.tests.pages import change_url, filled, mistakes, signed_in, text
from objectives.workflow import adopt_plan

PARTS: list[Any] = [Goal, Strategy, WorkPlan, WorkItem, Indicator, Variable]


@pytest.fixture
def copied(plan, administrator, now):
    def copy(**baselines: Any) -> Plan:
        given = {
            Variable.objects.get(
                indicator__code=code.replace("_", "-"), rollup="CONSTANT", indicator__goal__plan=plan
            ).pk: Decimal(str(value))
            for code, value in baselines.items()
        }
        return copy_plan(plan=plan, by=administrator, now=now, baselines=given)

    return copy


@pytest.fixture
def a_year_of_visits(approved):
    """Report K3-1 for the whole year: 4 × (1 + 2 + 3)."""

    def report() -> None:
        for quarter in (1, 2, 3, 4):
            approved("K3-1", quarter, meetings=1, projects=2, visits=3)

    return report


def offer(plan: Plan, code: str) -> Any:
    [found] = [each for each in offers(plan) if each.variable.indicator.code == code]
    return found


def address(plan: Plan) -> str:
    return reverse("admin:indicators_next_year", args=[plan.pk])


# -- Copying -----------------------------------------------------------------------------------------------


def test_every_part_is_copied_once_and_linked_to_its_predecessor(plan, copied):
    originals = {model: set(model.objects.values_list("pk", flat=True)) for model in PARTS}
    made = copied()
    assert (made.predecessor, made.year, made.unit) == (plan, 100, plan.unit)
    for model in PARTS:
        links = model.objects.exclude(pk__in=originals[model]).values_list("predecessor", flat=True)
        assert sorted(links) == sorted(originals[model])


def test_the_new_plan_is_in_preparation_under_its_own_year(plan, copied, administrator):
    adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="1")
    Plan.objects.update(green_threshold=95, head_step=False, note="出處")
    made = copied()
    made.refresh_from_db()
    assert made.title == "外交部 100 年度施政目標與重點"
    assert (made.is_adopted, made.adopted_number, made.is_closed, made.note) == (False, "", False, "")
    assert (made.green_threshold, made.head_step, made.preamble) == (95, False, plan.preamble)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("99年度計畫", "100年度計畫"),
        ("1999 年至 99 年", "1999 年至 100 年"),
        ("99 項計畫，較 98 年度", "99 項計畫，較 99 年度"),
        ("年度計畫", "年度計畫"),
    ],
)
def test_the_year_is_replaced_where_it_stands_by_itself(plan, copied, title, expected):
    Plan.objects.update(title=title)
    assert copied().title == expected


def test_words_that_would_no_longer_fit_stay_as_they_are(plan, copied):
    variable = Variable.objects.get(indicator__code="K3-1", rollup="CONSTANT")
    Variable.objects.filter(pk=variable.pk).update(name="99年" + "訪" * 97, help="99年基準值")
    Plan.objects.update(title="99年" + "計" * 197)
    made = copied()
    copy = Variable.objects.get(predecessor=variable)
    assert (copy.name, copy.help) == ("99年" + "訪" * 97, "100年基準值")
    assert made.title == "99年" + "計" * 197


def test_the_outline_keeps_its_shape(plan, copied):
    made = copied()

    def shape(plan: Plan) -> list[Any]:
        rows = Strategy.objects.filter(goal__plan=plan).select_related("goal", "parent__parent__parent")
        return sorted((each.goal.code, each.path, each.label, each.heading, each.text) for each in rows)

    assert shape(made) == shape(plan)
    assert not Strategy.objects.filter(goal__plan=made, parent__goal__plan=plan).exists()


def test_indicators_keep_units_and_strategies_of_the_new_plan(plan, copied, department):
    before = Indicator.objects.get(code="K6-1")
    before.contributing_units.add(department)
    Indicator.objects.filter(pk=before.pk).update(lead_unit=department, not_applicable_reason="停辦")
    WorkItem.objects.update(lead_unit=department)
    after = Indicator.objects.get(goal__plan=copied(), code="K6-1")
    assert (after.lead_unit, after.participants, after.not_applicable_reason) == (
        department,
        [department],
        "",
    )
    assert {each.goal.plan.year for each in after.strategies.all()} == {100}
    assert [each.predecessor for each in after.strategies.order_by("pk")] == list(
        before.strategies.order_by("pk")
    )
    assert set(WorkItem.objects.values_list("lead_unit", flat=True)) == {department.pk}
    assert Unit.objects.count() == 2


def test_figures_and_planned_values_stay_behind(plan, copied, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=10)
    figures = list(Figure.objects.order_by("pk").values())
    made = copied()
    assert list(Figure.objects.order_by("pk").values()) == figures
    assert not PlannedValue.objects.filter(indicator__goal__plan=made).exists()
    reports = QuarterReport.objects.filter(indicator__goal__plan=made)
    assert set(reports.values_list("status", "remark", "changed_by")) == {("DRAFT", "", None)}
    assert reports.count() == 4 * Indicator.objects.filter(goal__plan=made).count()
    opens = ReportingPeriod.objects.filter(plan=made).values_list("quarter", "opens_on")
    assert next(iter(opens)) == (1, date(2011, 4, 1))


def test_the_definition_in_force_at_the_years_end_is_what_goes_on(plan, copied, administrator, reviewer, now):
    indicator = Indicator.objects.get(code="K1-1")
    TargetRevision.objects.create(
        indicator=indicator, from_quarter=3, target=60, formula="outbound + inbound + 0", old_target=55,
        old_formula=indicator.formula, reason="x", authority="x", decided_on=now.date(), number="1",
        proposed_by=administrator, proposed_at=now, approved_by=reviewer, approved_at=now,
    )  # fmt: skip
    after = Indicator.objects.get(goal__plan=copied(), code="K1-1")
    assert (after.target, after.formula) == (60, "outbound + inbound + 0")
    assert not after.revisions.exists()


def test_a_constant_is_unknown_unless_its_baseline_was_accepted(plan, copied):
    Variable.objects.filter(rollup="CONSTANT").update(constant=7)
    made = copied(K3_1=24)
    constants = Variable.objects.filter(indicator__goal__plan=made, rollup="CONSTANT")
    assert dict(constants.values_list("indicator__code", "constant")) == {"K3-1": 24, "K3-2": None}
    assert all(name.startswith("民國 99 年") for name in constants.values_list("name", flat=True))


@pytest.mark.parametrize("value", ["-1", "1.5", "100000000000000"])
def test_a_baseline_obeys_the_variables_definition(plan, copied, value):
    with pytest.raises(ValidationError):
        copied(K3_1=value)
    assert Plan.objects.count() == 1


def test_a_baseline_for_something_else_is_refused(plan, administrator, now):
    reported = Variable.objects.get(indicator__code="K2-2")
    for key in (reported.pk, 1_000_000):
        with pytest.raises(workflow.Refusal):
            copy_plan(plan=plan, by=administrator, now=now, baselines={key: Decimal(1)})
    assert Plan.objects.count() == 1


def test_a_year_has_one_plan(copied):
    copied()
    with pytest.raises(workflow.Refusal):
        copied()
    assert Plan.objects.count() == 2


def test_a_copy_is_copied_on(copied, administrator, now):
    again = copy_plan(plan=copied(), by=administrator, now=now, baselines={})
    assert (again.year, again.title) == (101, "外交部 101 年度施政目標與重點")
    assert Indicator.objects.filter(predecessor__predecessor__isnull=False).count() == 20


@pytest.mark.parametrize("role", ["planner", "head", "reviewer", "manager", "auditor", "stranger"])
def test_only_administrators_copy(request, plan, now, role):
    with pytest.raises(PermissionDenied):
        copy_plan(plan=plan, by=request.getfixturevalue(role), now=now, baselines={})


# -- Baselines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("meetings + projects + visits - baseline", "meetings + projects + visits"),
        ("(meetings + projects - baseline) / baseline * 100", "meetings + projects"),
        ("((meetings + projects) * 2 - baseline) / baseline", "(meetings + projects) * 2"),
        ("  visits - baseline", "visits"),
        ("baseline - visits", None),
        ("visits - (baseline)", "visits"),
        ("visits / baseline", None),
        ("visits - 2 * baseline", None),
    ],
)
def test_what_a_constant_is_subtracted_from(formula, expected):
    found = minuend(compile_formula(formula), "baseline")
    assert (found.source if found else None) == expected


@pytest.mark.parametrize(
    ("given", "amount", "state"),
    [
        ({1: 1, 2: 2, 3: 3, 4: 4}, 10, State.COMPLETE),
        ({1: 1}, 1, State.PROVISIONAL),
        ({1: 0, 2: 0, 3: 0, 4: 0}, 0, State.COMPLETE),
        ({}, None, State.EMPTY),
    ],
)
def test_the_offer_is_the_years_value_of_that_part(given, amount, state):
    visits = VariableRule("visits", Rollup.SUM, frozenset({1, 2, 3, 4}))
    baseline = VariableRule("baseline", Rollup.CONSTANT, frozenset())
    rule = Rule(compile_formula("(visits - baseline) / baseline * 100"), (visits, baseline))
    figures = {(quarter, "visits"): Decimal(value) for quarter, value in given.items()}
    found = offered_baseline(rule, "baseline", figures)
    assert (found.amount, found.state) == (amount, state)
    assert offered_baseline(rule, "visits", figures) is None


def test_a_year_reported_in_full_offers_its_value(plan, a_year_of_visits):
    a_year_of_visits()
    found = offer(plan, "K3-1")
    assert (found.amount, found.is_sound) == (24, True)
    assert (offer(plan, "K3-2").amount, offer(plan, "K3-2").is_sound) == (None, False)


def test_what_is_not_approved_offers_nothing(plan, report, planner, now):
    figures = {"meetings": Decimal(1), "projects": Decimal(2), "visits": Decimal(3)}
    workflow.save_draft(report=report("K3-1", 1), by=planner, now=now, figures=figures)
    assert offer(plan, "K3-1").amount is None


def test_a_year_with_a_gap_offers_its_value_unticked(plan, approved):
    approved("K3-1", 1, meetings=1, projects=2, visits=3)
    found = offer(plan, "K3-1")
    assert (found.amount, found.is_sound) == (6, False)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("99999999999999.4", Decimal("99999999999999.4")),
        ("100000000000000", None),
        ("-100000000000000", None),
        ("9" * 45, None),
        ("0.00000049", 0),
        (f"1.{'3' * 33}", Decimal("1.333333")),
    ],
)
def test_an_offer_is_what_can_be_stored(amount, expected):
    found = Offer(Variable(), Value(Decimal(amount), State.COMPLETE), demo=False)
    assert found.amount == expected
    assert found.is_sound == (expected is not None)


def test_a_value_that_is_too_large_is_offered_in_words(plan, approved, administrator):
    Indicator.objects.filter(code="K3-1").update(
        formula="meetings * projects * visits - baseline",
    )
    Variable.objects.filter(indicator__code="K3-1", rollup="CONSTANT").update(symbol="baseline")
    for quarter in (1, 2, 3, 4):
        approved("K3-1", quarter, meetings=10**13, projects=10**13, visits=10**13)
    page = signed_in(administrator).get(address(plan))
    assert "本年度數值過大，無法帶入。" in text(page)
    key = Variable.objects.get(indicator__code="K3-1", rollup="CONSTANT").pk
    assert f"take_{key}" not in filled(page)


# -- The page ----------------------------------------------------------------------------------------------


def test_the_page_offers_and_copies(plan, a_year_of_visits, administrator):
    a_year_of_visits()
    client = signed_in(administrator)
    assert address(plan) in client.get(change_url(plan)).content.decode()
    page = client.get(address(plan))
    key = Variable.objects.get(indicator__code="K3-1", rollup="CONSTANT").pk
    data = filled(page)
    assert (data[f"take_{key}"], data[f"value_{key}"]) == ("on", "24")
    assert len([name for name in data if name.startswith("take_")]) == 1
    assert "20 績效指標" in text(page)
    response = client.post(address(plan), data | {f"value_{key}": "２５"})
    made = Plan.objects.get(year=100)
    assert response["Location"] == change_url(made)
    copy = Variable.objects.get(indicator__goal__plan=made, predecessor=key)
    assert copy.constant == 25
    again = client.get(address(plan))
    assert change_url(made) in again.content.decode()
    assert mistakes(client.post(address(plan), data))
    assert Plan.objects.count() == 2


def test_invented_figures_are_marked_and_not_ticked(plan, a_year_of_visits, administrator):
    a_year_of_visits()
    with locks.dismantled():
        Figure.objects.filter(variable__symbol="visits").update(demo=True)
    page = signed_in(administrator).get(address(plan))
    key = Variable.objects.get(indicator__code="K3-1", rollup="CONSTANT").pk
    assert f"take_{key}" not in filled(page)
    assert 'class="pill invented"' in page.content.decode()


def test_a_tick_needs_a_number(plan, administrator):
    client = signed_in(administrator)
    key = Variable.objects.get(indicator__code="K3-1", rollup="CONSTANT").pk
    for wrong in ("", "很多", "-1"):
        page = client.post(address(plan), {f"take_{key}": "on", f"value_{key}": wrong})
        assert mistakes(page)
    assert Plan.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [("planner", 403), ("reviewer", 403), ("auditor", 403), ("stranger", 404), ("outsider", 302)],
)
def test_the_page_is_for_administrators(request, plan, role, status):
    client = signed_in(request.getfixturevalue(role))
    assert client.get(address(plan)).status_code == status
    assert client.post(address(plan), {}).status_code == status
    assert Plan.objects.count() == 1


def test_a_get_copies_nothing(plan, administrator):
    assert signed_in(administrator).get(address(plan), {"take_1": "on"}).status_code == 200
    assert Plan.objects.count() == 1


def test_a_plan_in_preparation_asks_for_nothing_and_is_not_shown_first(plan, copied, planner, administrator):
    made = copied()
    late = datetime(2012, 3, 1, tzinfo=TAIPEI)
    assert {task.period.plan for task in tasks(planner, late)} == {plan}
    assert signed_in(planner).get("/").context["selection"].plan == plan
    assert signed_in(planner).get("/?year=100").context["selection"].plan == made
    adopt_plan(plan=made, by=administrator, on=date(2010, 12, 31), number="1")
    assert made in {task.period.plan for task in tasks(planner, late)}
    assert signed_in(planner).get("/").context["selection"].plan == made
