"""The standalone verifier, run as an outside auditor would: Python alone, nothing of the system."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from ledger import check_export
from ledger.check_export import COLUMNS, entry_hash
from ledger.models import Entry
from ledger.verify import entries

Lines = list[dict[str, Any]]


@pytest.fixture
def export(plan: Any, planner: Any) -> Lines:
    """An exported ledger of some hundred entries, the last five about one row."""
    groups = apps.get_model("auth.Group").objects
    group = groups.create(name="one")
    for name in ("two", "three", "four"):
        group.name = name
        group.save()
    group.delete()
    return [dict(zip((*COLUMNS, "hash"), entry, strict=True)) for entry in entries()]


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Check an export with the given options; returns the exit status and what was said."""

    def run(lines: Lines | str, *options: str) -> tuple[int, str]:
        file = tmp_path / "ledger.jsonl"
        text = lines if isinstance(lines, str) else "".join(
            json.dumps(line, ensure_ascii=False) + "\n" for line in lines
        )  # fmt: skip
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        done = subprocess.run(
            [sys.executable, "-I", check_export.__file__, file, *options],
            cwd=tmp_path,
            env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
            capture_output=True,
            encoding="utf-8",
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[dict[str, Any]], str]:
    """Keep an entry's head in a file and give the option that names it."""

    def write(entry: dict[str, Any]) -> str:
        file = tmp_path / "head.json"
        file.write_text(json.dumps({name: entry[name] for name in ("seq", "hash", "at")}))
        return f"--head={file}"

    return write


def rehashed(lines: Lines) -> Lines:
    """Give every entry the hash and the predecessor that it should have."""
    link = lines[0]["prev"]
    for line in lines:
        line["prev"] = link
        link = line["hash"] = entry_hash(*(line[name] for name in COLUMNS))
    return lines


def test_an_export_is_intact(export: Lines, check: Any, kept: Any) -> None:
    head = Entry.objects.head()
    status, said = check(export)
    assert status == 0
    assert said.startswith(f"intact / 完整: {len(export):,} entries (1 to {head.seq}), head ")
    assert head.hash in said
    for entry in (export[0], export[100], export[-1]):
        assert check(export, kept(entry))[0] == 0


def test_a_later_part_is_intact_by_itself(export: Lines, check: Any, kept: Any) -> None:
    assert check(export[-3:])[0] == 0
    assert check(export[-3:], kept(export[-2]))[0] == 0
    status, said = check(export[-3:], kept(export[0]))
    assert status == 1
    assert "the head kept is entry 1" in said


@pytest.mark.parametrize("column", [*COLUMNS, "hash"])
def test_an_edited_value_is_named(column: str, export: Lines, check: Any) -> None:
    line = export[-3]
    seq = line["seq"]
    line[column] = line[column] + 1000 if column == "seq" else "2026-01-01T00:00:00.000Z"
    status, said = check(export)
    assert status == 1
    assert said.startswith("NOT INTACT / 不完整: entry ")
    assert str(seq) in said or str(seq + 1000) in said


def test_a_cut_line_is_named(export: Lines, check: Any) -> None:
    cut = export.pop(-3)
    status, said = check(export)
    assert status == 1
    assert f"entry {cut['seq'] + 1} follows entry {cut['seq'] - 1}: 1 missing" in said


def test_swapped_lines_are_named(export: Lines, check: Any) -> None:
    export[-3], export[-2] = export[-2], export[-3]
    status, said = check(export)
    assert status == 1
    assert f"entry {export[-3]['seq']} follows entry {export[-2]['seq'] - 1}: 1 missing" in said


def test_a_repeated_line_is_named(export: Lines, check: Any) -> None:
    status, said = check([*export, export[-1]])
    assert status == 1
    assert "out of order" in said


def test_a_cut_end_is_seen_by_a_kept_head(export: Lines, check: Any, kept: Any) -> None:
    option = kept(export[-1])
    assert check(export[:-2])[0] == 0
    status, said = check(export[:-2], option)
    assert status == 1
    assert f"the head kept is entry {export[-1]['seq']}" in said


def test_a_rewritten_export_is_seen_by_a_kept_head(export: Lines, check: Any, kept: Any) -> None:
    option = kept(export[-1])
    export[-2]["actor"] = "somebody"
    rehashed(export)
    assert check(export)[0] == 0
    status, said = check(export, option)
    assert status == 1
    assert f"entry {export[-1]['seq']} is not the one whose head was kept" in said


