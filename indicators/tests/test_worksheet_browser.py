"""The worksheet in Chromium: keys, pasted blocks, live values, two people, a lost session, a phone.

conftest.py fails every test in which the browser complains.
"""

from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Dialog, Page, expect

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Status
from mofa_kpi.tests.cast import PASSWORD
from objectives.models import User, WorkItem
from objectives.roles import Role

pytestmark = pytest.mark.django_db(transaction=True)

SHEET = "/worksheet/99/1/DEPT/"
LED = ["K1-1", "K1-2", "K4-2", "K7-1", "C1-1"]


@pytest.fixture
def desk(department, plan):
    """A department with five indicators and one work item of its own."""
    Indicator.objects.filter(code__in=LED).update(lead_unit=department)
    WorkItem.objects.filter(pk=WorkItem.objects.all()[0].pk).update(lead_unit=department)
    return department


@pytest.fixture
def enter(live_server, new_context):
    """Open the sheet in a browser of its own, in which user is signed in."""

    def signed_in(user: User, width: int = 1280, path: str = SHEET, **options) -> Page:
        client = Client()
        client.force_login(user)
        viewport = {"width": width, "height": 900}
        context = new_context(base_url=live_server.url, viewport=viewport, **options)
        context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        page = context.new_page()
        page.goto(path)
        return page

    return signed_in


@pytest.fixture
def cell(report):
    """Find the input of a figure on a page."""

    def found(page: Page, code: str, symbol: str, unit=None):
        suffix = f"-{unit.pk}" if unit else ""
        return page.locator(f"[name=f{report(code, 1).pk}-{symbol}{suffix}]")

    return found


@pytest.fixture
def words(report):
    return lambda page, code, name: page.locator(f"[name=t{report(code, 1).pk}-{name}]")


@pytest.fixture
def colleague(person, department):
    user = person("colleague", (Role.PLANNER, department))
    user.name = "陳大文"
    user.save()
    return user


def save(page: Page) -> None:
    page.locator(".savebar").get_by_role("button", name="儲存草稿").click()


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


def stored(report, symbol):
    found = Figure.objects.filter(report=report, variable__symbol=symbol).first()
    return found and found.value


