"""The admin as a whole, and its pages for units, people and plans."""

from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from objectives.admin import ScopedAdmin
from objectives.models import Goal, Membership, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.roles import Role
from objectives.tests.pages import add_url, change_url, filled, list_url, mistakes, signed_in, text

INDEX = "/admin/"
ROLES = ["planner", "reviewer", "manager", "auditor", "administrator"]
EVERYBODYS = [Unit, Plan, Goal, Strategy, WorkPlan, WorkItem]
OURS = [model for model in admin.site._registry if model._meta.app_label in ("objectives", "indicators")]


@pytest.fixture
def elsewhere(db):
    """Another ministry with a plan."""
    unit = Unit.objects.create(code="OTHER", name="他部")
    return Plan.objects.create(unit=unit, year=99, title="他部計畫")


@pytest.fixture
def deputy(person, department):
    """The administrator of one department."""
    return person("deputy", (Role.ADMINISTRATOR, department))


# -- Coming in


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_may_come_in(request, plan, role):
    response = signed_in(request.getfixturevalue(role)).get(INDEX)
    assert response.status_code == 200
    assert "外交部施政績效" in text(response)
    assert f'href="{reverse("dashboard")}"' in response.content.decode()


def test_visitors_sign_in_on_the_sites_own_page_and_come_back(client, db):
    wanted = list_url(Plan) + "?year=all"
    response = client.get(wanted, follow=True)
    assert response.redirect_chain[-1][0] == f"{reverse('login')}?next={quote(wanted, safe='/')}"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client, planner, target):
    address = reverse("admin:login") + "?next=" + quote(target)
    assert client.get(address)["Location"] == f"{reverse('login')}?next={INDEX}"
    assert signed_in(planner).get(address)["Location"] == INDEX


def test_someone_without_a_role_is_told_so_instead_of_asked_to_sign_in_again(outsider):
    response = signed_in(outsider).get(INDEX, follow=True)
    assert response.status_code == 403
    assert "您的帳號尚未指派角色，請洽系統管理者。" in text(response)


def test_a_locked_account_does_not_come_in(planner):
    client = signed_in(planner)
    planner.is_active = False
    planner.save()
    assert client.get(INDEX).status_code == 302


def test_a_role_that_is_taken_away_is_gone_at_the_next_request(planner):
    client = signed_in(planner)
    assert client.get(INDEX).status_code == 200
    planner.memberships.all().delete()
    assert client.get(INDEX, follow=True).status_code == 403


def test_the_demonstration_is_marked_on_every_page(planner, approved, report):
    client = signed_in(planner)
    assert "示範資料" not in text(client.get(INDEX))
    approved("K1-1", 1, outbound=4, inbound=8)
    report("K1-1", 1).figures.update(demo=True)
    for address in (INDEX, list_url(Plan), change_url(report("K1-1", 1))):
        assert "畫面中的數值為示範資料，非外交部公布之實績。" in text(client.get(address))


# -- What every page shares


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("model", EVERYBODYS)
def test_every_role_reads_the_plan(request, plan, role, model):
    client = signed_in(request.getfixturevalue(role))
    assert client.get(list_url(model)).status_code == 200
    assert client.get(change_url(model.objects.first())).status_code == 200


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor"])
@pytest.mark.parametrize("model", [*EVERYBODYS, User])
def test_only_administrators_change_anything(request, plan, role, model):
    user = request.getfixturevalue(role)
    client = signed_in(user)
    refused = {403, 404} if model is User else {403}
    target = model.objects.first()
    assert client.post(add_url(model), {}).status_code == 403
    assert client.post(change_url(target), {}).status_code in refused
    delete = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[target.pk])
    assert client.post(delete, {"post": "yes"}).status_code in refused
    assert model.objects.filter(pk=target.pk).exists()


