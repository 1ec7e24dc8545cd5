"""Every word that people see is in the catalogue of translations, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from mofa_kpi import messages
from mofa_kpi.messages import forms

BASE_DIR = Path(__file__).resolve().parents[2]
OURS = ["mofa_kpi", "objectives", "indicators", "reports"]

HAN = re.compile(r"[\u2e80-\u2fff\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")

# English, typographic quotes, dashes and the like included, and the symbols of the lights.
ENGLISH = re.compile(r"[\x20-\x7e\n «»“”‘’–—…×÷≥≤★▲●□]*")

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|\{\w*\}")

# Files whose Chinese is data or a format, and so the same in every language.
DATA = {
    "templates/includes/language.html": "a language calls itself by its own name",
    "templates/500.html": "shown when anything may be broken, so nothing is looked up",
    "mofa_kpi/settings.py": "a language calls itself by its own name",
    "mofa_kpi/management/commands/bootstrap.py": "names of made-up people",
    "objectives/forms.py": "dates as people type them",
    "objectives/numerals.py": "Chinese numerals",
    "objectives/roc.py": "the official form of a date",
    "objectives/spreadsheets/workbooks.py": "names of a sheet and of what stands on it",
    "objectives/spreadsheets/ods_forms.py": "what a printed page bears",
    "objectives/spreadsheets/tables.py": "words of the data dictionary",
    "objectives/spreadsheets/xlsx_forms.py": "what a printed page bears, and the name of a message",
    "objectives/spreadsheets/writing.py": "the data dictionary's own columns",
    "indicators/demonstration.py": "names of made-up units",
    "indicators/formula.py": "worked arithmetic, which the export has too",
    "indicators/workflow/invented.py": "the made-up remark",
    "indicators/imports/batches.py": "names of sheets",
    "indicators/imports/entries.py": "answers in columns",
    "indicators/imports/figures.py": "the name of a column",
    "indicators/imports/lines.py": "names of columns",
    "indicators/imports/marked.py": "words of a file",
    "indicators/imports/plan_files.py": "names of sheets and columns",
    "indicators/imports/plan_lines.py": "names of sheets",
    "indicators/imports/plan_resources.py": "names of sheets and columns, and what they mean",
    "indicators/imports/plan_widgets.py": "answers in cells",
    "indicators/imports/plan_workbook.py": "the cover of a file",
    "indicators/imports/stamps.py": "the name of a column",
    "indicators/imports/workbook.py": "words of a file",
    "indicators/management/commands/import_figures.py": "names of columns",
    "reports/documents/drafts.py": "a file's name",
    "reports/documents/quarterly.py": "what the report says",
    "reports/documents/tree.py": "what stands on every page",
    "reports/exports/attainment.py": "names of columns, and answers in them",
    "reports/exports/columns.py": "names of columns",
    "reports/exports/cover.py": "a file's name and cover",
    "reports/exports/definitions.py": "names of columns, and answers in them",
    "reports/exports/dictionary.py": "names of columns",
    "reports/exports/figures.py": "names of columns, and answers in them",
    "reports/exports/imports.py": "names of columns",
    "reports/exports/ledger.py": "names of columns",
    "reports/exports/missed.py": "names of columns",
    "reports/exports/open_data.py": "the words that data.gov.tw asks for",
    "reports/exports/people.py": "names of columns, and answers in them",
    "reports/exports/publications.py": "names of columns, and answers in them",
    "reports/exports/places.py": "answers in a column",
    "reports/exports/status.py": "names of columns",
    "reports/search.py": "spellings that are alike",
    "reports/exports/units.py": "names of columns",
    "reports/document.py": "the notation of the source, and the notes' own words",
}


@pytest.fixture(scope="module")
def extracted() -> list[Message]:
    return [message for message in messages.extracted() if message.id]


def test_the_files_are_up_to_date() -> None:
    assert [path.name for path in messages.stale(messages.updated())] == [], "run «make messages»"


def test_every_message_is_translated() -> None:
    assert messages.untranslated(messages.updated()) == []


def placeholders(text: str) -> tuple[set[str], list[str]]:
    """Give the named ones, which may come again, and those that go by their place."""
    found = PLACEHOLDER.findall(text)
    by_place = [each for each in found if each in ("%s", "%d", "{}")]
    return set(found).difference(by_place), by_place


def test_translations_keep_the_placeholders(extracted: list[Message]) -> None:
    translated = messages.translated()
    wrong = []
    for message in extracted:
        found = translated.get(message.id, message.context)
        wanted = placeholders(forms(message.id)[-1])
        for string in forms(found.string) if found else []:
            if string and placeholders(string) != wanted:
                wrong.append((message.id, string))
    assert not wrong


def test_messages_are_english(extracted: list[Message]) -> None:
    """Chinese goes into the catalogue; as a message it would stay Chinese for everybody."""
    assert [form for message in extracted for form in forms(message.id) if not ENGLISH.fullmatch(form)] == []


def test_chinese_is_in_the_catalogue_only() -> None:
    found = {}
    for folder in ("templates", *OURS):
        for file in sorted((BASE_DIR / folder).rglob("*")):
            name = file.relative_to(BASE_DIR)
            if {"tests", "migrations"}.isdisjoint(name.parts):
                lines = list(READERS[file.suffix](file)) if file.suffix in READERS else []
                if lines:
                    found[name.as_posix()] = lines
    assert {name: lines for name, lines in found.items() if name not in DATA} == {}
    assert set(DATA) <= set(found), "these exceptions are no longer needed"


def chinese_lines(template: Path) -> Iterator[str]:
    """Give the lines with Chinese in them, comments apart."""
    comments = re.compile(r"\{#.*?#\}|\{% comment.*?endcomment %\}|<!--.*?-->", re.DOTALL)
    for line in comments.sub("", template.read_text(encoding="utf-8")).splitlines():
        if HAN.search(line):
            yield line.strip()


def chinese_strings(module: Path) -> Iterator[str]:
    """Give the string literals with Chinese in them, docstrings apart."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            for line in node.value.splitlines():
                if HAN.search(line):
                    yield f"line {node.lineno}: {line}"


READERS = {".html": chinese_lines, ".txt": chinese_lines, ".py": chinese_strings}
