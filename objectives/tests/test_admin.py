"""The admin as a whole, and its pages for units, people and plans."""

import threading
import time
from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import connection, transaction
from django.urls import reverse

from objectives.models import Goal, Membership, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.roles import Role
from objectives.scoped import ScopedAdmin
from objectives.tests.pages import add_url, change_url, filled, list_url, mistakes, row, signed_in, text
from objectives.workflow import adopt_plan

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


def test_the_demonstration_is_marked_on_every_page(planner, report, now):
    client = signed_in(planner)
    assert "示範資料" not in text(client.get(INDEX))
    found = report("K1-1", 1)
    variable = found.indicator.variables.earliest("pk")
    found.figures.create(variable=variable, value=4, changed_by=planner, changed_at=now, demo=True)
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


@pytest.mark.parametrize(
    "lookup",
    [
        {"password__startswith": "md5"},
        {"title__regex": "("},
        {"number__range": "1"},
        {"pk__in": "1,2"},
        {"changed_at__year": "99999999999"},
        {"title": "甲"},
        {"\0": "\0"},
        {"_to_field": "title"},
    ],
)
@pytest.mark.parametrize("model", OURS)
def test_a_list_is_filtered_by_its_own_filters_only(administrator, plan, model, lookup):
    response = signed_in(administrator).get(list_url(model), lookup)
    assert response.status_code == 400


@pytest.mark.parametrize("model", OURS)
def test_malformed_filters_words_and_pages_do_no_harm(administrator, plan, model):
    client = signed_in(administrator)
    filters = [spec.parameter_name for spec in admin.site._registry[model].list_filter]
    # In one request what is never refused: what is, ends the request with a redirection.
    together = [("q", "o"), ("e", "all", "_popup", "_facets"), ("p",), *((name,) for name in filters)]
    for names in together:
        for value in ("\0", "x", "-1", "9" * 5000, "٩٩", "99\0", "1.-2.x", "'\"", "領 " * 3000):
            # Words that nothing matches keep the lists empty, and so this test quick.
            asked = {"q": "查無此字"} | dict.fromkeys(names, value)
            assert client.get(list_url(model), asked).status_code in (200, 302)


# One relation to each model: what is offered hangs on that model's page alone.
RELATIONS = {
    field.related_model: field
    for app in ("objectives", "indicators")
    for model in apps.get_app_config(app).get_models()
    for field in [*model._meta.fields, *model._meta.many_to_many]
    if field.is_relation
}


def offered(user, field, term):
    """Return the words that autocompletion offers for a relation; None where it offers nothing at all."""
    model = field.model._meta
    asked = {"app_label": model.app_label, "model_name": model.model_name, "field_name": field.name}
    response = signed_in(user).get(reverse("admin:autocomplete"), asked | {"term": term})
    assert response.status_code in (200, 403, 404)
    return [each["text"] for each in response.json()["results"]] if response.status_code == 200 else None


@pytest.mark.parametrize("who", ["administrator", "deputy", "planner"])
def test_autocompletion_offers_nothing_of_another_organisation(request, plan, elsewhere, person, who):
    person("他部承辦人", (Role.PLANNER, elsewhere.unit))
    Goal.objects.create(plan=elsewhere, kind="KEY", number=1, title="他部目標", outline_number=1)
    user = request.getfixturevalue(who)
    assert not any(offered(user, field, "他部") for field in RELATIONS.values())


def test_autocompletion_offers_what_the_person_sees(plan, elsewhere, person):
    foreigner = person("他部管理者", (Role.ADMINISTRATOR, elsewhere.unit))
    found = {model: offered(foreigner, field, "") for model, field in RELATIONS.items()}
    assert (found[Unit], found[User], found[Plan]) == (["他部"], ["他部管理者"], [str(elsewhere)])
    assert not any(found[model] for model in set(found) - {Unit, User, Plan})


def test_autocompletion_offers_the_people_that_one_administers(deputy, person, department, planner):
    person("plain", (Role.PLANNER, department))
    assert offered(deputy, Membership._meta.get_field("user"), "pla") == ["plain"]
    assert offered(planner, Membership._meta.get_field("user"), "pla") is None


