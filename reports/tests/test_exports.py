"""The tables of the pages as files: alike in every format, for whom they are, and known to the ledger."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from html import escape
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from indicators import workflow
from indicators.models import (
    Figure,
    ImportBatch,
    Indicator,
    PlannedValue,
    QuarterReport,
    ReportingPeriod,
    Variable,
)
from ledger.models import Entry
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal, Plan, Unit, User
from objectives.roles import Role
from objectives.spreadsheets.tables import Kind
from objectives.spreadsheets.text import harmless
from objectives.tests.pages import signed_in, text
from objectives.workflow import adopt_plan
from reports.exports import figures as figures_module
from reports.exports.catalogue import DATASETS
from reports.exports.dictionary import DICTIONARY
from reports.exports.files import data_settled, extensions
from reports.exports.places import Place, places
from reports.moments import data_at

from .markup import markup

OFFERED = {each.name: each for each in (*DATASETS.values(), DICTIONARY) if each.name != "ledger"}
FILES = [(name, extension) for name, each in OFFERED.items() for extension in extensions(each)]
OF_A_PLAN = [name for name, each in OFFERED.items() if each.of_a_plan]
ATTACKS = ("=1+1", "＠x", "x,\t-1")  # of every other, test_text.py
YEAR = "?year=99&quarter=1"

ODF = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("table", "office", "text")}

Rows = list[dict[str, Any]]


@pytest.fixture
def filled(plan, report, approved, planner, department, published):
    """A plan in which something is there of everything that a dataset tells."""
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K2-2"), quarter=1, value=4)
    approved("K1-1", 1, outbound=4, inbound=8)
    approved("K2-2", 1, behind=True, meetings=1)
    approved("K6-1", 1, offering=24, missions=90)
    shared = Indicator.objects.get(code="K5-2")
    shared.variables.update(by_unit=True)
    shared.contributing_units.add(department)
    given = {("projects", shared.lead_unit_id): Decimal(3), ("projects", department.pk): Decimal(2)}
    found = workflow.save_draft(report=report("K5-2", 1), by=planner, now=NOW, figures=given)
    workflow.submit(report=found, by=planner, now=NOW)
    ImportBatch.objects.create(
        kind="FIGURES", state="CHECKED", unit=plan.unit, plan=plan, quarter=1, name="第1季.xlsx", size=1234,
        sha256="0" * 64, uploaded_by=planner, uploaded_at=NOW, rows=3, new=2, unchanged=1,
    )  # fmt: skip
    published(1)
    return plan


@pytest.fixture
def auditing(auditor, plan):
    return signed_in(auditor)


def content(response: Any) -> bytes:
    assert response.status_code == 200, response
    return b"".join(response) if response.streaming else response.content


def table(client: Any, name: str, query: str = YEAR, extension: str = "csv") -> Rows:
    data = content(client.get(f"/export/{name}.{extension}{query}"))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def in_excel(data: bytes) -> tuple[dict[str, str], Rows]:
    """Return the cover and the rows of an XLSX file."""
    cover, *sheets = openpyxl.load_workbook(io.BytesIO(data)).worksheets
    rows = [row for sheet in sheets for row in sheet.iter_rows(values_only=True)]
    return dict(cover.iter_rows(values_only=True)), [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def in_libreoffice(data: bytes) -> tuple[dict[str, str], Rows]:
    """Return the cover and the rows of an ODS file."""
    content = zipfile.ZipFile(io.BytesIO(data)).read("content.xml")
    sheets = [
        [list(_cells(row)) for row in sheet.iter(f"{{{ODF['table']}}}table-row")]
        for sheet in ElementTree.fromstring(content).iter(f"{{{ODF['table']}}}table")
    ]
    header, *rows = [row for sheet in sheets[1:] for row in sheet]
    return {row[0]: row[1] for row in sheets[0]}, [dict(zip(header, row, strict=False)) for row in rows]


def _cells(row: Any) -> Iterator[Any]:
    for cell in row:
        number, day = (cell.get(f"{{{ODF['office']}}}{name}") for name in ("value", "date-value"))
        lines = [_line(line) for line in cell.iterfind("text:p", ODF)]
        repeated = int(cell.get(f"{{{ODF['table']}}}number-columns-repeated", 1))
        yield from [Decimal(number) if number else day or "\n".join(lines)] * repeated


def _line(line: Any) -> str:
    """Return a paragraph's text: blanks in a row are an element of their own, and so is a tab."""
    special = {"s": " ", "tab": "\t"}
    blanks = {f"{{{ODF['text']}}}{name}": text for name, text in special.items()}
    text = line.text or ""
    for part in line:
        text += blanks[part.tag] * int(part.get(f"{{{ODF['text']}}}c", 1)) + (part.tail or "")
    return text


