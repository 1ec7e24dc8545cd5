"""Publishing in Chromium: a reviewer publishes, takes the file away, verifies it, and corrects the report."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from .test_pages_browser import objections, opened, without_404

__all__ = ["opened"]

pytestmark = pytest.mark.django_db(transaction=True)


def taken(page: Page, link: str) -> bytes:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    return Path(download.value.path()).read_bytes()


def test_a_reviewer_publishes_verifies_and_corrects(opened, quick, plan, reviewer, tmp_path):
    page = opened("reviewer")
    page.get_by_role("link", name="已發布報告").click()
    page.get_by_role("link", name="99 年度第 2 季季報", exact=True).click()
    page.get_by_role("button", name="發布", exact=True).click()
    expect(page.get_by_text("已發布，編號 MOFA-99-Q2-1。")).to_be_visible()
    first = taken(page, "MOFA-99-Q2-1.pdf")
    expect(page.get_by_text(hashlib.sha256(first).hexdigest())).to_be_visible()

    page.get_by_role("link", name="發布勘誤版").click()
    page.get_by_role("button", name="發布勘誤版").click()
    expect(page.get_by_role("alert")).to_contain_text("請敘明勘誤原因")
    page.get_by_label("勘誤原因").fill("第 2 季往訪次數誤植")
    page.get_by_role("button", name="發布勘誤版").click()
    expect(page.get_by_text("已發布，編號 MOFA-99-Q2-2。")).to_be_visible()

    page.get_by_role("link", name="MOFA-99-Q2-1", exact=True).click()
    expect(page.get_by_role("note")).to_contain_text("本報告已有勘誤版")
    assert taken(page, "MOFA-99-Q2-1.pdf") == first

    kept = tmp_path / "收到的報告.pdf"
    kept.write_bytes(first)
    page.get_by_role("link", name="查驗檔案").click()
    page.get_by_label("檔案", exact=False).first.set_input_files(kept)
    page.get_by_role("button", name="查驗").click()
    expect(page.locator(".verdict")).to_contain_text("本檔案確為已發布之 MOFA-99-Q2-1")
    expect(page.locator(".verdict")).to_contain_text("MOFA-99-Q2-2")
    kept.write_bytes(first + b" ")
    page.get_by_label("檔案", exact=False).first.set_input_files(kept)
    page.get_by_role("button", name="查驗").click()
    expect(page.locator(".verdict")).to_contain_text("查無此 SHA-256 之已發布報告")


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    opened, published, reviewer, complaints, scheme, width
):
    old = published()
    published(reason="第 2 季往訪次數誤植")
    page = opened("reviewer", width=width, scheme=scheme, bypass_csp=True)
    for address in (
        "/published/", f"/published/{old.number}/", "/published/new/?year=99",
        "/published/new/?year=99&quarter=2", "/verify/",
    ):  # fmt: skip
        page.goto(address)
        assert objections(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    page.fill("[name=sha256]", old.files.get(format="pdf").sha256)
    page.get_by_role("button", name="查驗").click()
    expect(page.locator(".verdict")).to_be_visible()
    assert objections(page) == []
    without_404(complaints)
