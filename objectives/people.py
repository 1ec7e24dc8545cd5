"""Accounts: how a person comes to have one, and who stands in for whom."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import date, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ledger.acting import acting

from .models import Deputy, Membership, Unit, User
from .permissions import require
from .roc import roc_date
from .roles import DEPUTISED, Rights, Role

# Letters and digits that nobody takes for one another; one click selects them all.
_LEGIBLE = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_password() -> str:
    """Return a fresh random password of 18 legible characters (104 bits)."""
    return "".join(secrets.choice(_LEGIBLE) for _place in range(18))


def add_person(
    *, username: str, password: str, roles: Iterable[Role], unit: Unit, name: str = "", email: str = ""
) -> User:
    """Create an account with roles for unit. Raises ValidationError for a taken name or a weak password."""
    with acting():
        person = User(username=username, name=name, email=email)
        validate_password(password, person)
        person.set_password(password)
        person.full_clean()
        person.save()
        for role in roles:
            Membership.objects.create(user=person, unit=unit, role=role)
        return person


def name_deputy(
    *, principal: User, deputy: User, starts_on: date, ends_on: date, by: User, today: date
) -> Deputy:
    """Let deputy do principal's daily work from the first day to the last, both included.

    People name their own deputy, administrators anybody's whom they administer. today is Taipei's date.
    Raises PermissionDenied, and ValidationError where the days or the people do not fit.
    """
    with acting(actor=by, about=principal):
        _require_a_say(by, "objectives.add_deputy", principal)
        named = Deputy(principal=principal, deputy=deputy, starts_on=starts_on, ends_on=ends_on)
        named.full_clean()
        if starts_on < today:
            raise ValidationError({"starts_on": _("A deputyship cannot begin before today.")})
        _refuse_unfit(principal, deputy)
        _refuse_overlap(named)
        named.save()
        return named


def end_deputy(*, deputyship: Deputy, by: User, today: date) -> None:
    """End a deputyship at once: yesterday was its last day, or it never was where it began today or later.

    today is Taipei's date. Raises PermissionDenied, and ValidationError where it is over already.
    """
    with acting(actor=by, about=deputyship):
        deputyship = Deputy.objects.select_for_update(of=("self",)).get(pk=deputyship.pk)
        _require_a_say(by, "objectives.change_deputy", deputyship.principal)
        if deputyship.ends_on < today:
            raise ValidationError(_("The deputyship is over already."))
        if deputyship.starts_on >= today:
            deputyship.delete()
            return
        deputyship.ends_on = today - timedelta(days=1)
        deputyship.save(update_fields=["ends_on"])


def _require_a_say(by: User, permission: str, principal: User) -> None:
    if by != principal:
        require(by, permission, principal)


def _refuse_unfit(principal: User, deputy: User) -> None:
    """The deputy is somebody who works in every organisation whose drafts they are going to see."""
    for person in (principal, deputy):
        if not person.is_active:
            raise ValidationError(_("The account of %(person)s is not active.") % {"person": person})
    daily = _organisation(principal, DEPUTISED)
    if not daily:
        raise ValidationError(
            _("%(person)s has no role that a deputy could take over.") % {"person": principal}
        )
    if not daily <= _organisation(deputy, Role):
        raise ValidationError(
            _("%(deputy)s has no role in the organisation of %(principal)s.")
            % {"deputy": deputy, "principal": principal}
        )


def _organisation(person: User, roles: Iterable[Role]) -> frozenset[int]:
    """Return the units of the organisations in which the person has any of the roles themselves."""
    memberships = person.memberships.filter(role__in=roles).values_list("role", "unit_id")
    return Rights.of(memberships, Unit.objects.tree()).organisation


def _refuse_overlap(named: Deputy) -> None:
    others = Deputy.objects.filter(principal=named.principal_id).select_related("deputy")
    other = others.filter(starts_on__lte=named.ends_on, ends_on__gte=named.starts_on).first()
    if other:
        raise ValidationError(
            _("%(deputy)s is the deputy from %(first)s to %(last)s already. Choose other days.")
            % {
                "deputy": other.deputy,
                "first": roc_date(other.starts_on),
                "last": roc_date(other.ends_on),
            }
        )
