"""Publishing: what is frozen, when, by whom; and that nothing changes it afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from indicators import locks
from indicators.workflow import Refusal
from ledger import triggers
from ledger.acting import acting
from ledger.models import Action, Entry
from ledger.past import head_at
from ledger.verify import verify
from objectives.models import Plan, Unit, User
from objectives.roles import Role
from reports import publishing
from reports.models import Publication, PublishedFile
from reports.publishing import Altered, bytes_of, next_edition, publish, published_with


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


# -- What is frozen ----------------------------------------------------------------------------------------


def test_both_files_are_kept_with_their_hashes_and_the_ledger_knows_them(published, reviewer, now):
    done = published()
    odt, pdf = done.files.all()
    assert (done.number, done.version, done.reason) == ("MOFA-99-Q2-1", 1, "")
    assert (odt.name, pdf.name) == ("MOFA-99-Q2-1.odt", "MOFA-99-Q2-1.pdf")
    for file in (odt, pdf):
        content = bytes_of(file)
        assert content.decode().startswith(f"{file.format} MOFA-99-Q2-1")
        assert (file.size, file.sha256) == (len(content), digest(content))
        entry = Entry.objects.of("reports_publishedfile", file.pk).get()
        assert (entry.actor, entry.parent, entry.new["sha256"]) == (
            reviewer.username,
            str(done.pk),
            file.sha256,
        )
        assert "content" not in entry.new
    assert (done.published_by, done.published_at) == (reviewer, now)
    assert verify().problems == []


def test_the_moment_of_the_data_leads_to_the_head_that_is_printed(published, plan):
    Plan.objects.update(note="before")
    done = published()
    Plan.objects.update(note="after")
    assert head_at(done.as_of)[:2] == (done.head_seq, done.head_hash)
    assert f"before {done.head_seq}" in bytes_of(done.files.first()).decode()


def test_it_is_built_without_the_lock_and_nothing_can_be_written_meanwhile(
    quick, plan, reviewer, now, monkeypatch
):
    def build(*args: Any, **asked: Any) -> bytes:
        with pytest.raises(RuntimeError, match="nothing can be written"), acting(actor=reviewer):
            pass
        return b"x"

    monkeypatch.setattr(publishing, "build", build)
    assert publish(plan=plan, quarter=1, by=reviewer, now=now).files.count() == 2


def test_a_correction_is_a_version_of_its_own_and_leaves_the_old_one(published):
    old = published()
    before = {file.pk: bytes(file.content) for file in old.files.all()}
    new = published(reason="　第 2 季數值誤植 ")
    assert (new.number, new.version, new.reason) == ("MOFA-99-Q2-2", 2, "第 2 季數值誤植")
    assert (old.correction, new.correction) == (new, None)
    assert {file.pk: bytes_of(file) for file in old.files.all()} == before
    assert Entry.objects.of("reports_publication", new.pk).get().reason == new.reason
    assert published(3).number == "MOFA-99-Q3-1"


# -- What is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (["x"], "第 1 版無須勘誤原因"),
        (["", ""], "請敘明勘誤原因"),
        (["", " \u200b"], "請敘明勘誤原因"),
        (["", "字" * 1001], "原因逾 1000 字"),
        (["", "a\x07b"], "控制字元"),
    ],
)
def test_a_correction_alone_needs_a_reason_that_can_be_read(published, reasons, words):
    *fine, last = reasons
    for reason in fine:
        published(reason=reason)
    with pytest.raises(Refusal, match=words):
        published(reason=last)
    assert Publication.objects.count() == len(fine)
    assert Entry.objects.filter(action=Action.REFUSED, table="objectives_plan").count() == 1


@pytest.mark.parametrize(
    ("quarter", "month", "day", "first"), [(4, 12, 31, "100 年 1 月 1 日"), (2, 6, 30, "99 年 7 月 1 日")]
)
def test_nothing_is_published_before_it_is_over(quick, plan, reviewer, quarter, month, day, first):
    last = datetime(2010, month, day, 15, 59, tzinfo=UTC)  # a minute before midnight in Taipei
    with pytest.raises(Refusal, match=f"自 {first}起"):
        publish(plan=plan, quarter=quarter, by=reviewer, now=last)
    assert publish(plan=plan, quarter=quarter, by=reviewer, now=last.replace(hour=16, minute=0))


def test_reviewers_and_administrators_of_the_plans_agency_publish(
    quick, plan, person, department, request, now
):
    others = [person("reviewer_below", (Role.REVIEWER, department))]
    others.append(person("reviewer_afar", (Role.REVIEWER, Unit.objects.create(code="FAR", name="他部"))))
    others += map(request.getfixturevalue, ["planner", "head", "manager", "auditor", "outsider"])
    for other in others:
        with pytest.raises(PermissionDenied):
            publish(plan=plan, quarter=1, by=other, now=now)
    refusals = Entry.objects.filter(action=Action.REFUSED, key=str(plan.pk))
    assert list(refusals.values_list("actor", flat=True)) == [other.username for other in others]
    assert not Publication.objects.exists()


def test_another_version_than_the_one_that_was_shown_is_not_published(published, plan, reviewer, now):
    published()
    with pytest.raises(Refusal, match="期間已有他人發布，下一版為第 2 版"):
        publish(plan=plan, quarter=2, by=reviewer, now=now, reason="x", version=1)
    assert publish(plan=plan, quarter=2, by=reviewer, now=now, reason="x", version=2).version == 2


def test_a_number_is_given_once_though_an_agency_took_anothers_code(published, plan, reviewer, now):
    published()
    Unit.objects.filter(pk=plan.unit_id).update(code="OLD")
    unit = Unit.objects.create(code="MOFA", name="新部", parent=plan.unit)
    other = Plan.objects.create(unit=unit, year=99, title="x")
    with pytest.raises(Refusal, match="發布編號 MOFA-99-Q2-1 已使用"):
        publish(plan=other, quarter=2, by=User.objects.get(pk=reviewer.pk), now=now)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_publish_at_once_one_is_told_so(quick, plan, reviewer, administrator, now, monkeypatch):
    """Both have built version 1 before either takes the lock."""
    barrier, built = Barrier(2), publishing._built
    monkeypatch.setattr(publishing, "_built", lambda edition: (built(edition), barrier.wait(20))[0])

    def one(user: Any) -> str:
        try:
            return publish(plan=plan, quarter=1, by=user, now=now).number
        except Refusal as refusal:
            return " ".join(refusal.messages)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(one, [reviewer, administrator]), key=len)
    assert first == "MOFA-99-Q1-1"
    assert "期間已有他人發布" in second
    assert next_edition(plan, 1).version == 2


# -- Nothing changes it ------------------------------------------------------------------------------------

ATTACKS = {
    "a column": "UPDATE reports_publication SET reason = 'x', version = 2",
    "the same again": "UPDATE reports_publication SET number = number",
    "bytes": "UPDATE reports_publishedfile SET content = '00'",
    "a hash": "UPDATE reports_publishedfile SET sha256 = 'x'",
    "a publication goes": "DELETE FROM reports_publication",
    "files go": "DELETE FROM reports_publishedfile",
    "a third file": "INSERT INTO reports_publishedfile (publication_id, format, name, size, sha256, content)"
    " SELECT publication_id, format, name, size, 'x', content FROM reports_publishedfile",
    "one of another format": "INSERT INTO reports_publishedfile (publication_id, format, name, size, sha256,"
    " content) SELECT publication_id, 'ods', name, size, 'x', content FROM reports_publishedfile LIMIT 1",
    "an upsert": "INSERT INTO reports_publishedfile (publication_id, format, name, size, sha256, content)"
    " SELECT publication_id, format, name, size, sha256, content FROM reports_publishedfile WHERE 1 = 1"
    " ON CONFLICT (publication_id, format) DO UPDATE SET sha256 = 'x'",
}
VENDORS = {
    "sqlite": ["INSERT OR REPLACE INTO reports_publishedfile SELECT * FROM reports_publishedfile"],
    "postgresql": ["TRUNCATE reports_publishedfile", "TRUNCATE reports_publication CASCADE"],
}


def test_the_database_refuses_every_change(published):
    published()
    published(reason="x")
    rows = [list(model.objects.order_by("pk").values()) for model in (Publication, PublishedFile)]
    for statement in [*ATTACKS.values(), *VENDORS[connection.vendor]]:
        with pytest.raises(DatabaseError), transaction.atomic():
            sql(statement)
    for change in (Publication.objects.all().delete, lambda: PublishedFile.objects.update(name="x")):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    assert [list(model.objects.order_by("pk").values()) for model in (Publication, PublishedFile)] == rows


def test_a_backup_is_restored_into_an_empty_database(published, tmp_path):
    published()
    before = [list(model.objects.values()) for model in (Publication, PublishedFile)]
    backup = tmp_path / "backup.json"
    with backup.open("w") as file:
        call_command("dumpdata", "reports.publication", "reports.publishedfile", stdout=file)
    with locks.dismantled():
        PublishedFile.objects.all().delete()
        Publication.objects.all().delete()
    call_command("loaddata", str(backup), verbosity=0)
    assert [list(model.objects.values()) for model in (Publication, PublishedFile)] == before
    assert all(bytes_of(file) for file in PublishedFile.objects.all())


def test_the_locks_stand_beside_the_others_and_come_back(published):
    published()
    assert triggers.deviations() == locks.deviations() == []
    with locks.dismantled():
        assert locks.deviations()
        PublishedFile.objects.update(name="x")
    assert locks.deviations() == []


@pytest.mark.parametrize("with_hash", [False, True])
def test_what_somebody_altered_behind_the_locks_is_found_out(published, with_hash):
    """With the hash too: the ledger still has the one that was published."""
    file = published().files.first()
    forged = {"sha256": digest(b"forged")} if with_hash else {}
    with locks.dismantled():
        PublishedFile.objects.filter(pk=file.pk).update(content=b"forged", **forged)
    with pytest.raises(Altered):
        bytes_of(PublishedFile.objects.get(pk=file.pk))
    with pytest.raises(Altered):
        published_with(digest(b"forged") if with_hash else file.sha256)


# -- Commands ----------------------------------------------------------------------------------------------


@pytest.fixture
def run() -> Callable[..., str]:
    def command(*words: str) -> str:
        told = StringIO()
        call_command(*words, stdout=told)
        return told.getvalue()

    return command


def test_the_commands_publish_and_verify(quick, plan, reviewer, run, tmp_path: Path):
    ask = ["publish_report", "--year", "99", "--quarter", "2", "--as", "reviewer"]
    told = run(*ask)
    assert "已發布，編號 MOFA-99-Q2-1。" in told
    pdf = PublishedFile.objects.get(format="pdf")
    assert f"{pdf.sha256}  MOFA-99-Q2-1.pdf" in told
    file = tmp_path / "report.pdf"
    file.write_bytes(pdf.content)
    assert f"{file}：MOFA-99-Q2-1，99 年度第 2 季季報，第 1 版" in run("verify_report", str(file))
    run(*ask, "--reason", "誤植")
    assert "已有勘誤版：MOFA-99-Q2-2。" in run("verify_report", str(file))


def test_the_commands_say_what_is_wrong(quick, plan, reviewer, planner, run, tmp_path: Path):
    file = tmp_path / "other.pdf"
    file.write_bytes(b"x")
    ask = ["publish_report", "--year", "99", "--quarter", "2", "--as"]
    for words, wrong in {
        ("verify_report", str(file), str(tmp_path / "none.pdf")): r"查無此 SHA-256(.|\n)*無法讀取",
        (*ask, "nobody"): "nobody",
        (*ask, "planner"): "角色",
        (*ask, "reviewer", "--reason", "x"): "第 1 版無須勘誤原因",
        ("publish_report", "--year", "12", "--quarter", "1", "--as", "reviewer"): "12",
    }.items():
        with pytest.raises(CommandError, match=wrong):
            run(*words)
