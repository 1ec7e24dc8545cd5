"""Evidence: who may add, read and remove it, what is refused, and that nothing is left lying about."""

import errno
import hashlib
import os
import stat
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.urls import reverse
from django.utils import timezone

from indicators import evidence_store, workflow
from indicators.models import Evidence, QuarterReport, ReportingPeriod
from indicators.workflow import Closed
from indicators.workflow import evidence as verbs
from ledger.acting import acting
from ledger.models import Action, Entry
from objectives.tests.pages import signed_in, text

from .test_file_check import pdf, png

SHEET = pdf()
OLD = 3600


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings) -> Path:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    return settings.EVIDENCE_DIR


@pytest.fixture
def draft(report) -> QuarterReport:
    return report("K1-1", 1)


@pytest.fixture
def shared(draft, department) -> QuarterReport:
    """A report to which the neighbour's department contributes."""
    draft.indicator.contributing_units.add(department)
    return draft


@pytest.fixture
def add(planner, now):
    """Add a file: add(report, name="a.pdf", content=…, by=…)."""

    def adding(report, *, name="會議紀錄.pdf", content=SHEET, by=planner, **rest) -> Evidence:
        files = [SimpleUploadedFile(name, content)]
        return workflow.add_files(report=report, files=files, by=by, now=now, **rest)[0]

    return adding


def stored() -> list[str]:
    return [file.name for file in evidence_store.files()]


def age() -> None:
    """Let the files be so old that none is on its way."""
    for file in evidence_store.files():
        then = file.stat().st_mtime - OLD
        os.utime(file, (then, then))


def post(client, report, *files, **fields):
    uploads = [SimpleUploadedFile(name, content) for name, content in files]
    data = {"action": "files", **fields, **({"uploads": uploads} if uploads else {})}
    return client.post(reverse("evidence", args=[report.pk]), data)


def status(response) -> int:
    """Return a response's status, after reading it to its end, which closes its file."""
    b"".join(response)
    return response.status_code


# -- Adding ------------------------------------------------------------------------------------------------


def test_a_file_lies_under_a_random_name_with_its_hash_and_for_its_owner_only(add, draft, planner, folder):
    piece = add(draft, note=" 會議\n紀錄 ")
    assert (piece.name, piece.note, piece.content_type) == ("會議紀錄.pdf", "會議 紀錄", "application/pdf")
    assert (piece.size, piece.sha256) == (len(SHEET), hashlib.sha256(SHEET).hexdigest())
    assert stored() == [piece.stored_name]
    assert evidence_store.STORED_NAME.fullmatch(piece.stored_name)
    assert (folder / piece.stored_name).read_bytes() == SHEET
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / piece.stored_name).stat().st_mode) == 0o600
    assert workflow.had_a_hand_in(draft, planner)


def test_several_files_come_all_or_not_at_all(client, draft, planner):
    client.force_login(planner)
    response = post(client, draft, ("a.pdf", SHEET), ("b.png", b"no picture"), note="x")
    assert "b.png" in text(response)
    assert not Evidence.objects.exists()
    assert stored() == []
    response = post(client, draft, ("a.pdf", SHEET), ("b.png", png()), note="x")
    assert response.status_code == 302
    assert [piece.note for piece in Evidence.objects.all()] == ["x", "x"]
    assert len(stored()) == 2


def test_a_document_number_is_evidence_too(client, draft, planner):
    client.force_login(planner)
    address = reverse("evidence", args=[draft.pk])
    number = {"action": "number", "document_number": " 外北美字第 0990012345 號 "}
    assert client.post(address, number).status_code == 302
    assert Evidence.objects.get().document_number == "外北美字第 0990012345 號"
    assert "已登錄，無須重複" in text(client.post(address, number))
    assert "請填寫公文文號" in text(client.post(address, {**number, "document_number": " "}))
    assert "控制字元" in text(client.post(address, {**number, "document_number": "a\x07b"}))
    assert Evidence.objects.count() == 1


def test_whoever_enters_for_a_contributing_unit_adds_too_and_nobody_else(
    add, shared, neighbour, stranger, reviewer, head, manager, auditor, administrator, outsider, now
):
    add(shared, by=neighbour)
    for other in (stranger, reviewer, head, manager, auditor, administrator, outsider):
        with pytest.raises(PermissionDenied):
            add(shared, name=f"{other}.pdf", by=other)
        with pytest.raises(PermissionDenied):
            workflow.add_document_number(report=shared, number="1", by=other, now=now)
    assert len(stored()) == Evidence.objects.count() == 1