@pytest.mark.parametrize("image", ['{"id": 1, "name": "else"}', None])
def test_a_row_that_changed_between_its_entries_is_named(
    image: str | None, export: Lines, check: Any
) -> None:
    export[-2]["before"] = image
    status, said = check(rehashed(export))
    assert status == 1
    assert f"entry {export[-2]['seq']}: auth_group {export[-2]['key']} was changed without an entry" in said


def test_a_row_of_a_whole_export_begins_with_its_insertion(export: Lines, check: Any) -> None:
    """In a part it may have been there before."""
    export[-5]["before"] = '{"id": 1, "name": "zero"}'
    rehashed(export)
    assert check(export)[0] == 1
    assert check(export[-5:])[0] == 0


def test_a_beginning_that_follows_from_something_is_named(export: Lines, check: Any) -> None:
    export[0]["prev"] = "0" * 64
    assert check(rehashed(export))[0] == 1


def test_an_extract_is_not_intact(export: Lines, check: Any) -> None:
    extract = [line for line in export if line["table"] in ("objectives_plan", "auth_group")]
    status, said = check(extract)
    assert status == 1
    assert "missing" in said


def test_an_extract_is_checked_entry_by_entry_when_it_says_that_it_is_one(
    export: Lines, check: Any, kept: Any
) -> None:
    extract = [line for line in export if line["table"] in ("objectives_plan", "auth_group")]
    status, said = check(extract, "--extract")
    assert status == 0
    assert said.startswith(f"extract / 節錄: {len(extract)} entries")
    assert " 1 gaps" in said
    assert "NO proof" in said
    assert check(extract, "--extract", kept(extract[-1]))[0] == 0
    assert check(extract, "--extract", kept(export[10]))[0] == 1
    extract[2]["after"] += " "
    status, said = check(extract, "--extract")
    assert status == 1
    assert f"entry {extract[2]['seq']} was changed" in said


def test_an_extract_still_keeps_its_order_and_its_chain(export: Lines, check: Any) -> None:
    assert check([export[4], export[2]], "--extract")[0] == 1
    export[-1]["prev"] = "0" * 64
    export[-1]["hash"] = entry_hash(*(export[-1][name] for name in COLUMNS))
    assert check(export[-2:], "--extract")[0] == 1


@pytest.mark.parametrize("text", ["", "\n", "[]\n", "{}\n", "null\n", "nonsense\n", '{"seq": 1}\n', "7\n"])
def test_what_is_no_ledger_is_not_intact(text: str, check: Any) -> None:
    status, said = check(text)
    assert status == 1
    assert said.startswith("NOT INTACT")


def test_values_of_another_kind_or_more_of_them_are_named(export: Lines, check: Any) -> None:
    for change in ({"seq": "1"}, {"seq": True}, {"seq": 1.0}, {"actor": None}, {"actor": 7}, {"more": "x"}):
        status, said = check([export[0] | change])
        assert status == 1
        assert said.startswith("NOT INTACT / 不完整: line 1")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"seq": "x", "hash": "", "at": ""}', "\xff"])
def test_a_head_that_is_none_cannot_be_read(text: str, export: Lines, check: Any, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    file.write_bytes(text.encode("latin-1"))
    status, said = check(export[:1], f"--head={file}")
    assert status == 2
    assert said.startswith("cannot be read")


def test_a_file_that_is_not_there_cannot_be_read(export: Lines, check: Any, tmp_path: Path) -> None:
    assert check(export[:1], f"--head={tmp_path / 'nowhere'}")[0] == 2
    done = subprocess.run([sys.executable, "-I", check_export.__file__, "nowhere"], capture_output=True)
    assert done.returncode == 2


def test_lines_of_windows_are_read_too(export: Lines, check: Any) -> None:
    text = "".join(json.dumps(line) + "\r\n" for line in export)
    assert check(text)[0] == 0


def test_line_separators_within_a_value_do_not_end_a_line(export: Lines, check: Any) -> None:
    export[-1]["reason"] = "a\u2028b\u0085c"
    assert check(rehashed(export)[-1:])[0] == 0


def test_the_encoding_is_the_documented_one() -> None:
    """Fixed for ever: what an auditor keeps must still verify in later versions."""
    values = (
        "",
        1,
        "2026-01-02T03:04:05.678Z",
        "",
        "migration",
        "",
        "BEGIN",
        "",
        "",
        None,
        None,
        '{"a": "甲"}',
    )
    assert entry_hash(*values) == "3d27c94e7fc08d3e5ffd1f274c3da354a6320b7b3f0860e513561c68ade06e0c"
