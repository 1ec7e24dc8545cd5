"""The worksheet of a unit and a quarter: what is on it, who may type where, and how it is saved."""

import json
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from indicators import workflow
from indicators.models import (
    Figure,
    Indicator,
    ItemProgress,
    PlannedValue,
    QuarterReport,
    ReportingPeriod,
    Status,
    Variable,
)
from indicators.my_work import ENTER, opened_periods, unit_pages
from objectives.models import Goal, Plan, Unit, WorkItem
from objectives.roles import Role
from objectives.tests.pages import filled, signed_in, text


def address(unit="MOFA", quarter=1, year=99):
    code = unit if isinstance(unit, str) else unit.code
    return reverse("worksheet", args=[year, quarter, code])


@pytest.fixture
def everything():
    """Asked for by tests about the whole plan."""


@pytest.fixture(autouse=True)
def few(request, plan):
    """Leave five indicators and one work item with the ministry: a small sheet is quick."""
    if "everything" not in request.fixturenames:
        elsewhere = Unit.objects.create(code="ELSEWHERE", name="他機關")
        kept = ["K1-1", "K1-2", "K4-2", "K7-1", "C1-1"]
        Indicator.objects.exclude(code__in=kept).update(lead_unit=elsewhere)
        WorkItem.objects.exclude(pk=WorkItem.objects.all()[0].pk).update(lead_unit=elsewhere)


@pytest.fixture
def sheet_of(ministry):
    """Open a sheet as somebody: the client, the address and the answer."""

    def opened(user, unit=ministry, quarter=1, query=""):
        client = signed_in(user)
        path = address(unit, quarter) + query
        return client, path, client.get(path)

    return opened


@pytest.fixture
def save(sheet_of, ministry):
    """Open a sheet, type into it and send it, as a browser would: save(user, {input: text})."""

    def send(user, typed, unit=ministry, quarter=1, action="save", opened=None):
        client, path, page = opened or sheet_of(user, unit, quarter)
        return client.post(path, {**filled(page), **typed, "action": action}, follow=True)

    return send


@pytest.fixture
def cell(report):
    """Name the input of a figure: cell("K1-1", "outbound"), of a share with its unit."""

    def name(code, symbol, unit=None, quarter=1):
        place = f"f{report(code, quarter).pk}-{symbol}"
        return f"{place}-{unit.pk}" if unit else place

    return name


@pytest.fixture
def words(report):
    """Name the input of a text: words("K1-1", "remark")."""
    return lambda code, name, quarter=1: f"t{report(code, quarter).pk}-{name}"


@pytest.fixture
def shared(plan, department):
    """K1-1, of which the department gives its own share."""
    indicator = Indicator.objects.get(code="K1-1")
    indicator.contributing_units.add(department)
    indicator.variables.update(by_unit=True)
    return indicator


@pytest.fixture
def colleague(person, ministry):
    return person("colleague", (Role.PLANNER, ministry))


def figure(report, symbol, unit=None):
    found = Figure.objects.filter(report=report, variable__symbol=symbol, unit=unit).first()
    return found and found.value


def status(report):
    return QuarterReport.objects.get(pk=report.pk).status


# -- What is on it


def test_the_lead_unit_sees_every_variable_and_every_work_item(sheet_of, planner, everything):
    _client, _path, page = sheet_of(planner)
    data = filled(page)
    due = Variable.objects.exclude(rollup="CONSTANT")
    assert sum(name.startswith("f") for name in data) == due.count()
    assert sum(name.startswith("w") for name in data) == WorkItem.objects.count() == 13
    assert sum(name.endswith("-remark") for name in data) == Indicator.objects.count()


def test_only_what_is_due_is_asked_for(sheet_of, planner, everything):
    _client, _path, page = sheet_of(planner, quarter=2)
    section = next(each for each in page.context["sheet"].sections if each.indicator.code == "C2-1")
    assert [row.variable.symbol for row in section.due_rows] == ["paid"]
    assert len(section.idle_rows) == 5
    assert not section.idle_is_open
    untouched = next(each for each in page.context["sheet"].sections if each.indicator.code == "C1-1")
    assert not untouched.due_rows
    assert "本季免填" in text(page)


def test_nothing_zero_and_not_applicable_are_told_apart(save, sheet_of, planner, cell, words):
    save(planner, {cell("K1-1", "outbound"): "0", words("K1-2", "not_applicable_reason"): "本季無此業務"})
    _client, _path, page = sheet_of(planner)
    sections = {each.indicator.code: each for each in page.context["sheet"].sections}
    badges = [row.badge.kind for row in sections["K1-1"].rows] + [sections["K1-2"].rows[0].badge.kind]
    assert badges == ["zero", "missing", "none"]
    assert {"0 本季為零", "○ 未填", "－ 不適用"} <= {
        each for each in ("0 本季為零", "○ 未填", "－ 不適用") if each in text(page)
    }