@pytest.mark.parametrize("name", OFFERED)
def test_every_format_holds_the_same(auditing, filled, a_moment_later, name):
    query = f"{YEAR}&as_of={a_moment_later()}" if OFFERED[name].of_a_plan else ""
    plain = table(auditing, name, query)
    assert plain
    described = json.loads(content(auditing.get(f"/export/{name}.json{query}")))
    typed = {
        "xlsx": in_excel(content(auditing.get(f"/export/{name}.xlsx{query}")))[1],
        "ods": in_libreoffice(content(auditing.get(f"/export/{name}.ods{query}")))[1],
        "json": described["rows"],
    }
    for extension, rows in typed.items():
        assert len(rows) == len(plain), extension
        for wanted, row in zip(plain, rows, strict=True):
            for column in OFFERED[name].columns:
                expected, found = wanted[column.header], row.get(column.header)
                if expected and column.kind in (Kind.NUMBER, Kind.WHOLE):
                    assert float(found) == pytest.approx(float(expected), rel=1e-15), (extension, column)
                elif expected and column.kind in (Kind.DAY, Kind.MOMENT):
                    assert str(found)[:10] == expected[:10], (extension, column)
                elif extension != "json":  # which needs no apostrophes
                    assert (found or "").replace("\r\n", "\n") == expected.replace("\r\n", "\n"), column


@pytest.mark.parametrize(("name", "extension"), FILES)
def test_each_file_that_is_taken_away_is_in_the_ledger(auditing, auditor, filled, name, extension):
    before = Entry.objects.head()
    response = auditing.get(f"/export/{name}.{extension}{YEAR}")
    data = content(response)
    entry = Entry.objects.get(seq=before.seq + 1)
    assert (entry.action, entry.actor, entry.source) == ("EXPORT", auditor.username, "page")
    told = entry.new
    assert (told["what"], told["format"]) == (name, extension)
    assert (told["head_seq"], told["head_hash"]) == (before.seq, before.hash)
    assert told["file"] in unquote(response["Content-Disposition"])
    if OFFERED[name].of_a_plan:
        assert (told["filters"]["year"], told["filters"]["quarter"]) == (99, 1)
        assert (entry.table, entry.key) == (Plan._meta.db_table, str(filled.pk))
    if response.streaming and "sha256" not in told:
        assert OFFERED[name].is_long  # its bytes are not known before they are sent
    else:
        assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]


def test_a_cover_says_what_the_file_is_of_which_state_and_who_took_it(auditing, auditor, filled):
    User.objects.filter(pk=auditor.pk).update(name="王稽核")
    head = Entry.objects.head()
    for read, extension in ((in_excel, "xlsx"), (in_libreoffice, "ods")):
        data = content(auditing.get(f"/export/figures.{extension}{YEAR}&indicator=K1-1&basis=provisional"))
        cover, rows = read(data)
        assert cover["年度施政計畫"] == filled.title
        assert cover["指標代碼"] == "K1-1"
        assert cover["填報值範圍"] == "含未審核"
        assert cover["匯出人"] == "王稽核（auditor）"
        assert cover["資料性質"] == "實際填報資料"
        assert cover["異動紀錄序號"] == str(head.seq) or int(cover["異動紀錄序號"]) == head.seq + 1
        assert cover["檔案格式版本"] == "5"
        assert cover["列數"] == "2" == str(len(rows))


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_the_hash_on_a_cover_is_that_of_the_open_file_of_its_moment(
    auditing, filled, a_moment_later, extension
):
    a_moment_later()
    read = {"xlsx": in_excel, "ods": in_libreoffice}[extension]
    cover, _rows = read(content(auditing.get(f"/export/attainment.{extension}{YEAR}")))
    a_moment_later()
    moment = quote(cover["資料截至（as_of）"])
    plain = content(auditing.get(f"/export/attainment.plain.csv{YEAR}&as_of={moment}"))
    assert hashlib.sha256(plain).hexdigest() == cover["資料 SHA-256"]