@pytest.mark.parametrize("who", ["head", "administrator"])
def test_who_may_not_add_is_refused_whatever_they_send(request, client, draft, settings, who):
    settings.UPLOAD_MAX_SIZE = len(SHEET)
    client.force_login(request.getfixturevalue(who))
    assert post(client, draft).status_code == 403
    assert post(client, draft, ("a.pdf", SHEET)).status_code == 403
    assert post(client, draft, action="number").status_code == 403
    assert post(client, draft, action="unheard of").status_code == 403


def test_a_planner_of_another_unit_adds_nothing(add, draft, neighbour):
    with pytest.raises(PermissionDenied):
        add(draft, by=neighbour)
    assert stored() == []


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "不接受「svg」"),
        ("a.html", b"<!doctype html><script></script>", "不接受「html」"),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "檔案內容與副檔名不符"),
        ("a.pdf", SHEET + b"<script>alert(1)</script>PK\x03\x04\x14\x00", "夾帶"),
        ("a.pdf", b"", "空"),
        ("a.pdf", b"MZ" + bytes(100), "檔案內容與副檔名不符"),
        ("a.pdf.exe", SHEET, "不接受「exe」"),
        ("a", SHEET, "副檔名"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused_in_words(client, draft, planner, name, content, words):
    client.force_login(planner)
    response = post(client, draft, (name, content))
    assert response.status_code == 200
    assert words in text(response)
    assert "本次未加入任何資料" in text(response)
    assert not Evidence.objects.exists()
    assert stored() == []


@pytest.mark.parametrize(
    "name",
    ["../x.pdf", "..\\x.pdf", "/etc/x.pdf", "a\r\nb.pdf", "a\0b.pdf", "a\N{RIGHT-TO-LEFT OVERRIDE}fdp.pdf"],
)
def test_hostile_names_are_refused_whatever_way_they_come(draft, planner, now, monkeypatch, name):
    file = SimpleUploadedFile("x.pdf", SHEET)
    monkeypatch.setattr(file, "_name", name)
    with pytest.raises(workflow.Refusal, match="檔名含有不允許之字元") as refused:
        workflow.add_files(report=draft, files=[file], by=planner, now=now)
    assert "\r" not in refused.value.messages[0]
    assert "\0" not in refused.value.messages[0]
    assert stored() == []


def crafted(client, report, filename: str, content: bytes = SHEET):
    """Post a file with a name that no browser would send."""
    part = b'--B\r\nContent-Disposition: form-data; name="%s"'
    body = b"\r\n".join(
        [
            part % b"action" + b"\r\n\r\nfiles",
            part % b"uploads" + f"; {filename}\r\n\r\n".encode() + content,
            b"--B--\r\n",
        ]
    )
    address = reverse("evidence", args=[report.pk])
    return client.post(address, body, content_type="multipart/form-data; boundary=B")


@pytest.mark.parametrize("content", [SHEET, SHEET.ljust(3_000_000, b"\n")], ids=["memory", "disk"])
@pytest.mark.parametrize(
    ("filename", "words"),
    [
        ('filename="../../x.pdf"', "檔名含有不允許之字元"),
        ('filename="..\\\\x.pdf"', "檔名含有不允許之字元"),
        ('filename="/etc/passwd.pdf"', "檔名含有不允許之字元"),
        ('filename="x.pdf\0.exe"', "檔名含有不允許之字元"),
        ("filename*=UTF-8''a%0D%0ASet-Cookie:%20b.pdf", "檔名含有不允許之字元"),
        ("filename*=UTF-8''a%00b.pdf", "檔名含有不允許之字元"),
        ('filename="a\N{RIGHT-TO-LEFT OVERRIDE}fdp.pdf"', "檔名含有不允許之字元"),
        (f'filename="a.{"長" * 300}"', "不接受"),
    ],
)  # fmt: skip
def test_a_crafted_request_is_refused_and_writes_nowhere(
    client, draft, planner, folder, filename, words, content
):
    client.force_login(planner)
    response = crafted(client, draft, filename, content)
    assert response.status_code == 200
    assert words in text(response)
    assert list(folder.parent.iterdir()) == []
    assert not Evidence.objects.exists()


def test_a_name_that_is_none_is_a_bad_request(client, draft, planner):
    client.force_login(planner)
    assert crafted(client, draft, 'filename=".."').status_code == 400
    assert stored() == []


def test_a_name_keeps_its_full_width_spaces_and_self_made_characters(client, draft, planner):
    client.force_login(planner)
    name = "會議\u3000紀錄（\ue123）R&amp;D.pdf"
    assert crafted(client, draft, f'filename="{name}"').status_code == 302
    piece = Evidence.objects.get()
    assert piece.name == name
    response = client.get(reverse("evidence_file", args=[piece.pk]))
    assert b"".join(response) == SHEET
    assert "%E3%80%80" in response["Content-Disposition"]


def test_a_refused_upload_is_in_the_ledger(client, draft, planner):
    client.force_login(planner)
    post(client, draft, ("a.svg", b"<svg/>"))
    refused = Entry.objects.filter(action=Action.REFUSED).get()
    assert (refused.actor, refused.key) == ("planner", str(draft.pk))
    assert "a.svg" in refused.reason


def test_a_file_that_is_too_large_is_refused_by_name(add, draft, monkeypatch):
    monkeypatch.setattr("indicators.file_check.MAX_SIZE", len(SHEET) - 1)
    with pytest.raises(workflow.Refusal, match=r"會議紀錄\.pdf.*檔案過大"):
        add(draft)
    assert stored() == []


def test_a_request_that_is_too_large_is_refused_before_any_of_it_is_kept(client, draft, planner, settings):
    settings.UPLOAD_MAX_SIZE = len(SHEET)
    client.force_login(planner)
    response = post(client, draft, ("a.pdf", SHEET))
    assert response.status_code == 413
    assert "檔案總量超過" in text(response)
    assert not response.wsgi_request.FILES
    assert stored() == []


def test_the_same_file_comes_once_and_the_refusal_names_it(add, draft, client, planner):
    add(draft, name="甲.pdf")
    with pytest.raises(workflow.Refusal, match=r"「乙\.pdf」與已上傳之「甲\.pdf」"):
        add(draft, name="乙.pdf")
    client.force_login(planner)
    assert "為同一檔案" in text(post(client, draft, ("c.png", png()), ("d.png", png())))
    assert len(stored()) == Evidence.objects.count() == 1


def test_a_report_has_so_many_pieces_and_megabytes_at_most(add, draft, report, planner, now, monkeypatch):
    monkeypatch.setattr(verbs, "MAX_PIECES", 2)
    add(draft)
    monkeypatch.setattr(verbs, "MAX_TOTAL", 2 * len(SHEET) - 1)
    with pytest.raises(workflow.Refusal, match="合計不得超過"):
        add(draft, content=pdf(b"% again\n"))
    workflow.add_document_number(report=draft, number="1", by=planner, now=now)
    with pytest.raises(workflow.Refusal, match="至多 2 件，目前已有 2 件"):
        workflow.add_document_number(report=draft, number="2", by=planner, now=now)
    with pytest.raises(workflow.Refusal, match="至多 2 件"):
        add(draft, name="b.png", content=png())
    add(report("K1-1", 2))  # every report has its own
    assert len(stored()) == 2


# -- When it may be changed --------------------------------------------------------------------------------


def test_a_report_that_went_its_way_takes_no_evidence_and_gives_none_up(add, draft, approved, planner, now):
    piece = add(draft)
    done = approved("K1-1", 1, outbound=4, inbound=8)
    for refused in (
        lambda: add(done, name="b.png", content=png()),
        lambda: workflow.add_document_number(report=done, number="1", by=planner, now=now),
        lambda: workflow.remove_evidence(evidence=piece, by=planner, now=now),
    ):
        with pytest.raises(workflow.Refusal, match="審核通過"):
            refused()
    assert stored() == [piece.stored_name]
    words = text(signed_in(planner).get(reverse("evidence", args=[done.pk])))
    assert "僅草稿或退回補正時可增刪佐證資料" in words
    assert "上傳檔案" not in words


def test_a_closed_quarter_takes_no_evidence_and_gives_none_up(add, draft, administrator, planner, now):
    piece = add(draft)
    period = ReportingPeriod.objects.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now)
    for refused in (
        lambda: add(draft, name="b.png", content=png()),
        lambda: workflow.add_document_number(report=draft, number="1", by=planner, now=now),
        lambda: workflow.remove_evidence(evidence=piece, by=planner, now=now),
    ):
        with pytest.raises(workflow.Closed):
            refused()
    assert stored() == [piece.stored_name]