def test_the_head_of_a_row_says_value_plan_and_difference(save, sheet_of, planner, cell, plan):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=14)
    save(planner, {cell("K1-1", "outbound"): "4", cell("K1-1", "inbound"): "5"})
    _client, _path, page = sheet_of(planner)
    section = page.context["sheet"].sections[0]
    assert (section.value["amount"], section.value["planned"]) == ("9", "14")
    assert section.value["to_planned"] == "－5"
    assert section.is_behind
    assert "累計達成值 9 次數 預定值 14 差異 －5 落後" in text(page)


def test_earlier_quarters_stand_beside_the_input(approved, sheet_of, planner):
    approved("K1-1", 1, outbound=4, inbound=8)
    _client, _path, page = sheet_of(planner, quarter=2)
    row = page.context["sheet"].sections[0].rows[1]
    assert [(quarter, mark.words) for quarter, mark in row.earlier] == [(1, "8")]
    assert row.total == "8"


def test_a_department_sees_its_own_work_only(sheet_of, neighbour, department, plan):
    Indicator.objects.filter(code="K8-1").update(lead_unit=department)
    WorkItem.objects.filter(pk=WorkItem.objects.first().pk).update(lead_unit=department)
    _client, _path, page = sheet_of(neighbour, department)
    sheet = page.context["sheet"]
    assert [section.indicator.code for section in sheet.sections] == ["K8-1"]
    assert len(sheet.items) == 1


def test_the_ministry_sees_the_units_below_unless_it_asks_for_its_own(sheet_of, planner, department):
    Indicator.objects.filter(code="K8-1").update(lead_unit=department)
    _client, _path, page = sheet_of(planner)
    assert len(page.context["sheet"].sections) == 6
    _client, _path, page = sheet_of(planner, query="?scope=own")
    assert len(page.context["sheet"].sections) == 5


# -- Which plan a sheet belongs to


@pytest.fixture
def agency(ministry):
    """An agency below the ministry with a plan of its own for the same year."""
    unit = Unit.objects.create(code="SUB", name="附屬機關", parent=ministry)
    plan = Plan.objects.create(unit=unit, year=99, title="附屬機關99年度計畫")
    goal = Goal.objects.create(plan=plan, kind="KEY", number=1, title="目標", outline_number=1)
    indicator = Indicator.objects.create(
        goal=goal, code="K1-1", number=1, title="附屬指標", scheme=1, method="m", standard="s", target=5,
        unit="次", formula="visits", lead_unit=unit,
    )  # fmt: skip
    Variable.objects.create(
        indicator=indicator, symbol="visits", name="次數", rollup="SUM", kind="COUNT", position=1
    )
    workflow.create_periods(plan)
    workflow.create_reports([indicator])
    return unit


def title_of(user, unit):
    """The title of the plan to which the worksheet and the pages of approval of the unit belong."""
    sheet = signed_in(user).get(address(unit))
    decision = signed_in(user).get(reverse("approve_unit", args=[99, 1, unit.code]))
    titles = {sheet.context["sheet"].scope.plan.title, decision.context["plan"].title}
    assert len(titles) == 1
    return titles.pop()


def test_an_agency_below_the_ministry_reports_into_its_own_plan(agency, plan, ministry, reviewer):
    assert title_of(reviewer, agency) == "附屬機關99年度計畫"
    assert title_of(reviewer, ministry) == plan.title
    section = Unit.objects.create(code="SECT", name="附屬科", parent=agency)
    assert title_of(reviewer, section) == "附屬機關99年度計畫"


def test_a_department_that_moves_below_an_agency_keeps_its_reports_in_the_ministrys_plan(
    agency, plan, department, reviewer
):
    Indicator.objects.filter(code="K1-2").update(lead_unit=department)
    department.parent = agency
    department.save()
    assert title_of(reviewer, department) == plan.title
    assert title_of(reviewer, agency) == "附屬機關99年度計畫"


def test_a_contributing_unit_reports_into_the_plan_that_it_contributes_to(agency, plan, department, reviewer):
    Indicator.objects.get(goal__plan=plan, code="K1-1").contributing_units.add(department)
    department.parent = agency
    department.save()
    assert title_of(reviewer, department) == plan.title


def test_my_work_leads_to_the_sheets_of_the_right_plan(agency, person, planner, ministry, now):
    theirs = person("theirs", (Role.PLANNER, agency))
    found = {}
    for user in (theirs, planner):
        periods = opened_periods(user, now)
        sheets = unit_pages(user, periods, ENTER, "worksheet")
        found[user] = {
            (period.plan.unit.code, unit.code) for period in periods for unit, _ in sheets[period.pk]
        }
    assert found == {theirs: {("SUB", "SUB")}, planner: {("MOFA", "MOFA")}}