def test_figures_stand_with_their_place_in_the_formula(managing, filled):
    rows = {(row["指標代碼"], row["符號"], row["單位"]): row for row in table(managing, "figures")}
    assert rows["K6-1", "offering", ""]["於計算式之位置"] == "分子"
    assert rows["K6-1", "missions", ""]["於計算式之位置"] == "分母"
    assert rows["K1-1", "inbound", ""]["於計算式之位置"] == "構成項"
    assert rows["K6-1", "offering", ""]["數值"] == "24"
    assert rows["K6-1", "offering", ""]["填報狀態"] == "審核通過"
    assert not any(code == "K5-2" for code, _symbol, _unit in rows)  # not approved yet
    provisional = table(managing, "figures", f"{YEAR}&basis=provisional")
    shares = {row["單位"]: row["數值"] for row in provisional if row["指標代碼"] == "K5-2"}
    assert shares == {filled.unit.name: "3", "亞東太平洋司": "2"}
    assert [row["指標代碼"] for row in provisional] == [
        "K1-1",
        "K1-1",
        "K2-2",
        "K5-2",
        "K5-2",
        "K6-1",
        "K6-1",
    ]


def test_figures_are_those_of_the_page(managing, filled, a_moment_later):
    """The indicator's page links to the very file, and both show the same numbers."""
    page = markup(managing.get("/indicators/K6-1/?year=99&quarter=1"))
    rows = table(managing, "figures", f"{YEAR}&indicator=K6-1")
    assert {row["指標代碼"] for row in rows} == {"K6-1"}
    assert {row["數值"] for row in rows} <= set(page.numbers)
    link = escape(f"/export/figures.ods{YEAR}&indicator=K6-1")
    assert link in managing.get("/indicators/K6-1/?year=99&quarter=1").content.decode()


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a + b", {"a": Place.PART, "b": Place.PART}),
        ("a / b * 100", {"a": Place.NUMERATOR, "b": Place.DENOMINATOR}),
        ("(a + b - c) / c * 100", {"a": Place.NUMERATOR, "b": Place.NUMERATOR, "c": Place.BOTH}),
        ("a / (b / c)", {"a": Place.NUMERATOR, "b": Place.DENOMINATOR, "c": Place.NUMERATOR}),
        ("a / b + d", {"a": Place.NUMERATOR, "b": Place.DENOMINATOR, "d": Place.PART}),
        ("(a >= 325) + (b == 4 and c == 4)", {"a": Place.PART, "b": Place.PART, "c": Place.PART}),
        ("a * (b / c)", {"a": Place.PART, "b": Place.NUMERATOR, "c": Place.DENOMINATOR}),
    ],
)
def test_a_variables_place_follows_from_the_syntax_tree(formula, expected):
    assert places(formula) == expected


def test_a_revised_formula_gives_other_places_from_its_quarter_on(
    managing, approved, administrator, reviewer, plan
):
    approved("K1-1", 1, outbound=4, inbound=8)
    adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院臺外字第 1 號")
    found = workflow.propose_revision(
        indicator=Indicator.objects.get(code="K1-1"), from_quarter=2, formula="outbound / inbound",
        reason="修正", authority="行政院", decided_on=date(2010, 6, 1), number="院授研字第 2 號",
        by=administrator, now=NOW,
    )  # fmt: skip
    workflow.approve_revision(revision=found, by=reviewer, now=NOW)
    approved("K1-1", 2, outbound=4, inbound=8)
    rows = table(managing, "figures", "?year=99&quarter=2")
    assert [(row["季別"], row["符號"], row["於計算式之位置"]) for row in rows] == [
        ("1", "outbound", "構成項"), ("1", "inbound", "構成項"),
        ("2", "outbound", "分子"), ("2", "inbound", "分母"),
    ]  # fmt: skip


