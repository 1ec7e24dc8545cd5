"""填報檔: a unit's quarter as a workbook to be filled in, made of what its worksheet shows.

What it says is Chinese whatever the language of the screen, as the columns of the file are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from django.utils.translation import override

from ledger.check_export import Head
from objectives.models import User
from objectives.roc import roc_date, roc_moment, roc_year
from objectives.spreadsheets.forms import FormCell, FormSheet, Look, Rule, Side
from objectives.spreadsheets.ods_forms import ods_form
from objectives.spreadsheets.ods_writing import CONTENT_TYPE as ODS
from objectives.spreadsheets.xlsx_forms import xlsx_form
from objectives.spreadsheets.xlsx_writing import CONTENT_TYPE as XLSX

from .. import workflow
from ..forms import shown
from ..models import Status, Variable
from ..numbers import format_number
from ..sections import Row, Section
from ..wording import formula_in_names
from ..worksheet import Sheet
from .entries import NOT_APPLICABLE
from .lines import AGENCY, CODE, ITEM, QUARTER, REMARK, SHEET, TEXTS, UNIT, VALUE, YEAR
from .stamps import HEADER as STAMP
from .stamps import Stamp

FORMATS: Mapping[str, tuple[str, Callable[[Sequence[FormSheet]], bytes]]] = {
    "xlsx": (XLSX, xlsx_form),
    "ods": (ODS, ods_form),
}
"""By a file's extension: its media type, and what writes it."""

COVER = "說明"
TEXT_HEADERS = {REMARK: "remark", **TEXTS}
WIDTHS = {
    YEAR: 6, QUARTER: 6, AGENCY: 9, CODE: 9, "指標": 24, ITEM: 26, UNIT: 12, "計量單位": 9, "狀態": 10,
    VALUE: 14, REMARK: 30, "預定改善期限": 11, STAMP: 12,
}  # fmt: skip
EARLIER, TEXT = 11, 18  # the widths of the others
SIDES = dict.fromkeys((YEAR, QUARTER, CODE, "計量單位", "狀態"), Side.CENTRE)

YES_NO = Rule("請選擇「是」、「否」或「不適用」。", words=("是", "否", NOT_APPLICABLE))

COLOURS = "淺黃色儲存格可填寫；灰色儲存格由系統帶入，請勿變更。工作表保護未設密碼，僅為避免誤改。"
GUIDE = (
    ("填寫方式", COLOURS),
    ("數值", "填阿拉伯數字，不加單位、百分比符號；是非題填「是」或「否」。請直接輸入數值，勿填公式。"),
    (
        "0、空白與不適用",
        "「0」為實際發生數為零；空白為尚未填報；本季不適用者，該指標各列數值均填「不適用」，並填不適用理由。",
    ),
    ("本季新增與累計", "各填報項目究為本季新增數或截至本季底累計數，見「填報項目」之附註。"),
    ("文字欄位", "備註（執行情形）、落後原因、因應對策等，填於各指標之第一列；預定改善期限填如 99/06/30。"),
    ("清除", "將原有數值或文字刪為空白，即為收回該填報內容；整列刪除則系統內容不變。"),
    (
        "上傳",
        "存檔後至系統「匯入」頁面上傳。系統先檢核並逐列顯示擬變更之內容，確認後一次寫入為草稿，仍須送審。",
    ),
    (
        "他人同時填報",
        "下載後如有他人變更同一欄位，系統將列為衝突並顯示雙方內容，不會覆蓋；請重新下載後填寫。",
    ),
    ("請勿變更", "標題列、灰色欄位及隱藏之「版本」欄；列之順序可以變更。"),
)  # fmt: skip


def workbook(sheet: Sheet, *, by: User, head: Head, extension: str) -> bytes:
    """Return the workbook of a worksheet, as by downloads it; head is the ledger's last entry by then."""
    with override("zh-hant"):
        return FORMATS[extension][1]([_cover(sheet, by, head), _figures(sheet)])


def file_name(sheet: Sheet, extension: str) -> str:
    """Name the workbook after what it is: 外交部99年度第1季填報檔.xlsx."""
    scope = sheet.scope
    return f"{sheet.unit.name}{scope.plan.year}年度第{scope.quarter}季填報檔.{extension}"


def _cover(sheet: Sheet, by: User, head: Head) -> FormSheet:
    scope, period = sheet.scope, sheet.period
    facts = [
        ("年度施政計畫", scope.plan.title),
        ("填報單位", sheet.unit.name),
        ("填報季別", f"{scope.plan.year} 年度第 {scope.quarter} 季"),
        ("送審期限", roc_date(period.submit_by) if period else "未定"),
        ("下載時間", roc_moment(sheet.now)),
        ("下載人員", f"{by.get_full_name()}（{by.username}）" if by.get_full_name() else by.username),
        ("異動紀錄序號", str(head.seq)),
        ("異動紀錄雜湊值", head.hash),
    ]
    title = f"{sheet.unit.name} {scope.plan.year} 年度第 {scope.quarter} 季填報檔"
    rows = [[FormCell(title, Look.TITLE)], []]
    for heading, text in (*facts, *_standing(sheet), ("", ""), *GUIDE):
        rows.append([FormCell(heading, Look.BOLD), FormCell(text)])
    return FormSheet(COVER, [18, 96], rows)


def _standing(sheet: Sheet) -> Iterator[tuple[str, str]]:
    """Say what of the sheet cannot be filled in."""
    for why in sorted(set(filter(None, sheet.scope.closed.values()))):
        yield "填報期間", why
    if not sheet.may_enter:
        yield "唯讀", "下載人員目前無可填寫之欄位，本檔僅供參考。"