def test_progress_and_due_date_are_in_words(save, sheet_of, planner, cell, plan):
    save(planner, {cell("K1-2", "projects"): "92"})
    submit_all = QuarterReport.objects.get(indicator__code="K1-2", quarter=1)
    workflow.submit(report=submit_all, by=planner, now=sheet_of(planner)[2].context["sheet"].now)
    _client, _path, page = sheet_of(planner)
    assert "本季應填 4 項指標，已送審 1 項，尚未填妥 3 項。" in text(page)
    assert "送審期限 99 年 4 月 10 日" in text(page)
    assert "逾期" in text(page)


# -- Who may open it


@pytest.mark.parametrize("name", ["head", "reviewer", "manager", "auditor", "administrator"])
def test_others_who_may_read_get_no_inputs(name, request, sheet_of, plan):
    client, path, page = sheet_of(request.getfixturevalue(name))
    assert page.status_code == 200
    assert filled(page) == {}
    assert "worksheet.js" not in page.content.decode()
    assert client.post(path, {"action": "save"}).status_code == 403
    assert client.post(path + "value/").status_code == 403


@pytest.mark.parametrize("name", ["outsider", "stranger", "neighbour"])
def test_a_sheet_that_is_not_theirs_does_not_exist(name, request, sheet_of, plan):
    client, path, page = sheet_of(request.getfixturevalue(name))
    assert page.status_code == 404
    assert client.post(path, {"action": "save"}).status_code == 404
    assert client.post(path + "value/").status_code == 404


def test_without_an_account_one_signs_in_first(client, plan):
    response = client.get(address())
    assert response.status_code == 302
    assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("path", ["/worksheet/98/1/MOFA/", "/worksheet/99/5/MOFA/", "/worksheet/99/1/NONE/",
                                  "/worksheet/99/1/%00/", f"/worksheet/{'9' * 30}/1/MOFA/"])  # fmt: skip
def test_there_is_no_other_sheet(path, planner, plan):
    assert signed_in(planner).get(path).status_code == 404


@pytest.mark.parametrize("code", ["A/B", "甲 司?#&", "%2e"])
def test_a_units_code_may_have_any_character(code, sheet_of, planner, department):
    Unit.objects.filter(pk=department.pk).update(code=code)
    department.refresh_from_db()
    client, path, page = sheet_of(planner, department)
    assert page.context["sheet"].unit == department
    assert client.post(path + "value/").status_code == 200
    assert escape(path) in sheet_of(planner)[2].content.decode()


def test_only_get_and_post_are_answered(planner, plan):
    client = signed_in(planner)
    assert client.put(address()).status_code == 405
    assert client.get(address() + "value/").status_code == 405


def test_a_post_needs_its_token(planner, plan):
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    assert client.post(address(), {"action": "save"}).status_code == 403


# -- Saving


def test_several_reports_and_items_are_saved_at_once(save, planner, report, cell, words):
    item = WorkItem.objects.first()
    page = save(
        planner,
        {
            cell("K1-1", "outbound"): "１２",
            cell("K1-2", "projects"): "1,092",
            words("K1-2", "remark"): "已核定\r\n辦理中",
            words("K1-2", "improve_by"): "99.6.30",
            f"w{item.pk}": "召開會議 1 次",
        },
    )
    assert "已儲存 5 格。" in text(page)
    assert figure(report("K1-1", 1), "outbound") == 12
    assert figure(report("K1-2", 1), "projects") == 1092
    saved = report("K1-2", 1)
    assert (saved.remark, saved.improve_by) == ("已核定\n辦理中", date(2010, 6, 30))
    assert ItemProgress.objects.get(item=item, quarter=1).text == "召開會議 1 次"


def test_what_nobody_touched_is_not_written(save, planner, report, cell):
    save(planner, {cell("K1-1", "outbound"): "12"})
    version = report("K1-1", 1).version
    page = save(planner, {})
    assert "沒有變更" in text(page)
    assert report("K1-1", 1).version == version
    save(planner, {cell("K1-1", "outbound"): "12.0"})
    assert report("K1-1", 1).version == version
    assert report("K1-2", 1).version == 0


def test_a_figure_can_be_taken_back(save, planner, report, cell):
    save(planner, {cell("K1-1", "outbound"): "12"})
    save(planner, {cell("K1-1", "outbound"): ""})
    assert figure(report("K1-1", 1), "outbound") is None


