"""權責一覽: who holds which role for which unit, and what each role allows, as the page of people shows."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from objectives.models import Membership, User
from objectives.roc import taipei
from objectives.roles import DEPUTISED, READABLE_BY_ALL_ROLES
from objectives.spreadsheets.tables import Column, Kind

from .. import people_pages
from . import columns
from .dataset import Dataset, Row
from .scope import Scope

ACCOUNTS = "帳號與角色主檔"
ROLE_TABLE = "角色權限表（docs/reporting.md「Who does what」）"

PEOPLE_COLUMNS = (
    Column("單位代碼", Kind.TEXT, 10, "單位之代碼。", source=columns.UNITS),
    Column("單位", Kind.TEXT, 24, "擔任角色之單位；角色及於其下各單位。", source=columns.UNITS),
    Column("上級單位", Kind.TEXT, 24, "該單位之上級單位；最上級單位空白。", source=columns.UNITS),
    Column("角色", Kind.TEXT, 12, "於該單位擔任之角色。", source=ACCOUNTS),
    Column(
        "姓名", Kind.TEXT, 16, "擔任該角色者之姓名，未登錄姓名者為帳號；無人擔任者空白。", source=ACCOUNTS
    ),
    Column("代理人", Kind.TEXT, 16, "現正或將代理該角色者之姓名；無代理者空白。", source="代理設定"),
    Column("代理起日", Kind.DAY, 12, "代理開始之日。", source="代理設定"),
    Column("代理訖日", Kind.DAY, 12, "代理終止之日，當日仍為代理。", source="代理設定"),
)
ROLE_COLUMNS = (
    Column("角色", Kind.TEXT, 14, "角色之名稱；「各角色」為所有角色共有之權限。", source=ROLE_TABLE),
    Column("權限", Kind.TEXT, 40, "該角色得為之事項，每項一列。", source=ROLE_TABLE),
    Column("範圍", Kind.TEXT, 24, "權限所及之單位。", source=ROLE_TABLE),
    Column("代理", Kind.TEXT, 14, "代理人得否行使該角色。", source=ROLE_TABLE),
)


def _reader(scope: Scope) -> User:
    """Return for whom the list is made: it is of one's own organisation. Raises LookupError without one."""
    if scope.reader is None:
        raise LookupError("Whose organisation is to be listed has to be said.")
    return scope.reader


def _people(scope: Scope) -> Iterator[Row]:
    with override("zh-hant"):
        found: list[Row] = []
        for unit, roles in people_pages.rows(_reader(scope), taipei(scope.at.now).date()):
            place = (unit.code, unit.name, unit.parent.name if unit.parent else None)
            for role, memberships in roles:
                beginning = (*place, str(role.label))
                found += [row for each in memberships for row in _held(beginning, each)] or [
                    (*beginning, *[None] * 4)
                ]
    yield from found


def _held(beginning: tuple[str | None, ...], membership: Membership) -> Iterator[Row]:
    """Yield a row for a role that is held: one for each deputy, where it passes to any."""
    deputies = membership.user.deputies.all() if membership.role in DEPUTISED else []
    name = str(membership.user)
    for each in deputies:
        yield (*beginning, name, str(each.deputy), each.starts_on, each.ends_on)
    if not deputies:
        yield (*beginning, name, None, None, None)


def _roles(scope: Scope) -> Iterator[Row]:
    with override("zh-hant"):
        found: list[Row] = [
            ("各角色", str(words), "所屬機關及其各單位", None)
            for words in people_pages.in_words(READABLE_BY_ALL_ROLES)
        ]
        for role, allowed in people_pages.allowed():
            passes = "得由代理人行使" if role in DEPUTISED else "不得由代理人行使"
            found += [
                (str(role.label), str(words), "擔任角色之單位及其下各單位", passes) for words in allowed
            ]
    yield from found


PEOPLE = Dataset(
    name="people",
    title="權責一覽",
    about=_("Who holds which role for which unit of your organisation, and their deputies."),
    columns=PEOPLE_COLUMNS,
    rows=_people,
    filters=(),
    is_of_an_organisation=True,
)
ROLES = Dataset(
    name="roles",
    title="角色權限",
    about=_("What each role allows."),
    columns=ROLE_COLUMNS,
    rows=_roles,
    filters=(),
)