def test_evidence_is_the_lead_units_to_reopen_for_though_others_may_add_it(
    add, shared, department, administrator, neighbour, ministry
):
    now = timezone.now()  # the database judges by its own clock
    period = ReportingPeriod.objects.get(quarter=1)
    workflow.close_period(period=period, by=administrator, now=now)
    reopen = partial(
        workflow.reopen_period,
        period=period,
        until=now + timedelta(days=1),
        reason="補件",
        by=administrator,
        now=now,
    )
    reopen(unit=department)
    with pytest.raises(Closed):
        add(shared, by=neighbour)
    reopen(unit=ministry)
    add(shared, by=neighbour)
    neighbour.memberships.all().delete()
    with pytest.raises(PermissionDenied):
        add(shared, by=type(neighbour).objects.get(pk=neighbour.pk), name="b.png", content=png())


# -- Removing ----------------------------------------------------------------------------------------------


def test_removal_deletes_the_file_after_the_commit_and_keeps_a_trace(
    add, draft, planner, now, django_capture_on_commit_callbacks
):
    piece = add(draft)
    with django_capture_on_commit_callbacks(execute=True):
        workflow.remove_evidence(evidence=piece, by=planner, now=now)
        assert stored() == [piece.stored_name]
    assert stored() == []
    piece.refresh_from_db()
    assert (piece.removed_by, piece.removed_at, piece.name) == (planner, now, "會議紀錄.pdf")
    with pytest.raises(workflow.Refusal, match="先前已移除"):
        workflow.remove_evidence(evidence=piece, by=planner, now=now)
    words = text(signed_in(planner).get(reverse("evidence", args=[draft.pk])))
    assert "會議紀錄.pdf" in words
    assert "planner 於 100 年 1 月 15 日 09:30 移除" in words
    assert add(draft).name == piece.name  # the same file may come again


