"""«我的填報» and the printable form in Chromium: quiet, nothing sideways, nothing that axe objects to."""

from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from indicators import workflow
from indicators.models import Reminder
from objectives.models import User

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def enter(live_server, new_context):
    """Open a phone on which user is signed in."""

    def signed_in(user: User, **options) -> Page:
        client = Client()
        client.force_login(user)
        context = new_context(base_url=live_server.url, viewport=PHONE, **options)
        context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        return context.new_page()

    return signed_in


def objections(page: Page, complaints: list[str]) -> list[str]:
    """Return what axe finds wrong; that it asks for a stylesheet at the wrong address is no complaint."""
    found = Axe().run(page).response["violations"]
    complaints[:] = [words for words in complaints if "404" not in words]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found]


def fits(page: Page) -> bool:
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")


@pytest.fixture
def returned(report, planner, head, now):
    """K1-1 of quarter 4, sent back."""
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    saved = workflow.save_draft(report=report("K1-1", 4), by=planner, now=now, figures=figures)
    sent = workflow.submit(report=saved, by=planner, now=now)
    return workflow.return_for_correction(report=sent, by=head, now=now, reason="請查明來訪次數")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_my_work_fits_a_phone_and_axe_finds_nothing(enter, planner, returned, now, complaints, scheme):
    Reminder.objects.create(person=planner, day=now.date(), subject="待辦", body="一\n二")
    # axe itself writes inline styles; that the page keeps to the policy, the other tests see.
    page = enter(planner, color_scheme=scheme, bypass_csp=True)
    page.goto("/my-work/")
    assert fits(page)
    assert objections(page, complaints) == []


def test_a_planner_finds_what_came_back(enter, planner, returned):
    page = enter(planner)
    page.goto("/")
    page.get_by_role("link", name="我的填報").click()
    page.get_by_role("link", name="↩ 退回").click()
    expect(page.get_by_text("請查明來訪次數")).to_be_visible()
    page.get_by_role("link", name="K1-1").click()
    page.wait_for_url(f"**/{returned.pk}/change/")


def test_the_form_to_print_fits_and_is_black_on_white(enter, planner, returned, complaints):
    page = enter(planner, color_scheme="dark", bypass_csp=True)
    page.goto("/print/99/4/MOFA/")
    assert fits(page)
    assert objections(page, complaints) == []
    page.emulate_media(media="print")
    assert fits(page)
    assert page.locator("nav.main").is_hidden()
    look = "getComputedStyle(document.querySelector('.sheet'))"
    assert page.evaluate(f"[{look}.color, {look}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.get_by_text("尚未審核通過").first.is_visible()
