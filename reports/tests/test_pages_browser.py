"""The pages in Chromium: nothing against the policy, nothing sideways, nothing that axe objects to.

The console is watched for every test (see conftest.py): an error or a violation fails it.
"""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from indicators import workflow
from indicators.models import Indicator, PlannedValue
from mofa_kpi.tests.cast import NOW
from objectives.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = {
    "dashboard within the year": "/?year=99&quarter=2",
    "dashboard at year end": "/?year=99&quarter=4&basis=provisional",
    "indicator": "/indicators/K1-1/?year=99&quarter=2",
    "indicator with a long definition": "/indicators/C3-2/?year=99&quarter=4",
    "plan": "/plan/",
    "search": "/search/?q=台日",
    "what if": "/indicators/K1-1/what-if/?year=99&quarter=2&q2-inbound=七",
    "narrowed dashboard": "/?year=99&quarter=2&kind=key",
    "password": "/accounts/password/",
    "nothing": "/?year=12",
}
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")


@pytest.fixture
def some_figures(approved, report, planner):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=2, value=28)
    approved("K1-1", 1, outbound=4, inbound=8)
    approved("K1-1", 2, behind=True, outbound=5, inbound=10)
    approved("K7-1", 1, remitted=1_000_000, budget=8_000_000)
    approved("C3-1", 4, next_year=1980, this_year=2000)
    approved("C2-2", 4, requested=10_800, ceiling=10_000)
    found = workflow.save_draft(
        report=report("K8-1", 1), by=planner, now=NOW, figures={}, not_applicable_reason="本季無此業務"
    )
    workflow.submit(report=found, by=planner, now=NOW)


@pytest.fixture
def opened(live_server, new_context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Open a browser of a width and a colour scheme, and sign somebody in."""

    def enter(user: str | None = None, *, width: int = 1280, scheme: str = "light", **options: Any) -> Page:
        viewport = {"width": width, "height": 900}
        context = new_context(base_url=live_server.url, viewport=viewport, color_scheme=scheme, **options)
        if user:
            client = Client()
            client.force_login(User.objects.get(username=user))
            session = client.cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.goto("/" if user else "/accounts/login/")
        return page

    return enter


def objections(page: Page) -> list[str]:
    """Return what axe finds wrong, each rule with its first element."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing(opened, some_figures, manager, complaints, scheme, width):
    # axe itself writes inline styles; that the pages keep to the policy, the other tests see.
    page = opened(width=width, scheme=scheme, bypass_csp=True)
    assert objections(page) == [], "sign-in"
    page = opened("manager", width=width, scheme=scheme, bypass_csp=True)
    for name, address in PAGES.items():
        page.goto(address)
        assert objections(page) == [], name
    without_404(complaints)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [*WIDTHS, 320])
def test_nothing_scrolls_sideways_and_the_policy_is_kept(
    opened, some_figures, manager, complaints, width, scheme
):
    page = opened("manager", width=width, scheme=scheme)
    for name, address in PAGES.items():
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    without_404(complaints)


def without_404(complaints: list[str]) -> None:
    """Forget that the browser mentioned the page that is not there; anything else stays."""
    complaints[:] = [said for said in complaints if "404" not in said]


def test_the_stylesheet_and_its_tokens_are_loaded(opened, plan, manager):
    light, dark = (opened("manager", scheme=scheme) for scheme in SCHEMES)
    colour = "getComputedStyle(document.body).backgroundColor"
    assert light.evaluate(colour) == "rgb(244, 246, 248)"
    assert dark.evaluate(colour) == "rgb(17, 23, 30)"


def test_on_a_phone_a_row_is_a_card_that_names_its_cells(opened, some_figures, manager):
    page = opened("manager", width=390)
    page.goto("/?year=99&quarter=2")
    cell = page.locator("#goal-K1 td[data-label]").first
    assert page.evaluate("e => getComputedStyle(e, '::before').content", cell.element_handle()) != "none"
    assert page.locator("#goal-K1 tbody tr").first.evaluate("e => getComputedStyle(e).display") == "block"


def test_a_chart_says_its_numbers(opened, some_figures, manager):
    page = opened("manager")
    page.goto("/?year=99&quarter=2")
    chart = page.locator("#goal-K1").get_by_role("img").first
    expect(chart).to_have_accessible_name("K1-1 加強雙方政要互訪：累計 27、預定 28、目標 55 次數")
    track, bar = (chart.locator(f".{part}").bounding_box()["width"] for part in ("track", "bar"))
    assert bar / track == pytest.approx(27 / (55 * 1.15), abs=0.01)


def test_everything_works_from_the_keyboard(opened, plan, manager):
    page = opened("manager")
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    account = page.locator("details.account summary")
    account.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="登出")).to_be_visible()
    page.get_by_role("button", name="登出").click()
    page.wait_for_url("**/accounts/login/**")


def test_the_language_can_be_switched_there_and_back(opened, plan, manager):
    page = opened("manager")
    page.goto("/?year=99&quarter=2")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ROC year 99, quarter 2")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("99 年度 第 2 季")


def test_a_file_is_downloaded_under_its_name(opened, some_figures, manager):
    page = opened("manager")
    page.goto("/?year=99&quarter=2")
    with page.expect_download() as download:
        page.locator("a[href*='attainment.csv']").click()
    assert download.value.suggested_filename == "99年度第2季達成情形.csv"


def test_print_is_black_on_white_without_the_menus(opened, some_figures, manager):
    page = opened("manager", scheme="dark")
    page.goto("/?year=99&quarter=2")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect(page.locator("nav.main")).to_be_hidden()
    expect(page.locator("svg.bullet").first).to_be_visible()