def test_a_removal_that_is_rolled_back_deletes_nothing(
    add, draft, planner, now, django_capture_on_commit_callbacks
):
    piece = add(draft)

    def remove_and_fail() -> None:
        with acting():
            workflow.remove_evidence(evidence=piece, by=planner, now=now)
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ZeroDivisionError):
        remove_and_fail()
    assert stored() == [piece.stored_name]


def test_a_contributor_removes_their_own_and_the_lead_unit_every_piece(
    add, shared, planner, neighbour, reviewer, now
):
    theirs = add(shared, by=neighbour)
    others = add(shared, name="b.png", content=png())
    for by, piece in ((neighbour, others), (reviewer, theirs)):
        with pytest.raises(PermissionDenied):
            workflow.remove_evidence(evidence=piece, by=by, now=now)
        assert signed_in(by).get(reverse("evidence_remove", args=[piece.pk])).status_code == 403
        assert signed_in(by).post(reverse("evidence_remove", args=[piece.pk])).status_code == 403
    workflow.remove_evidence(evidence=theirs, by=planner, now=now)
    workflow.remove_evidence(evidence=others, by=planner, now=now)
    own = workflow.add_document_number(report=shared, number="1", by=neighbour, now=now)
    workflow.remove_evidence(evidence=own, by=neighbour, now=now)
    assert not Evidence.objects.kept().exists()


def test_removal_asks_first_and_returns_where_one_came_from(add, draft, planner, client):
    piece = add(draft)
    client.force_login(planner)
    address = reverse("evidence_remove", args=[piece.pk])
    assert "檔案將予刪除且無法復原" in text(client.get(address))
    assert Evidence.objects.kept().exists()
    assert client.post(address, {"next": "https://elsewhere.example/"})["Location"] == reverse(
        "evidence", args=[draft.pk]
    )
    again = add(draft)
    response = client.post(reverse("evidence_remove", args=[again.pk]), {"next": "/admin/"})
    assert response["Location"] == "/admin/"
    for answer in (client.get(address), client.post(address)):  # the back button
        assert answer.status_code == 200
        assert "先前已移除" in text(answer)


# -- No debris ---------------------------------------------------------------------------------------------


def fail_at(monkeypatch, name: str, time: int) -> None:
    """Let a function of the operating system say at its n-th call that the disk is full."""
    calls = []
    real = getattr(os, name)

    def full(*arguments, **rest):
        calls.append(arguments)
        if len(calls) == time:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **rest)

    monkeypatch.setattr(os, name, full)


@pytest.mark.parametrize(("name", "time"), [("fsync", 1), ("fsync", 2), ("fsync", 3), ("fsync", 4)])
def test_a_full_disk_is_said_in_words_and_leaves_neither_row_nor_file(
    client, draft, planner, monkeypatch, caplog, name, time
):
    client.force_login(planner)
    fail_at(monkeypatch, name, time)
    response = post(client, draft, ("a.pdf", SHEET), ("b.png", png()))
    assert "檔案無法存入，未保留任何檔案" in text(response)
    assert "No space left on device" in caplog.text
    assert not Evidence.objects.exists()
    assert stored() == []


