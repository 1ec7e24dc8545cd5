"""The watch that conftest.py keeps over every page really sees what it should."""

import pytest
from playwright.sync_api import Page

PAGES = {
    "an error on the console": "<script>console.error('broken')</script>",
    "an error in a script": "<script>throw new Error('broken')</script>",
    "a refused promise": "<script>Promise.reject(new Error('broken'))</script>",
    "a missing file": "<img src='/absent.png' alt=''>",
    "an inline style against the policy": "<p style='color: red'>x</p>",
    "a script from elsewhere against the policy": "<script src='https://elsewhere.test/x.js'></script>",
}


def show(page: Page, body: str) -> None:
    policy = "script-src 'self' 'unsafe-inline'; style-src 'self'"
    page.route(
        "http://site.test/",
        lambda route: route.fulfill(
            body=body, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy}
        ),
    )
    page.goto("http://site.test/", wait_until="networkidle")
    page.evaluate("0")  # a round trip: what was said before it has arrived


@pytest.mark.parametrize("what", PAGES)
def test_complaints_are_seen(page: Page, complaints: list[str], what: str) -> None:
    show(page, PAGES[what])
    assert complaints
    complaints.clear()


def test_a_quiet_page_passes(page: Page, complaints: list[str]) -> None:
    show(page, "<p lang=zh-Hant>安靜</p>")
    assert complaints == []
    assert page.evaluate("navigator.language") == "zh-TW"
