"""The main job in the browser: a planner's figures reach the dashboard when a reviewer has approved them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from indicators.models import QuarterReport, Status
from ledger.models import Action, Entry
from ledger.verify import verify
from mofa_kpi.tests.cast import PASSWORD


@pytest.fixture
def sign_in(live_server, new_context: Callable[..., BrowserContext]) -> Callable[[str], Page]:
    """Sign somebody in, each in a browser of their own."""

    def enter(username: str) -> Page:
        page = new_context(base_url=live_server.url).new_page()
        page.goto("/")
        page.get_by_label("帳號").fill(username)
        page.get_by_label("密碼").fill(PASSWORD)
        page.get_by_role("button", name="登入").click()
        page.wait_for_url("**/")
        return page

    return enter


@pytest.mark.django_db(transaction=True)
def test_a_planners_figures_reach_the_dashboard_once_they_are_approved(
    approved, report, reviewer, manager, sign_in
):
    for quarter, (outbound, inbound) in enumerate([(4, 8), (5, 10), (3, 8)], start=1):
        approved("K1-1", quarter, outbound=outbound, inbound=inbound)

    beginning = Entry.objects.head().seq

    def attainment(page: Page) -> str:
        page.goto("/?year=99&quarter=4")
        return page.get_by_role("row").filter(has_text="K1-1").last.inner_text()

    managing = sign_in("manager")
    assert "暫計" in attainment(managing)

    planning = sign_in("planner")
    planning.get_by_role("link", name="我的填報").click()
    planning.get_by_role("link", name="K1-1").last.click()
    expect(planning.get_by_text("雙方部次長級以上官員互訪次數。")).to_be_visible()
    planning.locator("[name=figure_outbound]").fill("８")
    planning.locator("[name=figure_inbound]").fill("12")
    expect(planning.locator("#value")).to_contain_text("58")
    planning.get_by_label("執行情形").fill("第四季互訪二十次。")
    planning.get_by_role("button", name="儲存草稿").click()
    expect(planning.get_by_text("草稿已儲存")).to_be_visible()
    assert "暫計" in attainment(managing)
    planning.get_by_role("button", name="送審").click()
    waiting = report("K1-1", 4)
    expect(planning.get_by_role("button", name="送審")).to_have_count(0)
    waiting.refresh_from_db()
    assert waiting.status == Status.SUBMITTED
    assert "暫計" in attainment(managing)

    reviewing = sign_in("reviewer")
    reviewing.goto(f"/admin/indicators/quarterreport/{waiting.pk}/change/")
    reviewing.get_by_role("button", name="退回補正").click()
    expect(reviewing.get_by_role("alert")).to_be_visible()
    reviewing.get_by_label("退回").fill("來訪次數請再查明")
    reviewing.get_by_role("button", name="退回補正").click()

    planning.reload()
    expect(planning.get_by_text("來訪次數請再查明")).to_be_visible()
    planning.locator("[name=figure_inbound]").fill("11")
    planning.get_by_role("button", name="送審").click()
    expect(planning.get_by_role("button", name="送審")).to_have_count(0)

    reviewing.reload()
    reviewing.get_by_role("button", name="審核通過").click()
    expect(reviewing.get_by_role("button", name="審核通過")).to_have_count(0)
    assert QuarterReport.objects.get(pk=waiting.pk).status == Status.APPROVED

    row = attainment(managing)
    assert "57" in row
    assert "完整" in row
    assert "★" in row
    managing.get_by_role("link", name="加強雙方政要互訪").first.click()
    expect(managing.get_by_text("20 + 37")).to_be_visible()

    done = Entry.objects.filter(seq__gt=beginning)
    signing_in, working = "page", "admin"
    assert set(done.values_list("source", "actor")) == {
        (signing_in, "manager"), (signing_in, "planner"), (signing_in, "reviewer"),
        (working, "planner"), (working, "reviewer"),
    }  # fmt: skip
    without_a_reason, returned = done.exclude(reason="").order_by("seq")
    assert (without_a_reason.action, without_a_reason.actor) == (Action.REFUSED, "reviewer")
    assert (returned.actor, returned.reason) == ("reviewer", "來訪次數請再查明")
    assert returned.new["status"] == Status.RETURNED
    assert not verify().problems
