"""Imports as batches: checked, kept, applied once; a workbook writes what was changed over what was seen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F, Value
from django.db.models.functions import Concat

from indicators import workflow
from indicators.imports import batches
from indicators.imports.lines import ImportRefused
from indicators.imports.marked import marked_copy
from indicators.imports.preview import Preview, RowState
from indicators.imports.stamps import Stamp
from indicators.models import Figure, ImportBatch, ImportFile, Indicator, QuarterReport, Status, Variable
from ledger.models import Action, Entry
from objectives.models import Plan, Unit

HEADERS = (
    "年度", "季別", "指標代碼", "指標", "填報項目", "單位", "計量單位", "第1季", "數值", "備註", "不適用理由",
    "落後原因", "因應對策", "預定改善期限", "需協調事項", "異常說明", "版本",
)  # fmt: skip

State = ImportBatch.State
Table = list[dict[str, str]]


@pytest.fixture
def workbook(plan: Plan) -> Callable[..., Table]:
    """Make the rows of a downloaded workbook: workbook("K1-1", quarter=2)."""

    def make(*codes: str, quarter: int = 1) -> Table:
        rows = []
        for code in codes:
            report = QuarterReport.objects.get(indicator__code=code, quarter=quarter)
            figures = {figure.variable_id: figure.value for figure in report.figures.all()}
            texts = {name: getattr(report, name) for name in workflow.LENGTHS}
            for variable in report.indicator.variables.exclude(rollup="CONSTANT").order_by("position"):
                value = figures.get(variable.pk)
                rows.append(
                    {
                        "年度": "99",
                        "季別": str(quarter),
                        "指標代碼": code,
                        "填報項目": variable.name,
                        "數值": "" if value is None else f"{value.normalize():f}",
                        "版本": str(Stamp.of(report.version, value, texts)),
                        "備註": report.remark if texts else "",
                    }
                )
                texts = {}
        return rows

    return make


def in_csv(rows: Table, headers: tuple[str, ...] = HEADERS) -> bytes:
    lines = [",".join(headers), *(",".join(row.get(header, "") for header in headers) for row in rows)]
    return "\r\n".join(lines).encode("utf-8-sig")


@pytest.fixture
def upload(planner: Any, now: Any) -> Callable[..., ImportBatch]:
    def send(rows: Table | bytes, by: Any = planner, name: str = "第一季.csv") -> ImportBatch:
        content = rows if isinstance(rows, bytes) else in_csv(rows)
        return batches.upload(content=content, name=name, by=by, now=now)

    return send


def states(preview: Preview) -> list[RowState]:
    return [row.state for row in preview.rows]


def stored() -> Mapping[tuple[str, int, str], Decimal]:
    return {
        (f.report.indicator.code, f.report.quarter, f.variable.symbol): f.value
        for f in Figure.objects.select_related("report__indicator", "variable")
    }


def test_a_workbook_is_checked_shown_and_applied_as_drafts(upload, workbook, planner, now):
    rows = workbook("K1-1", "K5-2")
    rows[0] |= {"數值": "１２３４", "備註": "第一季互訪"}
    rows[1]["數值"] = "8"
    batch = upload(rows)
    assert (batch.state, batch.rows, batch.new, batch.unchanged) == (State.CHECKED, 3, 2, 1)
    assert (batch.kind, batch.quarter, batch.plan, batch.uploaded_by) == (
        "FIGURES",
        1,
        Plan.objects.get(),
        planner,
    )
    assert batch.sha256 == hashlib.sha256(batches.content_of(batch)).hexdigest()
    assert stored() == {}

    shown = batches.preview(batch, by=planner, now=now)
    assert states(shown) == [RowState.NEW, RowState.NEW, RowState.UNCHANGED]
    assert [(c.before, c.after) for c in shown.rows[0].changes] == [("", "1,234"), ("", "第一季互訪")]

    batch, written = batches.apply(batch=batch, by=planner, now=now)
    assert written.figures == 2
    assert (batch.state, batch.decided_by, batch.decided_at) == (State.APPLIED, planner, now)
    assert stored() == {("K1-1", 1, "outbound"): 1234, ("K1-1", 1, "inbound"): 8}
    report = QuarterReport.objects.get(indicator__code="K1-1", quarter=1)
    assert (report.status, report.remark, report.version) == (Status.DRAFT, "第一季互訪", 1)


def test_a_second_confirmation_says_that_it_was_applied_already(upload, workbook, planner, now):
    rows = workbook("K5-2")
    rows[0]["數值"] = "3"
    batch = upload(rows)
    batches.apply(batch=batch, by=planner, now=now)
    entries = Entry.objects.filter(action=Action.INSERT).count()
    with pytest.raises(workflow.Refusal, match="planner"):
        batches.apply(batch=batch, by=planner, now=now + timedelta(hours=1))
    assert Entry.objects.filter(action=Action.INSERT).count() == entries


def test_what_is_sent_back_as_it_was_changes_nothing(upload, workbook, planner, report, now):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, remark="已辦理",
        figures={"outbound": Decimal("4"), "inbound": Decimal(8)},
    )  # fmt: skip
    batch = upload(workbook("K1-1", "K4-2", "K8-2"))
    assert (batch.state, batch.rows, batch.unchanged) == (State.CHECKED, batch.rows, batch.rows)
    head = Entry.objects.head().seq
    batches.apply(batch=batch, by=planner, now=now)
    changed = Entry.objects.filter(seq__gt=head).values_list("table", flat=True)
    assert set(changed) == {ImportBatch._meta.db_table}


def test_a_row_that_moved_on_since_the_download_is_a_conflict_with_both_values(
    upload, workbook, planner, report, now
):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)}, remark="甲"
    )
    rows = workbook("K1-1")
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(5)}, remark="乙"
    )
    rows[0] |= {"數值": "6", "備註": "丙"}
    rows[1]["數值"] = "8"
    batch = upload(rows)
    assert (batch.state, batch.conflicts, batch.new) == (State.REFUSED, 1, 1)
    shown = batches.preview(batch, by=planner, now=now)
    assert states(shown) == [RowState.CONFLICT, RowState.NEW]
    assert [(c.before, c.after, c.conflict) for c in shown.rows[0].changes] == [
        ("5", "6", True),
        ("乙", "丙", True),
    ]
    with pytest.raises(workflow.Refusal):
        batches.apply(batch=batch, by=planner, now=now)
    assert stored() == {("K1-1", 1, "outbound"): 5}


def test_a_conflict_that_arises_after_the_check_stops_the_confirmation(
    upload, workbook, planner, report, now
):
    rows = workbook("K1-1")
    rows[0]["數值"] = "6"
    batch = upload(rows)
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(5)})
    with pytest.raises(ImportRefused) as refused:
        batches.apply(batch=batch, by=planner, now=now)
    assert "5" in str(refused.value)
    assert "6" in str(refused.value)
    batch.refresh_from_db()
    assert (batch.state, stored()) == (State.CHECKED, {("K1-1", 1, "outbound"): 5})


def test_what_others_changed_elsewhere_in_the_report_stays(upload, workbook, planner, report, now):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)}, remark="甲"
    )
    rows = workbook("K1-1")
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(5)}, remark="乙"
    )
    rows[1]["數值"] = "8"
    batch = upload(rows)
    assert (batch.state, batch.unchanged, batch.new) == (State.CHECKED, 1, 1)
    batches.apply(batch=batch, by=planner, now=now)
    assert stored() == {("K1-1", 1, "outbound"): 5, ("K1-1", 1, "inbound"): 8}
    assert report("K1-1", 1).remark == "乙"


def test_an_emptied_cell_takes_its_figure_and_its_text_back(upload, workbook, planner, report, now):
    workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=now, figures={"projects": Decimal(3)}, lag_reason="x",
        remark="y", improve_by=date(2010, 6, 30),
    )  # fmt: skip
    rows = workbook("K5-2")
    rows[0] |= {"數值": "", "備註": "y", "落後原因": "", "預定改善期限": "99/07/01"}
    batch = upload(rows)
    [row] = batches.preview(batch, by=planner, now=now).rows
    assert (row.state, len(row.changes)) == (RowState.CHANGED, 3)
    batches.apply(batch=batch, by=planner, now=now)
    found = report("K5-2", 1)
    assert (stored(), found.lag_reason, found.remark, found.improve_by) == ({}, "", "y", date(2010, 7, 1))


def test_not_applicable_is_declared_and_taken_back(upload, workbook, planner, report, now):
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)})
    rows = workbook("K1-1")
    rows[0]["數值"] = rows[1]["數值"] = "不適用"
    assert "不適用理由" in upload(rows).refusal
    rows[0]["不適用理由"] = "本季無"
    batches.apply(batch=upload(rows), by=planner, now=now)
    assert (stored(), report("K1-1", 1).not_applicable_reason) == ({}, "本季無")
    back = workbook("K1-1")
    back[0] |= {"數值": "7", "不適用理由": ""}
    batches.apply(batch=upload(back), by=planner, now=now)
    assert (stored(), report("K1-1", 1).not_applicable_reason) == ({("K1-1", 1, "outbound"): 7}, "")


@pytest.mark.parametrize(
    ("row", "change", "named"),
    [
        (0, {"數值": "abc"}, "第 2 列 I 欄（數值）"),
        (0, {"數值": "1.5"}, "整數"),
        (0, {"數值": "不適用"}, "不適用理由"),
        (0, {"指標代碼": "K9-9"}, "第 2 列 C 欄（指標代碼）"),
        (0, {"填報項目": "沒有"}, "第 2 列 E 欄（填報項目）"),
        (0, {"季別": "5"}, "第 2 列 B 欄（季別）"),
        (0, {"年度": "九九"}, "第 2 列 A 欄（年度）"),
        (0, {"單位": "別司"}, "單位"),
        (0, {"預定改善期限": "99/02/30"}, "N 欄（預定改善期限）"),
        (0, {"不適用理由": "x", "數值": "3"}, "不適用理由"),
        (0, {"版本": ""}, "版本"),
        (0, {"版本": "9|"}, "版本"),
        (0, {"版本": "0|7"}, "版本"),
        (1, {"填報項目": "出訪邦交國次數"}, ""),
    ],
)
def test_a_bad_cell_is_named_with_its_row_and_column(upload, workbook, row, change, named):
    rows = workbook("K1-1")
    if not named:
        rows[1] = dict(rows[0])
        named = "第 2 列"
    else:
        rows[row] |= change
    batch = upload(rows)
    assert batch.state == State.REFUSED
    assert named in batch.refusal
    assert ImportFile.objects.get(batch=batch)
    assert stored() == {}


def test_all_errors_of_the_file_are_named_at_once(upload, workbook):
    rows = workbook("K1-1", "K5-2", "K5-1")
    rows[0] |= {"數值": "x", "預定改善期限": "y"}
    rows[1]["指標代碼"] = "K9-9"
    rows[2]["季別"] = "7"
    assert len(upload(rows).refusal.splitlines()) == 4


def test_headers_are_named_where_one_is_missing_twice_there_or_unknown(upload, workbook):
    rows = workbook("K5-2")
    assert "數值" in upload(in_csv(rows, tuple(h for h in HEADERS if h != "數值"))).refusal
    assert "季別" in upload(in_csv(rows, ("季別", *HEADERS))).refusal
    assert "狀況" in upload(in_csv(rows, (*HEADERS, "狀況"))).refusal


def test_another_units_rows_a_closed_quarter_and_approved_reports_are_refused_by_name(
    upload, workbook, neighbour, administrator, approved, plan, planner, now
):
    rows = workbook("K5-2")
    rows[0]["數值"] = "3"
    assert "外交部" in upload(rows, by=neighbour).refusal
    done = workbook("K8-1", quarter=2)
    done[0]["數值"] = "1"
    approved("K5-2", 1, projects=3)
    rows = workbook("K5-2")
    rows[0]["數值"] = "4"
    assert "審核通過" in upload(rows).refusal
    workflow.close_period(period=plan.periods.get(quarter=2), by=administrator, now=now, reason="已結束")
    assert "已結束" in upload(done).refusal
    assert stored() == {("K5-2", 1, "projects"): 3}


def test_only_whoever_uploaded_it_applies_or_withdraws_it(
    upload, workbook, planner, administrator, auditor, manager, neighbour, stranger, now
):
    rows = workbook("K5-2")
    rows[0]["數值"] = "3"
    batch = upload(rows)
    for person in (administrator, auditor, neighbour):
        for verb in (batches.apply, batches.withdraw):
            with pytest.raises(PermissionDenied):
                verb(batch=batch, by=person, now=now)
    for person in (manager, auditor):
        with pytest.raises(PermissionDenied):
            upload(rows, by=person)
    seen = {p.username for p in (planner, administrator, auditor, neighbour, stranger, manager)
            if ImportBatch.objects.visible_to(p).exists()}  # fmt: skip
    assert seen == {"planner", "administrator", "auditor"}
    withdrawn = batches.withdraw(batch=batch, by=planner, now=now)
    assert withdrawn.state == State.WITHDRAWN
    with pytest.raises(workflow.Refusal):
        batches.apply(batch=batch, by=planner, now=now)
    assert stored() == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.exe", b"MZ"),
        ("x.xlsx", b"MZ\x90\x00 this is a program"),
        ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("x.xlsm", b"PK\x03\x04"),
        ("x.pdf", b"%PDF-1.4"),
        ("../x.csv", b"a"),
        ("x.csv", b""),
        ("x.csv", b"\x00\x01"),
        ("x.csv", b"\xff\xfe\xff"),
        ("x.csv", b"a" * (5 * 1024 * 1024 + 1)),
    ],
)
def test_a_file_that_is_none_is_refused_unread_and_not_kept(upload, name, content):
    batch = upload(content, name=name)
    assert batch.state == State.REFUSED
    assert batch.refusal
    assert not ImportFile.objects.exists()
    with pytest.raises(workflow.Refusal):
        batches.content_of(batch)


def test_a_kept_file_that_was_altered_is_not_applied(upload, workbook, planner, now):
    rows = workbook("K5-2")
    rows[0]["數值"] = "3"
    batch = upload(rows)
    rows[0]["數值"] = "4"
    ImportFile.objects.update(content=in_csv(rows))
    with pytest.raises(workflow.Refusal, match="SHA-256"):
        batches.apply(batch=batch, by=planner, now=now)
    assert stored() == {}


def test_the_ledger_says_which_import_wrote_a_figure(upload, workbook, planner, now):
    rows = workbook("K5-2")
    rows[0]["數值"] = "3"
    batch, _written = batches.apply(batch=upload(rows), by=planner, now=now)
    entry = Entry.objects.get(table=Figure._meta.db_table, action=Action.INSERT)
    assert (entry.actor, entry.source) == ("planner", "import")
    assert str(batch.pk) in entry.reason
    assert "第一季.csv" in entry.reason


def test_a_share_goes_to_its_unit(upload, workbook, planner, neighbour, department, now):
    shared = Indicator.objects.get(code="K5-2")
    shared.contributing_units.add(department)
    shared.variables.update(by_unit=True)
    [row] = workbook("K5-2")
    own, theirs = row | {"單位": "外交部", "數值": "3"}, row | {"單位": department.name, "數值": "4"}
    batches.apply(batch=upload([own | {"數值": ""}, theirs], by=neighbour), by=neighbour, now=now)
    assert Figure.objects.get().unit == department
    [fresh] = workbook("K5-2")
    mine = {**fresh, "單位": "外交部", "數值": "3", "版本": str(Stamp.of(1, None))}
    batches.apply(batch=upload([mine]), by=planner, now=now)
    assert {f.unit.code: f.value for f in Figure.objects.all()} == {"MOFA": 3, "DEPT": 4}


def test_a_share_that_only_one_unit_can_have_needs_no_name(upload, workbook, planner, report, now):
    Variable.objects.filter(indicator__code="K5-2").update(by_unit=True)
    [row] = workbook("K5-2")
    batches.apply(batch=upload([row | {"數值": "3"}]), by=planner, now=now)
    assert Figure.objects.get().unit.code == "MOFA"
    named, unnamed = ({**row, "單位": unit, "版本": str(Stamp.of(1, Decimal(3)))} for unit in ("外交部", ""))
    assert (
        batches.preview(upload([unnamed | {"數值": "3"}]), by=planner, now=now).count(RowState.UNCHANGED) == 1
    )
    batch = upload([named | {"數值": "4"}, unnamed | {"數值": "5"}])
    assert batch.state == State.REFUSED
    assert "第 2 列" in batch.refusal
    assert stored() == {("K5-2", 1, "projects"): 3}


def test_units_of_one_name_are_told_apart_by_their_codes(upload, workbook, planner, department, now):
    shared = Indicator.objects.get(code="K5-2")
    shared.contributing_units.add(
        department, Unit.objects.create(code="DEPT2", name=department.name, parent=department)
    )
    shared.variables.update(by_unit=True)
    [row] = workbook("K5-2")
    batch = upload([row | {"單位": department.name, "數值": "3"}])
    assert batch.state == State.REFUSED
    assert "DEPT、DEPT2" in batch.refusal
    batches.apply(batch=upload([row | {"單位": "DEPT2", "數值": "3"}]), by=planner, now=now)
    assert Figure.objects.get().unit.code == "DEPT2"


def test_a_workbook_without_its_column_of_reasons_keeps_remarks_remarks(
    upload, workbook, planner, report, now
):
    rows = workbook("K5-2")
    rows[0] |= {"數值": "不適用", "備註": "本季停辦"}
    headers = tuple(header for header in HEADERS if header != "不適用理由")
    batch = upload(in_csv(rows, headers))
    assert batch.state == State.REFUSED
    assert "不適用理由" in batch.refusal


def test_a_refused_name_that_grows_when_it_is_normalised_is_kept_as_far_as_it_fits(upload):
    batch = upload(b"MZ", name="\U0001d15e" * 150 + ".exe")
    batch.refresh_from_db()
    assert (batch.state, len(batch.name)) == (State.REFUSED, 150)


def test_a_copy_of_a_file_with_too_many_cells_is_refused(planner, now):
    content = ("\n".join(["年度,季別,指標代碼,填報項目,數值,備註", *["99,1,K9-9,x,1,"] * 6_000])).encode()
    with pytest.raises(workflow.Refusal, match="過多"):
        marked_copy(content, "csv", Preview([]))


def test_what_is_said_of_a_file_stays_short_however_long_its_cells(upload, workbook, plan):
    Variable.objects.filter(indicator__code="C2-1").update(name=Concat(F("symbol"), Value("長" * 80)))
    [row, *_rest] = workbook("C2-1")
    batch = upload([row | {"填報項目": "無" * 30_000}, row | {"季別": "0" * 30_000}])
    said = batch.refusal.splitlines()
    assert len(said) == 2
    assert max(map(len, said)) <= 500


def test_variables_are_known_by_symbol_too(upload, workbook, planner, now):
    rows = workbook("K5-2")
    rows[0] |= {"填報項目": Variable.objects.get(indicator__code="K5-2").symbol, "數值": "3"}
    batches.apply(batch=upload(rows), by=planner, now=now)
    assert stored() == {("K5-2", 1, "projects"): 3}