@pytest.mark.parametrize("method", ["write", "seek", "__init__"])
def test_a_full_disk_for_temporary_files_is_said_in_words_too(
    client, draft, planner, monkeypatch, tmp_path, settings, method
):
    """The files come by way of the disk where a request is large."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "temporary"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    real = TemporaryUploadedFile.__init__

    def opened(self, *arguments):
        if method == "__init__":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, *arguments)
        monkeypatch.setattr(self.file, method, full, raising=False)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TemporaryUploadedFile, "__init__", opened)
    client.force_login(planner)
    response = post(client, draft, ("a.png", png()), ("b.pdf", SHEET.ljust(3_000_000, b"\n")))
    assert response.status_code == 507
    assert "檔案無法存入，未保留任何檔案" in text(response)
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []
    assert stored() == []


def test_a_folder_that_cannot_be_made_is_said_in_words(client, draft, planner, tmp_path, settings):
    (tmp_path / "file").write_text("in the way")
    settings.EVIDENCE_DIR = tmp_path / "file" / "evidence"
    client.force_login(planner)
    assert "檔案無法存入" in text(post(client, draft, ("a.pdf", SHEET)))
    assert not Evidence.objects.exists()


def test_a_transaction_that_fails_leaves_no_file(add, draft, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(verbs, "_save", fail)
    with pytest.raises(ZeroDivisionError):
        add(draft)
    assert stored() == []


def test_a_statement_that_fails_leaves_no_file(add, draft):
    """Such as the database's own refusal of evidence under an approved report."""

    def refuse(execute, sql, *rest):
        if sql.startswith('INSERT INTO "indicators_evidence"'):
            raise IntegrityError
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), pytest.raises(IntegrityError):
        add(draft)
    assert not Evidence.objects.exists()
    assert stored() == []


def test_files_are_not_written_under_the_ledgers_lock(add, draft):
    with acting(), pytest.raises(RuntimeError, match="before the ledger's lock"):
        add(draft)
    assert stored() == []


def test_a_note_that_cannot_be_stored_leaves_no_file(add, draft):
    with pytest.raises(ValidationError, match="控制字元"):
        add(draft, note="a\x07b")
    assert not Evidence.objects.exists()
    assert stored() == []


# -- Taking files away -------------------------------------------------------------------------------------


def test_a_download_is_an_attachment_that_no_browser_shows_or_keeps(add, draft, planner):
    piece = add(draft, name="會議 \"紀錄\"; 'a'.pdf")
    response = signed_in(planner).get(reverse("evidence_file", args=[piece.pk]))
    assert b"".join(response) == SHEET
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Length"] == str(len(SHEET))
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''%E6%9C%83")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "no-store" in response["Cache-Control"]
    taken = Entry.objects.filter(action=Action.EXPORT).get()
    assert (taken.actor, taken.key) == ("planner", str(piece.pk))
    assert taken.new == {"file": piece.name, "sha256": piece.sha256}


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        ("planner", 200), ("head", 200), ("reviewer", 200), ("manager", 200), ("auditor", 200),
        ("administrator", 200), ("neighbour", 404), ("stranger", 404), ("outsider", 403), ("", 302),
    ],
)  # fmt: skip
def test_whoever_reads_the_report_reads_its_evidence_and_nobody_else(
    add, draft, client, request, who, answer
):
    piece = add(draft)
    if who:
        client.force_login(request.getfixturevalue(who))
    for address in (reverse("evidence", args=[draft.pk]), reverse("evidence_file", args=[piece.pk])):
        assert status(client.get(address)) == answer, address
    expected = 403 if answer == 200 and who != "planner" else answer
    assert client.get(reverse("evidence_remove", args=[piece.pk])).status_code == expected
    if who != "planner":
        assert post(client, draft, ("b.png", png())).status_code == expected
        assert client.post(reverse("evidence_remove", args=[piece.pk])).status_code == expected
        assert Evidence.objects.kept().count() == len(stored()) == 1


def test_a_contributor_reads_what_the_lead_unit_added(add, shared, neighbour):
    piece = add(shared)
    assert status(signed_in(neighbour).get(reverse("evidence_file", args=[piece.pk]))) == 200


