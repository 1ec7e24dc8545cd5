"""The admin's pages for indicators and variables: definitions, their locks, and formulas."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Variable
from objectives.models import Goal, Plan, Strategy, Unit
from objectives.roles import Role
from objectives.tests.pages import add_url, change_url, filled, list_url, mistakes, row, signed_in, text
from objectives.workflow import adopt_plan


@pytest.fixture
def indicator(plan):
    return lambda code: Indicator.objects.get(code=code)


@pytest.fixture
def variable(plan):
    return lambda code, symbol: Variable.objects.get(indicator__code=code, symbol=symbol)


@pytest.fixture
def adopted(plan, administrator):
    return adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院臺外字第 1 號")


@pytest.fixture
def edit(administrator):
    """Send an indicator's page back with changes: of its own fields, and of rows' fields by (row, field)."""

    def post(obj, variables=None, user=administrator, **changes):
        client = signed_in(user)
        opened = client.get(change_url(obj))
        data = filled(opened) | changes
        for (symbol, name), value in (variables or {}).items():
            data[f"{row(opened, 'variables', symbol=symbol)}-{name}"] = value
        return client.post(change_url(obj), data)

    return post


# -- Reading


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor", "neighbour"])
def test_every_role_reads_definitions_and_changes_none(request, indicator, edit, role):
    user = request.getfixturevalue(role)
    target = indicator("K7-1")
    response = signed_in(user).get(change_url(target))
    assert response.status_code == 200
    assert '<input type="submit"' not in response.content.decode()
    assert "年度目標值： 90 " in text(response)
    assert edit(target, user=user, target="1").status_code == 403
    assert indicator("K7-1").target == 90


@pytest.mark.parametrize("model", [Indicator, Variable, QuarterReport])
def test_another_agencys_definitions_do_not_exist(plan, stranger, model):
    client = signed_in(stranger)
    hidden = model.objects.first()
    assert client.get(change_url(hidden)).status_code == 404
    assert hidden.pk not in [obj.pk for obj in client.get(list_url(model)).context["cl"].result_list]


def test_provenance_notes_are_prominent(planner, indicator):
    assert "出處說明 計畫未載民國 98 年統計數據（基準值），須另行填入後方能計算。" in text(
        signed_in(planner).get(change_url(indicator("K3-1")))
    )


@pytest.mark.parametrize("model", [Indicator, Variable])
def test_lists_take_the_same_number_of_queries_at_any_size(planner, plan, django_assert_num_queries, model):
    client = signed_in(planner)
    counts = {Indicator: 18, Variable: 15}  # 7 of them count what is due, for the menu
    for chosen in ({"q": "K1-2"}, {}):
        with django_assert_num_queries(counts[model]):
            client.get(list_url(model), chosen)


# -- Changing


def test_an_indicator_is_edited(edit, indicator):
    response = edit(indicator("K1-1"), target="５６", note="修正\uf98e度")
    assert response.status_code == 302
    assert indicator("K1-1").target == 56
    assert indicator("K1-1").note == "修正年度"


def test_a_new_indicator_gets_its_variables_and_its_quarter_reports(administrator, plan):
    client = signed_in(administrator)
    data = filled(client.get(add_url(Indicator))) | {
        "goal": Goal.objects.get(kind="KEY", number=1).pk,
        "code": "K1-3",
        "number": "3",
        "title": "新指標",
        "scheme": "1",
        "method": "統計數據",
        "standard": "次數",
        "target": "1,000.5",
        "unit": "次",
        "formula": "visits * 2",
        "lead_unit": plan.unit_id,
        "variables-0-symbol": "visits",
        "variables-0-name": "訪問次數",
        "variables-0-rollup": "SUM",
        "variables-0-kind": "COUNT",
        "variables-0-position": "1",
    }
    response = client.post(add_url(Indicator), data)
    assert response.status_code == 302
    created = Indicator.objects.get(code="K1-3")
    assert created.target == Decimal("1000.5")
    assert [v.symbol for v in created.variables.all()] == ["visits"]
    assert [report.quarter for report in created.reports.all()] == [1, 2, 3, 4]


def test_an_empty_new_indicator_is_refused_field_by_field(administrator, plan):
    client = signed_in(administrator)
    response = client.post(add_url(Indicator), filled(client.get(add_url(Indicator))))
    assert response.status_code == 200
    assert response.context["adminform"].form.errors.keys() >= {"goal", "code", "formula", "target"}


def test_planned_values_changed_by_hand_are_no_demonstration(edit, indicator):
    target = indicator("K1-1")
    for quarter in (1, 2):
        PlannedValue.objects.create(indicator=target, quarter=quarter, value=10 * quarter, demo=True)
    assert edit(target, **{"planned_values-0-value": "11"}).status_code == 302
    assert list(target.planned_values.values_list("quarter", "value", "demo")) == [
        (1, 11, False),
        (2, 20, True),
    ]


# -- Formulas


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("outbound +", "無法解讀"),
        ("outbound + visits", "第 12 個字元「visits」：本指標沒有使用此符號之填報項目"),
        ("abs(outbound)", "abs"),
        ("outbound.real", "outbound.real"),
        ("outbound ** 9 ** 9 ** 9", "第 10 個字元「**」不得使用"),
        ("outbound + 1e9", "1e9"),
        ("__import__", "__import__"),
        ("", "必須"),
    ],
)
def test_a_wrong_formula_is_refused_with_place_and_reason(edit, indicator, formula, why):
    response = edit(indicator("K1-1"), formula=formula)
    assert response.status_code == 200
    assert why.replace("outbound.real", "") in mistakes(response)
    assert indicator("K1-1").formula == "outbound + inbound"


def test_the_names_in_a_formula_are_those_of_the_rows_as_they_will_be(edit, indicator):
    target = indicator("K1-1")
    renamed = {("outbound", "symbol"): "visits"}
    assert "outbound" in mistakes(edit(target, variables=renamed))
    assert edit(target, variables=renamed, formula="visits + inbound").status_code == 302
    assert indicator("K1-1").formula == "visits + inbound"


def test_a_variable_in_the_formula_cannot_be_deleted(edit, indicator, variable):
    target = indicator("K1-1")
    deleted = {("outbound", "DELETE"): "on"}
    assert "outbound" in mistakes(edit(target, variables=deleted))
    assert variable("K1-1", "outbound")
    assert edit(target, variables=deleted, formula="inbound").status_code == 302
    assert [v.symbol for v in target.variables.all()] == ["inbound"]


def test_a_memo_is_no_part_of_a_formula(edit, indicator):
    response = edit(indicator("K1-1"), variables={("outbound", "memo"): "on"})
    assert "「outbound」為備查項目，不得列入計算式" in mistakes(response)


def test_figures_that_were_entered_must_stay_possible(edit, indicator, variable, report, planner, now):
    figures = {"remitted": Decimal("1.5"), "budget": Decimal(2)}
    workflow.save_draft(report=report("K7-1", 1), by=planner, now=now, figures=figures)
    response = edit(indicator("K7-1"), variables={("remitted", "kind"): "COUNT"})
    assert "已有填報值與此項變更牴觸" in mistakes(response)
    assert variable("K7-1", "remitted").kind == "AMOUNT"
    deleted = edit(indicator("K7-1"), formula="budget", variables={("remitted", "DELETE"): "on"})
    assert deleted.status_code == 200
    assert variable("K7-1", "remitted")


@pytest.mark.parametrize(
    ("kind", "constant", "allowed"),
    [
        ("COUNT", "1.5", False),
        ("COUNT", "-1", False),
        ("AMOUNT", "-0.5", False),
        ("YES_NO", "2", False),
        ("AMOUNT", "1.5", True),
        ("COUNT", "3", True),
    ],
)
def test_a_constant_is_what_its_kind_allows(edit, indicator, variable, kind, constant, allowed):
    rows = {("baseline", "kind"): kind, ("baseline", "constant"): constant}
    response = edit(indicator("K3-1"), variables=rows)
    assert (response.status_code == 302) is allowed
    assert variable("K3-1", "baseline").constant == (Decimal(constant) if allowed else None)
    if not allowed:
        assert "baseline" in str(response.context["inline_admin_formsets"][0].formset.errors) or mistakes(
            response
        )


# -- Two people on one page


def test_an_old_page_does_not_undo_what_somebody_else_saved(edit, indicator, administrator):
    target = indicator("K1-1")
    client = signed_in(administrator)
    old = filled(client.get(change_url(target)))
    assert edit(target, target="60").status_code == 302
    response = client.post(change_url(target), old | {"note": "註"})
    assert response.context["adminform"].form.has_error("__all__", "conflict")
    assert "60" in mistakes(response)
    assert (indicator("K1-1").target, indicator("K1-1").note) == (60, target.note)
    again = filled(response)
    assert (again["target"], again["note"]) == ("55", "註")
    assert client.post(change_url(target), again | {"target": "60"}).status_code == 302
    assert (indicator("K1-1").target, indicator("K1-1").note) == (60, "註")


def test_an_old_page_does_not_undo_rows_and_strategies_either(edit, indicator, variable, administrator):
    target = indicator("K1-1")
    client = signed_in(administrator)
    old = filled(client.get(change_url(target)))
    assert edit(target, strategies=[], variables={("outbound", "help"): "別人的說明"}).status_code == 302
    response = client.post(change_url(target), old | {"note": "註"})
    assert "別人的說明" in mistakes(response)
    assert variable("K1-1", "outbound").help == "別人的說明"
    assert not target.strategies.exists()


def test_two_people_who_add_the_same_row_are_told_so(edit, indicator, administrator):
    target = indicator("K1-1")
    client = signed_in(administrator)
    added = {
        "variables-TOTAL_FORMS": "3",
        "variables-2-symbol": "visits",
        "variables-2-name": "訪問次數",
        "variables-2-rollup": "SUM",
        "variables-2-kind": "COUNT",
        "variables-2-position": "3",
        "variables-2-memo": "on",
    }
    old = filled(client.get(change_url(target)))
    assert edit(target, **added).status_code == 302
    response = client.post(change_url(target), old | added)
    assert response.status_code == 200
    assert client.post(change_url(target), filled(response)).status_code == 200
    assert target.variables.count() == 3


def test_a_page_without_a_change_may_come_late(edit, indicator, administrator):
    target = indicator("K1-1")
    client = signed_in(administrator)
    old = filled(client.get(change_url(target))) | {"target": "60"}
    assert [client.post(change_url(target), old).status_code for _ in range(2)] == [302, 302]


# -- Forged posts


def test_relations_stay_within_plan_and_organisation(edit, indicator, plan, person, ministry):
    elsewhere = Unit.objects.create(code="OTHER", name="他部")
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.ADMINISTRATOR, elsewhere))
    other = Plan.objects.create(unit=elsewhere, year=99, title="他部計畫")
    goal = Goal.objects.create(
        plan=other, kind="KEY", number=1, title="甲", outline_number=1, outline_title="甲"
    )
    strategy = Strategy.objects.create(goal=goal, position=1, text="乙")
    target = indicator("K1-1")
    for changes in ({"goal": goal.pk}, {"strategies": [strategy.pk]}, {"lead_unit": elsewhere.pk}):
        for user in (both, person(f"admin-{next(iter(changes))}", (Role.ADMINISTRATOR, ministry))):
            response = edit(target, user=user, **changes)
            assert response.status_code == 200
            assert response.context["adminform"].form.errors.keys() == changes.keys()
    target.refresh_from_db()
    assert target.goal.plan == plan
    assert target.lead_unit == ministry


def test_an_administrator_of_a_department_does_not_add_to_the_ministrys_plan(person, department, plan):
    client = signed_in(person("deputy", (Role.ADMINISTRATOR, department)))
    data = filled(client.get(add_url(Indicator))) | {"goal": Goal.objects.first().pk, "code": "K1-9"}
    response = client.post(add_url(Indicator), data)
    assert "goal" in response.context["adminform"].form.errors
    assert client.post(change_url(Indicator.objects.first()), {}).status_code == 403


def test_rows_of_another_indicator_cannot_be_smuggled_in(edit, indicator, variable):
    foreign = variable("K2-2", "meetings")
    before = list(Variable.objects.values())
    response = edit(indicator("K1-1"), **{"variables-0-id": foreign.pk, "variables-0-name": "偷渡"})
    assert response.status_code == 200
    assert list(Variable.objects.values()) == before


# -- After the plan is adopted


def test_the_definition_stands_fast_once_the_plan_is_adopted(
    edit, indicator, variable, adopted, administrator
):
    target = indicator("K1-1")
    page = text(signed_in(administrator).get(change_url(target)))
    assert "計畫業經核定（院臺外字第 1 號），指標定義及填報項目不得變更" in page
    before = Indicator.objects.filter(pk=target.pk).values().get()
    outbound = Variable.objects.filter(indicator=target, symbol="outbound").values().get()
    forged = {
        "goal": Goal.objects.last().pk,
        "code": "K9-9",
        "number": "9",
        "title": "改",
        "standard": "改",
        "target": "1",
        "unit": "改",
        "direction": "AT_MOST",
        "assessed": "YEAR_END",
        "formula": "1",
        "weight": "9",
        "scheme": "5",
        "method": "改",
        "variables-0-id": outbound["id"],
        "variables-0-symbol": "visits",
        "variables-0-name": "改",
        "variables-0-DELETE": "on",
        "variables-TOTAL_FORMS": "3",
        "variables-2-symbol": "smuggled",
        "variables-2-name": "偷渡",
        "variables-2-rollup": "SUM",
        "variables-2-kind": "COUNT",
        "variables-2-position": "9",
    }
    department = Unit.objects.create(code="D1", name="亞太司", parent=adopted.unit)
    allowed = {"lead_unit": department.pk, "not_applicable_reason": "停辦", "note": "註"}
    response = edit(target, **forged, **allowed)
    assert response.status_code == 302
    after = Indicator.objects.filter(pk=target.pk).values().get()
    assert after == before | {"lead_unit_id": department.pk, "not_applicable_reason": "停辦", "note": "註"}
    assert Variable.objects.filter(indicator=target, symbol="outbound").values().get() == outbound
    assert target.variables.count() == 2


def test_nothing_is_added_to_a_plan_in_force_and_nothing_deleted(administrator, adopted, indicator):
    client = signed_in(administrator)
    opened = client.get(add_url(Indicator))
    assert not opened.context["adminform"].form.fields["goal"].queryset.exists()
    delete = change_url(indicator("K1-1")).replace("change", "delete")
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_an_unknown_constant_is_given_once(edit, variable, adopted):
    baseline = variable("K3-1", "baseline")
    assert edit(baseline, constant="１,２３４", name="改", rollup="SUM", note="補註").status_code == 302
    given = variable("K3-1", "baseline")
    assert (given.constant, given.name, given.rollup, given.note) == (1234, baseline.name, "CONSTANT", "補註")
    assert edit(given, constant="5").status_code == 302
    assert variable("K3-1", "baseline").constant == 1234


def test_a_variables_symbol_is_changed_beside_the_formula_only(edit, variable, administrator):
    target = variable("K1-1", "outbound")
    assert edit(target, symbol="visits", memo="on", help="新說明").status_code == 302
    changed = variable("K1-1", "outbound")
    assert (changed.memo, changed.help) == (False, "新說明")
    assert signed_in(administrator).get(add_url(Variable)).status_code == 403


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor"])
def test_constants_are_the_administrators(request, edit, variable, role):
    response = edit(variable("K3-1", "baseline"), user=request.getfixturevalue(role), constant="5")
    assert response.status_code == 403
    assert variable("K3-1", "baseline").constant is None


def test_an_indicator_is_deleted_while_nobody_has_reported(administrator, indicator, approved):
    client = signed_in(administrator)
    approved("K1-2", 1, projects=90)
    for code, remains in (("K1-1", False), ("K1-2", True)):
        client.post(change_url(indicator(code)).replace("change", "delete"), {"post": "yes"})
        assert Indicator.objects.filter(code=code).exists() is remains
    assert indicator("K1-2").reports.count() == 4


@pytest.fixture
def draft(report, planner, now):
    def save(quarter=1, **given):
        return workflow.save_draft(report=report("K1-1", quarter), by=planner, now=now, **given)

    return save


def test_figures_that_were_taken_back_do_not_keep_an_indicator(administrator, indicator, draft):
    draft(figures={"outbound": Decimal(3)})
    draft(figures={"outbound": None})
    delete = change_url(indicator("K1-1")).replace("change", "delete")
    assert signed_in(administrator).post(delete, {"post": "yes"}).status_code == 302
    assert not Indicator.objects.filter(code="K1-1").exists()


@pytest.mark.parametrize(
    "given",
    [
        {"figures": {"outbound": Decimal(3)}},
        {"figures": {}, "remark": "說明"},
        {"figures": {}, "not_applicable_reason": "停辦"},
    ],
)
def test_what_was_entered_keeps_an_indicator_and_the_page_says_so(administrator, indicator, draft, given):
    draft(quarter=2, **given)
    delete = change_url(indicator("K1-1")).replace("change", "delete")
    client = signed_in(administrator)
    for response in (client.get(delete), client.post(delete, {"post": "yes"})):
        (why,) = response.context["protected"]
        assert str(indicator("K1-1").reports.get(quarter=2)) in why
    assert indicator("K1-1").reports.count() == 4


def test_reports_are_laid_out_once(plan, indicator):
    workflow.create_reports([indicator("K1-1")])
    assert indicator("K1-1").reports.count() == 4


# -- Units, shares and wholes


def test_contributing_units_are_other_units_of_the_agency(edit, indicator, ministry, department):
    target = indicator("K1-1")
    elsewhere = Unit.objects.create(code="OTHER", name="他部", parent=ministry)
    Unit.objects.filter(pk=elsewhere.pk).update(parent=None)
    assert edit(target, contributing_units=[department.pk]).status_code == 302
    assert [unit.code for unit in indicator("K1-1").participants] == [ministry.code, "DEPT"]
    for units, why in (([ministry.pk], "毋須重複列為協辦單位"), ([elsewhere.pk], "")):
        response = edit(target, contributing_units=units)
        assert response.context["adminform"].form.errors.keys() == {"contributing_units"}
        assert why in mistakes(response)
    response = edit(target, lead_unit=department.pk)
    assert "contributing_units" in response.context["adminform"].form.errors
    assert edit(target, lead_unit=department.pk, contributing_units=[ministry.pk]).status_code == 302
    assert [unit.code for unit in indicator("K1-1").participants] == ["DEPT", ministry.code]


def test_handing_an_indicator_over_changes_no_figure_and_no_author(
    edit, indicator, adopted, department, planner, now
):
    target = indicator("K1-1")
    target.contributing_units.add(department)
    target.variables.update(by_unit=True)
    given = {("outbound", department.pk): Decimal(3), ("outbound", target.lead_unit_id): Decimal(4)}
    workflow.save_draft(report=target.reports.get(quarter=1), by=planner, now=now, figures=given)
    before = list(Figure.objects.values("unit", "value", "changed_by", "changed_at"))
    response = edit(target, lead_unit=department.pk, contributing_units=[])
    assert response.status_code == 302
    assert [unit.code for unit in indicator("K1-1").participants] == ["DEPT"]
    assert list(Figure.objects.values("unit", "value", "changed_by", "changed_at")) == before


def test_a_variable_is_given_by_unit_or_not_as_long_as_nobody_entered_a_figure(
    edit, indicator, variable, report, planner, now
):
    by_unit = {("outbound", "by_unit"): "on"}
    assert edit(indicator("K1-1"), variables=by_unit).status_code == 302
    assert variable("K1-1", "outbound").by_unit
    figures = {"projects": Decimal(90)}
    workflow.save_draft(report=report("K1-2", 1), by=planner, now=now, figures=figures)
    response = edit(indicator("K1-2"), variables={("projects", "by_unit"): "on"})
    assert "不得變更是否由各單位分別填報" in mistakes(response)
    assert "不得變更是否由各單位分別填報" in mistakes(edit(variable("K1-2", "projects"), by_unit="on"))
    assert not variable("K1-2", "projects").by_unit


def test_an_answer_is_never_given_by_unit(edit, variable):
    assert edit(variable("K8-2", "done"), by_unit="on").status_code == 200
    assert not variable("K8-2", "done").by_unit


@pytest.mark.parametrize("whole", ["offering", "unheard_of"])
def test_a_part_names_another_variable_of_its_indicator(edit, indicator, variable, whole):
    target = indicator("K6-1")
    response = edit(target, variables={("offering", "not_above"): whole})
    assert f"「{whole}」非本指標之其他填報項目" in mistakes(response)
    assert "非本指標之其他填報項目" in mistakes(edit(variable("K6-1", "offering"), not_above=whole))
    assert edit(target, variables={("offering", "not_above"): "missions"}).status_code == 302
    assert variable("K6-1", "offering").not_above == "missions"
    assert edit(variable("K6-1", "offering"), not_above="").status_code == 302
    assert variable("K6-1", "offering").not_above == ""


def test_a_whole_that_is_renamed_is_renamed_in_its_parts_too(edit, indicator, variable):
    target = indicator("K6-1")
    rows = {("offering", "not_above"): "missions"}
    assert edit(target, variables=rows).status_code == 302
    renamed = {("missions", "symbol"): "posts"}
    formula = "offering / posts * 100"
    assert "非本指標之其他填報項目" in mistakes(edit(target, variables=renamed, formula=formula))
    both = renamed | {("offering", "not_above"): "posts"}
    assert edit(target, variables=both, formula=formula).status_code == 302
    assert variable("K6-1", "offering").not_above == "posts"


def test_shares_and_wholes_stand_fast_once_the_plan_is_adopted(edit, variable, adopted):
    offering = variable("K6-1", "offering")
    assert edit(offering, by_unit="on", not_above="missions", note="註").status_code == 302
    after = variable("K6-1", "offering")
    assert (after.by_unit, after.not_above, after.note) == (offering.by_unit, offering.not_above, "註")


# -- 按季平均分配


def planned(target):
    return list(target.planned_values.order_by("quarter").values_list("quarter", "value"))


def test_planned_values_are_spread_evenly_and_what_was_typed_is_saved(edit, indicator):
    target = indicator("K1-1")
    response = edit(target, _spread="", note="註")
    assert response.status_code == 302
    # Counts: a quarter of 55 is 13.75, and whole numbers are rounded up.
    assert planned(target) == [(1, 14), (2, 28), (3, 42), (4, 55)]
    assert indicator("K1-1").note == "註"


def test_amounts_are_spread_to_the_last_decimal(edit, indicator):
    target = indicator("K1-1")
    target.variables.filter(symbol="outbound").update(kind="AMOUNT")
    edit(target, _spread="", target="10.000001")
    assert planned(target) == [
        (1, Decimal("2.5")),
        (2, Decimal("5.000001")),
        (3, Decimal("7.500001")),
        (4, Decimal("10.000001")),
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("0.5", ["0", "0", "0", "0.5"]),
        ("1.5", ["1", "1", "1", "1.5"]),
        ("2.5", ["1", "2", "2", "2.5"]),
        ("1", ["1", "1", "1", "1"]),
        ("0", ["0", "0", "0", "0"]),
        ("-5", ["-2", "-3", "-4", "-5"]),
    ],
)
def test_what_is_planned_in_whole_numbers_never_passes_the_target(
    indicator, administrator, target, expected, now
):
    Indicator.objects.filter(code="K1-1").update(target=target)
    workflow.spread_planned_values(indicator=indicator("K1-1"), by=administrator, now=now)
    assert [value for _, value in planned(indicator("K1-1"))] == [Decimal(value) for value in expected]


def test_the_target_in_force_at_the_years_end_is_spread(indicator, adopted, administrator, reviewer, now):
    revision = workflow.propose_revision(
        indicator=indicator("K1-1"), from_quarter=4, target=Decimal(20), reason="x", authority="行政院",
        decided_on=now.date(), number="1", by=administrator, now=now,
    )  # fmt: skip
    workflow.approve_revision(revision=revision, by=reviewer, now=now)
    workflow.spread_planned_values(indicator=indicator("K1-1"), by=administrator, now=now)
    assert planned(indicator("K1-1")) == [(1, 5), (2, 10), (3, 15), (4, 20)]


def test_no_planned_value_is_replaced(edit, indicator, administrator):
    target = indicator("K1-1")
    PlannedValue.objects.create(indicator=target, quarter=3, value=40)
    page = text(signed_in(administrator).get(change_url(target)))
    assert "已有各季預定值" in page
    assert "儲存並按季平均分配" not in page
    assert edit(target, _spread="", note="註").status_code == 302
    assert planned(target) == [(3, 40)]
    assert indicator("K1-1").note == "註"


@pytest.mark.parametrize("code", ["K1-2", "K3-1", "K6-1", "C2-1", "K4-2"])
def test_only_sums_are_spread_and_the_page_says_why(edit, indicator, administrator, code):
    page = text(signed_in(administrator).get(change_url(indicator(code))))
    assert "不宜按季平均分配" in page
    assert "儲存並按季平均分配" not in page
    edit(indicator(code), _spread="")
    assert planned(indicator(code)) == []


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor"])
def test_planned_values_are_the_administrators(request, indicator, edit, now, role):
    user = request.getfixturevalue(role)
    assert "按季平均分配" not in text(signed_in(user).get(change_url(indicator("K1-1"))))
    assert edit(indicator("K1-1"), user=user, _spread="").status_code == 403
    with pytest.raises(PermissionDenied):
        workflow.spread_planned_values(indicator=indicator("K1-1"), by=user, now=now)
    assert planned(indicator("K1-1")) == []
