"""Evidence in Chromium: uploaded, listed, removed, at both widths; conftest.py watches the console."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from indicators import evidence_store
from indicators.models import Evidence
from objectives.models import User

from .test_file_check import pdf, png

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def enter(live_server, new_context) -> Callable[[User, int], Page]:
    """Open a browser of a width in which somebody is signed in."""

    def signed_in(user: User, width: int) -> Page:
        client = Client()
        client.force_login(user)
        context = new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if width < 1000 else "light",
        )
        context.add_cookies(
            [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
        )
        return context.new_page()

    return signed_in


def is_fine(page: Page, complaints: list[str]) -> None:
    """Fail where something scrolls sideways, breaks the policy, or axe objects."""
    assert complaints == []
    root = "document.documentElement"
    assert not page.evaluate(f"{root}.scrollWidth > {root}.clientWidth")
    found = Axe().run(page).response["violations"]
    assert [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found] == []
    complaints.clear()  # axe writes inline styles, and looks for what a stylesheet imports in the wrong place


@pytest.mark.parametrize("width", [1280, 390])
def test_files_are_uploaded_taken_away_and_removed(
    enter, planner, report, tmp_path: Path, settings, complaints, width
):
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    draft = report("K1-1", 1)
    page = enter(planner, width)
    page.goto(f"/evidence/{draft.pk}/")
    long = "外交部與友邦雙邊諮商會議紀錄及簽署文件掃描檔第一冊共三冊之一" * 3 + ".pdf"
    chosen = [
        {"name": long, "mimeType": "application/pdf", "buffer": pdf()},
        {"name": "現場照片.png", "mimeType": "image/png", "buffer": png()},
    ]
    page.locator("input[type=file]").set_input_files(chosen)
    page.get_by_role("button", name="上傳", exact=True).click()
    expect(page.get_by_text("已上傳 2 個檔案。")).to_be_visible()
    page.get_by_label("公文文號").fill("外北美字第 0990012345 號")
    page.get_by_role("button", name="登錄文號").click()
    expect(page.get_by_text("已登錄公文文號。")).to_be_visible()
    expect(page.locator(".pieces li")).to_have_count(3)

    with page.expect_download() as taken:
        page.get_by_role("link", name="現場照片.png", exact=True).click()
    assert taken.value.suggested_filename == "現場照片.png"
    assert Path(taken.value.path()).read_bytes() == png()

    page.get_by_role("link", name="移除「現場照片.png」").click()
    expect(page.get_by_role("button", name="移除")).to_be_visible()
    is_fine(page, complaints)
    page.get_by_role("button", name="移除").click()
    expect(page.get_by_text("已移除「現場照片.png」。")).to_be_visible()
    expect(page.locator(".removed del")).to_have_text("現場照片.png")
    [kept] = Evidence.objects.kept().exclude(name="")
    assert [file.name for file in evidence_store.files()] == [kept.stored_name]

    page.locator("input[type=file]").set_input_files([{**chosen[0], "name": "again.pdf"}])
    page.get_by_role("button", name="上傳", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("為同一檔案")
    page.locator(".evidence summary").first.click()
    is_fine(page, complaints)
