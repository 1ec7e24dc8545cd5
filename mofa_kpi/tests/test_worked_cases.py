"""The worked cases, from a file of figures to files and pages: the same to the last digit everywhere."""

import csv
import io
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command

from indicators.imports.lines import HEADERS
from indicators.models import Indicator, PlannedValue
from indicators.numbers import format_towards

CASES = json.loads(
    (Path(__file__).resolve().parents[2] / "reports/tests/attainment_cases.json").read_text(encoding="utf-8")
)["cases"]


def rounded_as(number: Decimal, expected: str) -> str:
    """Round half up to as many decimals as expected has."""
    digits = len(expected.partition(".")[2])
    return f"{number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"


def figures_file(case: dict[str, Any]) -> bytes:
    """Write the case as the CSV that `import_figures` takes."""
    code = case["indicator"]
    rows = [
        (99, quarter, code, symbol, value, "", "已查核")
        for quarter, figures in case["figures"].items()
        for symbol, value in figures.items()
    ]
    rows += [(99, "", code, symbol, value, "", "") for symbol, value in case.get("constants", {}).items()]
    symbol = Indicator.objects.get(code=code).variables.first().symbol
    rows += [(99, q, code, symbol, "不適用", why, "") for q, why in case.get("not_applicable", {}).items()]
    stream = io.StringIO()
    csv.writer(stream).writerows([(*HEADERS, "異常說明"), *rows])
    return stream.getvalue().encode() if rows else b""


def complete(case: dict[str, Any]) -> bool:
    """Whether every report of the case has what it must have to be submitted."""
    return case["state"] != "無法計算" or bool(case.get("constants"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['indicator']} {case['note'][:40]}")
def test_a_worked_case_holds_in_command_file_and_page(
    case, planner, head, reviewer, manager, client, a_moment_later, tmp_path
):
    content = figures_file(case)
    if content:
        file = tmp_path / "figures.csv"
        file.write_bytes(content)
        people = ["--as", "planner", "--endorse-as", "head", "--approve-as", "reviewer"]
        call_command("import_figures", str(file), *people, "--submit")
    for quarter, value in case.get("planned", {}).items():
        indicator = Indicator.objects.get(code=case["indicator"])
        PlannedValue.objects.create(indicator=indicator, quarter=quarter, value=value)

    moment = a_moment_later()  # every file names the ledger's head, so they are of one moment

    def export(extension: str) -> bytes:
        output = tmp_path / f"out.{extension}"
        options = f"--year 99 --quarter {case['quarter']} --format {extension} --as-of {moment}"
        call_command("export_attainment", *options.split(), f"--output={output}")
        return output.read_bytes()

    written = export("csv")
    table = list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"))))
    row = next(row for row in table if row["指標代碼"] == case["indicator"])
    assert len(table) == 20
    for column, key in (
        ("累計實際值", "value"),
        ("達成度（未設上限）", "raw_attainment"),
        ("達成度", "attainment"),
    ):
        expected = case[key]
        assert (rounded_as(Decimal(row[column]), expected) if row[column] else None) == expected, column
    assert row["資料狀態"] == case["state"]
    assert row["進度"] == (case["progress"] or "")
    assert row["系統試算燈號"] == (case["light"] or "")

    sheet = openpyxl.load_workbook(io.BytesIO(export("xlsx"))).active
    header, *rows = sheet.iter_rows(values_only=True)
    typed = next(dict(zip(header, r, strict=True)) for r in rows if case["indicator"] in r)
    for column, text in row.items():
        if text and isinstance(typed[column], int | float):
            assert float(text) == pytest.approx(typed[column], rel=1e-15), column
        else:
            assert (typed[column] or "") == text, column

    client.force_login(manager)
    page = client.get(f"/indicators/{case['indicator']}/?year=99&quarter={case['quarter']}").content.decode()
    dashboard = client.get(f"/?year=99&quarter={case['quarter']}").content.decode()
    file = client.get(f"/export/attainment.csv?year=99&quarter={case['quarter']}&as_of={moment}")
    assert file.content == written
    assert case["state"] in page
    for word in (case["progress"], case["light"]):
        if word:
            assert word in page
            assert word in dashboard
    if case["value"] is not None:
        target = Indicator.objects.get(code=case["indicator"]).target
        shown = format_towards(Decimal(row["累計實際值"]), target, 2)
        assert shown in page
        assert shown in dashboard