def test_keys_move_through_the_grid(enter, neighbour, desk, cell, words, report):
    page = enter(neighbour)
    outbound, inbound = cell(page, "K1-1", "outbound"), cell(page, "K1-1", "inbound")
    projects, answer = cell(page, "K1-2", "projects"), cell(page, "K4-2", "sent_to_ly")
    outbound.focus()
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(inbound).to_be_focused()
    page.keyboard.type("8")
    page.keyboard.press("ArrowDown")
    expect(projects).to_be_focused()
    page.keyboard.press("Shift+Enter")
    expect(inbound).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(outbound).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(words(page, "K1-1", "remark")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(outbound).to_be_focused()
    page.keyboard.press("Escape")
    expect(outbound).to_have_value("")
    page.keyboard.type("12")
    page.keyboard.press("ArrowLeft")
    expect(outbound).to_be_focused()  # within the text an arrow is the text's
    answer.focus()
    page.keyboard.press("1")
    expect(answer).to_have_value("1")
    page.keyboard.press("ArrowDown")
    expect(cell(page, "K4-2", "posted_online")).to_be_focused()
    expect(answer).to_have_value("1")
    expect(page.locator("#unsaved")).to_have_text("3 格未儲存")
    save(page)
    expect(page.get_by_text("已儲存 3 格。")).to_be_visible()
    assert stored(report("K1-1", 1), "outbound") == 12
    assert stored(report("K4-2", 1), "sent_to_ly") == 1


def test_a_block_from_a_spreadsheet_fills_the_grid(enter, neighbour, desk, cell, words, report):
    page = enter(neighbour)
    lines = [
        '4\t"第一行\n""第二行"""',
        "8\t訪問團",
        "\t",
        "1,062\t共三欄\t第三欄",
        "12\t",
        "3",
        "是",
        "不知道",
        "9",
        "5",
        "最後",
        "放不下",
    ]
    paste(page, cell(page, "K1-1", "outbound"), "\r\n".join(lines) + "\r\n")
    expect(cell(page, "K1-1", "outbound")).to_have_value("4")
    expect(cell(page, "K1-1", "inbound")).to_have_value("8")
    expect(words(page, "K1-1", "remark")).to_have_value('第一行\n"第二行"\n訪問團')
    expect(cell(page, "K1-2", "projects")).to_have_value("")
    expect(cell(page, "K4-2", "participated")).to_have_value("1,062")
    expect(cell(page, "K4-2", "sent_to_ly")).to_have_value("1")
    expect(cell(page, "K4-2", "posted_online")).to_have_value("")
    expect(cell(page, "K7-1", "budget")).to_have_value("5")
    told = page.locator("#told")
    expect(told).to_contain_text("已填入 10 格。")
    expect(told).to_contain_text("1 個空白格未予變更。")
    expect(told).to_contain_text("未能填入：第三欄 · 不知道 · 最後 · 放不下")
    page.wait_for_timeout(600)  # the live value arrives, and the words stay
    expect(told).to_contain_text("未能填入")
    save(page)
    expect(page.get_by_text("已儲存 10 格。")).to_be_visible()
    assert stored(report("K4-2", 1), "participated") == 1062
    assert report("K1-1", 1).remark == '第一行\n"第二行"\n訪問團'


def test_what_cannot_be_typed_into_keeps_its_place_in_a_block(enter, neighbour, desk, cell, report, now):
    page = enter(neighbour)
    cell(page, "K1-2", "projects").fill("92")
    page.get_by_role("button", name="K1-2 送審").click()
    expect(page.get_by_text("已送審：K1-2。")).to_be_visible()
    paste(page, cell(page, "K1-1", "outbound"), "4\n8\n77\n62")
    expect(cell(page, "K4-2", "participated")).to_have_value("62")
    expect(page.locator("#told")).to_contain_text("未能填入：77")


def test_values_and_mistakes_follow_what_is_typed(enter, neighbour, desk, cell, report):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=1, value=14)
    page = enter(neighbour)
    pk = report("K1-1", 1).pk
    lag = page.locator(f"#lag{pk}")
    assert lag.get_attribute("open") is None
    cell(page, "K1-1", "outbound").fill("４")
    cell(page, "K1-1", "inbound").fill("abc")
    expect(page.locator(f"#m-f{pk}-inbound")).to_contain_text("「abc」不是數字")
    expect(cell(page, "K1-1", "inbound")).to_have_attribute("aria-invalid", "true")
    cell(page, "K1-1", "inbound").fill("0")
    expect(page.locator(f"#m-f{pk}-inbound")).to_contain_text("本季為零")
    expect(page.locator(f"#total-{pk}-inbound")).to_contain_text("0")
    expect(page.locator(f"#v{pk}")).to_contain_text("－10")
    expect(page.locator(f"#v{pk}")).to_contain_text("落後")
    expect(lag).to_have_attribute("open", "")
    assert not Figure.objects.exists()