def test_what_is_behind_stands_with_the_units_words_for_those_who_may_read_them(managing, filled, neighbour):
    def behind(client: Any) -> dict[str, Any]:
        rows = {row["指標代碼"]: row for row in table(client, "missed")}
        assert "K1-1" not in rows or "落後" not in rows["K1-1"]["列入原因"]
        return rows["K2-2"]

    row = behind(managing)
    assert (row["列入原因"], row["預定值"], row["累計實際值"]) == ("落後、推估未達標", "4", "1")
    assert (row["落後原因"], row["因應對策"], row["預定改善期限"]) == ("原因", "對策", "2010-12-31")
    other = behind(signed_in(neighbour))
    assert (other["列入原因"], other["累計實際值"]) == ("落後、推估未達標", "1")
    assert (other["落後原因"], other["因應對策"], other["預定改善期限"], other["填報狀態"]) == (
        "",
        "",
        "",
        "",
    )


def test_the_missed_are_those_of_the_dashboard(managing, filled):
    page = managing.get(f"/{YEAR}").content.decode()
    listed = page.split('id="attention"')[1].split("<h2")[0]
    codes = [row["指標代碼"] for row in table(managing, "missed")]
    assert codes
    assert all(f"/indicators/{code}/" in listed for code in codes)
    assert listed.count('<th scope="row">') == len(codes)


def test_a_draft_says_nothing_in_the_official_list(managing, filled, report):
    QuarterReport.objects.filter(pk=report("K7-1", 1).pk).update(lag_reason="草稿中之原因")
    assert "草稿中之原因" not in content(managing.get(f"/export/missed.csv{YEAR}")).decode()


def test_the_status_tells_what_is_missing_and_how_late(auditing, filled):
    rows = {row["指標代碼"]: row for row in table(auditing, "status")}
    assert rows["K1-1"]["填報狀態"] == "已通過"
    assert (rows["K1-1"]["缺漏項目數"], rows["K1-1"]["缺漏項目"]) == ("0", "")
    assert rows["K5-2"]["填報狀態"] == "已送審"
    assert rows["K7-1"]["填報狀態"] == "未填"
    assert int(rows["K7-1"]["缺漏項目數"]) == len(rows["K7-1"]["缺漏項目"].split("、")) > 0
    assert rows["K1-1"]["送審時間"].startswith("2011-01-15T09:30")
    period = filled.periods.get(quarter=1)
    assert rows["K1-1"]["送審期限"] == f"{period.submit_by:%Y-%m-%d}"
    assert int(rows["K1-1"]["逾期日數"]) == (date(2011, 1, 15) - period.submit_by).days


@pytest.mark.parametrize(
    ("submitted", "now", "late"),
    [
        (None, datetime(2010, 4, 10, 15, 59, tzinfo=UTC), 0),  # still the 10th in Taipei
        (None, datetime(2010, 4, 10, 16, 0, tzinfo=UTC), 1),
        (datetime(2010, 4, 9, tzinfo=UTC), datetime(2010, 5, 1, tzinfo=UTC), 0),
        (datetime(2010, 4, 13, tzinfo=UTC), datetime(2010, 5, 1, tzinfo=UTC), 3),
    ],
)
def test_days_late_are_counted_in_taipei_and_end_with_the_submission(submitted, now, late):
    assert ReportingPeriod(submit_by=date(2010, 4, 10)).days_late(submitted, now) == late


def test_the_status_is_that_of_the_units_whose_drafts_one_may_read(filled, neighbour, manager):
    assert {row["指標代碼"] for row in table(signed_in(neighbour), "status")} == {"K5-2"}  # it contributes
    assert len(table(signed_in(manager), "status")) == 15


def test_results_are_the_same_for_everybody_in_the_organisation(filled, neighbour, manager, a_moment_later):
    query = f"{YEAR}&as_of={a_moment_later()}"
    for name in ("attainment", "figures", "definitions"):
        assert table(signed_in(neighbour), name, query) == table(signed_in(manager), name, query)


@pytest.mark.parametrize(("name", "extension"), FILES)
def test_another_organisation_sees_nothing_of_it(filled, stranger, name, extension):
    response = signed_in(stranger).get(f"/export/{name}.{extension}{YEAR}")
    if OFFERED[name].of_a_plan:
        assert response.status_code == 404
    else:
        assert filled.unit.name not in content(response).decode("utf-8", "replace")