OWN_VIEWS = {("add", "targetrevision"), ("change", "targetrevision"), ("change", "quarterreport")}


@pytest.mark.parametrize("view", ["add", "change", "delete"])
def test_a_popup_gives_no_column_back_but_the_key(administrator, plan, view):
    client = signed_in(administrator)
    for model in OURS:
        if (view, model._meta.model_name) in OWN_VIEWS:
            continue  # which know of no popup
        arguments = [] if view == "add" else [getattr(model._default_manager.first(), "pk", 0)]
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=arguments)
        asked = {"_popup": "1", "_to_field": model._meta.fields[1].name}  # a person's: password
        assert client.get(address, asked).status_code == 400
        assert client.post(address, asked).status_code == 400


def test_autocompletion_survives_a_null_character(administrator, plan):
    asked = {"app_label": "objectives", "model_name": "goal", "field_name": "plan", "term": "\0年"}
    assert signed_in(administrator).get(reverse("admin:autocomplete"), asked).status_code == 200


def test_words_are_found_however_they_are_typed(administrator, planner, plan):
    User.objects.filter(pk=planner.pk).update(username="年度")
    client = signed_in(administrator)
    for model in (Plan, User):
        for words in ("年度", "\uf98e度"):
            assert client.get(list_url(model), {"q": words}).context["cl"].result_count == 1


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
    client.post(change_url(unit), filled(client.get(change_url(unit))) | {"name": "乙司"})
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


# -- Two people on one page


@pytest.fixture
def opened(administrator):
    """Open an object's page and return a way to send it back: opened(obj)(name="…")."""

    def open_(obj):
        client = signed_in(administrator)
        client.cookies["django_language"] = "en"
        data = filled(client.get(change_url(obj)))
        return lambda **changes: client.post(change_url(obj), data | changes)

    return open_


def conflict(response):
    form = response.context["adminform"].form
    return response.status_code == 200 and form.has_error(NON_FIELD_ERRORS, "conflict")


@pytest.mark.parametrize(
    ("model", "field", "theirs"),
    [
        (Unit, "name", "外交部新名"),
        (User, "name", "新名"),
        (Plan, "amber_threshold", "75.00"),
        (Goal, "title", "新目標"),
        (Strategy, "text", "新文字\n第二行"),
        (WorkPlan, "name", "新計畫"),
        (WorkItem, "content", "新內容"),
    ],
)
def test_an_old_page_does_not_undo_what_somebody_else_saved(plan, opened, model, field, theirs):
    obj = model.objects.first()
    first, second = opened(obj), opened(obj)
    assert first(**{field: theirs}).status_code == 302
    mine = "email" if model is User else "code" if model is Unit else "note"
    response = second(**{mine: "A9@example.org"})
    assert conflict(response)
    obj.refresh_from_db()
    assert str(getattr(obj, field)) == theirs
    assert theirs.splitlines()[0] in mistakes(response)
    again = filled(response)
    assert again[mine] == "A9@example.org"
    assert again[field] != theirs
    client = response.client
    assert client.post(change_url(obj), again | {field: theirs}).status_code == 302
    obj.refresh_from_db()
    assert str(getattr(obj, field)) == theirs
    assert getattr(obj, mine) == "A9@example.org"


def test_a_page_without_its_digest_is_refused(administrator, plan):
    goal = Goal.objects.first()
    client = signed_in(administrator)
    data = filled(client.get(change_url(goal))) | {"title": "改"}
    del data["_shown"]
    assert conflict(client.post(change_url(goal), data))
    assert conflict(client.post(change_url(goal), data | {"_shown": "\0"}))
    goal.refresh_from_db()
    assert goal.title != "改"


def test_a_button_pressed_twice_is_no_conflict(plan, opened):
    goal = Goal.objects.first()
    send = opened(goal)
    assert [send(title="改").status_code for _ in range(2)] == [302, 302]