def test_two_people_on_one_sheet_lose_nothing(enter, neighbour, colleague, desk, cell, words, report):
    mine, theirs = enter(neighbour), enter(colleague)
    cell(theirs, "K1-1", "outbound").fill("5")
    words(theirs, "K1-2", "remark").fill("對方的說明")
    save(theirs)
    expect(theirs.get_by_text("已儲存 2 格。")).to_be_visible()
    cell(mine, "K1-1", "outbound").fill("4")
    cell(mine, "K1-1", "inbound").fill("8")
    words(mine, "K1-2", "remark").fill("我的說明")
    save(mine)
    expect(mine.locator("#problems")).to_be_focused()
    expect(mine.locator(".conflict")).to_have_count(2)
    conflict = mine.locator(".conflict").first
    expect(conflict).to_contain_text("對方： 5")
    expect(conflict).to_contain_text("陳大文")
    expect(conflict).to_contain_text("您： 4")
    assert stored(report("K1-1", 1), "inbound") is None
    expect(cell(mine, "K1-1", "inbound")).to_have_value("8")
    expect(mine.locator("#unsaved")).to_have_text("3 格未儲存")
    conflict.get_by_text("您：").click()
    mine.locator(".conflict").last.get_by_text("對方：").click()
    expect(words(mine, "K1-2", "remark")).to_have_value("對方的說明")
    save(mine)
    expect(mine.get_by_text("已儲存 2 格。")).to_be_visible()
    assert stored(report("K1-1", 1), "outbound") == 4
    assert stored(report("K1-1", 1), "inbound") == 8
    assert report("K1-2", 1).remark == "對方的說明"


