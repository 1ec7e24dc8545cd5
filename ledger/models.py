"""The ledger's entries. The database writes them (see `triggers`); nobody changes or deletes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from .check_export import Head

MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Action(models.TextChoices):
    """What an entry is about: a row, by the database's triggers, or an event, by `acting.record`."""

    BEGIN = "BEGIN", _("Beginning of the ledger")
    INSERT = "INSERT", _("Added")
    UPDATE = "UPDATE", _("Changed")
    DELETE = "DELETE", _("Deleted")
    SIGN_IN = "SIGN_IN", _("Signed in")
    SIGN_IN_FAILED = "SIGN_IN_FAILED", _("Sign-in failed")
    SIGN_OUT = "SIGN_OUT", _("Signed out")
    PASSWORD = "PASSWORD", _("Password changed")
    EXPORT = "EXPORT", _("Exported")
    REFUSED = "REFUSED", _("Refused")


class Source(models.TextChoices):
    """By which way a write came."""

    ADMIN = "admin", _("entry and administration pages")
    PAGE = "page", _("pages")
    API = "api", _("programming interface")
    IMPORT = "import", _("import")
    COMMAND = "command", _("command line")
    SHELL = "shell", _("interactive shell")
    MIGRATION = "migration", _("installation or upgrade")
    DATABASE = "database", _("directly in the database")


def moment_text(moment: datetime) -> str:
    """Write an aware moment as entries have it: UTC, milliseconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class EntryQuerySet(models.QuerySet["Entry"]):
    def of(self, table: str, *keys: Any) -> Self:
        """Entries about rows of a table, the oldest first."""
        return self.filter(table=table, key__in=[str(key) for key in keys])

    def under(self, table: str, *parents: Any) -> Self:
        """Entries about rows of a table that belong to the given objects, deleted rows included."""
        return self.filter(table=table, parent__in=[str(parent) for parent in parents])

    def head(self) -> Head:
        """Return the last entry's seq, hash and time."""
        return Head(*self.order_by("-seq").values_list("seq", "hash", "at")[0])


class Entry(models.Model):
    """異動紀錄: one change of one row, or one event; its hash covers it and the entry before it.

    Everything but seq is text, exactly as it was hashed.
    """

    seq = models.BigIntegerField(_("number"), primary_key=True)
    at = models.CharField(_("time (UTC)"), max_length=24)
    actor = models.TextField(_("who"))  # an account's name, «os:name» or «db:role»; empty: nobody signed in
    source = models.TextField(_("by way of"))
    reason = models.TextField(_("reason"))
    action = models.TextField(_("action"))
    table = models.TextField(_("table"))
    key = models.TextField(_("key"))
    parent = models.TextField(_("belongs to"), null=True)  # noqa: DJ001 (null and "" hash differently)
    before = models.TextField(_("before"), null=True)  # noqa: DJ001
    after = models.TextField(_("after"), null=True)  # noqa: DJ001
    prev = models.CharField(_("hash of the entry before"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["table", "key", "seq"], name="ledger_entry_row"),
            models.Index(fields=["table", "parent", "seq"], name="ledger_entry_parent"),
            models.Index(fields=["actor", "seq"], name="ledger_entry_actor"),
            models.Index(fields=["at"], name="ledger_entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}"

    @property
    def moment(self) -> datetime:
        return datetime.strptime(self.at, MOMENT).replace(tzinfo=UTC)

    @cached_property
    def old(self) -> dict[str, Any]:
        """The row before, by column; empty for an insertion."""
        return json.loads(self.before) if self.before else {}

    @cached_property
    def new(self) -> dict[str, Any]:
        """The row after, by column; empty for a deletion. Of an event, its particulars."""
        return json.loads(self.after) if self.after else {}
