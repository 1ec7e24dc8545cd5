"""The admin in a real browser: no complaint, nothing that scrolls sideways, and what the script adds.

conftest.py fails every test in which the browser complains.
"""

from decimal import Decimal

import pytest
from django.contrib import admin
from django.test import Client
from playwright.sync_api import Dialog, Page, expect

from indicators import workflow
from indicators.models import Figure, QuarterReport
from objectives.models import User
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
    addresses = {
        administrator: ["/admin/", f"/admin/objectives/plan/{plan.pk}/adopt/"],
        planner: [],
        reviewer: [],
    }
    for model in OURS:
        addresses[administrator] += [list_url(model), change_url(model._default_manager.first())]
        if model.__name__ not in ("QuarterReport", "Variable"):
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


def test_everything_works_without_script(enter, planner, reviewer, report, approved):
    approved("K6-1", 1, offering=28, missions=112)
    page = enter(planner, java_script_enabled=False)
    page.goto(change_url(report("K6-1", 2)))
    expect(page.get_by_role("button", name="與上季相同")).to_have_count(0)
    expect(page.get_by_text("第 1 季：112")).to_be_visible()
    page.locator("[name=figure_offering]").fill("２９")
    page.locator("[name=figure_missions]").fill("112x")
    page.get_by_role("button", name="送審").click()
    expect(page.get_by_text("「112x」不是數字")).to_be_visible()
    expect(page.locator("[name=figure_offering]")).to_have_value("２９")
    page.locator("[name=figure_missions]").fill("112")
    page.get_by_role("button", name="送審").click()
    expect(page.get_by_text("已送審")).to_be_visible()
    page = enter(reviewer, java_script_enabled=False)
    page.goto(change_url(report("K6-1", 2)))
    page.get_by_role("button", name="審核通過").click()
    expect(page.get_by_text("已審核通過")).to_be_visible()


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
