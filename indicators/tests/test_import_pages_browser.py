"""A file imported in Chromium: uploaded, looked at, confirmed; mended and given up; at both widths."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from indicators import workflow
from indicators.imports import batches
from indicators.imports.stamps import Stamp
from indicators.models import Figure, ImportBatch

from .test_evidence_browser import enter, is_fine
from .test_import_pages import BAD, GOOD, HEADER, STAMPED, in_csv
from .test_workbook import filled, place

__all__ = ["enter"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def choose(page: Page, name: str, *rows: str, header: str = HEADER) -> None:
    attach(page, name, in_csv(*rows, header=header))


def attach(page: Page, name: str, content: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": content})


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_planner_fills_in_a_workbook_uploads_it_confirms_and_sees_the_worksheet(
    enter, planner, complaints, width
):
    page = enter(planner, width)
    page.goto("/")
    page.get_by_role("link", name="匯入", exact=True).click()
    expect(page.get_by_role("heading", name="匯入檔案")).to_be_visible()
    is_fine(page, complaints)
    first = page.get_by_role("listitem").filter(has_text="99 年度第 1 季")
    with page.expect_download() as taken:
        first.get_by_role("link", name="XLSX").click()
    content = Path(taken.value.path()).read_bytes()
    cells = [place(content, "K1-1", "數值", nth) for nth in (0, 1)]
    content = filled(content, **dict(zip(cells, (4, 8), strict=True)))
    name = taken.value.suggested_filename
    attach(page, name, content)
    button(page, "上傳並檢核")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator(".rows tbody tr").filter(has_text="新增")).to_have_count(2)
    is_fine(page, complaints)
    with page.expect_download() as taken:
        page.get_by_role("link", name="下載原檔").click()
    assert Path(taken.value.path()).read_bytes() == content
    assert not Figure.objects.exists()

    button(page, "確認匯入（2 筆）")
    expect(page.get_by_text("已匯入 2 筆。")).to_be_visible()
    is_fine(page, complaints)
    page.get_by_role("link", name="開啟填報表").first.click()
    expect(page.locator("input[data-cell]").first).to_have_value("4")
    assert sorted(figure.value for figure in Figure.objects.all()) == [4, 8]

    page.go_back()
    page.get_by_role("link", name="所有匯入紀錄").click()
    expect(page.locator(".imports tbody tr")).to_contain_text("已匯入")
    is_fine(page, complaints)


@pytest.mark.parametrize("width", [1280, 390])
def test_mistakes_and_conflicts_are_seen_narrowed_and_given_up(
    enter,
    planner,
    report,
    now,
    complaints,
    width,
):
    page = enter(planner, width)
    page.goto("/imports/upload/")
    button(page, "上傳並檢核")  # the browser itself asks for a file
    choose(page, "a.csv", *BAD)
    button(page, "上傳並檢核")
    expect(page.get_by_role("alert")).to_contain_text("有 2 項錯誤待更正")
    expect(page.locator(".problems tbody tr")).to_have_count(2)
    is_fine(page, complaints)
    page.get_by_role("navigation", name="依結果篩選").get_by_role("link", name="錯誤").click()
    expect(page.locator(".rows tbody tr")).to_have_count(2)

    draft = report("K1-1", 1)
    stamp = Stamp.of(draft.version, None)
    workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(6)})
    page.get_by_role("link", name="上傳其他檔案").click()
    choose(page, "b.csv", f"99,1,K1-1,outbound,4,,{stamp}", header=STAMPED)
    button(page, "上傳並檢核")
    expect(page.get_by_role("alert")).to_contain_text("於下載後另有變更")
    expect(page.locator(".moves")).to_contain_text("系統現值")
    is_fine(page, complaints)

    page.get_by_role("link", name="上傳其他檔案").click()
    choose(page, "c.csv", "99,2,K1-1,outbound,4,")
    button(page, "上傳並檢核")
    button(page, "放棄")
    expect(page.get_by_text("已放棄「c.csv」")).to_be_visible()
    assert ImportBatch.objects.filter(state=ImportBatch.State.WITHDRAWN).count() == 1


def stays(page: Page, address: str) -> Locator:
    """Let a form wait for an answer that does not come; return it."""
    form = page.locator(f"form[action$='{address}']")
    form.evaluate("form => form.addEventListener('submit', event => event.preventDefault())")
    return form


def test_what_takes_long_is_told_and_cannot_be_sent_twice(enter, planner, now):
    page = enter(planner, 1280)
    page.goto("/imports/")
    choose(page, "a.csv", *GOOD)
    form = stays(page, "/upload/")
    button(page, "上傳並檢核")
    expect(form.get_by_role("status")).to_contain_text("正在檢核")
    expect(form.get_by_role("status")).to_contain_text("1 秒")
    expect(form.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("button", name="上傳並檢核")).to_be_disabled()
    form.evaluate("form => form.submit()")

    expect(page.get_by_role("button", name="確認匯入（2 筆）")).to_be_enabled()
    form = stays(page, "/apply/")
    button(page, "確認匯入（2 筆）")
    expect(form.get_by_role("status")).to_contain_text("正在匯入 2 筆")
    expect(page.get_by_role("button", name="放棄")).to_be_disabled()
    batches.apply(batch=ImportBatch.objects.get(), by=planner, now=now)  # on another host, meanwhile
    form.evaluate("form => form.submit()")
    expect(page.get_by_role("alert")).to_contain_text("匯入")
    assert Figure.objects.count() == 2
