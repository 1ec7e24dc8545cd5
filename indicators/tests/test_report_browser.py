"""The admin in a real browser: no complaint, nothing that scrolls sideways, and what the script adds.

conftest.py fails every test in which the browser complains.
"""

from decimal import Decimal

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Dialog, Page, expect

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, TargetRevision
from objectives.models import User
from objectives.roles import Role
from objectives.tests.pages import add_url, change_url, list_url

pytestmark = pytest.mark.django_db(transaction=True)

OURS = [model for model in admin.site._registry if model._meta.app_label in ("objectives", "indicators")]
SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def enter(live_server, new_context):
    """Open a browser in which user is signed in."""

    def signed_in(user: User, **options) -> Page:
        client = Client()
        client.force_login(user)
        context = new_context(base_url=live_server.url, **options)
        context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        return context.new_page()

    return signed_in


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_every_page_is_quiet_and_fits(
    enter, plan, administrator, planner, reviewer, report, now, size, scheme
):
    waiting = workflow.save_draft(
        report=report("K1-1", 1),
        by=planner,
        now=now,
        figures={"outbound": Decimal(4), "inbound": Decimal(8)},
    )
    workflow.submit(report=waiting, by=planner, now=now)
    indicator = Indicator.objects.get(code="K1-1")
    TargetRevision.objects.create(
        indicator=indicator, from_quarter=2, target=60, old_target=55, old_formula=indicator.formula,
        reason="x", authority="x", decided_on=now.date(), number="1", proposed_by=planner, proposed_at=now,
    )  # fmt: skip
    addresses = {
        administrator: ["/admin/", f"/admin/objectives/plan/{plan.pk}/adopt/"],
        planner: [],
        reviewer: [],
    }
    for model in OURS:
        addresses[administrator] += [list_url(model), change_url(model._default_manager.first())]
        if model.__name__ not in ("QuarterReport", "ReportingPeriod", "Variable"):
            addresses[administrator].append(add_url(model))
    addresses[administrator].append(f"/admin/objectives/user/{planner.pk}/password/")
    addresses[planner] = [change_url(report(code, 4)) for code in ("C2-1", "C3-2", "K4-2", "K3-1")]
    addresses[planner].append(list_url(QuarterReport))
    addresses[reviewer] = [change_url(waiting)]
    sideways = []
    for user, paths in addresses.items():
        page = enter(user, viewport=SIZES[size], color_scheme=scheme)
        for path in paths:
            response = page.goto(path)
            assert response is not None
            assert response.status == 200, path
            root = "document.documentElement"
            if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                sideways.append(path)
    assert sideways == []


