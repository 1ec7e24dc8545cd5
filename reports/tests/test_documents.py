"""Quarterly reports as documents: what they say, on every page, in both formats, the same bytes each time."""

import io
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command
from pypdf import PdfReader

from indicators.models import Indicator, PlannedValue, QuarterReport
from indicators.readings import Basis
from ledger.models import Action, Entry
from objectives.tests.pages import signed_in, text
from reports.documents import fonts
from reports.documents.build import build
from reports.documents.odt import odt
from reports.documents.pdf import pdf
from reports.documents.quarterly import quarterly
from reports.documents.tree import Bar, Chart, Document, Facts, Heading, Seals, Table
from reports.moments import data_at

TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def words_of_pdf(content: bytes) -> list[str]:
    """Return the text of each page, without white space, which a PDF does not keep."""
    return ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def odt_part(content: bytes, name: str = "content.xml") -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return ElementTree.fromstring(book.read(name))


def words_of_odt(content: bytes) -> str:
    return "".join("".join(odt_part(content).itertext()).split())


@pytest.fixture
def figures(approved, plan):
    PlannedValue.objects.create(indicator=Indicator.objects.get(code="K1-1"), quarter=2, value=28)
    approved("K1-1", 1, outbound=6, inbound=8)
    approved("K1-1", 2, outbound=5, inbound=8, behind=True)
    approved("K7-1", 1, remitted=1_150_000, budget=8_000_000)


@pytest.fixture
def made(plan, figures):
    """Make the report of the second quarter: made("pdf", number="…")."""

    def make(extension: str, number: str = "", reader=None) -> bytes:
        with data_at(None) as at:
            return build(
                plan, quarter=2, at=at, basis=Basis.OFFICIAL, format=extension, number=number, reader=reader
            )

    return make


def test_both_formats_say_the_same_and_every_page_bears_its_number(made, plan):
    pages, flat = words_of_pdf(made("pdf", "MOFA-99-Q2-1")), words_of_odt(made("odt", "MOFA-99-Q2-1"))
    whole = "".join(pages)
    for number, page in enumerate(pages, start=1):
        assert "發布編號MOFA-99-Q2-1" in page
        assert f"第{number}頁，共{len(pages)}頁" in page
        assert "外交部99年度施政績效第2季季報" in page
    for said in (
        "壹、總說", "貳、各項指標執行情形", "參、核章", "機關首長", "K1-1加強雙方政要互訪", "↓落後",
        "11+16=27", "27÷55×100≈49.090909", "落後原因原因", "因應對策對策", "預定改善期限99年12月31日",
        "推估未達標", "年度目標值90百分比", "雙方部次長級以上官員互訪次數。",
    ):  # fmt: skip
        assert said in flat, said
        assert said in whole, said
    for indicator in Indicator.objects.all():
        assert "".join(f"{indicator.code}{indicator.title}".split()) in flat


SMALL = Document(
    "季報", "計畫", "X-1", "資料截至",
    [
        Heading("壹、總說"), Heading("一、目標", 2), Facts([("標籤", '第一行\n<b>&"甲\' ]]>')]),
        Table(("甲", "乙"), [("一", "1,234.5")], (60, 40), frozenset({1})),
        Chart("圖", [Bar("K1-1", "50.00", "50%"), Bar("K1-2", None, "－")]),
        Heading("貳、核章", new_page=True), Seals(("承辦人", "主管")),
    ],
)  # fmt: skip
SAID = ("壹、總說", "第一行", "<b>&\"甲']]>", "1,234.5", "承辦人", "K1-2－")


def test_a_draft_says_so_on_every_page():
    draft = replace(SMALL, number="")
    pages = words_of_pdf(pdf(draft))
    assert len(pages) == 2
    for page in pages:
        assert "草稿（未經發布）" in page
    assert "草稿（未經發布）" in "".join(odt_part(odt(draft), "styles.xml").itertext())


def test_the_same_data_give_the_same_bytes():
    for write in (odt, pdf):
        assert write(SMALL) == write(SMALL)


def test_the_pdf_is_tagged_titled_and_carries_its_fonts_and_markup_in_it_is_text():
    content = pdf(SMALL)
    reader = PdfReader(io.BytesIO(content))
    root: Any = reader.trailer["/Root"]
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "zh-Hant-TW"
    assert reader.metadata.title == "季報"
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    for font in [font.get_object() for each in resources for font in each["/Font"].values()]:
        [below] = font["/DescendantFonts"]
        assert {"/FontFile2", "/FontFile3"} & set(below.get_object()["/FontDescriptor"])
    whole = "".join(words_of_pdf(content))
    for said in SAID:
        assert said in whole


