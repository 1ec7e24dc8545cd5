"""The dashboard: the answer, what needs attention, everything by goal."""

import re
from decimal import Decimal

import pytest
from django.db import connection

from indicators import workflow
from indicators.models import Indicator, PlannedValue, QuarterReport
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal
from objectives.tests.pages import text
from reports.charts import bullet, columns, value_trend
from reports.presentation import percent, towards
from reports.results import current_quarter

from .markup import Markup, asked, markup, row_of

THIRD = "/?year=99&quarter=3"
FOURTH = "/?year=99&quarter=4"


def tally(response) -> list[int]:
    """Return the counts over the tables."""
    found = re.search(r'<ul class="card tally">(.*?)</ul>', response.content.decode(), re.DOTALL)
    assert found
    return [int(count) for count in re.findall(r"<b>(\d+)</b>", found[1])]


def test_every_goal_and_every_indicator_stands_there_once(managing, plan):
    response = managing.get(THIRD)
    page = markup(response)
    assert [i for i in page.ids if i.startswith("goal-")] == [
        f"goal-{goal.code}" for goal in Goal.objects.order_by("outline_number")
    ]
    codes = [row.split()[0] for row in page.rows if re.match("[KC][0-9]", row)]
    in_order = Indicator.objects.order_by("goal__outline_number", "number").values_list("code", flat=True)
    assert codes[-20:] == list(in_order)


def test_the_mean_is_shown_with_its_coverage(managing, approved):
    approved("K1-1", 1, outbound=5, inbound=6)
    response = managing.get("/?year=99&quarter=1")
    assert '<data value="20" id="mean">20</data>' in response.content.decode()
    assert "20 項中 1 項已有達成度" in text(response)


def test_without_any_figure_there_is_no_mean_and_no_number_is_made_up(managing, plan):
    response = managing.get(THIRD)
    assert "20 項中 0 項已有達成度" in text(response)
    assert markup(response).numbers == []


def test_a_zero_is_a_figure(managing, approved):
    approved("K1-1", 1, outbound=0, inbound=0)
    row = row_of(managing.get("/?year=99&quarter=1"), "K1-1")
    assert "[0]0／55" in row
    assert "[0]0%" in row
    assert "完整" in row


def test_a_value_short_of_its_target_never_looks_as_if_it_had_reached_it(managing, approved):
    approved("K7-1", 1, remitted=1_000_000, budget=8_000_000)
    approved("K7-1", 2, remitted=3_200_000)
    approved("K7-1", 3, remitted=5_100_000)
    approved("K7-1", 4, remitted=7_199_999)
    row = row_of(managing.get(FOURTH), "K7-1")
    assert "[89.9999875]89.99999／90" in row
    assert "99.99999%" in row
    assert "▲" in row


def test_within_the_year_there_is_progress_and_at_its_end_a_light(managing, approved):
    for quarter in (1, 2, 3, 4):
        approved("K1-1", quarter, outbound=10, inbound=5)
    assert "✓ 已達標" not in row_of(managing.get(THIRD), "K1-1")
    assert "… 未屆期" in row_of(managing.get(THIRD), "K1-1")
    assert "★ 綠燈" in row_of(managing.get(FOURTH), "K1-1")


@pytest.mark.parametrize("address", [THIRD, FOURTH])
def test_the_tally_counts_every_indicator_once(
    managing, approved, report, planner, reviewer, address, approve
):
    approved("K1-1", 1, outbound=30, inbound=30)
    for quarter in (1, 2, 3, 4):
        found = workflow.save_draft(
            report=report("K5-2", quarter), by=planner, now=NOW, figures={}, not_applicable_reason="無計畫"
        )
        found = workflow.submit(report=found, by=planner, now=NOW)
        approve(found)
    response = managing.get(address)
    assert sum(tally(response)) == 20
    assert "－ 不適用" in row_of(response, "K5-2")


def attention(response) -> dict[str, str]:
    """Return the rows of what wants somebody, each with what its unit says, by the indicator's code."""
    page = response.content.decode().partition('id="attention"')[2].partition("<h2")[0]
    found = Markup()
    found.feed(page)
    rows: dict[str, str] = {}
    for row in found.rows[1:]:
        code = row.split()[0] if re.match("[KC][0-9]", row) else [*rows][-1]
        rows[code] = f"{rows.get(code, '')} {row}".strip()
    return rows