def test_one_mistake_and_nothing_is_saved(save, planner, report, cell):
    page = save(planner, {cell("K1-1", "outbound"): "12", cell("K1-2", "projects"): "4.5"})
    assert "「4.5」不是整數" in text(page)
    assert f'href="#{cell("K1-2", "projects")}"' in page.content.decode()
    assert filled(page)[cell("K1-1", "outbound")] == "12"
    assert filled(page)[cell("K1-2", "projects")] == "4.5"
    assert not Figure.objects.exists()
    page = save(planner, {cell("K1-2", "projects"): "4"}, opened=(signed_in(planner), address(), page))
    assert figure(report("K1-1", 1), "outbound") == 12
    assert figure(report("K1-2", 1), "projects") == 4


MALFORMED = [
    "NaN",
    "1e999",
    "-1",
    "Infinity",
    "0x10",
    "1 2",
    "½",
    "9" * 200,
    "1.1234567",
    "--",
    "=1+1",
    "٣",
    "\0",
]


@pytest.mark.parametrize("typed", MALFORMED)
def test_what_is_no_number_is_refused_and_stays_on_the_page(typed, save, planner, cell):
    page = save(planner, {cell("K7-1", "remitted"): typed})
    assert page.status_code == 200
    assert page.context["sheet"].wrong_cells
    assert not Figure.objects.exists()


@pytest.mark.parametrize(
    ("typed", "meant"), [(" １２３ ", 123), ("1,234.5", "1234.5"), ("+7", 7), ("　8　", 8)]
)
def test_numbers_as_people_type_them_are_taken(typed, meant, save, planner, report, cell):
    save(planner, {cell("K7-1", "remitted"): typed})
    assert figure(report("K7-1", 1), "remitted") == Decimal(meant)


def test_texts_and_days_are_judged_too(save, planner, words):
    page = save(planner, {words("K1-1", "remark"): "x\x07", words("K1-1", "improve_by"): "99.13.1"})
    assert len(page.context["sheet"].wrong_cells) == 2
    page = save(planner, {words("K1-1", "remark"): "字" * 5001})
    assert len(page.context["sheet"].wrong_cells) == 1


def test_figures_beside_a_declaration_are_refused_in_the_indicators_words(save, planner, cell, words):
    page = save(planner, {cell("K1-1", "outbound"): "1", words("K1-1", "not_applicable_reason"): "無此業務"})
    section = page.context["sheet"].sections[0]
    assert section.problems
    assert not Figure.objects.exists()
    assert filled(page)[words("K1-1", "not_applicable_reason")] == "無此業務"


def test_yes_and_no_are_answers(save, planner, report, cell):
    save(planner, {cell("K4-2", "sent_to_ly"): "1", cell("K4-2", "posted_online"): "0"})
    assert figure(report("K4-2", 1), "sent_to_ly") == 1
    assert figure(report("K4-2", 1), "posted_online") == 0
    page = save(planner, {cell("K4-2", "sent_to_ly"): "2"})
    assert page.context["sheet"].wrong_cells


STATES = ["", "x", "[]", "{}", "[" * 100_000, '{"was": {"a": 1}, "theirs": {}, "versions": {}}']


@pytest.mark.parametrize("state", [*STATES, '{"was": [], "theirs": {}, "versions": 1}'])
def test_an_incomplete_page_saves_nothing(state, save, planner, cell):
    page = save(planner, {cell("K1-1", "outbound"): "1", "state": state})
    assert "頁面資料不完整" in text(page)
    assert filled(page)[cell("K1-1", "outbound")] == "1"
    assert not Figure.objects.exists()


@pytest.mark.parametrize("was", ["NaN", "sNaN", "1e999", "x"])
def test_a_forged_memory_of_a_cell_saves_nothing(was, save, planner, cell):
    name = cell("K1-1", "outbound")
    state = json.dumps({"was": {name: was}, "theirs": {}, "versions": {}})
    page = save(planner, {name: "1", "state": state})
    assert page.status_code == 200
    assert filled(page)[name] == "1"
    assert not Figure.objects.exists()


# -- Two people on one sheet


def test_two_people_in_different_cells_do_not_meet(save, sheet_of, planner, colleague, report, cell, words):
    first, second = sheet_of(planner), sheet_of(colleague)
    save(planner, {cell("K1-1", "outbound"): "4", words("K1-1", "remark"): "甲"}, opened=first)
    page = save(colleague, {cell("K1-1", "inbound"): "8"}, opened=second)
    assert "已儲存 1 格。" in text(page)
    assert figure(report("K1-1", 1), "outbound") == 4
    assert figure(report("K1-1", 1), "inbound") == 8
    assert report("K1-1", 1).remark == "甲"


@pytest.fixture
def met(save, sheet_of, planner, colleague, cell, words):
    """The planner saved 4, and the colleague, who had not seen that, typed 5 and more."""
    second = sheet_of(colleague)
    save(planner, {cell("K1-1", "outbound"): "4"})
    typed = {cell("K1-1", "outbound"): "5", cell("K1-2", "projects"): "92", words("K1-2", "remark"): "乙"}
    return (*second[:2], save(colleague, typed, opened=second))


