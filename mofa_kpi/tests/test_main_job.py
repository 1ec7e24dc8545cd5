"""The main job in the browser: a whole quarter, from the worksheet to the closed period."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from indicators.models import Indicator, PlannedValue, QuarterReport, Status
from ledger.models import Action, Entry
from ledger.verify import verify
from objectives.models import User

from .cast import PASSWORD

WORK = ["K1-1", "K5-2", "K6-1"]
QUARTER = "/worksheet/99/1"


@pytest.fixture
def sign_in(live_server, new_context: Callable[..., BrowserContext]) -> Callable[[User, str], Page]:
    """Sign a person in, in a browser of their own, and come to a page."""

    def enter(person: User, path: str) -> Page:
        page = new_context(base_url=live_server.url).new_page()
        page.goto(path)
        page.get_by_label("帳號").fill(person.username)
        page.get_by_label("密碼").fill(PASSWORD)
        page.get_by_role("button", name="登入").click()
        page.wait_for_url(f"**{path}")
        return page

    return enter


@pytest.fixture
def a_quarters_work(plan, department, administrator):
    """Three indicators have something to report; one is shared with the department, one planned."""
    Indicator.objects.exclude(code__in=WORK).update(not_applicable_reason="本測試不計")
    shared = Indicator.objects.get(code="K5-2")
    shared.contributing_units.add(department)
    shared.variables.update(by_unit=True)
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=14)


def paste(page: Page, into, text: str) -> None:
    into.evaluate(
        """(input, text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          input.focus();
          input.dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )


