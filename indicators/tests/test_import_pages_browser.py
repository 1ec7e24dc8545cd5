"""A file imported in Chromium: uploaded, looked at, confirmed; mended and given up; at both widths."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from indicators import workflow
from indicators.imports import batches
from indicators.imports.stamps import Stamp
from indicators.models import Figure, ImportBatch

from .test_evidence_browser import enter, is_fine
from .test_import_pages import BAD, GOOD, HEADER, STAMPED, in_csv

__all__ = ["enter"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def choose(page: Page, name: str, *rows: str, header: str = HEADER) -> None:
    content = in_csv(*rows, header=header)
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": content}]
    )


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_planner_uploads_looks_confirms_and_sees_the_worksheet(enter, planner, complaints, width):
    page = enter(planner, width)
    page.goto("/")
    page.get_by_role("link", name="匯入", exact=True).click()
    expect(page.get_by_role("heading", name="匯入檔案")).to_be_visible()
    is_fine(page, complaints)
    choose(page, "亞東太平洋司第一季填報檔更正後最終版.csv", *GOOD)
    button(page, "上傳並檢核")
    expect(page.get_by_role("heading", level=1)).to_have_text("亞東太平洋司第一季填報檔更正後最終版.csv")
    expect(page.locator(".rows tbody tr")).to_have_count(2)
    is_fine(page, complaints)
    with page.expect_download() as taken:
        page.get_by_role("link", name="下載原檔").click()
    assert Path(taken.value.path()).read_bytes() == in_csv(*GOOD)
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
    expect(page.get_by_role("alert")).to_contain_text("已由他人更動")
    expect(page.locator(".moves")).to_contain_text("系統現值")
    is_fine(page, complaints)

    page.get_by_role("link", name="上傳其他檔案").click()
    choose(page, "c.csv", "99,2,K1-1,outbound,4,")
    button(page, "上傳並檢核")
    button(page, "放棄")
    expect(page.get_by_text("已放棄「c.csv」")).to_be_visible()
    assert ImportBatch.objects.filter(state=ImportBatch.State.WITHDRAWN).count() == 1


def test_what_takes_long_is_told_and_cannot_be_sent_twice(enter, planner, now):
    page = enter(planner, 1280)
    held: list[Route] = []
    page.goto("/imports/")
    page.route("**/imports/upload/", lambda route: held.append(route))
    choose(page, "a.csv", *GOOD)
    waiting = page.get_by_role("status")
    expect(waiting).to_be_hidden()
    button(page, "上傳並檢核")
    expect(waiting).to_contain_text("正在檢核")
    expect(waiting).to_contain_text("1 秒")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_role("button", name="上傳並檢核")).to_be_disabled()
    [route] = held
    route.continue_()
    expect(page.get_by_role("button", name="確認匯入（2 筆）")).to_be_enabled()
    batch = ImportBatch.objects.get()

    page.route("**/apply/", lambda route: held.append(route))
    button(page, "確認匯入（2 筆）")
    expect(page.get_by_role("status")).to_contain_text("正在匯入 2 筆")
    expect(page.get_by_role("button", name="放棄")).to_be_disabled()
    batches.apply(batch=batch, by=planner, now=now)  # on another host, meanwhile
    held[1].continue_()
    expect(page.get_by_role("alert")).to_contain_text("匯入")
    assert Figure.objects.count() == 2