@pytest.mark.parametrize("view", ["change", "delete", "history"])
def test_what_is_not_visible_does_not_exist(administrator, elsewhere, view):
    client = signed_in(administrator)
    for hidden in (elsewhere, elsewhere.unit):
        address = reverse(f"admin:objectives_{hidden._meta.model_name}_{view}", args=[hidden.pk])
        assert client.get(address).status_code == 404
        assert client.post(address, {"post": "yes"}).status_code == 404
    assert client.get(reverse("admin:objectives_plan_adopt", args=[elsewhere.pk])).status_code == 404
    assert client.get(reverse("admin:objectives_plan_change", args=["nonsense"])).status_code == 404


def test_lists_and_choices_end_at_ones_own_organisation(administrator, plan, elsewhere):
    client = signed_in(administrator)
    assert [found.pk for found in client.get(list_url(Plan)).context["cl"].result_list] == [plan.pk]
    assert "他部" not in text(client.get(add_url(Goal)))
    response = client.post(
        add_url(Goal),
        {
            "plan": elsewhere.pk,
            "kind": "KEY",
            "number": 9,
            "title": "甲",
            "outline_number": 19,
            "outline_title": "甲",
        },
    )
    assert response.context["adminform"].form.errors.keys() == {"plan"}


def test_a_list_cannot_be_searched_through_relations(administrator, plan):
    response = signed_in(administrator).get(list_url(User), {"password__startswith": "md5"})
    assert response.status_code in (302, 400)


@pytest.mark.parametrize("model", OURS)
def test_nothing_is_deleted_or_edited_in_bulk(administrator, plan, rf, model):
    page = admin.site._registry[model]
    request = rf.get("/")
    request.user = administrator
    assert page.get_actions(request) == {}
    assert not page.list_editable


@pytest.mark.parametrize("model", OURS)
def test_every_list_can_be_sorted_by_every_column(administrator, plan, model):
    client = signed_in(administrator)
    for column in range(1, len(admin.site._registry[model].list_display) + 1):
        assert client.get(list_url(model), {"o": str(column)}).status_code == 200


def test_every_page_of_ours_is_scoped(plan):
    assert all(isinstance(admin.site._registry[model], ScopedAdmin) for model in OURS)
    registered = {model._meta.app_label for model in admin.site._registry}
    assert registered == {"objectives", "indicators"}


def test_the_stock_log_is_not_kept(administrator, plan):
    client = signed_in(administrator)
    unit = Unit.objects.create(code="X", name="甲司", parent=plan.unit)
    client.post(change_url(unit), {"code": "X", "name": "乙司", "parent": plan.unit_id})
    unit.refresh_from_db()
    assert unit.name == "乙司"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("model", "count"),
    [(Unit, 7), (Plan, 7), (Goal, 8), (Strategy, 9), (WorkPlan, 8), (WorkItem, 8), (User, 9)],
)
def test_lists_take_the_same_number_of_queries_at_any_size(
    administrator, planner, reviewer, plan, department, django_assert_num_queries, model, count
):
    client = signed_in(administrator)
    some = {"q": {Unit: "MOFA", Plan: "外交部", Goal: "國際", User: "planner"}.get(model, "領事")}
    assert client.get(list_url(model), some).context["cl"].result_count
    for chosen in (some, {}):
        with django_assert_num_queries(count):
            client.get(list_url(model), chosen)


def test_provenance_notes_are_prominent(planner, plan):
    assert "出處說明 前言「配合兩岸和解契機機」之「契機機」疑衍一「機」字，照錄原文。" in text(
        signed_in(planner).get(change_url(plan))
    )


# -- Units


def test_units_are_added_and_moved_within_what_one_administers(deputy, department, ministry):
    client = signed_in(deputy)
    for parent, created in ((ministry.pk, False), ("", False), (department.pk, True)):
        client.post(add_url(Unit), {"code": "SEC", "name": "一科", "parent": parent})
        assert Unit.objects.filter(code="SEC").exists() is created
    assert client.post(change_url(ministry), {"code": "MOFA", "name": "改"}).status_code == 403
    client.post(change_url(department), {"code": "DEPT", "name": "亞太司", "parent": ""})
    department.refresh_from_db()
    assert (department.name, department.parent) == ("亞太司", ministry)


def test_a_unit_with_a_plan_is_not_deleted(administrator, plan):
    address = reverse("admin:objectives_unit_delete", args=[plan.unit_id])
    signed_in(administrator).post(address, {"post": "yes"})
    assert Unit.objects.filter(pk=plan.unit_id).exists()


