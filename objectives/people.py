"""Accounts: how a person comes to have one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password

from ledger.acting import acting

from .models import Membership, Unit, User
from .roles import Role

# Letters and digits that nobody takes for one another; one click selects them all.
_LEGIBLE = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_password() -> str:
    """Return a fresh random password of 18 legible characters (104 bits)."""
    return "".join(secrets.choice(_LEGIBLE) for _ in range(18))


def add_person(*, username: str, password: str, roles: Iterable[Role], unit: Unit, name: str = "") -> User:
    """Create an account with roles for unit. Raises ValidationError for a taken name or a weak password."""
    with acting():
        person = User(username=username, name=name)
        validate_password(password, person)
        person.set_password(password)
        person.full_clean()
        person.save()
        for role in roles:
            Membership.objects.create(user=person, unit=unit, role=role)
        return person