def test_the_second_in_a_cell_sees_both_values_and_loses_nothing(met, cell, words, report):
    _client, _path, page = met
    assert "對方： 4 planner 1" in text(page)
    assert "您： 5" in text(page)
    data = filled(page)
    assert data[cell("K1-1", "outbound")] == "5"
    assert data[cell("K1-2", "projects")] == "92"
    assert data[words("K1-2", "remark")] == "乙"
    assert figure(report("K1-1", 1), "outbound") == 4
    assert figure(report("K1-2", 1), "projects") is None


def test_without_a_choice_the_conflict_stays(met, save, colleague, report, cell):
    page = save(colleague, {}, opened=met)
    assert [each.name for each in page.context["sheet"].conflicts] == [cell("K1-1", "outbound")]
    assert figure(report("K1-1", 1), "outbound") == 4


def test_one_may_keep_ones_own(met, save, colleague, report, cell):
    save(colleague, {"choice-" + cell("K1-1", "outbound"): "mine"}, opened=met)
    assert figure(report("K1-1", 1), "outbound") == 5
    assert figure(report("K1-2", 1), "projects") == 92


def test_one_may_take_theirs(met, save, colleague, report, cell):
    save(colleague, {"choice-" + cell("K1-1", "outbound"): "theirs"}, opened=met)
    assert figure(report("K1-1", 1), "outbound") == 4
    assert figure(report("K1-2", 1), "projects") == 92
    assert report("K1-2", 1).remark == "乙"


@pytest.mark.parametrize("choice", ["mine", "theirs"])
def test_a_choice_about_an_older_value_is_asked_again(choice, met, save, planner, colleague, report, cell):
    save(planner, {cell("K1-1", "outbound"): "6"})
    page = save(colleague, {"choice-" + cell("K1-1", "outbound"): choice}, opened=met)
    assert page.context["sheet"].conflicts
    assert figure(report("K1-1", 1), "outbound") == 6


def test_typing_the_same_is_no_conflict(save, sheet_of, planner, colleague, report, cell):
    second = sheet_of(colleague)
    save(planner, {cell("K1-1", "outbound"): "4"})
    page = save(colleague, {cell("K1-1", "outbound"): "4"}, opened=second)
    assert "沒有變更" in text(page)


def test_a_page_that_comes_back_shows_what_others_changed(save, sheet_of, planner, colleague, cell):
    second = sheet_of(colleague)
    save(planner, {cell("K1-1", "outbound"): "4"})
    page = save(colleague, {cell("K1-2", "projects"): "x"}, opened=second)
    assert filled(page)[cell("K1-1", "outbound")] == "4"
    assert "已由 planner" in text(page)


def test_work_items_and_texts_meet_like_figures(save, sheet_of, planner, colleague, words):
    item, second = WorkItem.objects.first(), sheet_of(colleague)
    save(planner, {f"w{item.pk}": "甲", words("K1-1", "remark"): "甲"})
    page = save(colleague, {f"w{item.pk}": "乙", words("K1-1", "remark"): "乙"}, opened=second)
    assert len(page.context["sheet"].conflicts) == 2
    assert ItemProgress.objects.get(item=item).text == "甲"


def test_a_report_that_moved_on_keeps_what_was_typed_on_the_page(
    save, sheet_of, planner, colleague, report, cell
):
    second = sheet_of(colleague)
    save(planner, {cell("K1-2", "projects"): "92"}, action=f"submit-{report('K1-2', 1).pk}")
    assert status(report("K1-2", 1)) == Status.SUBMITTED
    page = save(colleague, {cell("K1-2", "projects"): "93", cell("K1-1", "outbound"): "4"}, opened=second)
    assert "您： 93" in text(page)
    assert figure(report("K1-2", 1), "projects") == 92
    assert figure(report("K1-1", 1), "outbound") is None
    page = save(colleague, {}, opened=(*second[:2], page))
    assert figure(report("K1-1", 1), "outbound") == 4


def test_sending_a_form_twice_is_harmless(save, sheet_of, planner, report, cell):
    opened, action = sheet_of(planner), f"submit-{report('K1-2', 1).pk}"
    save(planner, {cell("K1-2", "projects"): "92"}, action=action, opened=opened)
    page = save(planner, {cell("K1-2", "projects"): "92"}, action=action, opened=opened)
    assert page.status_code == 200
    assert "沒有變更" in text(page)
    assert status(report("K1-2", 1)) == Status.SUBMITTED


# -- Shares


