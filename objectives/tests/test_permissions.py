"""Two doors, one table: who may do what, over which units."""

import pytest

from objectives.models import Membership, Plan, Unit, User
from objectives.permissions import can
from objectives.roles import PERMISSIONS, READABLE_BY_ALL_ROLES, Role


def test_a_role_holds_over_its_unit_and_every_unit_below(person, ministry, department):
    section = Unit.objects.create(code="SECT", name="第一科", parent=department)
    planner = person("p", (Role.PLANNER, department))
    permission = "indicators.change_quarterreport"
    assert [can(planner, permission, unit) for unit in (ministry, department, section)] == [False, True, True]


def test_every_role_reads_definitions_in_its_whole_organisation(person, ministry, department):
    for role in Role:
        someone = person(f"p-{role}", (role, department))
        assert all(can(someone, permission, ministry) for permission in READABLE_BY_ALL_ROLES)


def test_nothing_of_another_organisation_is_visible(plan, stranger):
    assert not Plan.objects.visible_to(stranger).exists()
    assert not can(stranger, "objectives.view_plan", plan)


def test_without_a_role_nothing_is_allowed(plan, outsider):
    every = READABLE_BY_ALL_ROLES.union(*PERMISSIONS.values())
    assert not any(can(outsider, permission) for permission in every)
    assert not outsider.is_staff


def test_a_deactivated_person_may_do_nothing(planner, ministry):
    assert can(planner, "indicators.change_quarterreport", ministry)
    gone = User.objects.get(pk=planner.pk)
    gone.is_active = False
    gone.save()
    assert not can(User.objects.get(pk=planner.pk), "indicators.change_quarterreport", ministry)


def test_revoking_a_role_takes_effect_for_the_next_request(planner, client, ministry):
    client.force_login(planner)
    assert client.get("/").status_code == 200
    Membership.objects.filter(user=planner).delete()
    assert client.get("/").status_code == 403


def test_several_roles_add_up(person, ministry, department):
    both = person("both", (Role.PLANNER, department), (Role.REVIEWER, ministry))
    assert can(both, "indicators.change_quarterreport", department)
    assert not can(both, "indicators.change_quarterreport", ministry)
    assert can(both, "indicators.approve_quarterreport", ministry)


def test_has_perm_answers_as_can_does_and_knows_no_superuser(planner, ministry):
    planner.is_superuser = True
    assert planner.has_perm("indicators.change_quarterreport", ministry)
    assert not planner.has_perm("objectives.change_plan", ministry)
    assert not planner.has_perms(["indicators.change_quarterreport", "objectives.change_plan"], ministry)
    assert planner.has_module_perms("indicators")
    assert not planner.has_module_perms("auth")


@pytest.mark.parametrize("role", Role)
def test_only_administrators_change_plans_people_and_definitions(role, person, ministry):
    someone = person("someone", (role, ministry))
    managed = {"objectives.change_plan", "objectives.add_user", "indicators.change_indicator"}
    assert {p for p in managed if can(someone, p, ministry)} == (
        managed if role is Role.ADMINISTRATOR else set()
    )


def test_an_administrator_sees_people_of_their_own_units_only(person, ministry, department, administrator):
    abroad = Unit.objects.create(code="OTHER", name="他部")
    ours = person("ours", (Role.PLANNER, department))
    theirs = person("theirs", (Role.PLANNER, abroad))
    shared = person("shared", (Role.PLANNER, department), (Role.AUDITOR, abroad))
    visible = set(User.objects.visible_to(administrator))
    assert {ours, administrator} <= visible
    assert not {theirs, shared} & visible
    assert not can(administrator, "objectives.change_user", theirs)
    assert not can(administrator, "objectives.change_user", shared)
    assert set(User.objects.visible_to(ours)) == set()


def test_whoever_has_no_role_is_seen_by_those_who_administer_everything(person, ministry, department):
    nobody = person("nobody")
    chief = person("chief", (Role.ADMINISTRATOR, ministry))
    deputy = person("deputy", (Role.ADMINISTRATOR, department))

    def seen_by(*people):
        again = [User.objects.get(pk=each.pk) for each in people]
        seen = [nobody in User.objects.visible_to(each) for each in again]
        assert seen == [can(each, "objectives.change_user", nobody) for each in again]
        return seen

    assert seen_by(chief, deputy) == [True, False]
    abroad = Unit.objects.create(code="OTHER", name="他部")
    foreign = person("foreign", (Role.ADMINISTRATOR, abroad))
    assert seen_by(chief, deputy, foreign) == [False, False, False]
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.ADMINISTRATOR, abroad))
    assert seen_by(both) == [True]