@pytest.mark.parametrize(("name", "extension"), FILES)
def test_nobody_without_a_role_takes_a_file(client, filled, outsider, name, extension):
    address = f"/export/{name}.{extension}{YEAR}"
    before = Entry.objects.head()
    assert client.get(address).status_code == 302
    client.force_login(outsider)
    signed = Entry.objects.head().seq - before.seq
    assert client.get(address).status_code == 403
    assert not Entry.objects.filter(seq__gt=before.seq + signed, action="EXPORT").exists()


def test_imports_are_ones_own_or_those_one_may_audit(filled, planner, auditor, manager):
    for person, count in ((planner, 1), (auditor, 1), (manager, 0)):
        assert len(table(signed_in(person), "imports", "")) == count
    client = signed_in(auditor)
    (row,) = table(client, "imports", "?state=CHECKED&kind=FIGURES&person=planner")
    assert (row["檔名"], row["資料列數"], row["年度"]) == ("第1季.xlsx", "3", "99")
    assert table(client, "imports", "?state=REFUSED") == []
    assert client.get("/export/imports.csv?state=NONE").status_code == 404
    assert client.get("/export/imports.csv?person=%00").status_code == 404


def test_people_are_those_of_the_page(filled, manager, planner, department, person):
    User.objects.filter(pk=planner.pk).update(name="陳承辦")
    rows = table(signed_in(manager), "people", "")
    assert {(row["單位"], row["姓名"]) for row in rows if row["角色"] == "承辦人"} >= {
        (filled.unit.name, "陳承辦"),
        (department.name, ""),  # nobody
    }
    roles = table(signed_in(manager), "roles", "")
    assert {row["角色"] for row in roles} == {"各角色", *(str(role.label) for role in Role)}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_of_any_table_is_a_formula(auditing, filled, planner, attack):
    """Every text that people can write, in every dataset that shows it."""
    Indicator.objects.update(title=attack, standard=attack, unit=attack[:20], note=attack, method=attack)
    Goal.objects.update(title=attack)
    Variable.objects.update(unit=attack[:20])
    for number, variable in enumerate(Variable.objects.all()):
        Variable.objects.filter(pk=variable.pk).update(name=f"{attack}{number}")
    Unit.objects.update(name=attack)
    Plan.objects.update(title=attack)
    QuarterReport.objects.update(lag_reason=attack, response=attack, coordination=attack)
    ImportBatch.objects.update(name=attack)
    User.objects.update(name=attack)
    for name in OFFERED:
        query = f"{YEAR}&basis=provisional" if OFFERED[name].of_a_plan else ""
        data = content(auditing.get(f"/export/{name}.csv{query}")).decode("utf-8-sig")
        assert harmless(attack) in data or name in ("roles", "dictionary"), name
        kinds = {column.header: column.kind for column in OFFERED[name].columns}
        for row in csv.DictReader(io.StringIO(data, newline="")):
            for header, cell in row.items():
                if kinds[header] is Kind.TEXT:
                    assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠\t")), (name, header)
        book = openpyxl.load_workbook(io.BytesIO(content(auditing.get(f"/export/{name}.xlsx{query}"))))
        types = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}
        assert types <= {"n", "s", "d", "inlineStr"}, name


@pytest.mark.parametrize("name", OF_A_PLAN)
def test_a_file_of_a_moment_is_the_same_whatever_happens_afterwards(
    auditing, filled, approved, a_moment_later, name
):
    query = f"{YEAR}&as_of={a_moment_later()}"
    before = content(auditing.get(f"/export/{name}.csv{query}"))
    now = content(auditing.get(f"/export/{name}.csv{YEAR}"))
    Indicator.objects.update(title="另一指標")
    approved("K2-1", 1, contacts=5, agreements=1, meetings=1)
    assert content(auditing.get(f"/export/{name}.csv{query}")) == before
    assert content(auditing.get(f"/export/{name}.csv{YEAR}")) != now