def test_each_unit_gives_its_own_share(
    save, sheet_of, planner, neighbour, ministry, department, shared, cell, report
):
    _client, _path, page = sheet_of(neighbour, department)
    names = {name for name in filled(page) if name.startswith(("f", "t"))}
    assert names == {cell("K1-1", symbol, department) for symbol in ("outbound", "inbound")}
    save(neighbour, {cell("K1-1", "outbound", department): "3"}, unit=department)
    save(planner, {cell("K1-1", "outbound", ministry): "4"})
    assert figure(report("K1-1", 1), "outbound", department) == 3
    assert figure(report("K1-1", 1), "outbound", ministry) == 4
    _client, _path, page = sheet_of(neighbour, department)
    section = page.context["sheet"].sections[0]
    assert [
        (row.title, row.now.words, row.total) for row in section.rows if row.variable.symbol == "outbound"
    ] == [
        (Variable.objects.get(indicator=shared, symbol="outbound").name, "7", "7"),
        ("亞東太平洋司", "3", "3"),
    ]


def test_shares_of_different_units_never_meet(
    save, sheet_of, planner, neighbour, ministry, department, shared, cell
):
    first, second = sheet_of(planner), sheet_of(neighbour, department)
    save(neighbour, {cell("K1-1", "outbound", department): "3"}, opened=second)
    page = save(planner, {cell("K1-1", "outbound", ministry): "4"}, opened=first)
    assert "已儲存 1 格。" in text(page)
    assert Figure.objects.count() == 2


def test_another_units_share_is_read_only(save, sheet_of, person, ministry, department, shared, cell):
    other = Unit.objects.create(code="LEAD", name="條約法律司", parent=ministry)
    Indicator.objects.filter(pk=shared.pk).update(lead_unit=other)
    lead = person("lead", (Role.PLANNER, other))
    _client, _path, page = sheet_of(lead, other)
    assert cell("K1-1", "outbound", other) in filled(page)
    assert cell("K1-1", "outbound", department) not in filled(page)
    page = save(lead, {cell("K1-1", "outbound", department): "9"}, unit=other)
    assert "不能在此變更" in text(page)
    assert not Figure.objects.exists()


# -- Forged rows


def test_a_forged_input_is_refused_by_name(
    save, neighbour, department, shared, ministry, cell, words, report
):
    forged = [
        cell("K1-2", "projects"),  # another unit's report
        cell("K1-1", "projects"),  # a variable of another indicator
        cell("K1-1", "outbound", ministry),  # another unit's share
        words("K1-1", "remark"),  # the lead unit's text
        f"w{WorkItem.objects.first().pk}",
        "status",
    ]
    for name in forged:
        page = save(neighbour, {name: "1", cell("K1-1", "inbound", department): "2"}, unit=department)
        assert page.status_code == 403, name
        assert f"「{name}」" in text(page)
    assert not Figure.objects.exists()
    assert not ItemProgress.objects.exists()


def test_what_was_typed_for_an_indicator_that_went_elsewhere_stands_there_whole(
    save, sheet_of, planner, department, report, cell, words
):
    opened, written = sheet_of(planner), "長" * 500 + "</textarea>尾"
    Indicator.objects.filter(code="K1-2").update(lead_unit=department)
    ministry_only = (opened[0], opened[1] + "?scope=own", opened[2])
    page = save(
        planner, {words("K1-2", "remark"): written, cell("K1-1", "outbound"): "4"}, opened=ministry_only
    )
    assert page.status_code == 403
    assert f"長{'長' * 499}&lt;/textarea&gt;尾</textarea>" in page.content.decode()
    assert not Figure.objects.exists()
    page = save(planner, {}, opened=(*ministry_only[:2], page))
    assert "已儲存 1 格。" in text(page)
    assert figure(report("K1-1", 1), "outbound") == 4


def test_an_unknown_action_is_a_bad_request(save, planner, plan):
    assert save(planner, {}, action="approve").status_code == 400
    assert save(planner, {}, action="submit-0").status_code == 400


# -- Locks


def test_a_closed_quarter_is_read_only_and_says_why(
    save, sheet_of, planner, administrator, now, cell, report
):
    opened = sheet_of(planner)
    period = ReportingPeriod.objects.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now, reason="已彙報行政院")
    page = save(planner, {cell("K1-1", "outbound"): "4"}, opened=opened)
    assert "您： 4" in text(page)
    assert not Figure.objects.exists()
    _client, _path, page = sheet_of(planner)
    assert filled(page) == {}
    assert "第 1 季業於" in text(page) or "administrator" in text(page)
    assert "已彙報行政院" in text(page)


def test_a_reopened_unit_may_type_again(sheet_of, planner, administrator, department, now, plan):
    Indicator.objects.filter(code="K8-1").update(lead_unit=department)
    period = ReportingPeriod.objects.get(quarter=1)
    _client, _path, page = sheet_of(planner)
    moment = page.context["sheet"].now
    workflow.close_period(period=period, by=administrator, now=moment)
    workflow.reopen_period(
        period=period,
        unit=department,
        until=moment.replace(year=moment.year + 1),
        reason="補正",
        by=administrator,
        now=moment,
    )
    _client, _path, page = sheet_of(planner)
    editable = {s.indicator.code for s in page.context["sheet"].sections if s.may_enter}
    assert editable == {"K8-1"}


