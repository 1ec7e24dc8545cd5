"""Who writes, by which way, for what reason; what was refused; who came and went."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from ledger import acting as acting_module
from ledger.acting import acting, current, operating_system_user, record
from ledger.middleware import origin_of_requests
from ledger.models import Action, Entry, Source

Written = Callable[[], Any]


@pytest.fixture
def groups(db: None) -> Any:
    return apps.get_model("auth.Group").objects


def write_and_raise(groups: Any, error: Exception) -> None:
    groups.create(name="undone")
    raise error


def brief(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.source, entry.reason) for entry in entries]


def test_what_is_not_given_stays_as_it_was_outside(
    groups: Any, planner: Any, auditor: Any, written: Written
) -> None:
    with written() as entries:
        with acting(actor=planner, source=Source.IMPORT, reason="one"):
            groups.create(name="a")
            with acting(actor=auditor):
                groups.create(name="b")
                with acting(reason="two"):
                    groups.create(name="c")
            groups.create(name="d")
        groups.create(name="e")
    *within, after = brief(entries)
    assert within == [
        ("planner", "import", "one"),
        ("auditor", "import", "one"),
        ("auditor", "import", "two"),
        ("planner", "import", "one"),
    ]
    assert after[1:] == ("database", "")
    assert after[0].startswith(("os:", "db:"))
    assert current() is None


def test_an_inner_one_that_fails_restores_the_outer_one(
    groups: Any, planner: Any, auditor: Any, written: Written
) -> None:
    with written() as entries, acting(actor=planner, reason="one"):
        with pytest.raises(ZeroDivisionError), acting(actor=auditor, reason="two"):
            write_and_raise(groups, ZeroDivisionError())
        groups.create(name="b")
    assert brief(entries) == [("planner", "command", "one")]


def test_a_process_writes_by_command_as_the_account_that_runs_it(groups: Any, written: Written) -> None:
    with written() as entries, acting():
        groups.create(name="a")
    assert brief(entries) == [(operating_system_user(), "command", "")]
    assert operating_system_user().startswith("os:")


@pytest.mark.parametrize(
    ("command", "source"),
    [("shell", "shell"), ("dbshell", "shell"), ("migrate", "command"), (None, "command")],
)
def test_a_shell_is_told_from_other_commands(
    command: str | None, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", *([command] if command else [])])
    assert acting_module._process().source == source


@pytest.mark.parametrize(
    ("path", "source"),
    [("/admin/objectives/", "admin"), ("/api/results/", "api"), ("/", "page"), ("/x", "page")],
)
def test_a_request_says_who_and_by_which_way(
    path: str, source: str, rf: RequestFactory, groups: Any, planner: Any, written: Written
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with acting():
            groups.create(name="a")
        return HttpResponse()

    request = rf.post(path)
    request.user = planner
    with written() as entries:
        origin_of_requests(view)(request)
    assert brief(entries) == [("planner", source, "")]
    assert acting_module.origin.get() is None


def test_a_visitor_is_nobody(rf: RequestFactory, groups: Any, written: Written) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        with acting():
            groups.create(name="a")
        return HttpResponse()

    with written() as entries:
        origin_of_requests(view)(rf.post("/"))
    assert brief(entries) == [("", "page", "")]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionDenied("not yours"), "not yours"),
        (PermissionDenied(), ""),
        (ValidationError("too large"), "too large"),
        (ValidationError({"value": ["too large", "too long"]}), "too large too long"),
    ],
)
def test_a_refused_write_is_recorded_after_the_rollback_and_once(
    error: Exception, message: str, groups: Any, planner: Any, written: Written
) -> None:
    with (
        written() as entries,
        pytest.raises(type(error)),
        acting(actor=planner, about=planner, reason="the outer"),
        acting(source=Source.IMPORT, reason="the inner"),
        acting(),
    ):
        write_and_raise(groups, error)
    [entry] = entries
    assert (entry.action, entry.actor, entry.source, entry.reason) == (
        "REFUSED", "planner", "import", message,
    )  # fmt: skip
    assert (entry.table, entry.key) == ("objectives_user", str(planner.pk))
    assert not groups.exists()


def test_a_refusal_that_was_dealt_with_is_recorded_beside_what_was_written(
    groups: Any, planner: Any, written: Written
) -> None:
    with written() as entries, acting(actor=planner):
        with pytest.raises(PermissionDenied), acting(reason="a"):
            write_and_raise(groups, PermissionDenied("not a"))
        groups.create(name="b")
    assert [(entry.action, entry.reason) for entry in entries] == [("INSERT", ""), ("REFUSED", "not a")]


def test_another_error_is_no_refusal(groups: Any, written: Written) -> None:
    with written() as entries:
        for error in (ZeroDivisionError(), Http404()):
            with pytest.raises(type(error)), acting():
                write_and_raise(groups, error)
    assert entries == []


def test_a_refusal_outside_of_any_write_is_no_entry(db: None, written: Written) -> None:
    with written() as entries, pytest.raises(PermissionDenied):
        raise PermissionDenied
    assert entries == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_post_that_was_answered_with_no_is_recorded_once(
    status: int, rf: RequestFactory, planner: Any, written: Written
) -> None:
    request = rf.post("/somewhere/?a=secret", {"value": "1"})
    request.user = planner
    with written() as entries:
        origin_of_requests(lambda request: HttpResponse(status=status))(request)
    assert [(entry.action, *brief([entry])[0]) for entry in entries] == [
        ("REFUSED", "planner", "page", f"POST /somewhere/ → {status}")
    ]


def test_a_refusal_within_a_request_is_recorded_once(
    rf: RequestFactory, planner: Any, written: Written
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        try:
            with acting():
                raise PermissionDenied("not yours")
        except PermissionDenied:
            return HttpResponse(status=403)

    request = rf.post("/")
    request.user = planner
    with written() as entries:
        origin_of_requests(view)(request)
    assert [(entry.action, *brief([entry])[0]) for entry in entries] == [
        ("REFUSED", "planner", "page", "not yours")
    ]


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_recorded_although_the_transaction_around_it_is_rolled_back(
    rf: RequestFactory, person: Callable[..., Any]
) -> None:
    """Django's admin has such a transaction around every form."""
    user = person("planner")

    def view(request: HttpRequest) -> HttpResponse:
        try:
            with transaction.atomic(), acting():
                raise PermissionDenied("not yours")
        except PermissionDenied:
            return HttpResponse(status=403)

    request = rf.post("/admin/")
    request.user = user
    origin_of_requests(view)(request)
    [entry] = Entry.objects.filter(action="REFUSED")
    assert (entry.actor, entry.source) == ("planner", "admin")