def test_markup_in_a_name_is_dead(administrator, department):
    department.name = "<script>alert(1)</script>"
    department.save()
    client = signed_in(administrator)
    for address in (list_url(Unit), change_url(department), add_url(User), list_url(User)):
        assert "<script>alert" not in client.get(address).content.decode()


# -- People

NEW_PASSWORD = "a long and lucky phrase"


def new_person(username, unit, role=Role.PLANNER, **more):
    return {
        "username": username,
        "name": "新人",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-role": role.value,
        "memberships-0-unit": unit.pk,
        **more,
    }


def test_an_administrator_adds_a_person_with_password_and_role(administrator, department):
    response = signed_in(administrator).post(add_url(User), new_person("new", department))
    assert response.status_code == 302
    person = User.objects.get(username="new")
    assert person.check_password(NEW_PASSWORD)
    assert [(m.role, m.unit) for m in person.memberships.all()] == [("PLANNER", department)]


def test_a_weak_password_is_refused(administrator, department):
    response = signed_in(administrator).post(
        add_url(User), new_person("new", department, password1="12345", password2="12345")
    )
    assert "密碼" in mistakes(response)
    assert not User.objects.filter(username="new").exists()


def test_nobody_grants_roles_outside_their_own_units(deputy, ministry, department, person):
    client = signed_in(deputy)
    response = client.post(add_url(User), new_person("new", ministry))
    assert response.status_code == 200
    assert not User.objects.filter(username="new").exists()
    subordinate = person("subordinate", (Role.PLANNER, department))
    data = filled(client.get(change_url(subordinate)))
    assert client.post(change_url(subordinate), data | {"memberships-0-unit": ministry.pk}).status_code == 200
    assert [m.unit for m in subordinate.memberships.all()] == [department]


def test_people_with_roles_elsewhere_are_neither_seen_nor_touched(deputy, ministry, department, person):
    client = signed_in(deputy)
    subordinate = person("subordinate", (Role.PLANNER, department))
    straddler = person("straddler", (Role.PLANNER, department), (Role.MANAGER, ministry))
    names = [found.username for found in client.get(list_url(User)).context["cl"].result_list]
    assert names == ["deputy", "subordinate"]
    assert client.get(change_url(subordinate)).status_code == 200
    for address in (change_url(straddler), f"/admin/objectives/user/{straddler.pk}/password/"):
        assert client.get(address).status_code == 404
        assert client.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}).status_code == 404
    straddler.refresh_from_db()
    assert not straddler.check_password(NEW_PASSWORD)


def test_memberships_of_other_people_cannot_be_smuggled_in(deputy, department, person, ministry):
    chief = person("chief", (Role.MANAGER, ministry))
    subordinate = person("subordinate", (Role.PLANNER, department))
    client = signed_in(deputy)
    data = filled(client.get(change_url(subordinate)))
    foreign = chief.memberships.get()
    client.post(
        change_url(subordinate), data | {"memberships-0-id": foreign.pk, "memberships-0-DELETE": "on"}
    )
    assert Membership.objects.filter(pk=foreign.pk, role=Role.MANAGER, unit=ministry).exists()


def test_a_password_is_changed_through_its_own_form(administrator, planner):
    client = signed_in(administrator)
    page = client.get(change_url(planner))
    assert planner.password not in page.content.decode()
    address = f"/admin/objectives/user/{planner.pk}/password/"
    assert address in page.content.decode()
    assert "密碼" in mistakes(client.post(address, {"password1": NEW_PASSWORD, "password2": "other"}))
    assert client.post(address, {"usable_password": "false", "unset-password": "1"}).status_code == 200
    assert client.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}).status_code == 302
    planner.refresh_from_db()
    assert planner.check_password(NEW_PASSWORD)


def test_nobody_deletes_their_own_account(administrator):
    address = reverse("admin:objectives_user_delete", args=[administrator.pk])
    assert signed_in(administrator).post(address, {"post": "yes"}).status_code == 403