def test_other_peoples_rows_are_compared_too(plan, opened):
    work_plan = WorkItem.objects.filter(position=2)[0].work_plan
    first, second, third = opened(work_plan), opened(work_plan), opened(work_plan)
    size = work_plan.items.count()
    assert first(**{"items-0-content": "別人的內容"}).status_code == 302
    response = second(note="註")
    assert conflict(response)
    assert "別人的內容" in mistakes(response)
    assert work_plan.items.first().content == "別人的內容"
    WorkItem.objects.create(work_plan=work_plan, position=99, name="增列", content="丙")
    new = {"items-TOTAL_FORMS": size + 1, f"items-{size}-position": 98, f"items-{size}-name": "也增列"}
    response = third(**new, **{f"items-{size}-content": "丁"})
    assert "«增列» was added." in mistakes(response)
    assert row(response, "items", name="也增列")
    client = response.client
    again = filled(response) | {f"{row(response, 'items', name='增列')}-content": "改"}
    assert client.post(change_url(work_plan), again | {"items-0-content": "別人的內容"}).status_code == 302
    stored = dict(work_plan.items.values_list("name", "content"))
    assert (stored["增列"], stored["也增列"]) == ("改", "丁")


def test_a_row_that_was_deleted_in_the_meantime_comes_back_as_a_new_one(plan, opened):
    work_plan = WorkItem.objects.filter(position=3)[0].work_plan
    gone, *others = work_plan.items.all()
    first, second, third = opened(work_plan), opened(work_plan), opened(work_plan)
    assert first(**{"items-0-DELETE": "on"}).status_code == 302
    assert third(**{"items-0-DELETE": "on"}).status_code == 302  # which it is already
    response = second(**{"items-0-name": "改名", "items-1-note": "註"})
    assert conflict(response)
    assert "What was deleted stands below as a new row." in mistakes(response)
    (formset,) = [inline.formset for inline in response.context["inline_admin_formsets"]]
    assert [form.instance for form in formset.initial_forms] == others
    assert [form["name"].value() for form in formset.extra_forms] == ["改名"]
    assert response.client.post(change_url(work_plan), filled(response)).status_code == 302
    assert sorted(work_plan.items.values_list("name", "position")) == sorted(
        [("改名", gone.position), *((each.name, each.position) for each in others)]
    )
    assert work_plan.items.get(pk=others[0].pk).note == "註"
    for number in ("x", "-1", ""):
        forged = {"items-TOTAL_FORMS": number, "items-INITIAL_FORMS": number}
        assert third(note="改", **forged).status_code == 200
    assert third(**{"items-1-id": others[0].pk, "items-2-id": others[0].pk}).status_code == 200


def test_line_breaks_stay_as_they_are(plan, opened):
    before = Plan.objects.values("preamble", "scheme_legend").get()
    assert "\n" in before["scheme_legend"]
    assert opened(plan)(title="改").status_code == 302
    assert Plan.objects.values("preamble", "scheme_legend").get() == before


# -- Two people at the same moment


@pytest.fixture
def meanwhile():
    """Run something in another transaction, and leave that open for a moment while the test goes on."""
    threads = []

    def start(work):
        done = threading.Event()

        def run():
            try:
                with transaction.atomic():
                    work()
                    done.set()
                    time.sleep(0.5)
            finally:
                done.set()
                connection.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        assert done.wait(10)

    yield start
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_an_adoption_at_the_same_moment_stands(plan, administrator, opened, meanwhile):
    goal = Goal.objects.first()
    save_plan, save_goal = opened(plan), opened(goal)
    client = signed_in(administrator)
    adding = filled(client.get(add_url(WorkPlan))) | {"plan": plan.pk, "position": 99, "name": "增列"}
    meanwhile(lambda: adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="1"))
    response = save_goal(title="改")
    assert conflict(response)
    assert "can no longer be changed: Kind, Number, Title," in mistakes(response)
    assert save_plan(title="改").status_code == 200
    assert client.post(add_url(WorkPlan), adding).status_code in (200, 403)
    plan.refresh_from_db()
    goal.refresh_from_db()
    assert (plan.adopted_number, plan.title != "改", goal.title != "改") == ("1", True, True)
    assert not WorkPlan.objects.filter(name="增列").exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_added_to_a_plan_that_is_adopted_at_the_same_moment(plan, administrator, meanwhile):
    client = signed_in(administrator)
    adding = filled(client.get(add_url(WorkPlan))) | {"plan": plan.pk, "position": 99, "name": "增列"}
    meanwhile(lambda: adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="1"))
    assert client.post(add_url(WorkPlan), adding).status_code in (200, 403)
    assert not WorkPlan.objects.filter(name="增列").exists()


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_the_same_moment_make_no_circle(ministry, opened, meanwhile):
    one, two = (Unit.objects.create(code=code, name=code, parent=ministry) for code in ("ONE", "TWO"))
    save = opened(one)
    meanwhile(lambda: Unit.objects.filter(pk=two.pk).update(parent=one))
    response = save(parent=two.pk)
    assert response.status_code == 200
    assert "parent" in response.context["adminform"].form.errors
    assert Unit.objects.get(pk=one.pk).parent == ministry


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
    opened = client.get(change_url(department))
    client.post(change_url(department), filled(opened) | {"name": "亞太司", "parent": ""})
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