@pytest.mark.django_db(transaction=True)
def test_a_whole_quarter(
    a_quarters_work, report, planner, neighbour, head, reviewer, manager, administrator, ministry, department,
    sign_in, complaints,
):  # fmt: skip
    beginning = Entry.objects.head().seq
    reports = {code: report(code, 1) for code in WORK}

    def cell(page: Page, code: str, rest: str):
        return page.locator(f"[name=f{reports[code].pk}-{rest}]")

    def words(page: Page, code: str, name: str):
        return page.locator(f"[name=t{reports[code].pk}-{name}]")

    def status(code: str) -> str:
        return QuarterReport.objects.get(pk=reports[code].pk).status

    def save(page: Page) -> None:
        page.locator(".savebar").get_by_role("button", name="儲存草稿").click()
        expect(page.locator("#unsaved")).to_have_text("均已儲存")

    # The planner types and pastes.
    planning = sign_in(planner, f"{QUARTER}/MOFA/")
    cell(planning, "K1-1", "outbound").press_sequentially("４")
    planning.keyboard.press("Enter")
    planning.keyboard.type("8")
    expect(planning.locator(f"#v{reports['K1-1'].pk}")).to_contain_text("－2")
    expect(planning.locator(f"#v{reports['K1-1'].pk}")).to_contain_text("落後")
    paste(planning, cell(planning, "K6-1", "offering"), "28\r\n122\r\n")
    expect(cell(planning, "K6-1", "missions")).to_have_value("122")
    cell(planning, "K5-2", f"projects-{ministry.pk}").fill("2")
    save(planning)

    # What is lacking is named: the department's share, and why K1-1 lies behind.
    planning.get_by_role("button", name="全部送審").click()
    expect(planning.locator("#problems")).to_contain_text(department.name)
    expect(planning.locator("#problems")).to_contain_text("落後原因")
    assert {status(code) for code in WORK} == {Status.DRAFT}

    # The department adds its share, and that alone.
    contributing = sign_in(neighbour, f"{QUARTER}/DEPT/")
    expect(contributing.locator(".worksheet input[name^=f]:not([type=hidden])")).to_have_count(1)
    cell(contributing, "K5-2", f"projects-{department.pk}").fill("1")
    save(contributing)

    planning.goto(f"{QUARTER}/MOFA/")
    words(planning, "K1-1", "lag_reason").fill("互訪行程延至第二季")
    words(planning, "K1-1", "response").fill("洽請駐館提前安排")
    words(planning, "K1-1", "improve_by").fill("99.6.30")
    words(planning, "K1-1", "remark").fill("第一季互訪十二次。")
    planning.get_by_role("button", name="全部送審").click()
    expect(planning.get_by_text("已送審：")).to_be_visible()
    assert {status(code) for code in WORK} == {Status.SUBMITTED}

    # The head endorses each of them.
    heading = sign_in(head, "/my-work/")
    for code in WORK:
        heading.goto(f"/admin/indicators/quarterreport/{reports[code].pk}/change/")
        heading.get_by_role("button", name="核章").click()
        expect(heading.get_by_role("button", name="核章")).to_have_count(0)
        assert status(code) == Status.ENDORSED

    # The reviewer returns one with a comment, which its planner finds where the work is.
    reviewing = sign_in(reviewer, f"/approve/{reports['K1-1'].pk}/")
    expect(reviewing.get_by_text("洽請駐館提前安排")).to_be_visible()
    reviewing.get_by_role("button", name="退回補正").click()
    expect(reviewing.get_by_role("alert")).to_be_visible()
    reviewing.get_by_label("退回").fill("來訪次數請再查明")
    reviewing.get_by_role("button", name="退回補正").click()
    planning.goto("/my-work/")
    expect(planning.get_by_text("來訪次數請再查明").first).to_be_visible()
    planning.goto(f"{QUARTER}/MOFA/")
    expect(planning.get_by_text("來訪次數請再查明").first).to_be_visible()
    cell(planning, "K1-1", "inbound").fill("7")
    planning.get_by_role("button", name="K1-1 送審").click()
    expect(planning.get_by_text("已送審：K1-1。")).to_be_visible()
    heading.goto(f"/admin/indicators/quarterreport/{reports['K1-1'].pk}/change/")
    heading.get_by_role("button", name="核章").click()
    expect(heading.get_by_role("button", name="核章")).to_have_count(0)

    # The reviewer sees the effect, and approves the unit's quarter; a second press changes nothing.
    reviewing.goto("/approve/99/1/MOFA/")
    row = reviewing.get_by_role("row").filter(has_text="K1-1")
    expect(row).to_contain_text("11")
    expect(row).to_contain_text("20%")
    again = reviewing.context.new_page()
    again.goto("/approve/99/1/MOFA/")
    reviewing.get_by_role("button", name="審核通過").click()
    expect(reviewing.get_by_text("已審核通過 3 份季填報")).to_be_visible()
    again.get_by_role("button", name="審核通過").click()
    expect(again.get_by_text("請重新檢視")).to_be_visible()
    assert {status(code) for code in WORK} == {Status.APPROVED}

    managing = sign_in(manager, "/?year=99&quarter=1")
    shown = managing.get_by_role("row").filter(has_text="K5-2").last
    expect(shown).to_contain_text("3／12")
    managing.goto("/indicators/K5-2/?year=99&quarter=1")
    expect(managing.get_by_text(department.name).first).to_be_visible()

    # A report is reopened and lies open in a tab while the quarter is closed: the late edit is refused.
    reviewing.goto(f"/admin/indicators/quarterreport/{reports['K6-1'].pk}/change/")
    reopening = reviewing.locator("#reopen-form")
    reopening.locator("summary").click()
    reopening.get_by_role("textbox").fill("館數有誤")
    reopening.get_by_role("button").click()
    expect(reviewing.locator("#reopen-form")).to_have_count(0)
    planning.goto(f"{QUARTER}/MOFA/")
    cell(planning, "K6-1", "missions").fill("121")
    closing = sign_in(administrator, "/admin/indicators/reportingperiod/")
    period = reports["K6-1"].indicator.goal.plan.periods.get(quarter=1)
    closing.goto(f"/admin/indicators/reportingperiod/{period.pk}/close/")
    closing.get_by_role("textbox").fill("已報行政院")
    closing.locator("form.card button[type=submit]").click()
    expect(closing.get_by_text("已關閉").first).to_be_visible()
    planning.locator(".savebar").get_by_role("button", name="儲存草稿").click()
    expect(planning.locator("main")).to_contain_text("已報行政院")
    expect(planning.locator("main")).to_contain_text("121")
    found = QuarterReport.objects.get(pk=reports["K6-1"].pk)
    assert {figure.variable.symbol: figure.value for figure in found.figures.all()} == {
        "offering": 28,
        "missions": 122,
    }

    done = Entry.objects.filter(seq__gt=beginning)
    assert done.filter(action=Action.REFUSED, actor="planner").exists()
    assert done.filter(reason="來訪次數請再查明", actor="reviewer").exists()
    assert not verify().problems
