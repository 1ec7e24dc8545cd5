"""The pages of imports: what each shows, who gets in, who decides, and which files leave the site."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from indicators import import_pages, workflow
from indicators.imports import batches
from indicators.imports.figures import Decisions
from indicators.imports.plan_files import plan_workbook
from indicators.imports.preview import RowState
from indicators.imports.stamps import Stamp
from indicators.imports.written import tally, written
from indicators.models import Figure, ImportBatch, ImportFile, QuarterReport, Variable
from ledger.models import Action, Entry
from objectives.models import Unit
from objectives.roles import Role
from objectives.spreadsheets.reading import MAX_SIZE, read_sheets
from objectives.tests.pages import signed_in, text

HEADER = "年度,季別,指標代碼,填報項目,數值,備註"
GOOD = ("99,1,K1-1,outbound,4,第一季互訪", "99,1,K1-1,inbound,８,")
BAD = ("99,1,K1-1,outbound,四,", "99,1,K9-9,x,1,", "99,1,K1-1,inbound,8,")
STAMPED = f"{HEADER},版本"

State = ImportBatch.State
Upload = Callable[..., ImportBatch]


def in_csv(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows]).encode("utf-8-sig")


@pytest.fixture
def upload(planner: Any, now: Any) -> Upload:
    """Upload rows: upload("99,1,…", by=…, name=…)."""

    def send(*rows: str, by: Any = planner, name: str = "第一季.csv", header: str = HEADER) -> ImportBatch:
        content = in_csv(*(rows or GOOD), header=header)
        return batches.upload(content=content, name=name, by=by, now=now)

    return send


@pytest.fixture
def conflict(upload: Upload, planner: Any, report: Any, now: Any) -> ImportBatch:
    """A row of a workbook, filled in while somebody else entered another figure."""
    draft = report("K1-1", 1)
    stamp = Stamp.of(draft.version, None)
    workflow.save_draft(report=draft, by=planner, now=now, figures={"outbound": Decimal(6)})
    return upload(f"99,1,K1-1,outbound,4,,{stamp}", header=STAMPED)


def page(batch: ImportBatch | None, name: str = "import_batch") -> str:
    return reverse(name, args=[batch.pk] if batch else [])


def send(client: Client, name: str, content: bytes) -> Any:
    return client.post(page(None, "import_upload"), {"file": SimpleUploadedFile(name, content)})


def alerts(response: Any) -> str:
    """Return everything on a page that is announced at once."""
    content = response.content.decode()
    return "".join(part.partition("</div>")[0] for part in content.split('role="alert"')[1:])


# -- Uploading ---------------------------------------------------------------------------------------------


def test_an_uploaded_file_is_shown_row_by_row_and_nothing_of_it_is_written(planner):
    client = signed_in(planner)
    response = send(client, "外交部 第1季.csv", in_csv(*GOOD))
    batch = ImportBatch.objects.get()
    assert response.url == page(batch)
    said = text(client.get(response.url))
    for words in ("外交部 第1季.csv", batch.sha256, "已檢核，待確認匯入", "確認匯入（2 筆）", "第一季互訪"):
        assert words in said
    assert "K1-1" in said
    assert not Figure.objects.exists()


def test_a_file_that_is_too_large_is_refused_in_words_and_not_read(planner, monkeypatch):
    monkeypatch.setattr(batches, "upload", lambda **_: pytest.fail("it was read"))
    response = send(signed_in(planner), "a.csv", b"x" * (MAX_SIZE + 1))
    assert response.status_code == 200
    assert "至多匯入 5 MB" in alerts(response)


def test_of_a_request_that_is_far_too_large_nothing_is_kept(planner, settings):
    settings.UPLOAD_MAX_SIZE = 1000
    response = send(signed_in(planner), "a.csv", b"x" * 2000)
    assert response.status_code == 413
    assert "遠超過" in alerts(response)
    assert not ImportBatch.objects.exists()


def test_a_full_disk_is_told_of(planner, monkeypatch):
    monkeypatch.setattr(import_pages, "has_failed", lambda request: True)
    assert send(signed_in(planner), "a.csv", in_csv(*GOOD)).status_code == 507


@pytest.mark.parametrize(("content", "words"), [(None, "請選擇要匯入的檔案"), (b"", "檔案沒有內容")])
def test_no_file_and_an_empty_one_are_asked_for_again(planner, content, words):
    client = signed_in(planner)
    nothing = client.post(page(None, "import_upload"), {})
    response = nothing if content is None else send(client, "a.csv", content)
    assert words in alerts(response)
    assert not ImportBatch.objects.exists()


def test_a_file_of_another_type_is_refused_recorded_and_not_kept(planner):
    client = signed_in(planner)
    said = text(client.get(send(client, "報告.docx", b"PK\x03\x04").url))
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.name) == (State.REFUSED, "報告.docx")
    assert "不予匯入" in said
    assert batch.refusal in said
    assert "下載原檔" not in said
    assert "亦未保存" in alerts(client.get(page(batch, "import_file")))
    assert not Entry.objects.filter(action=Action.EXPORT).exists()


@pytest.mark.parametrize("who", ["head", "reviewer", "manager", "auditor"])
def test_who_enters_nothing_is_offered_no_upload_and_refused_one(request, client, who):
    client.force_login(request.getfixturevalue(who))
    assert "上傳並檢核" not in text(client.get(page(None, "imports")))
    assert client.get(page(None, "import_upload")).status_code == 403
    assert send(client, "a.csv", in_csv(*GOOD)).status_code == 403
    assert not ImportBatch.objects.exists()


def test_after_a_sign_out_the_page_says_that_the_file_must_be_chosen_again(planner):
    browser = Client(headers={"accept": "text/html"})
    response = send(browser, "第一季.csv", in_csv(*GOOD))
    assert response.status_code == 200
    assert "重新選擇檔案" in alerts(response)
    assert f'name="next" value="{page(None, "import_upload")}"' in response.content.decode()
    assert not ImportBatch.objects.exists()


# -- The preview -------------------------------------------------------------------------------------------


def test_all_problems_stand_first_each_with_its_place(upload, planner):
    batch = upload(*BAD)
    response = signed_in(planner).get(page(batch))
    said = text(response)
    assert "有 2 項錯誤待更正" in said
    first, second = response.context["wrong"]
    assert (first.row, first.header, first.column) == (2, "數值", "E")
    assert (second.row, second.header) == (3, "指標代碼")
    assert said.index(first.reason) < said.index(second.reason) < said.index("逐列檢核結果")
    assert "確認匯入" not in said
    assert [row.number for row, _mark in response.context["rows"]] == [2, 3, 4]


def test_the_counters_narrow_the_rows_by_the_address(upload, planner, report, now):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(7)}
    )
    batch = upload(*GOOD, "99,2,K1-1,outbound,1,")
    client = signed_in(planner)
    everything = client.get(page(batch)).context["rows"]
    assert [row.state for row, _mark in everything] == [
        RowState.CHANGED, RowState.CHANGED, RowState.NEW,
    ]  # fmt: skip
    response = client.get(page(batch) + "?rows=new")
    assert [row.number for row, _mark in response.context["rows"]] == [4]
    assert "僅顯示「新增」之列" in text(response)
    assert "沒有這類資料列" in text(client.get(page(batch) + "?rows=error"))
    assert len(client.get(page(batch) + "?rows=unheard-of").context["rows"]) == 3


def test_a_conflict_shows_both_values_and_what_to_do(conflict, planner):
    client = signed_in(planner)
    said = text(client.get(page(conflict)))
    assert "系統現值 6 檔案內容 4" in said
    assert "請重新下載填報檔" in said
    assert (
        reverse("worksheet", args=[99, 1, conflict.unit.code]) in client.get(page(conflict)).content.decode()
    )
    assert "確認匯入" not in said


def test_long_files_come_in_pages_what_needs_somebody_first(upload, planner, monkeypatch):
    monkeypatch.setattr(import_pages, "ROWS_A_PAGE", 2)
    monkeypatch.setattr(import_pages, "PROBLEMS_AT_ONCE", 1)
    batch = upload("99,1,K1-1,inbound,8,", "99,1,K1-1,outbound,四,", "99,2,K1-1,inbound,五,")
    client = signed_in(planner)
    response = client.get(page(batch))
    assert [row.number for row, _mark in response.context["rows"]] == [3, 4]
    assert "此處僅列前 1 項" in text(response)
    second = client.get(page(batch) + "?page=2")
    assert [row.number for row, _mark in second.context["rows"]] == [2]
    assert "第 2 頁，共 2 頁" in text(second)
    narrowed = client.get(page(batch) + "?rows=error&page=99")
    assert [row.number for row, _mark in narrowed.context["rows"]] == [3, 4]


def test_a_refused_file_that_nothing_is_wrong_with_by_now_can_be_uploaded_again(
    conflict, planner, report, now
):
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)})
    said = text(signed_in(planner).get(page(conflict)))
    assert "目前檢核已無錯誤" in said
    assert "確認匯入" not in said


def test_a_file_that_says_nothing_new_is_not_to_be_confirmed(upload, planner, report, now):
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures, remark="第一季互訪")
    said = text(signed_in(planner).get(page(upload())))
    assert "無須匯入" in said
    assert "確認匯入（" not in said


def test_a_kept_file_that_was_altered_is_told_of(upload, planner):
    batch = upload()
    ImportFile.objects.filter(batch=batch).update(content=b"something else")
    client = signed_in(planner)
    for name in ("import_batch", "import_file", "import_marked"):
        assert "SHA-256" in alerts(client.get(page(batch, name)))
    assert "SHA-256" in alerts(client.post(page(batch, "import_apply")))


# -- Deciding ----------------------------------------------------------------------------------------------


def test_a_confirmed_file_is_written_and_told_of(upload, planner):
    batch = upload()
    client = signed_in(planner)
    assert client.post(page(batch, "import_apply"))["Location"] == page(batch)
    batch.refresh_from_db()
    assert batch.state == State.APPLIED
    assert {figure.variable.symbol: figure.value for figure in Figure.objects.all()} == {
        "outbound": 4, "inbound": 8,
    }  # fmt: skip
    response = client.get(page(batch))
    said = text(response)
    assert "已匯入 2 筆" in said
    assert "填報值 新增 2" in said
    assert "（空白） → 改為 8" in said
    report = QuarterReport.objects.get(indicator__code="K1-1", quarter=1)
    body = response.content.decode()
    for address in (
        reverse("worksheet", args=[99, 1, batch.unit.code]),
        reverse("admin:indicators_quarterreport_change", args=[report.pk]),
        reverse("history", args=["indicators.quarterreport", report.pk]),
    ):
        assert address in body


def test_a_second_confirm_says_that_it_was_applied_and_changes_nothing(upload, planner):
    batch, client = upload(), signed_in(planner)
    client.post(page(batch, "import_apply"))
    head = Entry.objects.filter(action__in=[Action.INSERT, Action.UPDATE]).count()
    response = client.post(page(batch, "import_apply"))
    batch.refresh_from_db()
    assert str(batch.decided_by) in alerts(response)
    assert "匯入" in alerts(response)
    assert Entry.objects.filter(action__in=[Action.INSERT, Action.UPDATE]).count() == head
    assert client.post(page(batch, "import_withdraw")).status_code == 200
    batch.refresh_from_db()
    assert batch.state == State.APPLIED


def test_a_withdrawn_file_cannot_be_confirmed(upload, planner):
    batch, client = upload(), signed_in(planner)
    assert client.post(page(batch, "import_withdraw"))["Location"] == page(batch)
    assert "未匯入任何資料" in text(client.get(page(batch)))
    assert alerts(client.post(page(batch, "import_apply")))
    assert not Figure.objects.exists()


def test_what_changed_since_the_preview_is_refused_and_shown(upload, planner, neighbour, person, report, now):
    batch = upload()
    other = person("other", (Role.PLANNER, Unit.objects.get(pk=report("K1-1", 1).indicator.lead_unit_id)))
    workflow.save_draft(report=report("K1-1", 1), by=other, now=now, figures={"outbound": Decimal(5)})
    response = signed_in(planner).post(page(batch, "import_apply"))
    assert "未匯入任何資料" in alerts(response)
    assert response.context["wrong"]
    batch.refresh_from_db()
    assert batch.state == State.CHECKED


def test_coming_to_a_decision_by_its_address_leads_to_the_preview(upload, planner):
    batch, client = upload(), signed_in(planner)
    for name in ("import_apply", "import_withdraw"):
        assert client.get(page(batch, name))["Location"] == page(batch)
    batch.refresh_from_db()
    assert batch.state == State.CHECKED


@pytest.mark.parametrize("who", ["auditor", "administrator"])
def test_who_looks_through_imports_sees_all_of_one_and_decides_nothing(request, client, upload, who):
    batch = upload()
    client.force_login(request.getfixturevalue(who))
    said = text(client.get(page(batch)))
    assert "K1-1" in said
    assert "（空白） → 改為 8" in said
    assert "僅上傳人員（planner）可確認匯入或放棄" in said
    assert "確認匯入（" not in said
    for name in ("import_apply", "import_withdraw"):
        assert client.post(page(batch, name)).status_code == 403
    assert not Figure.objects.exists()


ADDRESSES = ["import_batch", "import_apply", "import_withdraw", "import_file", "import_marked"]


@pytest.mark.parametrize("who", ["neighbour", "stranger", "head", "reviewer", "manager"])
def test_the_import_of_somebody_else_is_hidden_at_every_address(request, client, upload, who):
    batch = upload()
    client.force_login(request.getfixturevalue(who))
    for name in ADDRESSES:
        assert client.get(page(batch, name)).status_code == 404
    for name in ("import_apply", "import_withdraw"):
        assert client.post(page(batch, name)).status_code == 404
    assert batch.name not in text(client.get(page(None, "imports")))
    assert not Entry.objects.filter(action=Action.EXPORT).exists()


def test_without_a_role_there_is_nothing(client, outsider, upload):
    batch = upload()
    client.force_login(outsider)
    for name in ADDRESSES:
        assert client.get(page(batch, name)).status_code == 403
    assert client.get(page(None, "imports")).status_code == 403


# -- Files -------------------------------------------------------------------------------------------------


def test_the_original_leaves_as_it_came_and_the_ledger_knows(upload, planner, auditor):
    batch = upload()
    response = signed_in(auditor).get(page(batch, "import_file"))
    assert response.content == in_csv(*GOOD)
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert response["Content-Type"] == "text/csv"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    entry = Entry.objects.get(action=Action.EXPORT)
    assert (entry.actor, entry.table, entry.key) == (auditor.username, batch._meta.db_table, str(batch.pk))
    assert entry.new == {"file": "第一季.csv", "sha256": batch.sha256}


def test_the_marked_copy_names_what_is_wrong(upload, planner):
    batch = upload(*BAD)
    response = signed_in(planner).get(page(batch, "import_marked"))
    said = " ".join(
        cell for sheet in read_sheets(response.content, "xlsx") for _, row in sheet.rows for cell in row
    )
    for problem in batches.preview(batch, by=planner, now=timezone.now()).all_problems:
        assert problem.reason in said
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Entry.objects.get(action=Action.EXPORT).new["file"] == "第一季（標示錯誤）.xlsx"


# -- The list ----------------------------------------------------------------------------------------------


def listed(client: Client, query: str = "") -> list[str]:
    return [batch.name for batch, _mark in client.get(page(None, "imports") + query).context["batches"]]


def test_the_list_has_the_newest_first_and_is_narrowed_by_the_address(upload, planner, person, auditor):
    somebody = person("somebody", (Role.PLANNER, Unit.objects.get(parent=None)))
    upload(name="一.csv")
    upload(*BAD, name="二.csv")
    upload(by=somebody, name="三.csv")
    client = signed_in(auditor)
    assert listed(client) == ["三.csv", "二.csv", "一.csv"]
    assert listed(client, "?state=REFUSED") == ["二.csv"]
    assert listed(client, "?person=someb") == ["三.csv"]
    assert listed(client, "?kind=PLAN") == []
    assert listed(client, "?kind=FIGURES&state=CHECKED&person=plan") == ["一.csv"]
    assert "沒有符合條件" in text(client.get(page(None, "imports") + "?person=nobody"))
    assert listed(client, "?state=unheard-of") == []
    assert listed(signed_in(planner)) == ["二.csv", "一.csv"]


def test_the_list_comes_in_pages_that_keep_the_filters(upload, planner, monkeypatch):
    monkeypatch.setattr(import_pages, "BATCHES_A_PAGE", 1)
    upload(name="一.csv")
    upload(name="二.csv")
    client = signed_in(planner)
    response = client.get(page(None, "imports") + "?state=CHECKED")
    assert "?state=CHECKED&amp;page=2" in response.content.decode()
    assert listed(client, "?state=CHECKED&page=2") == ["一.csv"]


def test_a_list_costs_the_same_however_many_imports_it_has(upload, planner, django_assert_max_num_queries):
    client = signed_in(planner)
    for number in range(5):
        upload(name=f"{number}.csv")
    client.get(page(None, "imports"))
    with django_assert_max_num_queries(25):
        assert len(listed(client)) == 5


@pytest.mark.parametrize(
    ("who", "is_led"),
    [("planner", True), ("administrator", True), ("auditor", True), ("manager", False), ("head", False)],
)
def test_the_navigation_leads_there_whoever_has_a_use_for_it(request, client, who, is_led):
    client.force_login(request.getfixturevalue(who))
    link = f'href="{page(None, "imports")}"'
    for address in (reverse("dashboard"), reverse("admin:index")):
        assert (link in client.get(address).content.decode()) is is_led


# -- What was written --------------------------------------------------------------------------------------


def test_what_was_written_is_told_from_before_to_after_with_texts_and_constants(
    planner, reviewer, report, now
):
    workflow.save_draft(report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(3)})
    rows = ("99,1,K5-2,projects,5,,延後,99/12/31", "99,,K3-1,baseline,39,,,", "99,4,K8-2,done,是,,,")
    content = in_csv(*rows, header=f"{HEADER},落後原因,預定改善期限")
    with_reviewer: Any = {"by": planner, "now": now, "decide": Decisions(approver=reviewer)}
    batch = batches.upload(content=content, name="a.csv", **with_reviewer)
    assert (batch.refusal, written(batch)) == ("", [])
    batches.apply(batch=batch, **with_reviewer)
    batch.refresh_from_db()
    told = [
        (each.indicator.code, each.report.quarter if each.report else None, [
            (change.before, change.after) for change in each.changes
        ])
        for each in written(batch)
    ]  # fmt: skip
    assert told == [
        ("K3-1", None, [("", "39")]),
        ("K5-2", 1, [("3", "5"), ("", "延後"), ("", "99 年 12 月 31 日")]),
        ("K8-2", 4, [("", "是")]),
    ]
    kinds = {(kind, action): number for kind, action, number in tally(batch)}
    assert kinds[str(Figure._meta.verbose_name), "新增"] == 1
    assert kinds[str(Figure._meta.verbose_name), "修改"] == 1
    assert kinds[str(Variable._meta.verbose_name), "修改"] == 1


def test_what_others_wrote_meanwhile_is_not_told_as_the_imports(upload, planner, neighbour, report, now):
    batch = upload()
    workflow.save_draft(report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(3)})
    batches.apply(batch=batch, by=planner, now=now)
    workflow.save_draft(report=report("K5-2", 2), by=planner, now=now, figures={"projects": Decimal(3)})
    batch.refresh_from_db()
    assert [each.indicator.code for each in written(batch)] == ["K1-1"]


def test_of_a_plans_file_every_object_that_was_written_leads_to_its_history(administrator, plan, now):
    content = plan_workbook(plan, "xlsx", by=administrator, now=now)
    book = openpyxl.load_workbook(io.BytesIO(content))
    book["目標"].cell(2, column_of(book["目標"], "名稱")).value = "改過的名稱"
    stream = io.BytesIO()
    book.save(stream)
    batch = batches.upload(content=stream.getvalue(), name="計畫.xlsx", by=administrator, now=now)
    client = signed_in(administrator)
    assert "確認匯入（1 筆）" in text(client.get(page(batch)))
    assert client.post(page(batch, "import_apply"))["Location"] == page(batch)
    response = client.get(page(batch))
    [(thing, goal)] = response.context["things"]
    assert (thing.done, goal.title) == (Action.UPDATE, "改過的名稱")
    body = response.content.decode()
    for address in (
        reverse("history", args=["objectives.goal", goal.pk]),
        reverse("admin:objectives_plan_change", args=[plan.pk]),
        reverse("admin:indicators_plan_file", args=[plan.pk, "xlsx"]),
    ):
        assert address in body


def column_of(sheet: Any, header: str) -> int:
    return [cell.value for cell in sheet[1]].index(header) + 1