@pytest.mark.parametrize("rows", [{"memberships-TOTAL_FORMS": "0"}, {"memberships-0-role": ""}, {}])
def test_a_new_account_has_a_role(administrator, department, rows):
    data = new_person("new", department, **rows)
    if not rows:
        data["memberships-0-DELETE"] = "on"
    assert signed_in(administrator).post(add_url(User), data).status_code == 200
    assert not User.objects.filter(username="new").exists()


def test_an_account_without_roles_is_the_whole_organisations(administrator, deputy, outsider, ministry):
    password = f"/admin/objectives/user/{outsider.pk}/password/"
    for address in (change_url(outsider), password):
        assert signed_in(administrator).get(address).status_code == 200
        assert signed_in(deputy).get(address).status_code == 404
    Unit.objects.create(code="OTHER", name="他部")
    for address in (change_url(outsider), password):
        assert signed_in(administrator).get(address).status_code == 404


def test_a_role_can_be_taken_away(opened, planner):
    assert opened(planner)(**{"memberships-0-DELETE": "on"}).status_code == 302
    assert not planner.memberships.exists()


@pytest.mark.parametrize(
    "change", [{"is_active": ""}, {"memberships-0-DELETE": "on"}, {"memberships-0-role": "PLANNER"}]
)
def test_administrators_do_not_lock_themselves_out(opened, administrator, person, ministry, change):
    other = person("other", (Role.ADMINISTRATOR, ministry))
    assert opened(administrator)(**change).status_code == 200
    administrator = User.objects.get(pk=administrator.pk)
    assert administrator.is_active
    assert administrator.has_perm("objectives.change_user", ministry)
    assert opened(administrator)(name="改").status_code == 302
    assert opened(other)(**change).status_code == 302


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


@pytest.mark.parametrize(
    "typed", ["98.12.31", "98/12/31", "2009-12-31", "民國 98 年 12 月 31 日", "９８．１２．３１"]
)
def test_a_plan_is_adopted_with_day_and_document_number(adopt, plan, typed):
    response = adopt(on=typed, number="院臺外字第 1 號")
    assert "98 年 12 月 31 日核定，院臺外字第 1 號" in text(response)
    plan.refresh_from_db()
    assert plan.is_adopted


@pytest.mark.parametrize("typed", ["", "2009-13-31", "98.2.30", "98.12", "昨天", "0.1.1"])
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


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        *(
            (field, typed)
            for field in ("amber_threshold", "year")
            for typed in ("٨٠", "7E1", "7_0", "-1", "NaN")
        ),
        ("year", "0"),
        ("year", "1000"),
        ("year", "99.5"),
        ("green_threshold", "100.001"),
    ],
)
def test_numbers_of_a_plan_are_plain(opened, plan, field, typed):
    response = opened(plan)(**{field: typed})
    assert response.context["adminform"].form.errors.keys() == {field}


def test_numbers_of_a_plan_may_be_full_width(opened, plan):
    assert opened(plan)(year="９９", amber_threshold=" ７５．５ ").status_code == 302
    plan.refresh_from_db()
    assert (plan.year, plan.amber_threshold) == (99, Decimal("75.5"))