def test_usernames_that_exist_out_of_sight_are_still_taken(deputy, department, manager):
    response = signed_in(deputy).post(add_url(User), new_person("manager", department))
    assert response.status_code == 200
    assert User.objects.filter(username="manager").count() == 1


# -- The plan


@pytest.fixture
def adopt(administrator, plan):
    def post(user=administrator, **typed):
        return signed_in(user).post(
            reverse("admin:objectives_plan_adopt", args=[plan.pk]), typed, follow=True
        )

    return post


@pytest.mark.parametrize("typed", ["98.12.31", "98/12/31", "民國 98 年 12 月 31 日", "９８．１２．３１"])
def test_a_plan_is_adopted_with_day_and_document_number(adopt, plan, typed):
    response = adopt(on=typed, number="院臺外字第 1 號")
    assert "98 年 12 月 31 日核定，院臺外字第 1 號" in text(response)
    plan.refresh_from_db()
    assert plan.is_adopted


@pytest.mark.parametrize("typed", ["", "2009-12-31", "98.2.30", "98.12", "昨天", "0.1.1"])
def test_a_day_that_is_none_is_refused(adopt, plan, typed):
    response = adopt(on=typed, number="院臺外字第 1 號")
    assert "on" in response.context["form"].errors
    plan.refresh_from_db()
    assert not plan.is_adopted


def test_a_plan_is_adopted_once(adopt, plan):
    adopt(on="98.12.31", number="1")
    response = adopt(on="99.1.1", number="2")
    assert "本計畫業經核定，文號：1" in mistakes(response)
    plan.refresh_from_db()
    assert plan.adopted_number == "1"


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor"])
def test_only_administrators_adopt(request, adopt, plan, role):
    user = request.getfixturevalue(role)
    assert adopt(user=user, on="98.12.31", number="1").status_code == 403
    assert "核定計畫" not in text(signed_in(user).get(change_url(plan)))


def test_an_adopted_plan_keeps_its_year_and_is_not_deleted(adopt, administrator, plan):
    adopt(on="98.12.31", number="1")
    client = signed_in(administrator)
    data = filled(client.get(change_url(plan))) | {"year": 100, "amber_threshold": "75"}
    assert client.post(change_url(plan), data).status_code == 302
    plan.refresh_from_db()
    assert (plan.year, plan.amber_threshold) == (99, 75)
    assert (
        client.post(reverse("admin:objectives_plan_delete", args=[plan.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_what_belongs_to_a_plan_stays_in_it(administrator, plan):
    later = Plan.objects.create(unit=plan.unit, year=100, title="100 年度")
    client = signed_in(administrator)
    goal = Goal.objects.first()
    data = filled(client.get(change_url(goal))) | {"plan": later.pk, "title": "新名稱"}
    assert client.post(change_url(goal), data).status_code == 302
    goal.refresh_from_db()
    assert (goal.plan, goal.title) == (plan, "新名稱")


def test_strategies_are_listed_in_the_order_of_the_outline(planner, plan):
    first = Strategy.objects.filter(goal__outline_number=1, parent=None).first()
    late = Strategy.objects.create(goal=first.goal, parent=first, position=1, label="１、", text="後來增列")
    listed = list(signed_in(planner).get(list_url(Strategy)).context["cl"].result_list)
    assert listed[:2] == [first, late]
    assert [strategy.depth for strategy in listed[:3]] == [1, 2, 1]
    assert len(listed) == Strategy.objects.count()


def test_work_items_are_edited_with_their_work_plan(administrator, plan):
    work_plan = WorkPlan.objects.first()
    client = signed_in(administrator)
    data = filled(client.get(change_url(work_plan))) | {"items-0-name": "改名"}
    assert client.post(change_url(work_plan), data).status_code == 302
    assert work_plan.items.first().name == "改名"


def test_every_model_of_ours_has_a_page_or_belongs_to_one():
    without = {
        model.__name__
        for app in ("objectives", "indicators")
        for model in apps.get_app_config(app).get_models()
    }
    without -= {model.__name__ for model in OURS}
    assert without == {"Membership", "PlannedValue", "Figure"}
