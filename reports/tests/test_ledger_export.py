"""The ledger as files: what is in them, that they stream, and that the ledger knows of them."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger import check_export
from ledger.acting import acting
from ledger.check_export import COLUMNS
from ledger.models import Entry
from objectives.models import Goal, Plan
from objectives.spreadsheets import workbooks
from objectives.tests.pages import signed_in
from reports.exports import ledger as ledger_files
from reports.exports.ledger import LEDGER_COLUMNS, Extract, local

HEADERS = tuple(column.header for column in LEDGER_COLUMNS)
ATTACK = '=HYPERLINK("http://evil.test")'


@pytest.fixture
def auditing(auditor, plan):
    return signed_in(auditor)


def content(response):
    return b"".join(response)


def checked(file, *options):
    return subprocess.run(
        [sys.executable, check_export.__file__, str(file), *options], capture_output=True, encoding="utf-8"
    )


def table(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def sheets(data):
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    return [
        [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets[1:]
    ]  # behind the cover


def test_json_lines_are_what_the_verifier_reads(auditing, tmp_path):
    Plan.objects.update(note='中文、"引號"、\n換行、\u2028 與 \\')
    head = Entry.objects.head()
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(content(auditing.get("/ledger/export.jsonl")))
    result = checked(file)
    assert result.returncode == 0, result.stderr
    assert f"{head.seq:,} entries (1 to {head.seq})" in result.stdout
    lines = file.read_text(encoding="utf-8").split("\n")
    assert lines[-1] == ""
    assert list(json.loads(lines[0])) == [*COLUMNS, "hash"]
    assert "中文" in file.read_text(encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("中文", "英文"), encoding="utf-8")
    assert checked(file).returncode == 1


def test_a_part_by_days_can_be_verified_too(auditing, tmp_path):
    file = tmp_path / "ledger.jsonl"
    file.write_bytes(content(auditing.get("/ledger/export.jsonl?first=100.1.1")))
    assert checked(file).returncode == 0


@pytest.mark.parametrize("extension", ["csv", "xlsx", "jsonl"])
def test_each_download_is_in_the_ledger_and_not_in_itself(auditing, auditor, extension):
    before = Entry.objects.head()
    data = content(auditing.get(f"/ledger/export.{extension}?kind=objectives_goal"))
    entry = Entry.objects.get(seq=before.seq + 1)
    assert (entry.action, entry.actor, entry.source) == ("EXPORT", auditor.username, "page")
    goals = Entry.objects.filter(table="objectives_goal").count()
    assert entry.new | {"file": ""} == {
        "what": "ledger",
        "file": "",
        "format": extension,
        "entries": goals,
        "as_of": None,
        "head_seq": before.seq,
        "head_hash": before.hash,
        "filters": {"kind": "objectives_goal"},
    }
    assert entry.new["file"].endswith(f"-{before.seq}.{extension}")
    rows = {
        "csv": lambda: len(table(data)) - 1,
        "xlsx": lambda: len(sheets(data)[0]) - 1,
        "jsonl": lambda: data.count(b"\n"),
    }[extension]()
    assert rows == goals


def test_it_is_recorded_before_the_first_byte_is_sent(auditing):
    response = auditing.get("/ledger/export.jsonl")
    assert Entry.objects.latest("seq").action == "EXPORT"
    Plan.objects.update(note="之後")
    assert "之後" not in content(response).decode()


def test_what_is_refused_is_not_recorded(auditing, manager):
    before = Entry.objects.head()
    assert auditing.get("/ledger/export.pdf").status_code == 404
    assert auditing.get("/ledger/export.csv?first=x").status_code == 302
    assert auditing.head("/ledger/export.csv").status_code == 405
    client = signed_in(manager)
    before = Entry.objects.head()
    assert client.get("/ledger/export.csv").status_code == 403
    assert Entry.objects.head() == before


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_tables_have_chinese_headers_and_words_in_any_language(auditing, extension):
    auditing.cookies["django_language"] = "en"
    response = auditing.get(f"/ledger/export.{extension}?kind=objectives_goal")
    data = content(response)
    rows = table(data) if extension == "csv" else sheets(data)[0]
    assert tuple(rows[0]) == HEADERS
    assert rows[1][5:8] == ["新增", "目標", "objectives_goal"]
    if extension == "csv":
        assert data.startswith(b"\xef\xbb\xbf")
    assert f".{extension}" in response["Content-Disposition"]


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_no_cell_is_a_formula(auditing, person, extension):
    attacker = person("@SUM(A1)")
    with acting(actor=attacker, reason=ATTACK):
        Goal.objects.filter(number=1, kind="KEY").update(note=ATTACK)
    data = content(auditing.get(f"/ledger/export.{extension}?person=%40SUM"))
    row = (table(data) if extension == "csv" else sheets(data)[0])[1]
    assert row[2] == "'@SUM(A1)"
    assert row[4] == f"'{ATTACK}"
    if extension == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(data))
        kinds = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line}
        assert kinds <= {"n", "s"}


def test_a_full_sheet_is_followed_by_another(auditing, monkeypatch):
    monkeypatch.setattr(workbooks, "LONGEST_SHEET", 7)
    found = sheets(content(auditing.get("/ledger/export.xlsx?kind=objectives_goal")))
    assert len(found) == 2
    assert all(tuple(sheet[0]) == HEADERS for sheet in found)
    numbers = [row[0] for sheet in found for row in sheet[1:]]
    assert numbers == list(
        Entry.objects.filter(table="objectives_goal").order_by("seq").values_list("seq", flat=True)
    )


def test_times_are_taipeis_and_sort_as_text():
    assert local("2026-05-18T16:00:00.007Z") == "115/05/19 00:00:00.007"
    assert local("2010-12-31T15:59:59.999Z") == "099/12/31 23:59:59.999"


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_a_file_streams_however_long_it_is(auditing, monkeypatch, extension):
    monkeypatch.setattr(ledger_files, "CHUNK", 10)
    extract = Extract.of(Entry.objects.all())
    rows = iter(extract.rows())
    assert isinstance(rows, Iterator)
    asked: list[str] = []
    with connection.execute_wrapper(_counting(asked)):
        assert len([next(rows) for _number in range(25)]) == 25
    assert len(asked) == 3  # thirty rows at most were in memory
    response = auditing.get(f"/ledger/export.{extension}")
    assert response.streaming
    assert isinstance(response.streaming_content, Iterator)
    content(response)


def _counting(asked):
    def wrapper(execute, sql, params, many, context):
        asked.append(sql)
        return execute(sql, params, many, context)

    return wrapper


def test_nothing_is_locked_while_a_file_is_read(auditing, plan):
    response = auditing.get("/ledger/export.jsonl")
    next(iter(response))
    Plan.objects.update(note="期間仍可寫入")
    content(response)


@pytest.mark.parametrize("file_format", ["csv", "xlsx", "jsonl"])
def test_the_command_writes_the_same_file(auditing, tmp_path, file_format, capsys):
    file = tmp_path / f"ledger.{file_format}"
    call_command("export_ledger", format=file_format, output=file)
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.source) == ("EXPORT", "command")
    assert entry.new["entries"] == entry.seq - 1
    assert f"已將 {entry.seq - 1:,} 筆紀錄寫入" in capsys.readouterr().out
    if file_format == "jsonl":
        assert checked(file).returncode == 0


def test_the_command_starts_where_it_is_told(auditing, tmp_path):
    file = tmp_path / "ledger.jsonl"
    call_command("export_ledger", format="jsonl", output=file, since=5)
    assert json.loads(file.read_text(encoding="utf-8").split("\n")[0])["seq"] == 5
    assert Entry.objects.latest("seq").new["filters"] == {"since": 5}
    assert checked(file).returncode == 0


def test_the_command_says_what_is_wrong(plan, tmp_path):
    with pytest.raises(CommandError, match="--since"):
        call_command("export_ledger", format="csv", output=tmp_path / "x", since=0)
    before = Entry.objects.head()
    with pytest.raises(CommandError, match="無法寫入檔案"):
        call_command("export_ledger", format="csv", output=tmp_path / "no" / "x")
    assert Entry.objects.head() == before