def test_what_wants_somebody_comes_first_and_says_why(managing, approved, plan):
    for quarter, value in ((1, 14), (2, 28)):
        PlannedValue.objects.create(
            indicator=Indicator.objects.get(code="K1-1"), quarter=quarter, value=value
        )
    approved("K1-1", 1, outbound=6, inbound=8)
    approved("K1-1", 2, outbound=5, inbound=8, behind=True)
    approved("K2-2", 1, meetings=1)
    approved("K2-2", 2, meetings=1)
    approved("K1-2", 2, projects=100)
    rows = attention(managing.get("/?year=99&quarter=2"))
    assert "↓ 落後" in rows["K1-1"]
    assert "推估未達標" in rows["K1-1"]
    assert "預定 28" in rows["K1-1"]
    assert "+13 達成度 +23.6 百分點" in rows["K1-1"]
    assert "約 54 其餘各季每季尚需 14" in rows["K1-1"]
    assert "落後原因原因 因應對策對策 預定改善期限99 年 12 月 31 日" in rows["K1-1"]
    assert "落後" not in rows["K2-2"]
    assert "推估未達標" in rows["K2-2"]
    assert "資料未齊" in rows["K1-2"]
    assert "逾期" not in rows["K1-2"]
    assert "！ 逾期未填報 ？ 資料未齊 尚未送審，逾期" in rows["K5-2"]
    assert "K8-2" not in rows


def test_what_units_say_and_what_is_overdue_is_told_to_those_who_may_follow_them(
    client, approved, neighbour, plan
):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=14)
    approved("K1-1", 1, outbound=4, inbound=8, behind=True)
    client.force_login(neighbour)
    response = client.get("/?year=99&quarter=1")
    rows = attention(response)
    assert "↓ 落後" in rows["K1-1"]
    assert "落後原因" not in rows["K1-1"]
    assert "逾期" not in " ".join(rows.values())
    assert 'id="units"' not in response.content.decode()


def test_units_stand_side_by_side_with_their_punctuality(managing, approved, report, planner, head, now):
    QuarterReport.objects.filter(quarter=2).exclude(indicator__code="K5-2").delete()
    approved("K1-1", 1, outbound=4, inbound=8)
    back = workflow.save_draft(
        report=report("K5-2", 2), by=planner, now=now, figures={"projects": Decimal(3)}, check_note="x"
    )
    back = workflow.submit(report=back, by=planner, now=now)
    workflow.return_for_correction(report=back, by=head, now=now, reason="請補正")
    page = managing.get("/?year=99&quarter=2")
    [row] = [row for row in markup(page).rows if row.startswith("外交部 ")]
    asked_for = QuarterReport.objects.filter(quarter__lte=2).asked_for().count()
    assert row.split()[1:6] == [str(asked_for), "0", "1", str(asked_for - 1), "0"]
    assert row.split()[-1] == "1"


def test_the_means_over_the_quarters_are_those_that_each_quarter_shows(managing, approved):
    for quarter in (1, 2, 3):
        approved("K1-1", quarter, outbound=5, inbound=quarter)
    page = managing.get("/?year=99&quarter=3").content.decode().partition('id="trends"')[2]
    found = Markup()
    found.feed(page.partition("<h2")[0])
    whole = next(row for row in found.rows if row.startswith("全計畫"))
    pages = [managing.get(f"/?year=99&quarter={quarter}").content.decode() for quarter in (1, 2, 3)]
    means = [re.findall(r'<data value="([^"]+)" id="mean">', each)[0] for each in pages]
    assert re.findall(r"\[([^]]+)\]", whole) == means
    assert "第 1 季 10.9%、第 2 季 23.6%、第 3 季 38.2%" in whole
    assert any(row.startswith("一、") and f"[{means[0]}]" in row for row in found.rows)


def test_what_is_missing_is_named(managing, approved):
    approved("K1-1", 1, outbound=6, inbound=6)
    approved("K1-1", 3, outbound=5, inbound=6)
    row = row_of(managing.get(THIRD), "K1-1")
    assert "暫計" in row
    assert "第 2 季" in row
    assert "？ 資料未齊" in row


