"""The admin's pages for units and people."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import record
from ledger.models import Action

from .forms import MembershipFormSet, NewPasswordForm, NewPersonForm, PersonForm
from .models import KEEPS_ITS_ACCOUNT, Membership, Unit, User
from .scoped import ScopedAdmin, ScopedInline, signed_in, writing

# There are no groups: rights come from memberships.
admin.site.unregister(Group)


@admin.register(Unit)
class UnitAdmin(ScopedAdmin):
    list_display = ["code", "name", "parent"]
    list_select_related = ["parent"]
    search_fields = ["code", "name"]
    fields = ["code", "name", "parent"]
    owner = "parent"
    owner_unit = "pk"

    def lock(self, obj: Any) -> None:
        """Lock the whole forest: two moves, each of them sound, could make a circle together."""
        list(Unit.objects.select_for_update(no_key=True).order_by("pk"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new unit has no place in the tree yet: what counts is the unit above it."""
        return super().has_add_permission(request, obj and (obj.parent or obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Iterable[Any]:
        """Units move within what the person administers; the topmost of these stays where it is."""
        mine = signed_in(request).rights.units(self.permission("change"))
        return ["parent"] if obj and obj.parent_id not in mine else []

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_foreignkey(db_field, request, **kwargs, required=True, empty_label=None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save the unit; what somebody changes by hand is no demonstration any more."""
        obj.demo = obj.demo and not form.has_changed()
        super().save_model(request, obj, form, change)


class MembershipInline(ScopedInline):
    """A person's roles; a new account has one at least, since it is nobody's to look after without."""

    model = Membership
    formset = MembershipFormSet
    fields = ["role", "unit"]
    owner = "unit"
    owner_unit = "pk"

    def get_min_num(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **{"validate_min": True, **kwargs})
        formset.by = signed_in(request)
        return formset

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        units = signed_in(request).rights.units(self.permission("view"))
        return Membership.objects.filter(unit__in=units).select_related("unit", "user")


@admin.register(User)
class PersonAdmin(ScopedAdmin, UserAdmin):
    add_form = NewPersonForm
    form = PersonForm
    change_password_form = NewPasswordForm
    add_form_template = None
    change_user_password_template = "admin/objectives/user/change_password.html"  # noqa: S105
    list_display = ["username", "name", "roles", "is_active"]
    list_filter = []
    search_fields = ["username", "name"]
    filter_horizontal = ()
    fieldsets = [(None, {"fields": ["username", "name", "email", "is_active"]})]
    add_fieldsets = [(None, {"fields": ["username", "name", "email", "password1", "password2"]})]
    inlines = [MembershipInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("memberships__unit")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.by = signed_in(request)
        return form

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Change the password of the account as it is then, and nothing else about it."""
        with writing(request):
            response = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
                record(Action.PASSWORD, about=self.get_object(request, id))
            return response

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new account has no roles yet; the memberships judge their own units."""
        return super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj != request.user and super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Name what keeps an account; what would only lose the person among those who changed it, too."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        kept_by = [*protected, *(str(each) for person in objs for each in person.left_in())]
        return deleted, counts, set() if kept_by else lacking, kept_by

    def render_delete_form(self, request: HttpRequest, context: Any) -> HttpResponse:
        if context["protected"]:
            messages.warning(request, KEEPS_ITS_ACCOUNT)
        return super().render_delete_form(request, context)

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, person: User) -> str:
        memberships = person.memberships.all()
        return _(", ").join(f"{each.get_role_display()} · {each.unit}" for each in memberships)
