"""My deputies: who stands in for me, and for whom I do; administrators look after their people's, too."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from objectives.forms import RocDateField
from objectives.models import Deputy, Membership, User
from objectives.people import end_deputy, name_deputy
from objectives.permissions import can
from objectives.roc import taipei
from objectives.roles import DEPUTISED

from .approval_pages import deciding
from .selection import reader


class PersonField(forms.ModelChoiceField):
    """One of some people, by name and units."""

    def label_from_instance(self, obj: Any) -> str:
        units = dict.fromkeys(each.unit.name for each in obj.memberships.all())
        return _("%(person)s (%(units)s)") % {"person": obj, "units": _(", ").join(units)}


class DeputyForm(forms.Form):
    """Who stands in on which days; an administrator chooses for whom, too."""

    principal = PersonField(User.objects.none(), label=gettext_lazy("who is away"))
    deputy = PersonField(User.objects.none(), label=gettext_lazy("deputy"))
    starts_on = RocDateField(
        label=gettext_lazy("first day of the deputyship"),
        help_text=gettext_lazy("By the ROC calendar, such as 98.12.31."),
    )
    ends_on = RocDateField(
        label=gettext_lazy("last day of the deputyship"),
        help_text=gettext_lazy("The deputy may still act on this day."),
    )

    def __init__(self, user: User, today: date, data: Any = None) -> None:
        super().__init__(data, initial={"principal": user.pk, "starts_on": today})
        self.user = user
        fields: dict[str, Any] = self.fields
        fields["principal"].queryset = named(principals(user), user)
        fields["deputy"].queryset = named(colleagues(user), user)
        if not administers(user):
            del fields["principal"]
            fields["deputy"].queryset = fields["deputy"].queryset.exclude(pk=user.pk)

    def save(self, today: date) -> Deputy:
        """Name the deputy. Raises PermissionDenied and ValidationError."""
        given = {"principal": self.user, **self.cleaned_data}
        return name_deputy(**given, by=self.user, today=today)


def administers(user: User) -> bool:
    return can(user, "objectives.add_deputy")


def principals(user: User) -> QuerySet[User]:
    """Return those for whom user may name a deputy: themselves and their people, if they do daily work."""
    theirs = Q(pk=user.pk) | Q(pk__in=User.objects.visible_to(user))
    daily = Membership.objects.filter(role__in=DEPUTISED).values("user")
    return User.objects.filter(theirs, is_active=True, pk__in=daily)


def colleagues(user: User) -> QuerySet[User]:
    """Return everybody with an account and a role in user's organisation."""
    roles = Membership.objects.filter(unit__in=user.rights.organisation).values("user")
    return User.objects.filter(is_active=True, pk__in=roles)


def named(people: QuerySet[User], user: User) -> QuerySet[User]:
    """Order people by name, with their roles in user's organisation at hand."""
    roles = Membership.objects.filter(unit__in=user.rights.organisation).select_related("unit")
    return people.order_by("name", "username").prefetch_related(Prefetch("memberships", roles))


@deciding
def deputies(request: HttpRequest, user: User) -> HttpResponse:
    """Show the deputyships of today and the days to come; name a deputy."""
    today = taipei(timezone.now()).date()
    posted = request.POST if request.method == "POST" else None
    form = DeputyForm(user, today, posted) if principals(user).exists() else None
    if form and form.is_valid() and _name(request, form, today):
        return HttpResponseRedirect(reverse("deputies"))
    return render(request, "reports/deputies.html", {"form": form, "sections": _sections(user, today)})


def _name(request: HttpRequest, form: DeputyForm, today: date) -> bool:
    """Name the deputy, or say in the form why not."""
    try:
        deputyship = form.save(today)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return False
    messages.success(request, _("%(deputyship)s: this is arranged.") % {"deputyship": deputyship})
    return True


def _sections(user: User, today: date) -> list[tuple[str, list[tuple[Deputy, bool]]]]:
    """List the deputyships under headings, each with whether user may end it."""
    found = Deputy.objects.visible_to(user).not_over(today).select_related("principal", "deputy")
    people = set(User.objects.visible_to(user).values_list("pk", flat=True)) | {user.pk}
    rows = [(each, each.principal_id in people) for each in found]
    mine = [row for row in rows if row[0].principal_id == user.pk]
    acting = [row for row in rows if row[0].deputy_id == user.pk]
    sections = [(_("Who deputises for me"), mine), (_("For whom I deputise"), acting)]
    if administers(user):
        others = [row for row in rows if row not in mine + acting]
        sections.append((_("Deputies of the people I administer"), others))
    return sections


@require_POST
@never_cache
@login_required
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a deputyship at once."""
    user = reader(request)
    deputyship = get_object_or_404(Deputy.objects.visible_to(user), pk=pk)
    try:
        end_deputy(deputyship=deputyship, by=user, today=taipei(timezone.now()).date())
        messages.success(request, _("%(deputyship)s: this is over.") % {"deputyship": deputyship})
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return HttpResponseRedirect(reverse("deputies"))