def test_the_odt_has_real_headings_repeated_headers_and_page_numbers(made):
    content = made("odt")
    headings = odt_part(content).iter(f"{TEXT}h")
    levels = [int(each.get(f"{TEXT}outline-level", "0")) for each in headings]
    assert set(levels) == {1, 2, 3}
    assert levels.count(2) == 12  # the summary's, and one for each goal
    tables = list(odt_part(content).iter(f"{TABLE}table"))
    with_header = [each for each in tables if each.find(f"{TABLE}table-header-rows") is not None]
    assert len(with_header) == 1 + Indicator.objects.count()
    styles = odt_part(content, "styles.xml")
    assert styles.find(f".//{TEXT}page-number") is not None
    assert styles.find(f".//{TEXT}page-count") is not None
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.namelist()[0] == "mimetype"
        assert book.getinfo("mimetype").compress_type == zipfile.ZIP_STORED


def test_what_units_wrote_is_there_as_far_as_the_reader_may_read_it(made, manager, neighbour):
    assert "落後原因原因" in words_of_odt(made("odt", reader=manager))
    other = words_of_odt(made("odt", reader=neighbour))
    assert "落後原因" not in other
    assert "11+16=27" in other


def test_an_official_report_says_nothing_of_drafts(made, report):
    QuarterReport.objects.filter(pk=report("K2-2", 2).pk).update(remark="尚未送審之說明")
    assert "尚未送審之說明" not in words_of_odt(made("odt"))


def test_numbers_are_those_of_the_pages(plan, figures, managing):
    with data_at(None) as at:
        blocks = quarterly(plan, 2, at=at, basis=Basis.OFFICIAL).blocks
    [chart] = [each for each in blocks if isinstance(each, Chart)]
    page = managing.get("/?year=99&quarter=2")
    assert next(bar for bar in chart.bars if bar.label == "K1-1").said.startswith("49.1%")
    assert "49.1%" in text(page)
    summary = next(each for each in blocks if isinstance(each, Facts))
    assert dict(summary.pairs)["平均達成度（系統試算）"] == "49.1%（20 項中 1 項已有達成度）"
    assert "20 項中 1 項已有達成度" in text(page)


@pytest.mark.skipif(
    not shutil.which("soffice") and not os.environ.get("REQUIRE_BROWSER"), reason="LibreOffice is not there"
)
def test_libreoffice_opens_the_odt(tmp_path: Path):
    file = tmp_path / "report.odt"
    file.write_bytes(odt(SMALL))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    made = tmp_path / "report.pdf"
    assert made.exists(), "LibreOffice has no Writer (on Debian: apt-get install libreoffice-writer-nogui)."
    pages = words_of_pdf(made.read_bytes())
    assert len(pages) == 2
    for number, page in enumerate(pages, start=1):
        assert "發布編號X-1" in page
        assert f"第{number}頁，共2頁" in page
    for said in SAID:
        assert said in "".join(pages)
    assert "1壹" not in pages[0]


# -- Where drafts are to be had ----------------------------------------------------------------------------


def test_a_draft_is_taken_from_the_page_and_is_in_the_ledger(plan, figures, manager):
    client = signed_in(manager)
    assert (
        "/published/draft.pdf?year=99&amp;agency=MOFA&amp;quarter=2"
        in client.get("/published/").content.decode()
    )
    response = client.get("/published/draft.odt?year=99&quarter=2")
    assert response["Content-Type"] == "application/vnd.oasis.opendocument.text"
    assert "草稿" in words_of_odt(response.content)
    entry = Entry.objects.filter(action=Action.EXPORT).latest("seq")
    assert (entry.actor, entry.new["what"], entry.new["filters"]["quarter"]) == ("manager", "report", 2)
    assert client.get("/published/draft.docx?year=99&quarter=2").status_code == 404


def test_the_command_writes_a_draft(plan, figures, tmp_path, capsys):
    file = tmp_path / "x.odt"
    call_command("build_report", year=99, quarter=2, format="odt", output=file)
    assert "草稿" in words_of_odt(file.read_bytes())
    assert str(file) in capsys.readouterr().out
    with pytest.raises(CommandError, match="12"):
        call_command("build_report", year=12, quarter=2, format="pdf", output=file)


def test_without_a_font_there_is_a_word_and_no_boxes(plan, figures, manager, monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "FAMILIES", ("No Such Font TC",))
    response = signed_in(manager).get("/published/draft.pdf?year=99&quarter=2")
    assert response.status_code == 503
    assert "fonts-noto-cjk" in text(response)
    with pytest.raises(CommandError, match="fonts-noto-cjk"):
        call_command("build_report", year=99, quarter=2, format="pdf", output=tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
