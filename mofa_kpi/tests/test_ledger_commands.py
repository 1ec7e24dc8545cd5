"""What commands write is in the ledger as theirs."""

from pathlib import Path

import pytest
from django.core.management import call_command

from indicators.models import ImportBatch, QuarterReport
from ledger.acting import operating_system_user
from ledger.models import Action, Entry
from objectives.models import Plan, Unit

pytestmark = pytest.mark.django_db


def written_since(seq: int) -> list[Entry]:
    return list(Entry.objects.filter(seq__gt=seq).order_by("seq"))


def figures(folder: Path, *rows: str) -> Path:
    file = folder / "figures.csv"
    file.write_text("\n".join(["年度,季別,指標代碼,填報項目,數值,備註", *rows]), encoding="utf-8")
    return file


def test_a_fixture_is_recorded_with_its_name():
    seq = Entry.objects.head().seq
    call_command("loaddata", "fy99_plan", verbosity=0)
    entries = written_since(seq)
    assert len(entries) >= 186
    assert {(each.source, each.actor, each.reason) for each in entries} == {
        ("command", operating_system_user(), "loaddata fy99_plan")
    }


def test_what_is_written_in_the_shell_is_recorded_as_written_there(plan, monkeypatch):
    from ledger import acting

    monkeypatch.setattr("sys.argv", ["manage.py", "shell"])
    monkeypatch.setattr(acting, "_PROCESS", acting._process())
    seq = Entry.objects.head().seq
    call_command(
        "shell",
        command="from objectives.models import *\n"
        "Unit.objects.create(code='X', name='司')\n"
        "Plan.objects.update(note='改')\n"
        "Unit.objects.get(code='X').delete()",
        verbosity=0,
    )
    entries = written_since(seq)
    assert [(each.action, each.table) for each in entries] == [
        (Action.INSERT, Unit._meta.db_table),
        (Action.UPDATE, Plan._meta.db_table),
        (Action.DELETE, Unit._meta.db_table),
    ]
    assert {(each.source, each.actor) for each in entries} == {("shell", operating_system_user())}


def test_an_import_is_recorded_as_one_by_the_planner_and_the_approver(
    plan, planner, head, reviewer, tmp_path
):
    file = tmp_path / "figures.csv"
    file.write_text(
        "年度,季別,指標代碼,填報項目,數值,備註\n99,1,K1-1,outbound,4,\n99,1,K1-1,inbound,8,\n",
        encoding="utf-8",
    )
    seq = Entry.objects.head().seq
    call_command(
        "import_figures", str(file), "--as=planner", "--submit", "--endorse-as=head", "--approve-as=reviewer"
    )
    entries = written_since(seq)
    assert {each.source for each in entries} == {"import"}
    assert [each.actor for each in entries if each.table == QuarterReport._meta.db_table] == [
        "planner", "planner", "head", "reviewer",
    ]  # fmt: skip


def test_an_import_that_is_refused_is_one_entry_and_nothing_else(plan, planner, tmp_path):
    file = tmp_path / "figures.csv"
    file.write_text(
        "年度,季別,指標代碼,填報項目,數值,備註\n99,1,K1-1,outbound,4,\n99,1,K1-1,inbound,x,\n",
        encoding="utf-8",
    )
    seq = Entry.objects.head().seq
    with pytest.raises(Exception, match="3"):
        call_command("import_figures", str(file), "--as=planner")
    [entry] = written_since(seq)
    assert (entry.action, entry.actor, entry.source) == (Action.INSERT, "planner", "import")
    assert entry.table == ImportBatch._meta.db_table
    assert entry.new["state"] == ImportBatch.State.REFUSED
    assert "「x」" in entry.new["refusal"]
    with pytest.raises(Exception, match="3"):
        call_command("import_figures", str(file), "--as=planner", "--dry-run")
    assert Entry.objects.head().seq == entry.seq, "a dry run wants to write nothing"