def test_leaving_asks_first_and_a_lost_session_loses_nothing(
    enter, neighbour, colleague, desk, cell, report, complaints
):
    page = enter(neighbour)
    asked = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    cell(page, "K1-1", "outbound").press_sequentially("4")
    expect(page.locator("#unsaved")).to_have_text("1 格未儲存")
    Session.objects.all().delete()
    cell(page, "K1-1", "inbound").press_sequentially("8")
    expect(page.locator("#told")).to_contain_text("您已登出")
    save(page)  # leads to signing in, and saves nothing
    expect(page.get_by_text("尚未儲存")).to_be_visible()
    sign_in(page, neighbour)
    expect(page.locator(".typed")).to_contain_text("8")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("link", name="不送出，開啟該頁").click()
    page.wait_for_url(f"**{SHEET}*")
    assert asked == []
    assert not Figure.objects.exists()
    expect(cell(page, "K1-1", "outbound")).to_have_value("")  # never filled in silently
    expect(page.locator("#kept")).to_contain_text("輸入之 2 格內容尚未儲存")
    page.get_by_role("button", name="還原上次未儲存的內容").click()
    expect(cell(page, "K1-1", "outbound")).to_have_value("4")
    expect(cell(page, "K1-1", "inbound")).to_have_value("8")
    page.goto("/plan/")
    assert asked == ["beforeunload"]
    page.goto(SHEET)
    page.get_by_role("button", name="還原上次未儲存的內容").click()
    save(page)
    expect(page.get_by_text("已儲存 2 格。")).to_be_visible()
    page.goto(SHEET)
    expect(page.locator("#kept")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0


def sign_in(page: Page, user: User) -> None:
    page.locator("[name=username]").fill(user.username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("button.primary").click()


def test_without_script_what_was_typed_is_sent_on_after_signing_in(enter, neighbour, desk, cell, words):
    page = enter(neighbour, java_script_enabled=False, width=390)
    cell(page, "K1-1", "outbound").fill("４")
    words(page, "K1-1", "remark").fill("甲\n乙")
    Session.objects.all().delete()
    save(page)
    sign_in(page, neighbour)
    page.reload()  # asks again, and signs nobody in
    expect(page.get_by_text("尚未儲存")).to_be_visible()
    expect(page.locator(".sender")).to_contain_text(neighbour.username)
    expect(page.locator(".typed dd").first).to_have_text("４")
    assert not Figure.objects.exists()
    page.get_by_role("button", name="接續送出").click()
    expect(page.get_by_text("已儲存 2 格。")).to_be_visible()
    expect(cell(page, "K1-1", "outbound")).to_have_value("4")
    expect(words(page, "K1-1", "remark")).to_have_value("甲\n乙")


def test_what_was_restored_meets_what_others_saved_meanwhile(enter, neighbour, colleague, desk, cell, report):
    page = enter(neighbour)
    page.on("dialog", lambda dialog: dialog.accept())
    cell(page, "K1-1", "outbound").press_sequentially("4")
    other = enter(colleague)
    cell(other, "K1-1", "outbound").fill("5")
    save(other)
    expect(other.get_by_text("已儲存 1 格。")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="還原上次未儲存的內容").click()
    save(page)
    expect(page.locator(".conflict")).to_contain_text("對方： 5")
    assert stored(report("K1-1", 1), "outbound") == 5


def test_restoring_one_cell_does_not_undo_what_others_did_in_the_rest(
    enter, neighbour, colleague, desk, cell, words, report, now
):
    draft = report("K1-1", 1)
    workflow.save_draft(report=draft, by=colleague, now=now, figures={"outbound": Decimal(3)})
    page = enter(neighbour)
    page.on("dialog", lambda dialog: dialog.accept())
    words(page, "K1-1", "remark").fill("我只打了這一段")
    workflow.save_draft(report=draft, by=colleague, now=now, figures={"outbound": Decimal(77)})
    page.reload()
    page.get_by_role("button", name="還原上次未儲存的內容").click()
    expect(cell(page, "K1-1", "outbound")).to_have_value("77")
    workflow.save_draft(report=draft, by=colleague, now=now, figures={"outbound": Decimal(3)})
    save(page)
    expect(page.get_by_text("已儲存 1 格。")).to_be_visible()
    assert stored(draft, "outbound") == 3
    assert report("K1-1", 1).remark == "我只打了這一段"


def test_another_person_in_the_same_browser_finds_nothing(enter, neighbour, colleague, desk, cell):
    page = enter(neighbour)
    page.on("dialog", lambda dialog: dialog.accept())
    cell(page, "K1-1", "outbound").press_sequentially("4")
    page.context.clear_cookies()
    page.goto(SHEET)
    sign_in(page, colleague)
    page.wait_for_url(f"**{SHEET}*")
    expect(page.locator("#kept")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0


def test_it_works_without_script(enter, neighbour, desk, cell, words, report):
    page = enter(neighbour, java_script_enabled=False)
    cell(page, "K1-1", "outbound").fill("４")
    cell(page, "K1-2", "projects").fill("x")
    words(page, "K1-1", "remark").fill("甲\n乙")
    cell(page, "K1-1", "outbound").press("Enter")  # saves, and does not submit
    expect(page.locator("#problems")).to_contain_text("「x」不是數字")
    expect(cell(page, "K1-1", "outbound")).to_have_value("４")
    cell(page, "K1-2", "projects").fill("92")
    save(page)
    expect(page.get_by_text("已儲存 3 格。")).to_be_visible()
    assert report("K1-1", 1).remark == "甲\n乙"
    cell(page, "K1-1", "inbound").fill("8")
    page.get_by_role("button", name="K1-1 送審").click()
    expect(page.get_by_text("已送審：K1-1。")).to_be_visible()
    assert QuarterReport.objects.get(pk=report("K1-1", 1).pk).status == Status.SUBMITTED


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_and_axe_finds_nothing(enter, neighbour, colleague, desk, cell, width, scheme):
    Indicator.objects.get(code="K2-1").contributing_units.add(desk)
    Indicator.objects.get(code="K2-1").variables.update(by_unit=True)
    # axe itself writes inline styles; that the page keeps to the policy, the other tests see.
    page = enter(neighbour, width, color_scheme=scheme, bypass_csp=True)
    other = enter(colleague)
    cell(other, "K1-1", "outbound").fill("5")
    save(other)
    expect(other.get_by_text("已儲存 1 格。")).to_be_visible()
    cell(page, "K1-1", "outbound").fill("4")
    cell(page, "K1-2", "projects").fill("x")
    save(page)
    expect(page.locator(".conflict")).to_be_visible()
    for details in page.locator("main details").all():
        details.evaluate("each => each.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = (
        Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"], "preload": False}).response["violations"]
    )
    assert [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1024])
def test_nothing_scrolls_sideways(enter, neighbour, desk, width):
    page = enter(neighbour, width, "/worksheet/99/4/DEPT/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