@pytest.mark.parametrize("model", [Plan, Goal, Strategy, WorkPlan, WorkItem])
def test_the_wording_of_an_adopted_plan_stands_fast(adopt, administrator, plan, model):
    client = signed_in(administrator)
    obj = model.objects.first()
    unlocked = filled(client.get(change_url(obj)))
    adding = filled(client.get(add_url(model)))
    adopt(on="98.12.31", number="院臺外字第 1 號")
    before = model.objects.values().get(pk=obj.pk)
    opened = client.get(change_url(obj))
    assert "院臺外字第 1 號" in text(opened)
    assert 'class="notice locked"' in opened.content.decode()
    forged = {name: "9" for name in unlocked if name != "_shown" and "-" not in name}
    kept = {"green_threshold": "100", "amber_threshold": "80", "note": "註"}
    assert client.post(change_url(obj), forged | filled(opened) | kept).status_code == 302
    assert model.objects.values().get(pk=obj.pk) == before | {"note": "註"}
    delete = change_url(obj).replace("/change/", "/delete/")
    assert client.post(delete, {"post": "yes"}).status_code == 403
    if model is not Plan:
        count = model.objects.count()
        owner = {
            name: getattr(obj, f"{name}_id") for name in ("plan", "goal", "work_plan") if hasattr(obj, name)
        }
        typed = dict.fromkeys(adding, "9") | {"kind": "KEY", "parent": ""} | owner
        assert client.post(add_url(model), adding | typed).status_code == 200
        assert model.objects.count() == count


def test_the_items_of_an_adopted_work_plan_stand_fast_but_for_their_notes(adopt, administrator, plan):
    work_plan = WorkPlan.objects.first()
    item = work_plan.items.first()
    adopt(on="98.12.31", number="1")
    client = signed_in(administrator)
    before = list(work_plan.items.values())
    forged = {
        "items-0-name": "改",
        "items-0-content": "改",
        "items-0-note": "註",
        "items-0-DELETE": "on",
        "items-TOTAL_FORMS": len(before) + 1,
        f"items-{len(before)}-position": 99,
        f"items-{len(before)}-name": "偷渡",
        f"items-{len(before)}-content": "偷渡",
    }
    data = filled(client.get(change_url(work_plan))) | forged
    assert client.post(change_url(work_plan), data).status_code == 302
    before[0]["note"] = "註"
    assert list(work_plan.items.values()) == before
    assert item.pk == before[0]["id"]


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


def test_the_heads_step_can_be_switched_off_in_an_adopted_plan_too(adopt, opened, plan):
    assert opened(plan)(head_step="").status_code == 302
    plan.refresh_from_db()
    assert not plan.head_step
    adopt(on="98.12.31", number="1")
    assert opened(plan)(head_step="on").status_code == 302
    plan.refresh_from_db()
    assert plan.head_step


@pytest.mark.parametrize("adopted", [False, True])
def test_a_work_item_is_given_to_a_unit_of_the_agency(
    adopt, opened, plan, department, person, ministry, adopted
):
    if adopted:
        adopt(on="98.12.31", number="1")
    item = WorkItem.objects.first()
    elsewhere = Unit.objects.create(code="OTHER", name="他部")
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.ADMINISTRATOR, elsewhere))
    for page in (signed_in(both), None):
        address, data = change_url(item), {"lead_unit": elsewhere.pk}
        response = page.post(address, filled(page.get(address)) | data) if page else opened(item)(**data)
        assert response.context["adminform"].form.errors.keys() == {"lead_unit"}
    assert opened(item)(lead_unit=department.pk).status_code == 302
    item.refresh_from_db()
    assert item.responsible_unit_id == department.pk
    work_plan = item.work_plan
    assert opened(work_plan)(**{"items-0-lead_unit": elsewhere.pk}).status_code == 200
    assert opened(work_plan)(**{"items-0-lead_unit": ""}).status_code == 302
    item.refresh_from_db()
    assert item.responsible_unit_id == ministry.pk


def test_every_model_of_ours_has_a_page_or_belongs_to_one():
    without = {
        model.__name__
        for app in ("objectives", "indicators")
        for model in apps.get_app_config(app).get_models()
    }
    without -= {model.__name__ for model in OURS}
    assert without == {
        "Membership", "Deputy", "PlannedValue", "Figure", "Reopening", "Reminder",
        "ReportStep", "Evidence", "ItemProgress", "ImportBatch", "ImportFile",
    }  # fmt: skip