def test_drafts_never_show_and_submitted_figures_only_when_asked_for(managing, report, planner):
    draft = workflow.save_draft(
        report=report("K2-2", 1), by=planner, now=NOW, figures={"meetings": Decimal(7)}, remark="草稿中的話"
    )
    for address in (THIRD, THIRD + "&basis=provisional"):
        assert markup(managing.get(address)).numbers == []
        assert "草稿中的話" not in text(managing.get(address))
    workflow.submit(report=draft, by=planner, now=NOW)
    assert markup(managing.get("/?year=99&quarter=1")).numbers == []
    row = row_of(managing.get("/?year=99&quarter=1&basis=provisional"), "K2-2")
    assert "[7]7／5" in row
    assert "含未審核" in row


def test_a_demonstration_is_marked_on_every_page_and_on_its_row(
    client, managing, report, planner, reviewer, approve
):
    assert "示範資料" not in text(managing.get(THIRD))
    found = workflow.save_draft(
        report=report("K2-2", 1), by=planner, now=NOW, figures={"meetings": Decimal(1)}, demo=True
    )
    client.logout()
    assert "畫面中的數值為示範資料" in text(client.get("/accounts/login/"))
    client.force_login(planner)
    assert "畫面中的數值為示範資料" in text(client.get("/?year=12"))
    found = workflow.submit(report=found, by=planner, now=NOW)
    approve(found)
    response = client.get(THIRD)
    assert "示範資料" in row_of(response, "K2-2")
    assert "示範資料" not in row_of(response, "K1-1")


def test_every_link_carries_what_was_chosen(managing, approved):
    approved("K1-1", 1, outbound=6, inbound=6)
    links = markup(managing.get("/?year=99&quarter=2&basis=provisional")).links
    carried = [link for link in links if re.match(r"/(\?|indicators/|plan/\?|export/)", link)]
    assert len(carried) > 45
    for link in carried:
        assert asked(link) == {"year": "99", "quarter": "2", "basis": "provisional"}, link


def test_quarters_are_links_and_the_chosen_one_says_so(managing, plan):
    content = managing.get("/?year=99&quarter=2").content.decode()
    assert re.search(r'href="\?year=99&amp;quarter=2" aria-current="true"', content)
    assert content.count('aria-current="true"') == 1


def test_without_a_choice_it_opens_at_the_last_approved_quarter(managing, approved):
    approved("K1-1", 2, outbound=6, inbound=6)
    assert "99 年度 第 2 季" in text(managing.get("/"))


def test_the_thresholds_stand_below_as_a_default_of_this_system(managing, plan):
    plan.amber_threshold = 75
    plan.save()
    words = text(managing.get(FOURTH))
    assert "▲黃燈 75% 以上" in words
    assert "並非官方規定" in words


def test_a_title_cannot_bring_markup_in(managing, plan):
    Indicator.objects.filter(code="K1-1").update(title="<script>alert(1)</script>", unit='"><b>')
    Goal.objects.filter(outline_number=1).update(title="<img src=x onerror=alert(1)>")
    for address in (THIRD, "/indicators/K1-1/?year=99&quarter=3", "/plan/"):
        content = managing.get(address).content.decode()
        assert "<script" not in content
        assert "<img" not in content
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in content


def test_charts_follow_one_scale_rule():
    usual = bullet(Decimal(53), Decimal(38), Decimal(50))
    assert (usual.bar, usual.width, usual.planned, usual.target, usual.zero) == (
        "0.00%", "86.96%", "62.35%", "82.03%", None,
    )  # fmt: skip
    below = bullet(Decimal(-10), None, Decimal(5))
    bar, width, zero = (float(str(place).rstrip("%")) for place in (below.bar, below.width, below.zero))
    assert bar > 0
    assert bar + width == pytest.approx(zero, abs=0.02)
    assert bullet(None, None, Decimal(0)).target == "0.00%"
    assert bullet(None, None, Decimal(0)).bar is None
    assert bullet(Decimal(-2), None, Decimal(0)).target != "100.00%"


def test_a_percentage_keeps_clear_of_100_and_of_the_thresholds(plan):
    assert percent(Decimal("99.98"), plan) == "99.98"
    assert percent(Decimal("79.96"), plan) == "79.96"
    assert percent(Decimal("58.14"), plan) == "58.1"
    assert towards(Decimal("24.996"), Decimal(55), Decimal(25), digits=2) == "24.996"


