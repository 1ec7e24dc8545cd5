import pytest
from django.core.management import CommandError, call_command

from objectives.models import User
from objectives.permissions import can


def test_add_person_prints_a_generated_password_once(ministry, capsys, monkeypatch, client):
    monkeypatch.delenv("PERSON_PASSWORD", raising=False)
    call_command("add_person", "lin", "--role", "planner", "--role", "reviewer")
    password = capsys.readouterr().out.split("：")[-1].strip()
    assert client.login(username="lin", password=password)
    lin = User.objects.get(username="lin")
    assert {m.role for m in lin.memberships.all()} == {"PLANNER", "REVIEWER"}
    assert {m.unit for m in lin.memberships.all()} == {ministry}


def test_add_person_takes_the_password_from_the_environment_and_does_not_print_it(
    department, capsys, monkeypatch, client
):
    monkeypatch.setenv("PERSON_PASSWORD", "a long enough pass phrase 7")
    call_command("add_person", "wang", "--role", "head", "--unit", "DEPT")
    assert "pass phrase" not in capsys.readouterr().out
    assert client.login(username="wang", password="a long enough pass phrase 7")
    assert can(User.objects.get(username="wang"), "indicators.endorse_quarterreport", department)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["planner", "--role", "planner"], "已"),
        (["new", "--role", "planner", "--unit", "NOPE"], "NOPE"),
        (["new", "--role", "king"], "king"),
        (["new"], "--role"),
        (["with space", "--role", "planner"], "使用者名稱"),
    ],
)
def test_add_person_says_what_is_wrong_and_adds_nobody(planner, arguments, message):
    with pytest.raises(CommandError, match=message):
        call_command("add_person", *arguments)
    assert User.objects.count() == 1


def test_add_person_refuses_a_weak_password(ministry, monkeypatch):
    monkeypatch.setenv("PERSON_PASSWORD", "password")
    with pytest.raises(CommandError):
        call_command("add_person", "new", "--role", "planner")
    assert not User.objects.exists()


def test_add_person_needs_the_ministry(db):
    with pytest.raises(CommandError, match="bootstrap"):
        call_command("add_person", "new", "--role", "planner")