# -- Submitting


def test_one_report_is_saved_and_submitted(save, planner, report, cell):
    page = save(planner, {cell("K1-2", "projects"): "92"}, action=f"submit-{report('K1-2', 1).pk}")
    assert "已送審：K1-2。" in text(page)
    assert status(report("K1-2", 1)) == Status.SUBMITTED
    assert "此填報為「已送審」" in text(page) or "送審" in text(page)


def test_what_lacks_something_is_neither_saved_nor_submitted(save, planner, report, cell):
    page = save(planner, {cell("K1-1", "outbound"): "4"}, action=f"submit-{report('K1-1', 1).pk}")
    assert "送審前請填報" in text(page)
    assert filled(page)[cell("K1-1", "outbound")] == "4"
    assert status(report("K1-1", 1)) == Status.DRAFT
    assert not Figure.objects.exists()


def test_whoever_submits_has_seen_the_whole_report(save, sheet_of, planner, colleague, report, cell):
    second = sheet_of(colleague)
    save(planner, {cell("K1-2", "projects"): "92"})
    page = save(colleague, {}, action=f"submit-{report('K1-2', 1).pk}", opened=second)
    assert status(report("K1-2", 1)) == Status.DRAFT
    assert page.context["sheet"].refused_sections
    save(colleague, {}, action=f"submit-{report('K1-2', 1).pk}", opened=(*second[:2], page))
    assert status(report("K1-2", 1)) == Status.SUBMITTED


def test_everything_is_submitted_or_nothing(save, sheet_of, planner, report, cell, words):
    _client, _path, page = sheet_of(planner)
    figures = {row.cell.name: "1" for s in page.context["sheet"].sections for row in s.due_rows}
    lacking = cell("K1-2", "projects")
    page = save(planner, {**figures, lacking: ""}, action="submit-all")
    assert [section.indicator.code for section in page.context["sheet"].refused_sections] == ["K1-2"]
    assert not QuarterReport.objects.exclude(status=Status.DRAFT).exists()
    assert not Figure.objects.exists()
    page = save(planner, {**figures, lacking: "1"}, action="submit-all")
    assert page.context["sheet"].problems == []
    submitted = QuarterReport.objects.filter(status=Status.SUBMITTED)
    assert submitted.count() == page.context["sheet"].progress["total"]
    assert {each.quarter for each in submitted} == {1}


def test_a_value_behind_its_plan_needs_its_explanations(save, planner, report, cell, words):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-2"), quarter=1, value=95)
    submit = f"submit-{report('K1-2', 1).pk}"
    page = save(planner, {cell("K1-2", "projects"): "92"}, action=submit)
    assert page.context["sheet"].refused_sections
    assert page.context["sheet"].sections[1].lag_is_open
    save(
        planner,
        {
            cell("K1-2", "projects"): "92",
            words("K1-2", "lag_reason"): "場地未定",
            words("K1-2", "response"): "改期辦理",
            words("K1-2", "improve_by"): "99/9/30",
        },
        action=submit,
    )
    assert status(report("K1-2", 1)) == Status.SUBMITTED


# -- The live value


def test_the_value_follows_what_is_typed_and_nothing_is_saved(planner, report, cell, plan, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=2, value=100)
    one, pk = cell("K1-1", "outbound", quarter=2), report("K1-1", 2).pk
    answer = signed_in(planner).post(
        address(quarter=2) + "value/", {one: "５", cell("K1-1", "inbound", quarter=2): "x"}
    )
    pieces = answer.json()["pieces"]
    assert "<b>17</b>" in pieces[f"v{pk}"]
    assert pieces[f"total-{pk}-outbound"].strip() == "9"
    assert "「x」不是數字" in pieces[f"m-{cell('K1-1', 'inbound', quarter=2)}"]
    assert answer.json()["open"] == []  # nothing is behind before everything is there
    assert set(pieces) == {key for key in pieces if str(pk) in key}
    answer = signed_in(planner).post(
        address(quarter=2) + "value/", {one: "５", cell("K1-1", "inbound", quarter=2): "6"}
    )
    assert answer.json()["open"] == [f"lag{pk}"]
    assert not Figure.objects.filter(report=pk).exists()