def test_what_was_removed_or_is_no_file_is_not_there_to_take(add, draft, planner, now):
    piece = add(draft)
    number = workflow.add_document_number(report=draft, number="1", by=planner, now=now)
    workflow.remove_evidence(evidence=piece, by=planner, now=now)
    for gone in (piece.pk, number.pk, 999_999, 10**30):
        assert signed_in(planner).get(f"/evidence/file/{gone}/").status_code == 404


@pytest.mark.parametrize("harm", ["gone", "altered", "link", "elsewhere"])
def test_a_file_that_is_not_what_was_stored_is_not_given_out(
    add, draft, planner, folder, tmp_path, caplog, harm
):
    piece = add(draft)
    file = folder / piece.stored_name
    match harm:
        case "altered":
            file.write_bytes(SHEET + b"secret")
        case "elsewhere":
            (tmp_path / "other").write_bytes(SHEET)
            Evidence.objects.update(stored_name="../other")
        case _:
            file.unlink()
    if harm == "link":
        (tmp_path / "other").write_bytes(SHEET)
        file.symlink_to(tmp_path / "other")
    client = signed_in(planner)
    client.raise_request_exception = False
    response = client.get(reverse("evidence_file", args=[piece.pk]))
    assert response.status_code == 500
    assert "無法提供檔案" in text(response)
    assert "secret" not in text(response)
    assert f"evidence {piece.pk}" in caplog.text
    assert not Entry.objects.filter(action=Action.EXPORT).exists()


def test_nothing_is_changed_by_looking_or_without_csrf(add, draft, planner):
    piece = add(draft)
    client = type(signed_in(planner))(enforce_csrf_checks=True)
    client.force_login(planner)
    assert post(client, draft, ("b.png", png())).status_code == 403
    assert client.post(reverse("evidence_remove", args=[piece.pk])).status_code == 403
    assert signed_in(planner).delete(reverse("evidence", args=[draft.pk])).status_code == 405
    assert signed_in(planner).post(reverse("evidence_file", args=[piece.pk])).status_code == 405
    assert Evidence.objects.kept().count() == 1


def test_the_notice_stands_above_the_form_and_a_post_without_a_file_says_so(client, draft, planner):
    client.force_login(planner)
    words = text(client.get(reverse("evidence", args=[draft.pk])))
    assert words.index("不得填載或上傳機密資料") < words.index("上傳檔案")
    assert "請選取要上傳之檔案" in text(post(client, draft))
    assert client.post(reverse("evidence", args=[draft.pk]), {"action": "other"}).status_code == 400


def test_names_and_notes_are_shown_as_text(add, draft, planner):
    add(draft, name="<b>&amp;.pdf", note="<script>alert(1)</script>")
    page = signed_in(planner).get(reverse("evidence", args=[draft.pk])).content.decode()
    assert "<script>" not in page
    assert "<b>&amp;" not in page


def test_the_history_tells_of_added_and_removed_pieces(add, draft, planner, now):
    piece = add(draft, note="會議決議")
    workflow.remove_evidence(evidence=piece, by=planner, now=now)
    words = " ".join(text(signed_in(planner).get(f"/history/indicators.quarterreport/{draft.pk}/")).split())
    assert "移除 佐證資料 會議紀錄.pdf" in words
    assert "新增 佐證資料 會議紀錄.pdf" in words
    assert "會議決議" in words
    assert piece.stored_name not in words


# -- The check ---------------------------------------------------------------------------------------------


def test_the_check_finds_what_fits(add, draft, planner, now, capsys):
    add(draft)
    workflow.add_document_number(report=draft, number="1", by=planner, now=now)
    call_command("check_evidence")
    assert "共 1 個，均與存入時一致" in capsys.readouterr().out


def test_the_check_names_what_is_missing_altered_or_belongs_to_nothing(add, draft, folder):
    lost, changed = add(draft, name="甲.pdf"), add(draft, name="乙.png", content=png())
    (folder / lost.stored_name).unlink()
    (folder / changed.stored_name).write_bytes(b"other")
    (folder / "left.part").write_bytes(b"")
    age()
    (folder / "just.part").write_bytes(b"")  # somebody is uploading
    with pytest.raises(CommandError) as found:
        call_command("check_evidence")
    assert found.value.returncode == 1
    lines = str(found.value).splitlines()
    assert [line.split("：")[0] for line in lines] == ["遺失", "遭更動", "無所屬紀錄"]
    assert [name in line for name, line in zip(["甲.pdf", "乙.png", "left.part"], lines, strict=True)] == [
        True, True, True,
    ]  # fmt: skip
