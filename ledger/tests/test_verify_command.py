"""`verify_ledger`: what it says, and its exit status."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from ledger.models import Entry

pytestmark = pytest.mark.usefixtures("english")


def verify_ledger(*arguments: Any) -> str:
    output = io.StringIO()
    call_command("verify_ledger", *arguments, stdout=output)
    return output.getvalue()


@pytest.fixture
def group(plan: Any) -> Any:
    found = apps.get_model("auth.Group").objects.create(name="one")
    found.name = "two"
    found.save()
    return found


def test_an_intact_ledger_is_said_to_be_so_with_its_head(group: Any) -> None:
    head = Entry.objects.head()
    assert verify_ledger() == f"intact, {head.seq:,} entries, head {head.seq} {head.hash} ({head.at})\n"


def test_the_head_can_be_kept_and_compared_with(group: Any, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    assert str(file) in verify_ledger("--export-head", file)
    head = Entry.objects.head()
    assert json.loads(file.read_text()) == {"seq": head.seq, "hash": head.hash, "at": head.at}
    group.delete()
    assert verify_ledger("--head", file).startswith("intact")
    file.write_text(json.dumps({"seq": head.seq, "hash": "0" * 64, "at": head.at}))
    with pytest.raises(CommandError, match=f"NOT INTACT\nEntry {head.seq} has another hash"):
        verify_ledger("--head", file)


def test_part_of_it_can_be_recomputed(group: Any) -> None:
    head = Entry.objects.head()
    assert verify_ledger("--since", head.seq).startswith(f"intact, 1 entries, head {head.seq}")
    with pytest.raises(CommandError, match="There is no entry"):
        verify_ledger("--since", head.seq + 5)
    with pytest.raises(CommandError, match="from 1 on"):
        verify_ledger("--since", 0)


def test_every_problem_is_named_and_the_head_is_not_kept(
    group: Any, unseen: Callable[..., None], tmp_path: Path
) -> None:
    unseen(
        f"UPDATE auth_group SET name = 'false' WHERE id = {group.pk}",
        "UPDATE ledger_entry SET actor = 'somebody' WHERE seq = 2",
    )
    file = tmp_path / "head.json"
    with pytest.raises(CommandError) as caught:
        verify_ledger("--export-head", file)
    first, chain, row = str(caught.value).splitlines()
    assert first == "NOT INTACT"
    assert chain.startswith("The chain is broken: entry 2 was changed")
    assert row.endswith('name: "two" → "false".')
    assert caught.value.returncode == 1
    assert not file.exists()


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", "nonsense", '{"seq": 1}'])
def test_a_head_that_cannot_be_read_is_an_error(content: str | None, db: None, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CommandError, match="The kept head cannot be read"):
        verify_ledger("--head", file)


def test_a_head_that_cannot_be_written_is_an_error(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        verify_ledger("--export-head", tmp_path / "nowhere" / "head.json")
