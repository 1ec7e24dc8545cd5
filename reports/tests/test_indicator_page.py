"""An indicator's page: its definition, and how its numbers came about."""

import html
import re
from decimal import Decimal

import pytest

from indicators import workflow
from indicators.models import Indicator, PlannedValue
from indicators.wording import formula_in_names
from mofa_kpi.tests.cast import NOW
from objectives.models import Unit
from objectives.roles import Role
from objectives.tests.pages import signed_in, text

from .markup import markup

FOURTH = "?year=99&quarter=4"


def sums(response) -> list[str]:
    """Return the worked arithmetic's lines."""
    found = re.findall(r'<dd class="sum">(.*?)</dd>', response.content.decode(), re.DOTALL)
    words = [re.sub("<[^>]*>", " ", html.unescape(line)) for line in found]
    return [" ".join(line.split()) for line in words]


@pytest.fixture
def budget(approved):
    """A year of C2-1: five of its variables are due in one quarter only."""
    approved("C2-1", 1, paid=200, original=1500, supplementary=0, carried_over=500)
    approved("C2-1", 2, paid=500)
    approved("C2-1", 3, paid=800)
    approved("C2-1", 4, paid=1200, payable=300, surplus=80)


def test_the_arithmetic_is_shown_with_its_numbers(managing, budget):
    response = managing.get(f"/indicators/C2-1/{FOURTH}")
    assert sums(response) == [
        "(1,200 + 300 + 80) ÷ (1,500 + 0 + 500) × 100 = 79",
        "79 ÷ 80 × 100 = 98.75",
    ]
    assert '<data id="value" value="79">79</data>' in response.content.decode()
    assert "(paid + payable + surplus) ÷ (original + supplementary + carried_over) × 100" in text(response)


def test_the_figures_stand_by_variable_and_quarter(managing, budget):
    rows = markup(managing.get(f"/indicators/C2-1/{FOURTH}")).rows
    paid = next(row for row in rows if " paid " in row)
    assert "截至本季底累計" in paid
    assert re.search(r"\[200\]200 \[500\]500 \[800\]800 \[1200\]1,200 \[1200\]1,200$", paid)
    original = next(row for row in rows if " original " in row)
    assert original.endswith("[1500]1,500 本季毋須填報 本季毋須填報 本季毋須填報 [1500]1,500")
    supplementary = next(row for row in rows if " supplementary " in row)
    assert "[0]0 本季毋須填報" in supplementary


def test_a_missing_figure_is_not_a_zero(managing, approved):
    approved("K1-1", 1, outbound=6, inbound=0)
    approved("K1-1", 3, outbound=5, inbound=6)
    rows = markup(managing.get("/indicators/K1-1/?year=99&quarter=3")).rows
    assert next(row for row in rows if " outbound " in row).endswith("[6]6 未填 [5]5 － [11]11")
    assert next(row for row in rows if " inbound " in row).endswith("[0]0 未填 [6]6 － [6]6")


def test_later_quarters_do_not_enter_the_chosen_one(managing, approved):
    approved("K1-1", 1, outbound=6, inbound=6)
    approved("K1-1", 2, outbound=1, inbound=2)
    response = managing.get("/indicators/K1-1/?year=99&quarter=1")
    assert sums(response)[0] == "6 + 6 = 12"
    assert sums(managing.get("/indicators/K1-1/?year=99&quarter=2"))[0] == "7 + 8 = 15"


@pytest.mark.parametrize(
    ("code", "figures", "lines"),
    [
        ("C2-2", {"requested": 10400, "ceiling": 10000}, ["累計值 4 未高於上限 5，達成度為 100。"]),
        ("C2-2", {"requested": 10800, "ceiling": 10000}, ["5 ÷ 8 × 100 = 62.5"]),
        (
            "C3-1",
            {"next_year": 2201, "this_year": 2200},
            ["目標值不大於 0，累計值 0.045455 未達標，達成度為 0。"],
        ),
        ("C3-1", {"next_year": 2200, "this_year": 2200}, ["累計值 0 未高於上限 0，達成度為 100。"]),
        ("C1-1", {"research": 25000000, "budget": 30000000000}, ["≈ 104.166667", "高於 100 者，以 100 計。"]),
    ],
)
def test_the_attainment_is_worked_out_by_direction(managing, approved, code, figures, lines):
    approved(code, 4, **figures)
    shown = sums(managing.get(f"/indicators/{code}/{FOURTH}"))[1]
    for line in lines:
        assert line in shown


def test_what_cannot_be_computed_says_why(managing, approved):
    for quarter in (1, 2, 3, 4):
        approved("K3-1", quarter, meetings=8, projects=1, visits=2)
    response = managing.get(f"/indicators/K3-1/{FOURTH}")
    assert "無法計算" in text(response)
    assert "尚無數值：民國 98 年" in text(response)
    assert sums(response)[0].startswith("32 + 4 + 8 - ？")
    assert "□ 白燈" in text(response)
    assert "計畫未載民國 98 年統計數據（基準值）" in text(response)


def test_a_year_end_indicator_has_no_attainment_within_the_year(managing, approved):
    approved("K4-2", 1, participated=60, hosted=10, posts=5, sent_to_ly=1, posted_online=0)
    response = managing.get("/indicators/K4-2/?year=99&quarter=1")
    assert "本指標於年度終了評估" in sums(response)[1]
    rows = markup(response).rows
    assert "[1]是" in next(row for row in rows if " sent_to_ly " in row)
    assert "[0]否" in next(row for row in rows if " posted_online " in row)