def test_what_is_noticed_is_said_while_typing(planner, report, cell, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    pk = report("K1-1", 2).pk
    answer = signed_in(planner).post(
        address(quarter=2) + "value/", {cell("K1-1", "outbound", quarter=2): "40"}
    )
    assert "3 倍" in answer.json()["pieces"][f"v{pk}"]
    assert f"note{pk}" in answer.json()["open"]


def test_typed_markup_is_never_markup(planner, cell, plan):
    evil = "<img src=x onerror=alert(1)>"
    answer = signed_in(planner).post(address() + "value/", {cell("K1-1", "outbound"): evil})
    assert "<img" not in str(answer.json()["pieces"])


# -- How many queries it takes


def test_a_sheet_takes_the_same_queries_for_many_indicators(
    planner, plan, ministry, department, django_assert_max_num_queries, shared
):
    client = signed_in(planner)
    client.get(address())
    with django_assert_max_num_queries(60) as few:
        client.get(address())
    goal = plan.goals.first()
    plain = Indicator.objects.get(code="K2-1")
    for number in range(50, 80):
        made = Indicator.objects.get(pk=plain.pk)
        made.pk, made.code, made.number, made.goal = None, f"K9-{number}", number, goal
        made._state.adding = True
        made.save()
        made.contributing_units.add(department)
        Variable.objects.create(
            indicator=made, symbol="a", name="甲", rollup="SUM", kind="COUNT", by_unit=True, position=1
        )
        workflow.create_reports([made])
    # Three more for the count in the menu, which now has something to look at.
    with django_assert_max_num_queries(len(few) + 3):
        page = client.get(address())
    assert len(page.context["sheet"].sections) == 35
    assert len(few) <= 34


def test_each_report_leads_to_its_evidence_and_says_how_many_pieces_there_are(planner, sheet_of, report, now):
    for number in ("1", "2"):
        workflow.add_document_number(report=report("K1-1", 1), by=planner, now=now, number=number)
    piece = report("K1-1", 1).evidence.first()
    workflow.remove_evidence(evidence=piece, by=planner, now=now)
    _client, _path, page = sheet_of(planner)
    assert f'href="/evidence/{report("K1-1", 1).pk}/"' in page.content.decode()
    assert text(page).count("佐證資料（1）") == 1
    assert text(page).count("佐證資料") == 5


# -- At the edges of shares


def test_the_share_of_a_unit_that_contributes_no_more_is_the_leads_to_clear(
    save, sheet_of, planner, neighbour, department, shared, cell, report
):
    save(neighbour, {cell("K1-1", "outbound", department): "3"}, unit=department)
    shared.contributing_units.clear()
    _client, _path, page = sheet_of(planner)
    assert filled(page)[cell("K1-1", "outbound", department)] == "3"
    save(planner, {cell("K1-1", "outbound", department): ""})
    assert not Figure.objects.exists()
    assert sheet_of(neighbour, department)[2].context["sheet"].sections == []


def test_a_figure_from_before_the_shares_can_be_divided(save, sheet_of, planner, department, cell, report):
    save(planner, {cell("K1-1", "outbound"): "7"})
    indicator = Indicator.objects.get(code="K1-1")
    indicator.contributing_units.add(department)
    indicator.variables.update(by_unit=True)
    _client, _path, page = sheet_of(planner)
    rows = [row for row in page.context["sheet"].sections[0].rows if row.variable.symbol == "outbound"]
    assert [(row.title, row.now.words) for row in rows[1:]] == [
        ("外交部", "未填"),
        ("亞東太平洋司", "未填"),
        ("未分單位", "7"),
    ]
    save(planner, {cell("K1-1", "outbound"): "", cell("K1-1", "outbound", department): "7"})
    assert figure(report("K1-1", 1), "outbound", department) == 7
    assert figure(report("K1-1", 1), "outbound") is None


def test_the_lead_unit_submits_the_whole_once_every_share_is_there(
    save, sheet_of, planner, neighbour, ministry, department, shared, cell, report
):
    own = {cell("K1-1", symbol, ministry): "1" for symbol in ("outbound", "inbound")}
    theirs = {cell("K1-1", symbol, department): "2" for symbol in ("outbound", "inbound")}
    submit = f"submit-{report('K1-1', 1).pk}"
    save(neighbour, {cell("K1-1", "outbound", department): "2"}, unit=department)
    client, path, page = sheet_of(planner)
    page = client.post(
        path, {**filled(page), **own, cell("K1-1", "inbound", department): "", "action": submit}
    )
    assert "亞東太平洋司" in str(page.context["sheet"].refused_sections[0].problems)
    assert save(neighbour, {}, unit=department, action=submit).status_code == 200
    assert status(report("K1-1", 1)) == Status.DRAFT
    save(neighbour, theirs, unit=department)
    save(planner, own, action=submit)
    assert status(report("K1-1", 1)) == Status.SUBMITTED
    _client, _path, page = sheet_of(neighbour, department)
    assert page.context["sheet"].sections[0].why_fixed
    assert filled(page) == {}
