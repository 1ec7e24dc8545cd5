"""`bootstrap` sets a site up, and running it again changes nothing in the data."""

from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command

from indicators.models import Figure, Indicator, PlannedValue, QuarterReport
from indicators.workflow import save_draft
from mofa_kpi import instance
from objectives.models import Membership, Plan, Unit, User
from objectives.roles import Role


@pytest.fixture(autouse=True)
def own_folders(tmp_path, settings, monkeypatch):
    """Keep this machine's own site out of it."""
    settings.STATIC_ROOT = tmp_path / "static"
    monkeypatch.setattr(instance, "INSTANCE", tmp_path / "instance")


def everything() -> str:
    models = (Unit, Plan, Indicator, QuarterReport, Figure, PlannedValue, User, Membership)
    return "".join(serializers.serialize("json", model._default_manager.order_by("pk")) for model in models)


def test_without_demo_there_is_the_plan_and_nothing_else(db, tmp_path):
    call_command("bootstrap")
    assert (Indicator.objects.count(), QuarterReport.objects.count()) == (20, 80)
    assert not Figure.objects.exists()
    assert not User.objects.exists()
    assert (tmp_path / "static" / "reports" / "site.css").is_file()


def test_accounts_are_kept_for_the_owner_only_and_running_it_again_changes_nothing(
    db, tmp_path, capsys, client
):
    call_command("bootstrap", "--demo")
    kept = tmp_path / "instance" / "demo-accounts.txt"
    assert kept.stat().st_mode & 0o077 == 0
    accounts = dict(line.split("\t") for line in kept.read_text(encoding="utf-8").splitlines())
    assert set(accounts) == {"planner", "head", "reviewer", "manager", "auditor", "administrator"}
    printed = capsys.readouterr().out
    for username, password in accounts.items():
        assert password in printed
        assert client.login(username=username, password=password)
        role = Role(username.upper())
        assert [m.role for m in Membership.objects.filter(user__username=username)] == [role]

    Plan.objects.update(title="改過的標題")
    before = everything()
    call_command("bootstrap", "--demo")
    assert everything() == before
    assert capsys.readouterr().out == ""


def test_demonstration_figures_are_marked_and_do_not_come_back(db):
    call_command("bootstrap", "--demo")
    assert set(Figure.objects.values_list("demo", flat=True)) == {True}
    assert set(
        QuarterReport.objects.filter(quarter__lt=4, figures__isnull=False).values_list("status", flat=True)
    ) == {"APPROVED"}
    drafts = QuarterReport.objects.filter(quarter=4, figures__isnull=False).distinct()
    assert drafts.count() >= 2
    assert set(drafts.values_list("status", flat=True)) == {"DRAFT"}
    call_command("clear_demo")
    call_command("bootstrap", "--demo")
    assert not Figure.objects.exists()
    assert not PlannedValue.objects.exists()
    assert set(QuarterReport.objects.values_list("status", "remark", "demo")) == {("DRAFT", "", False)}


@pytest.mark.parametrize("entry", ["figure", "remark", "declaration", "planned value"])
def test_inventions_are_not_mixed_with_what_people_entered(plan, person, report, now, entry):
    lin = person("lin", (Role.PLANNER, plan.unit))
    draft = report("K5-2", 1)
    entries: dict[str, dict[str, Any]] = {
        "figure": {"figures": {"projects": Decimal(3)}},
        "remark": {"figures": {}, "remark": "實績"},
        "declaration": {"figures": {}, "not_applicable_reason": "無"},
    }
    if entry == "planned value":
        PlannedValue.objects.create(indicator=draft.indicator, quarter=1, value=3)
    else:
        save_draft(report=draft, by=lin, now=now, **entries[entry])
    before = everything()
    call_command("bootstrap", "--demo")
    assert everything() == before


def test_a_demonstration_that_fails_leaves_no_accounts_behind(db, monkeypatch):
    def fail(**_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("mofa_kpi.management.commands.bootstrap.add_demonstration", fail)
    with pytest.raises(RuntimeError):
        call_command("bootstrap", "--demo")
    assert not User.objects.exists()


def test_a_unit_that_was_given_another_code_does_not_bring_the_plan_back(db):
    call_command("bootstrap")
    Unit.objects.update(code="MOFA-TW")
    call_command("bootstrap")
    assert Plan.objects.count() == 1