def _figures(sheet: Sheet) -> FormSheet:
    earlier = [f"第{quarter}季" for quarter in range(1, sheet.scope.quarter)]
    headers = [
        YEAR, QUARTER, AGENCY, CODE, "指標", ITEM, UNIT, "計量單位", *earlier, VALUE, *TEXT_HEADERS, "狀態",
        STAMP,
    ]  # fmt: skip
    header = [FormCell(each, Look.HEADING, note=_header_note(each)) for each in headers]
    rows = [[cells[each] for each in headers] for section in sheet.sections for cells in _rows(section)]
    return FormSheet(
        SHEET,
        [WIDTHS.get(each, EARLIER if each in earlier else TEXT) for each in headers],
        [header, *rows],
        frozen=(1, headers.index(UNIT)),
        hidden=frozenset({headers.index(STAMP), headers.index(AGENCY)}),
        sides={
            place: SIDES.get(each, Side.RIGHT)
            for place, each in enumerate(headers)
            if each in (*SIDES, *earlier, VALUE)
        },
    )


def _header_note(header: str) -> str:
    if header == STAMP:
        return "下載時之版本，上傳時用以辨識他人是否已變更，請勿變更。"
    if header == "預定改善期限":
        return "填如 99/06/30、99年6月30日或 2010-06-30。"
    return "不按單位填報者為空白。" if header == UNIT else ""


def _rows(section: Section) -> Iterator[dict[str, FormCell]]:
    """Yield the cells of an indicator's rows by header; the texts belong to the first."""
    plan, is_first = section.scope.plan, True
    for row in section.rows:
        if row.cell is None:
            continue  # a sum is computed
        locked: dict[str, str | int | Decimal | None] = {
            YEAR: plan.year,
            QUARTER: section.quarter,
            AGENCY: plan.unit.code,
            CODE: section.indicator.code,
            ITEM: row.variable.name,
            UNIT: _unit(section, row),
            "計量單位": row.variable.unit,
            "狀態": section.report.get_status_display() if is_first else "",
            STAMP: str(_stamp(section, row, is_first)),
        }
        locked |= {f"第{quarter}季": str(mark.words) for quarter, mark in row.earlier}
        cells = {header: FormCell(value, Look.LOCKED) for header, value in locked.items()}
        cells["指標"] = FormCell(section.indicator.title, Look.LOCKED, note=_standard(section, is_first))
        cells[ITEM] = FormCell(row.variable.name, Look.LOCKED, note=_item(row))
        cells[VALUE] = _value(section, row)
        for header, name in TEXT_HEADERS.items():
            cells[header] = _text(section, name) if is_first else FormCell(None, Look.LOCKED)
        yield cells
        is_first = False


def _unit(section: Section, row: Row) -> str:
    """Name the unit whose share a row is: by its code where several of the indicator's bear its name."""
    if row.unit is None:
        return ""
    names = [each.name for each in section.participants.values()]
    return row.unit.name if names.count(row.unit.name) == 1 else row.unit.code


def _stamp(section: Section, row: Row, is_first: bool) -> Stamp:
    texts = {name: getattr(section.report, name) for name in workflow.LENGTHS}
    stored = row.cell.stored if row.cell else None
    return Stamp.of(section.report.version, stored, texts if is_first and section.leads else None)


def _standard(section: Section, is_first: bool) -> str:
    """Say what the indicator is measured by, and what a reviewer wanted."""
    if not is_first:
        return ""
    indicator, report = section.indicator, section.report
    definition = indicator.in_force(section.quarter)
    names = {each.symbol: each.name for each in indicator.variables.all()}
    said = [
        f"衡量標準：{indicator.standard}",
        f"計算式：{formula_in_names(definition.formula, names)}",
        f"年度目標值：{format_number(definition.target)} {indicator.unit}",
    ]
    if report.return_reason and report.status == Status.RETURNED:
        said.append(f"退回補正：{report.return_reason}")
    return "\n".join(said)


def _item(row: Row) -> str:
    said = [row.period or "", row.variable.help]
    if not row.is_due:
        said.append("本季毋須填報。")
    return "\n".join(filter(None, said))


def _value(section: Section, row: Row) -> FormCell:
    cell, variable = row.cell, row.variable
    assert cell is not None  # noqa: S101 (a row without one is a sum)
    value: str | Decimal | None = cell.stored
    if value is None and section.leads and section.report.not_applicable_reason:
        value = NOT_APPLICABLE
    elif variable.kind == Variable.Kind.YES_NO:
        value = shown(variable, cell.stored)
    note = "" if cell.editable else section.why_fixed
    return FormCell(value, Look.OPEN if cell.editable else Look.LOCKED, note, _rule(variable))


def _rule(variable: Variable) -> Rule:
    if variable.kind == Variable.Kind.YES_NO:
        return YES_NO
    whole = variable.kind == Variable.Kind.COUNT
    kind = "整數" if whole else "數字"
    sign = "" if variable.may_be_negative else "、不得為負"
    return Rule(
        f"請填{kind}{sign}，或填「不適用」。",
        words=(NOT_APPLICABLE,),
        number=True,
        whole=whole,
        negative=variable.may_be_negative,
    )


def _text(section: Section, name: str) -> FormCell:
    cell = section.texts.get(name)
    if cell is None:
        return FormCell(None, Look.LOCKED)
    longest = workflow.LENGTHS[name]
    text = f"{roc_year(cell.stored)}/{cell.stored:%m/%d}" if longest is None and cell.stored else cell.stored
    rule = Rule(f"至多 {longest} 字。", longest=longest) if longest else None
    return FormCell(text, Look.OPEN if cell.editable else Look.LOCKED, rule=rule)