def test_the_official_definition_is_whole(managing, plan):
    response = managing.get(f"/indicators/C3-2/{FOURTH}")
    content, words = html.unescape(response.content.decode()), text(response)
    indicator = Indicator.objects.get(code="C3-2")
    for line in indicator.standard.splitlines():
        assert f"<p>{line}</p>" in content
    for line in indicator.note.splitlines():
        assert line in words
    legend = plan.scheme_legend.splitlines()
    assert next(line for line in legend if line.startswith(f"{indicator.scheme}.")) in words
    assert "至少 3 項" in words
    assert "十一（二）推動終身學習時數" in words
    assert "外交部" in words


def test_planned_values_are_shown_where_they_are_set(managing, approved):
    indicator = Indicator.objects.get(code="K1-1")
    PlannedValue.objects.create(indicator=indicator, quarter=2, value=25, demo=True)
    approved("K1-1", 1, outbound=5, inbound=5)
    approved("K1-1", 2, outbound=12, inbound=5)
    response = managing.get("/indicators/K1-1/?year=99&quarter=2")
    row = next(row for row in markup(response).rows if row.startswith("第 2 季"))
    assert "25 示範資料" in row
    assert "↑ 超前" in row


def test_only_what_counts_in_the_chosen_basis_is_shown(managing, report, planner):
    found = workflow.save_draft(
        report=report("K2-2", 1), by=planner, now=NOW, figures={"meetings": Decimal("3")}
    )
    address = "/indicators/K2-2/?year=99&quarter=1"
    assert markup(managing.get(address + "&basis=provisional")).numbers == []
    workflow.submit(report=found, by=planner, now=NOW)
    assert markup(managing.get(address)).numbers == []
    response = managing.get(address + "&basis=provisional")
    assert "3" in markup(response).numbers
    assert "含未審核" in text(response)


def test_remarks_and_reasons_are_for_those_who_may_read_the_report(
    report, planner, reviewer, manager, neighbour, administrator, approve
):
    found = workflow.save_draft(
        report=report("K5-2", 1),
        by=planner,
        now=NOW,
        figures={},
        remark="機關內部說明",
        not_applicable_reason="無計畫",
    )
    found = workflow.submit(report=found, by=planner, now=NOW)
    approve(found)
    workflow.save_draft(report=report("K5-2", 2), by=planner, now=NOW, figures={"projects": Decimal(7777)})
    address = "/indicators/K5-2/?year=99&quarter=2"
    for reader in (planner, reviewer, manager, administrator):
        words = text(signed_in(reader).get(address))
        assert "機關內部說明" in words
        assert "無計畫" in words
        assert "草稿" in words
        results, changes = words.rsplit("異動紀錄 時間", 1)
        assert "7,777" not in results
        assert "7,777" in changes
    words = text(signed_in(neighbour).get(address))
    assert "機關內部說明" not in words
    assert "無計畫" not in words
    assert "草稿" not in words
    assert "7,777" not in words
    assert "不適用" in words  # that it was declared counts for everyone


def test_the_report_is_linked_for_those_who_work_on_it(
    report, planner, reviewer, manager, auditor, neighbour
):
    form = f"/admin/indicators/quarterreport/{report('K1-1', 1).pk}/change/"
    for user in (planner, reviewer, manager, auditor, neighbour):
        links = markup(signed_in(user).get("/indicators/K1-1/")).links
        assert (form in links) is (user in (planner, reviewer)), user


def test_a_unit_that_leads_an_indicator_keeps_its_drafts_from_other_units(
    report, department, neighbour, planner, person
):
    second = Unit.objects.create(code="DEPT2", name="歐洲司", parent=department.parent)
    other = person("other", (Role.PLANNER, second))
    Indicator.objects.filter(code="K2-2").update(lead_unit=department)
    workflow.save_draft(
        report=report("K2-2", 1), by=neighbour, now=NOW, figures={"meetings": Decimal(4)}, remark="司內草稿"
    )
    address = "/indicators/K2-2/?basis=provisional"
    assert "司內草稿" in text(signed_in(neighbour).get(address))
    assert "司內草稿" in text(signed_in(planner).get(address))  # the ministry stands above its departments
    assert "司內草稿" not in text(signed_in(other).get(address))


def test_a_formula_reads_in_names():
    names = {"a": "甲", "b_2": "乙"}
    assert formula_in_names("(a + b_2) / a * 100", names) == "(甲 + 乙) ÷ 甲 × 100"
    assert formula_in_names("(a >= 3) + (b_2 == 4 and not a)", names) == "(甲 ≥ 3) + (乙 = 4 且 非 甲)"


def test_the_page_takes_a_constant_number_of_queries(managing, budget, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):  # at most: what changed last was of fewer or more kinds
        managing.get(f"/indicators/C2-1/{FOURTH}")
    with django_assert_max_num_queries(25):
        managing.get(f"/indicators/C3-2/{FOURTH}")


def test_the_contributing_units_stand_beside_the_lead_unit(managing, plan, department):
    indicator = Indicator.objects.get(code="K1-1")
    assert "協辦單位" not in text(managing.get("/indicators/K1-1/"))
    indicator.contributing_units.add(department)
    assert f"主辦單位 外交部 協辦單位 {department}" in text(managing.get("/indicators/K1-1/"))


def test_the_trend_says_its_numbers_in_words(managing, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    page = managing.get("/indicators/K1-1/?year=99&quarter=2").content.decode()
    assert (
        "第 1 季 12、第 2 季 12（暫計）、第 3 季 12（暫計）、第 4 季 12（暫計）、目標 55 次數</title>" in page
    )