def test_a_long_file_streams_some_indicators_at_a_time(auditing, filled, monkeypatch):
    monkeypatch.setattr(figures_module, "AT_ONCE", 2)
    expected = table(auditing, "figures", f"{YEAR}&basis=provisional")
    response = auditing.get(f"/export/figures.csv{YEAR}&basis=provisional")
    assert response.streaming
    assert Entry.objects.latest("seq").action == "EXPORT"  # before the first byte
    data = b"".join(response).decode("utf-8-sig")
    assert list(csv.DictReader(io.StringIO(data, newline=""))) == expected


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_later_is_the_state_that_the_entry_names(client, plan, auditor, approved, report):
    """Whatever is written between the request and the first byte, and while the file is read."""
    approved("K1-1", 1, outbound=4, inbound=8)
    client.force_login(auditor)
    before = b"".join(client.get(f"/export/figures.csv{YEAR}"))
    response = client.get(f"/export/figures.csv{YEAR}")
    approved("K2-2", 1, meetings=1)
    assert b"".join(response) == before
    assert b"".join(client.get(f"/export/figures.csv{YEAR}")) != before
    Plan.objects.update(note="仍可寫入")


def test_unchanged_data_are_read_as_they_are(filled, django_assert_max_num_queries):
    with data_at(None) as at:
        pass
    with data_settled(at), django_assert_max_num_queries(1):
        assert Figure.objects.count() == 7


def test_the_page_offers_every_table_with_the_filters_of_the_address(
    auditing, filled, manager, a_moment_later
):
    moment = a_moment_later()
    page = auditing.get(f"/export/{YEAR}&basis=provisional&as_of={moment}").content.decode()
    query = f"{YEAR}&amp;basis=provisional&amp;as_of=".replace("&quarter", "&amp;quarter")
    for name, extension in FILES:
        assert f'href="/export/{name}.{extension}' in page, (name, extension)
    for name in OF_A_PLAN:
        assert f'href="/export/{name}.ods{query}' in page
    for extension in ("csv", "xlsx", "ods", "json", "jsonl"):
        assert f'href="/ledger/export.{extension}"' in page
    assert 'href="/export/attainment.metadata.json' in page
    assert "/ledger/export" not in signed_in(manager).get("/export/").content.decode()
    assert "匯出資料" in text(signed_in(manager).get("/"))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("/?year=99&quarter=1", "attainment"), ("/?year=99&quarter=1", "missed"), ("/plan/", "definitions"),
        ("/people/", "people"), ("/people/", "roles"), ("/imports/", "imports"),
        ("/indicators/K1-1/", "figures"),
    ],
)  # fmt: skip
def test_a_page_links_to_the_files_of_its_table(auditing, filled, address, name):
    page = auditing.get(address).content.decode()
    for extension in extensions(OFFERED[name]):
        assert f'href="{reverse("export", args=[name, extension])}' in page


def test_the_dictionary_explains_every_column_that_any_file_has(managing, auditing, filled):
    rows = table(managing, "dictionary", "")
    explained = {(row["資料集代碼"], row["欄位"]) for row in rows}
    for name in OFFERED:
        query = YEAR if OFFERED[name].of_a_plan else ""
        data = content(auditing.get(f"/export/{name}.csv{query}")).decode("utf-8-sig")
        assert {(name, header) for header in next(csv.reader(io.StringIO(data)))} <= explained
    assert all(row["說明"].endswith("。") and row["型態"] and row["來源"] for row in rows)
    assert ("ledger", "雜湊值") in explained


@pytest.mark.parametrize("name", ["attainment", "missed", "figures", "definitions"])
def test_open_data_is_flat_and_described_as_the_platform_asks(managing, filled, name):
    described = json.loads(content(managing.get(f"/export/{name}.metadata.json{YEAR}")))
    data = content(managing.get(f"/export/{name}.plain.csv{YEAR}"))
    assert not data.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    assert [field["欄位名稱"] for field in described["主要欄位說明"]] == header
    assert described["資料量"] == len(rows)
    assert described["資料下載網址"].endswith(f"/export/{name}.plain.csv{YEAR}")
    assert described["提供機關"] == filled.unit.name
    assert described["資料期間"] == "2010-01-01/2010-03-31"
    assert (described["計費方式"], described["授權方式"]) == ("免費", "政府資料開放授權條款-第1版")
    assert (described["檔案格式"], described["編碼格式"], described["更新頻率"]) == ("CSV", "UTF-8", "每季")
    assert described["資料集描述"].endswith("。")


