"""`bootstrap` sets a site up, and running it again changes nothing in the data."""

from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db.models import Model

from indicators.demonstration import add_units
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Variable
from indicators.workflow import clear_demonstration, clear_demonstration_units, save_draft
from mofa_kpi import instance
from objectives.models import Membership, Plan, Unit, User, WorkItem
from objectives.roles import Role
from objectives.tests.pages import change_url, filled, signed_in


@pytest.fixture(autouse=True)
def own_folders(tmp_path, settings, monkeypatch):
    """Keep this machine's own site out of it."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    monkeypatch.setattr(instance, "INSTANCE", tmp_path / "instance")


def everything() -> str:
    return serialized(Unit, Plan, Indicator, QuarterReport, Figure, PlannedValue, User, Membership)


def serialized(*models: type[Model]) -> str:
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
    roles = {role.lower(): role for role in Role} | {"contributor": Role.PLANNER}
    assert accounts.keys() == roles.keys()
    printed = capsys.readouterr().out
    for username, password in accounts.items():
        assert password in printed
        assert client.login(username=username, password=password)
        assert [m.role for m in Membership.objects.filter(user__username=username)] == [roles[username]]

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


def test_demonstration_units_are_marked_and_go_with_what_was_given_to_them(db, capsys):
    call_command("bootstrap")
    before = serialized(Unit, Indicator, Variable, WorkItem)
    call_command("bootstrap", "--demo")
    units = Unit.objects.filter(demo=True)
    assert len(units) == 6
    assert all(unit.name.endswith("（示範）") for unit in units)
    shares = Figure.objects.filter(unit__isnull=False)
    assert {figure.unit.code for figure in shares.select_related("unit")} == {"DEMO-CSA", "DEMO-EAP"}
    capsys.readouterr()
    call_command("clear_demo")
    told = capsys.readouterr().out
    assert all(unit.name in told for unit in units)
    assert serialized(Unit, Indicator, Variable, WorkItem) == before


def test_a_demonstration_unit_for_which_somebody_entered_a_figure_stays(plan, report, person, now):
    add_units(plan)
    lead, part = Unit.objects.get(code="DEMO-CSA"), Unit.objects.get(code="DEMO-EAP")
    lin = person("lin", (Role.PLANNER, part))
    save_draft(report=report("K1-1", 1), by=lin, now=now, figures={("inbound", part.pk): Decimal(3)})
    assert clear_demonstration() == 0
    _removed, kept = clear_demonstration_units()
    assert kept == [part]
    indicator = Indicator.objects.get(code="K1-1")
    assert (indicator.lead_unit, list(indicator.contributing_units.all())) == (plan.unit, [part])
    assert Membership.objects.filter(user=lin, unit=part).exists()
    assert Figure.objects.get().value == 3
    assert not Unit.objects.filter(pk=lead.pk).exists()


def test_a_demonstration_unit_that_somebody_changed_is_their_own(plan, administrator):
    add_units(plan)
    address = change_url(Unit.objects.get(code="DEMO-HR"))
    client = signed_in(administrator)
    sent = filled(client.get(address)) | {"code": "HR", "name": "人事處"}
    assert client.post(address, sent).status_code == 302
    clear_demonstration_units()
    assert list(Unit.objects.filter(code="HR").values_list("name", "demo")) == [("人事處", False)]


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