def test_reading_and_strangers_leave_no_entry(
    rf: RequestFactory, client: Client, planner: Any, written: Written
) -> None:
    reading = rf.get("/")
    reading.user = planner
    with written() as entries:
        origin_of_requests(lambda request: HttpResponse(status=403))(reading)
        origin_of_requests(lambda request: HttpResponse(status=404))(rf.post("/"))
        client.post("/nowhere/")
    assert entries == []


def test_a_post_to_nowhere_through_the_whole_site(client: Client, planner: Any, written: Written) -> None:
    client.force_login(planner)
    with written() as entries:
        client.post("/nowhere/")
    assert [(entry.action, entry.actor, entry.reason) for entry in entries] == [
        ("REFUSED", "planner", "POST /nowhere/ → 404")
    ]


def test_a_forged_form_through_the_whole_site(planner: Any, written: Written) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    with written() as entries:
        client.post("/accounts/login/")
    assert [entry.action for entry in entries] == ["REFUSED"]


def test_signing_in_and_out(client: Client, planner: Any, written: Written) -> None:
    with written() as entries:
        client.force_login(planner)
        client.logout()
    assert [(entry.action, entry.actor, entry.table, entry.key) for entry in entries] == [
        (action, "planner", "objectives_user", str(planner.pk)) for action in ("SIGN_IN", "SIGN_OUT")
    ]


def test_a_failed_sign_in_names_the_account_but_not_what_was_typed(planner: Any, written: Written) -> None:
    with written() as entries:
        authenticate(username="planner", password="a wrong password")
        authenticate(username="my password by mistake", password="planner")
    known, unknown = entries
    assert (known.action, known.key) == ("SIGN_IN_FAILED", str(planner.pk))
    assert (unknown.action, unknown.table, unknown.key) == ("SIGN_IN_FAILED", "", "")
    for entry in entries:
        text = " ".join(str(getattr(entry, field.attname)) for field in Entry._meta.concrete_fields)
        assert "wrong" not in text
        assert "mistake" not in text


def test_an_event_has_its_particulars(planner: Any, written: Written) -> None:
    with written() as entries:
        record(Action.EXPORT, actor=planner, reason="for the audit", details={"名稱": "表\0", "rows": 3})
    [entry] = entries
    assert (entry.action, *brief([entry])[0]) == ("EXPORT", "planner", "command", "for the audit")
    assert entry.before is None
    assert entry.new["rows"] == 3


def test_what_no_database_can_store_is_left_out_of_the_reason(groups: Any, written: Written) -> None:
    with written() as entries, acting(reason="a\0b"):
        groups.create(name="a")
    assert entries[0].reason == "ab"


@pytest.mark.parametrize(
    "text",
    ["", " ", "7:prefix", "中文", "𠮷野家", "a\u0301", "'\"\\\n\r\t\u2028", "-", "null", "%s %(a)s {b}"],
)
def test_every_text_is_hashed_alike_by_database_and_verifier(
    text: str, groups: Any, planner: Any, written: Written
) -> None:
    from ledger.check_export import COLUMNS, entry_hash

    planner.username = f"p{text}"
    with written() as entries, acting(actor=planner, reason=text):
        groups.create(name=text)
    [entry] = entries
    assert entry.hash == entry_hash(*(getattr(entry, column) for column in COLUMNS))
    assert entry.new["name"] == text


def test_a_statement_beside_acting_is_the_databases(groups: Any, written: Written) -> None:
    with written() as entries, connection.cursor() as cursor:
        cursor.execute("INSERT INTO auth_group (name) VALUES ('a')")
    [entry] = entries
    assert (entry.source, entry.reason) == ("database", "")
    assert entry.actor.startswith("db:" if connection.vendor == "postgresql" else "os:")