def test_the_value_follows_what_is_typed(enter, planner, report, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    page = enter(planner)
    page.goto(change_url(report("K1-1", 2)))
    expect(page.locator("#value")).to_contain_text("12")
    page.locator("[name=figure_outbound]").fill("５")
    page.locator("[name=figure_inbound]").fill("1,030")
    expect(page.locator("#value")).to_contain_text("1,047")
    page.locator("[name=figure_inbound]").fill("x")
    expect(page.locator("#value")).to_contain_text("尚無法辨識")
    assert not Figure.objects.filter(report=report("K1-1", 2)).exists()


def test_a_stock_is_filled_with_its_last_figure(enter, planner, report, approved):
    approved("K6-1", 1, offering=28, missions=1120)
    page = enter(planner)
    page.goto(change_url(report("K6-1", 2)))
    page.get_by_role("button", name="與上季相同").nth(1).click()
    expect(page.locator("[name=figure_missions]")).to_have_value("1,120")
    expect(page.locator("#value")).to_contain_text("2.5")
    page.get_by_role("button", name="儲存草稿").click()
    expect(page.get_by_text("草稿已儲存。")).to_be_visible()
    assert Figure.objects.get(report=report("K6-1", 2)).value == 1120


def test_leaving_with_unsaved_figures_asks_first(enter, planner, report):
    page = enter(planner)
    asked = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.goto(change_url(report("K1-1", 1)))
    page.get_by_role("link", name="季填報").first.click()
    page.wait_for_url("**/quarterreport/")
    assert asked == []
    page.goto(change_url(report("K1-1", 1)))
    page.locator("[name=figure_outbound]").press_sequentially("5")
    page.get_by_role("link", name="季填報").first.click()
    page.wait_for_url("**/quarterreport/")
    assert asked == ["beforeunload"]


def test_pressing_enter_saves_and_does_not_submit(enter, planner, report):
    page = enter(planner)
    page.goto(change_url(report("K1-1", 1)))
    page.locator("[name=figure_outbound]").fill("5")
    page.locator("[name=figure_inbound]").fill("6")
    page.locator("[name=figure_inbound]").press("Enter")
    expect(page.get_by_text("草稿已儲存。")).to_be_visible()


def test_it_says_so_when_the_session_has_ended(enter, planner, report, complaints):
    page = enter(planner)
    page.goto(change_url(report("K1-1", 1)))
    page.context.clear_cookies(name="sessionid")
    page.locator("[name=figure_outbound]").fill("5")
    expect(page.locator("#value")).to_contain_text("目前無法試算")
    complaints.clear()


def test_everything_works_without_script(enter, planner, head, reviewer, report, approved, now):
    approved("K6-1", 1, offering=28, missions=112)
    page = enter(planner, java_script_enabled=False)
    page.goto(change_url(report("K6-1", 2)))
    expect(page.get_by_role("button", name="與上季相同")).to_have_count(0)
    expect(page.get_by_text("第 1 季：112")).to_be_visible()
    page.locator("[name=figure_offering]").fill("２９")
    page.locator("[name=figure_missions]").fill("112x")
    page.get_by_role("button", name="送審", exact=True).click()
    expect(page.get_by_text("「112x」不是數字")).to_be_visible()
    expect(page.locator("[name=figure_offering]")).to_have_value("２９")
    page.locator("[name=figure_missions]").fill("112")
    page.get_by_role("button", name="送審", exact=True).click()
    expect(page.get_by_text("已送審")).to_be_visible()
    page = enter(head, java_script_enabled=False)
    page.goto(change_url(report("K6-1", 2)))
    page.get_by_role("button", name="核章", exact=True).click()
    expect(page.get_by_text("已核章，將由研考人員審核。")).to_be_visible()
    page = enter(reviewer, java_script_enabled=False)
    page.goto(change_url(report("K6-1", 2)))
    page.get_by_label("退回理由").fill("請附文號")
    page.get_by_role("button", name="退回補正").click()
    expect(page.get_by_text("已退回補正")).to_be_visible()


def test_what_a_lag_asks_for_opens_while_typing_and_nothing_closes(enter, planner, report):
    target = report("K1-1", 1)
    PlannedValue.objects.create(indicator=target.indicator, quarter=1, value=Decimal(20))
    page = enter(planner)
    page.goto(change_url(target))
    reason = page.get_by_label("落後原因", exact=True)
    expect(reason).to_be_hidden()
    page.locator("[name=figure_outbound]").fill("4")
    page.locator("[name=figure_inbound]").fill("8")
    expect(reason).to_be_visible()
    expect(page.get_by_text("送審前須填")).to_be_visible()
    page.locator("[name=figure_inbound]").fill("16")
    expect(page.get_by_text("送審前須填")).to_be_hidden()
    expect(reason).to_be_visible()
    page.locator("[name=figure_inbound]").fill("8")
    expect(page.get_by_text("送審前須填")).to_be_visible()
    page.get_by_role("button", name="送審", exact=True).click()
    expect(page.get_by_text("本季落後於預定值，送審前請填寫。")).to_have_count(3)
    reason.fill("時程延後")
    page.get_by_label("因應對策", exact=True).fill("加派人力")
    page.get_by_label("預定改善期限").fill("99.6.30")
    page.get_by_role("button", name="送審", exact=True).click()
    expect(page.get_by_text("已送審，將由單位主管核章。")).to_be_visible()
    page.get_by_role("button", name="撤回送審").click()
    expect(page.get_by_text("已撤回送審")).to_be_visible()
    expect(page.get_by_label("落後原因", exact=True)).to_have_value("時程延後")


def test_what_is_noticed_and_the_sum_of_shares_follow_what_is_typed(enter, planner, report, department):
    target = report("K1-1", 2)
    target.indicator.contributing_units.add(department)
    target.indicator.variables.filter(symbol="outbound").update(by_unit=True)
    lead = target.indicator.lead_unit
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=timezone.now(), figures={("outbound", lead.pk): Decimal(1)}
    )
    page = enter(planner, viewport=SIZES["phone"])
    page.goto(change_url(target))
    page.locator(f"[name=share_{lead.pk}_outbound]").fill("2")
    expect(page.locator("#sum_outbound")).to_have_text("合計：2。 尚缺：亞東太平洋司。")
    expect(page.get_by_label("異常說明", exact=True)).to_be_hidden()
    page.locator(f"[name=share_{department.pk}_outbound]").fill("2")
    expect(page.locator("#sum_outbound")).to_have_text("合計：4。")
    expect(page.locator("#check").get_by_text("超過前各季最高值")).to_be_visible()
    expect(page.get_by_label("異常說明", exact=True)).to_be_visible()


