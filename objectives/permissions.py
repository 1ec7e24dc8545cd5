"""The two doors of permission: `visible_to(user)` on querysets, `can(user, permission, obj)` for one object.

Both ask `user.rights`, read anew for every request's user, so that revoking a role takes effect at the next
request. Nothing here looks at a superuser flag: there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from .roles import ALL_PERMISSIONS


class BelongsToUnits(Protocol):
    """An object whose permissions follow units."""

    def permission_units(self) -> Iterable[int]: ...


def can(user: Any, permission: str, obj: BelongsToUnits | None = None) -> bool:
    """Say whether user holds the permission over obj, or, without obj, over any unit at all.

    To read what is several units' work (`reading_units`) one of them is enough.
    """
    if not getattr(user, "is_active", False):
        return False
    units = user.rights.units(permission)
    if obj is None:
        return bool(units)
    if hasattr(obj, "reading_units") and permission.split(".")[1].startswith("view_"):
        return not units.isdisjoint(obj.reading_units())
    return bool(units) and units.issuperset(obj.permission_units())


def require(user: Any, permission: str, obj: BelongsToUnits | None = None) -> None:
    """Raise PermissionDenied unless `can(user, permission, obj)`."""
    if not can(user, permission, obj):
        raise PermissionDenied(_("Your roles do not allow this. Please ask an administrator."))


def can_enter(user: Any, app_label: str) -> bool:
    """Say whether user holds any permission of the app."""
    return any(can(user, perm) for perm in ALL_PERMISSIONS if perm.split(".")[0] == app_label)