@pytest.mark.parametrize("name", [name for name, each in OFFERED.items() if not each.is_open])
def test_what_names_people_is_no_open_data(auditing, filled, name):
    assert auditing.get(f"/export/{name}.plain.csv{YEAR}").status_code == 404
    assert auditing.get(f"/export/{name}.metadata.json{YEAR}").status_code == 404


def test_open_data_name_nobody(managing, filled):
    for person in User.objects.all():
        User.objects.filter(pk=person.pk).update(name=f"某{person.username}")
    for name, each in OFFERED.items():
        if each.is_open:
            data = content(managing.get(f"/export/{name}.plain.csv{YEAR}")).decode()
            assert not [person for person in User.objects.all() if person.name in data]


def test_what_there_is_not_is_not_found(managing, filled):
    for address in (
        "nothing.csv",
        "attainment.exe",
        "ledger.csv",
        "figures.csv?indicator=K9-9",
        "figures.csv?indicator=%00",
    ):
        response = managing.get(f"/export/{address}")
        assert response.status_code == 404, address
        assert "找不到頁面" in text(response)


def test_the_command_writes_what_the_page_sends(filled, auditing, auditor, a_moment_later, tmp_path, capsys):
    moment = a_moment_later()
    for name in OFFERED:
        file = tmp_path / f"{name}.csv"
        call_command(
            "export", f"--dataset={name}", "--format=csv", f"--output={file}", "--as=auditor",
            *(["--year=99", "--quarter=1", f"--as-of={moment}"] if OFFERED[name].of_a_plan else []),
        )  # fmt: skip
        entry = Entry.objects.latest("seq")
        assert (entry.action, entry.source) == ("EXPORT", "command")
        assert entry.new["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
        query = f"{YEAR}&as_of={moment}" if OFFERED[name].of_a_plan else ""
        assert file.read_bytes() == content(auditing.get(f"/export/{name}.csv{query}"))
        assert f"{entry.new['rows']:,} 列" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--dataset=people --format=csv", "--as"),
        ("--dataset=figures --format=csv", "--year"),
        ("--dataset=figures --format=csv --year=98 --quarter=1", "98"),
        ("--dataset=figures --format=csv --year=99 --quarter=1 --indicator=K9-9", "99"),
        ("--dataset=figures --format=pdf --year=99 --quarter=1", "ods"),
        ("--dataset=roles --format=csv --as=nobody", "nobody"),
    ],
)
def test_the_command_says_what_is_wrong(plan, tmp_path, options, words):
    before = Entry.objects.head()
    with pytest.raises(CommandError, match=words):
        call_command("export", *options.split(), f"--output={tmp_path / 'out'}")
    assert Entry.objects.head() == before


def test_the_command_tells_how_far_it_is(filled, tmp_path, capsys, monkeypatch):
    clock = iter(range(0, 1_000, 2))
    monkeypatch.setattr("reports.management.progress.EVERY", 3)
    monkeypatch.setattr("reports.management.progress.time.monotonic", lambda: next(clock))
    options = ["--dataset=attainment", "--format=csv", "--year=99", "--quarter=1"]
    call_command("export", *options, f"--output={tmp_path / 'out.csv'}")
    assert "3 " in capsys.readouterr().err


def test_files_are_narrowed_as_the_dashboard_is(managing, filled, tmp_path):
    for name in ("attainment", "missed"):
        rows = table(managing, name, f"{YEAR}&kind=common")
        assert rows
        assert {row["類別"] for row in rows} == {"共同性"}
    assert [row["指標代碼"] for row in table(managing, "attainment", f"{YEAR}&goal=K2")] == ["K2-1", "K2-2"]
    said, _rows = in_excel(content(managing.get(f"/export/attainment.xlsx{YEAR}&goal=K2")))
    assert said["目標"].startswith("二、")
    options = {"year": 99, "quarter": 1, "format": "csv", "output": tmp_path / "x.csv"}
    call_command("export", dataset="attainment", goal="K2", **options)
    assert (tmp_path / "x.csv").read_text(encoding="utf-8-sig").count("\n") == 3
    with pytest.raises(CommandError, match="--goal"):
        call_command("export", dataset="people", goal="K2", reader="manager", **options)