def test_a_submission_withdrawn_in_one_window_stops_the_head_in_another(enter, planner, head, report, now):
    waiting = workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(8)}
    )
    workflow.submit(report=waiting, by=planner, now=now)
    above, own = enter(head), enter(planner)
    for page in (above, own):
        page.goto(change_url(waiting))
    own.get_by_role("button", name="撤回送審").click()
    expect(own.get_by_text("已撤回送審")).to_be_visible()
    above.get_by_label("退回理由").fill("請附文號")
    above.get_by_role("button", name="退回補正").click()
    expect(above.get_by_role("heading", name="已輸入但未儲存")).to_be_visible()
    expect(above.get_by_text("請附文號")).to_be_visible()
    expect(above.get_by_text("撤回送審：planner")).to_be_visible()
    own.go_back()  # to what is true by now, not to what was there then
    expect(own.get_by_role("button", name="儲存草稿")).to_be_visible()
    expect(own.get_by_role("button", name="撤回送審")).to_have_count(0)


def test_saving_again_after_a_conflict_leaves_a_colleagues_work_alone(enter, planner, person, report, now):
    target = report("K1-1", 1)
    colleague = person("colleague", (Role.PLANNER, target.indicator.lead_unit))
    workflow.save_draft(
        report=target,
        by=planner,
        now=now,
        figures={"outbound": Decimal(1), "inbound": Decimal(1)},
        remark="第一行\n第二行",
    )
    page = enter(planner, viewport=SIZES["phone"])
    page.goto(change_url(target))
    page.locator("[name=figure_outbound]").fill("2")
    workflow.save_draft(
        report=target, by=colleague, now=now, figures={"inbound": Decimal(9)}, remark="同事\n所寫"
    )
    page.get_by_role("button", name="儲存草稿").click()
    expect(page.get_by_text("目前儲存：1")).to_be_visible()
    expect(page.get_by_text("已另有更新，原為：1")).to_be_visible()
    expect(page.get_by_text("已另有更新，原為：第一行")).to_be_visible()
    expect(page.get_by_label("執行情形", exact=True)).to_have_value("同事\n所寫")
    page.get_by_role("button", name="儲存草稿").click()
    expect(page.get_by_text("草稿已儲存。")).to_be_visible()
    saved = {f.variable.symbol: f.value for f in Figure.objects.select_related("variable")}
    assert saved == {"outbound": 2, "inbound": 9}
    assert QuarterReport.objects.get(pk=target.pk).remark == "同事\n所寫"


def test_the_list_is_made_of_labelled_cards_on_a_phone(enter, planner, plan):
    page = enter(planner, viewport=SIZES["phone"])
    page.goto(list_url(QuarterReport) + "?quarter=1")
    cell = page.locator("#result_list td.field-target").first
    assert cell.get_attribute("data-label") == "年度目標值"
    assert cell.evaluate("e => getComputedStyle(e, '::before').content").startswith('"年度目標值')
    box = page.locator("#result_list tbody tr").first.bounding_box()
    assert box is not None
    assert box["width"] <= 390
    page.get_by_label("狀態").select_option("APPROVED")
    page.get_by_role("button", name="查詢").click()
    expect(page.get_by_text("查無符合條件之資料。")).to_be_visible()


@pytest.mark.parametrize("code", ["C3-2", "C2-1"])
def test_the_form_passes_the_rules_of_accessibility(enter, planner, report, code):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = enter(planner)
    for path in (change_url(report(code, 4)), list_url(QuarterReport)):
        page.goto(path)
        results = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
        assert results.violations_count == 0, results.generate_report()