def test_the_number_of_queries_does_not_grow_with_the_indicators(
    managing, plan, django_assert_num_queries, request
):
    queries = 15
    with django_assert_num_queries(queries):
        managing.get("/?year=99&quarter=1")
    # A file has no banner, and there is an entry about it in the ledger; PostgreSQL is told who writes that.
    # The page asks besides for the reports that are late, and when they were due.
    of_a_file = queries - 2 + (4 if connection.vendor == "postgresql" else 2)
    with django_assert_num_queries(of_a_file):
        managing.get("/export/attainment.csv?year=99&quarter=1")
    total = request.getfixturevalue("many_indicators")
    assert Indicator.objects.count() == total
    with django_assert_num_queries(queries):
        response = managing.get("/?year=99&quarter=1")
    assert f"{total} 項中 {total - 20} 項已有達成度" in text(response)
    with django_assert_num_queries(of_a_file):
        managing.get("/export/attainment.csv?year=99&quarter=1")
    assert QuarterReport.objects.approved().count() == total - 20


def test_the_quarter_shown_first_follows_figures_and_not_remarks(
    plan, report, approved, approve, planner, now
):
    approved("K5-2", 1, projects=3)
    told = workflow.save_draft(report=report("K8-2", 3), by=planner, now=now, figures={}, remark="規劃中")
    approve(workflow.submit(report=told, by=planner, now=now))
    assert current_quarter(plan, now) == 1
    idle = workflow.save_draft(
        report=report("K5-2", 2), by=planner, now=now, figures={}, not_applicable_reason="停辦"
    )
    approve(workflow.submit(report=idle, by=planner, now=now))
    assert current_quarter(plan, now) == 2


def test_the_lists_are_narrowed_by_the_address_and_the_plan_s_numbers_are_not(managing, approved, department):
    Indicator.objects.filter(code="K2-2").update(lead_unit=department)
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=14)
    approved("K1-1", 1, outbound=4, inbound=8, behind=True)
    whole = managing.get("/?year=99&quarter=1")
    mean = re.search(r'<data value="([^"]+)" id="mean">', whole.content.decode())
    assert mean

    def shown(narrowing: str) -> list[str]:
        response = managing.get(f"/?year=99&quarter=1&{narrowing}")
        assert mean[0] in response.content.decode()
        assert tally(response) == tally(whole)
        page = Markup()
        page.feed(response.content.decode().partition("各目標達成情形</h2>")[2].partition('id="trends"')[0])
        return [row.split()[0] for row in page.rows if re.match("[KC][0-9]", row)]

    assert shown("unit=DEPT") == ["K2-2"]
    assert shown("goal=C2") == ["C2-1", "C2-2"]
    assert len(shown("kind=common")) == 6
    assert shown("standing=behind") == ["K1-1"]
    assert shown("standing=light_red") == []
    assert shown("kind=key&goal=C2") == []
    assert shown("scheme=&unit=&goal=K1") == ["K1-1", "K1-2"]
    page = managing.get("/?year=99&quarter=1&goal=K1")
    assert "以下列示 2 項指標" in text(page)
    others = [asked(link) for link in markup(page).links if link.startswith("?") and "quarter=2" in link]
    assert all(query["goal"] == "K1" for query in others)
    assert "/export/missed.csv?year=99&amp;quarter=1&amp;goal=K1" in page.content.decode()


@pytest.mark.parametrize(
    "narrowing", ["unit=NONE", "goal=K9", "kind=x", "standing=fine", "scheme=9", "goal=%00"]
)
def test_what_there_is_not_in_the_plan_is_not_found(managing, plan, narrowing):
    for address in ("/", "/export/attainment.csv"):
        assert managing.get(f"{address}?year=99&quarter=1&{narrowing}").status_code == 404


def test_a_trend_is_drawn_on_one_scale_from_zero_to_the_largest_number_and_a_margin():
    trend = value_trend([(Decimal(20), Decimal(10)), (None, Decimal(80)), (Decimal(0), None)], Decimal(100))
    first, second, third = trend.points
    assert (trend.target, trend.zero) == ("13.04%", "100.00%")
    assert (first.bar, first.height, first.planned) == ("82.61%", "17.39%", "91.30%")
    assert (second.bar, second.height, second.planned) == (None, None, "30.43%")
    assert (third.bar, third.height, third.planned) == ("100.00%", "0.00%", None)
    below = value_trend([(Decimal(-50), None)], Decimal(50))
    assert below.points[0].bar == below.zero == "50.00%"


def test_columns_stand_from_0_to_100_and_what_is_none_is_not_drawn():
    heights = [each.height for each in columns([Decimal(100), None, Decimal(0), Decimal(50)])]
    assert heights == ["28.00", "", "1.00", "14.00"]
