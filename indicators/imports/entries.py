"""What a row of a file of figures says: which variable in which quarter, whose share, which number, texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from objectives.fields import refuse_control_characters, trimmed
from objectives.forms import RocDateField
from objectives.models import Unit, User

from .. import workflow
from ..fields import read_number
from ..forms import shown
from ..models import QUARTERS, Indicator, Variable
from ..numbers import NumberError, parse_number
from ..workflow.drafts import CHANGE
from .lines import (
    AGENCY,
    CODE,
    ITEM,
    QUARTER,
    REASON,
    REMARK,
    STAMP,
    TEXTS,
    UNIT,
    UNREADABLE,
    VALUE,
    YEAR,
    Line,
)
from .preview import Row
from .stamps import Stamp

NOT_APPLICABLE = "不適用"
MANY = 500  # codes to look for; of more, all indicators are read
YES_NO = {"是": Decimal(1), "否": Decimal(0), "TRUE": Decimal(1), "FALSE": Decimal(0)}


@dataclass(frozen=True)
class Entry:
    """A row that was understood; value None is an empty cell, or a quarter that is declared 不適用."""

    row: Row
    line: Line
    variable: Variable
    quarter: int | None  # None for a constant of the plan
    unit: Unit | None  # whose share it is
    value: Decimal | None
    declared: bool  # 不適用
    texts: Mapping[str, str | date] = field(default_factory=dict)  # by the report's field; those not empty
    stamp: Stamp | None = None

    @property
    def key(self) -> workflow.Key:
        return (self.variable.symbol, self.unit.pk) if self.unit else self.variable.symbol

    @property
    def place(self) -> tuple[int, int | None]:
        """The ids of the variable and of the unit whose share it is."""
        return self.variable.pk, self.unit.pk if self.unit else None

    @property
    def title(self) -> str:
        indicator, share = self.variable.indicator, f"（{self.unit.name}）" if self.unit else ""
        return f"{indicator.code} {indicator.title} · {self.variable.name}{share}"

    def values(self) -> Sequence[tuple[str, str]]:
        """What was understood, each with its label."""
        when = (
            _("quarter %(quarter)s") % {"quarter": self.quarter}
            if self.quarter
            else _("constant of the plan")
        )
        told = NOT_APPLICABLE if self.declared else shown(self.variable, self.value)
        return [(_("quarter"), when), (_("value"), told)]

    def refuse(self, reason: str, header: str = "") -> None:
        self.row.problems.append(self.line.problem(reason, header))

    def refuse_repeated(self, row: int) -> None:
        """Refuse what stands in an earlier row already."""
        self.refuse(_("This figure stands in row %(row)s already. Delete one of them.") % {"row": row})


@dataclass(frozen=True)
class Known:
    """An indicator as rows name it and its parts."""

    indicator: Indicator
    items: Mapping[str, Variable]  # by symbol and by name
    participants: Mapping[int, Unit]

    @classmethod
    def of(cls, indicator: Indicator) -> Known:
        items: dict[str, Variable] = {}
        for variable in indicator.variables.all():
            variable.indicator = indicator
            items |= {variable.name: variable}
        symbols = {variable.symbol: variable for variable in items.values()}
        return cls(indicator, items | symbols, {unit.pk: unit for unit in indicator.participants})


Indicators = Mapping[tuple[int, str], list[Known]]


def entries_of(lines: Iterable[Line], by: User, agency: str | None = None) -> tuple[list[Row], list[Entry]]:
    """Understand row by row; what is wrong with a row is in its problems, and then there is no entry.

    agency is the code of the unit whose plans the file is about; None: whichever has the indicator.
    """
    lines = list(lines)
    indicators = _indicators(by, agency, {line[CODE] for line in lines})
    entering = by.rights.units(CHANGE)
    rows, entries = [], []
    seen: dict[tuple[int, int | None, int | None], int] = {}
    for line in lines:
        row = Row(line.sheet, line.number, _title(line))
        rows.append(row)
        entry = _Reader(line, row, indicators, entering).entry()
        if entry is None:
            continue
        variable, unit = entry.place
        first = seen.setdefault((variable, entry.quarter, unit), line.number)
        if first != line.number:
            entry.refuse_repeated(first)
            continue
        entries.append(entry)
    return rows, entries


def _title(line: Line) -> str:
    parts = [line[CODE], line[ITEM], line[UNIT]]
    return " · ".join(part[:60] for part in parts if part)


def _indicators(by: User, agency: str | None, codes: Collection[str]) -> Indicators:
    visible = Indicator.objects.visible_to(by)
    if agency:
        visible = visible.filter(goal__plan__unit__code=agency)
    found: dict[tuple[int, str], list[Known]] = {}
    related = visible.filter(code__in=codes) if len(codes) <= MANY else visible
    prefetched = "goal__plan__unit", "lead_unit", "variables", "contributing_units"
    for indicator in related.prefetch_related(*prefetched):
        found.setdefault((indicator.goal.plan.year, indicator.code), []).append(Known.of(indicator))
    return found


class _Reader:
    """Reads one line; every cell that is wrong is named, not the first alone."""

    def __init__(self, line: Line, row: Row, indicators: Indicators, entering: frozenset[int]) -> None:
        self.line, self.row, self.indicators, self.entering = line, row, indicators, entering

    def entry(self) -> Entry | None:
        for header, bad in self.line.bad.items():
            self.row.problems.append(self.line.problem(str(UNREADABLE[bad]), header))
        variable = self._try(CODE, self._variable)
        texts = self._texts()
        stamp = self._try(STAMP, self._stamp)
        if variable is None:
            return None
        quarter = self._try(QUARTER, self._quarter, variable)
        unit = self._try(UNIT, self._unit, variable)
        declared = self.line[VALUE] == NOT_APPLICABLE and not variable.is_constant
        value = None if declared else self._try(VALUE, self._value, variable)
        if self.row.problems:
            return None
        entry = Entry(self.row, self.line, variable, quarter, unit, value, declared, texts, stamp)
        self.row.title, self.row.tell = entry.title, entry.values
        return entry

    def _try(self, header: str, read: Callable[..., Any], *arguments: Any) -> Any:
        if header in self.line.bad:
            return None
        try:
            return read(*arguments)
        except ValidationError as error:
            by_header = hasattr(error, "error_dict")
            self.row.problems += self.line.problems(error if by_header else ValidationError({header: error}))
            return None

    def _variable(self) -> Variable:
        line = self.line
        year = _small_number(YEAR, line[YEAR])
        found = self.indicators.get((year, line[CODE]), [])
        if line[AGENCY]:
            found = [each for each in found if each.indicator.goal.plan.unit.code == line[AGENCY]]
        if not found:
            raise ValidationError(
                _("There is no indicator «%(code)s» in the plan of ROC year %(year)s.")
                % {"code": line[CODE][:40], "year": year}
            )
        if len(found) > 1:
            agencies = _(", ").join(each.indicator.goal.plan.unit.code for each in found)
            words = _(
                "Several agencies have an indicator «%(code)s»: %(agencies)s. Name one in the column "
                "%(column)s, or with --agency."
            )
            raise ValidationError(words % {"code": line[CODE], "agencies": agencies, "column": AGENCY})
        [known] = found
        if self.entering.isdisjoint(known.participants) and line[QUARTER]:
            units = _(", ").join(unit.name for unit in known.participants.values())
            raise ValidationError(
                _("«%(code)s» is the work of %(units)s, for which you do not enter figures.")
                % {"code": line[CODE], "units": units}
            )
        variable = known.items.get(line[ITEM])
        if variable is None:
            there = _(", ").join(f"{v.symbol}（{v.name}）" for v in known.indicator.variables.all())
            words = _("%(code)s has no item «%(item)s». It has: %(known)s.")
            told = {"code": line[CODE], "item": line[ITEM][:40], "known": there}
            raise ValidationError({ITEM: words % told})
        return variable

    def _quarter(self, variable: Variable) -> int | None:
        text = self.line[QUARTER]
        if variable.is_constant:
            if text:
                raise ValidationError(
                    _("«%(name)s» is a constant of the plan: leave the quarter empty.") % {"name": variable}
                )
            return None
        if not text:
            raise ValidationError(
                _("Only a constant of the plan leaves the quarter empty, and «%(name)s» is none.")
                % {"name": variable}
            )
        quarter = _small_number(QUARTER, text)
        if quarter not in QUARTERS:
            raise ValidationError(_("«%(text)s» is not 1, 2, 3 or 4.") % {"text": text[:40]})
        return quarter

    def _unit(self, variable: Variable) -> Unit | None:
        """Find the unit whose share the row is, by code or name; None where the row names none."""
        text = self.line[UNIT]
        if not text:
            return None
        participants = variable.indicator.participants
        if not variable.by_unit:
            raise ValidationError(_("«%(name)s» is not given by unit; leave it empty.") % {"name": variable})
        if found := [unit for unit in participants if text == unit.code]:
            return found[0]
        found = [unit for unit in participants if text == unit.name]
        if len(found) > 1:
            codes = _(", ").join(unit.code for unit in found)
            words = _("Several units are called «%(text)s». Write the code of the one: %(codes)s.")
            raise ValidationError(words % {"text": text[:40], "codes": codes})
        if found:
            return found[0]
        raise ValidationError(
            _("«%(text)s» does not contribute. The units are: %(units)s.")
            % {"text": text[:40], "units": _(", ").join(unit.name for unit in participants)}
        )

    def _value(self, variable: Variable) -> Decimal | None:
        text = self.line[VALUE]
        if not text and self.line.is_stamped:
            return None
        if variable.kind == Variable.Kind.YES_NO and text in YES_NO:
            return YES_NO[text]
        whole = variable.kind != Variable.Kind.AMOUNT
        value = read_number(text, whole=whole, negative=variable.may_be_negative)
        if not variable.is_constant:
            workflow.check_figure(variable, value)
        return value

    def _stamp(self) -> Stamp | None:
        if not self.line.is_stamped:
            return None
        try:
            return Stamp.read(self.line[STAMP])
        except ValueError as error:
            raise ValidationError(
                _("The row's version is missing or was changed. Download the workbook anew.")
            ) from error

    def _texts(self) -> dict[str, str | date]:
        """Return what the row says for the report besides its figure, by the report's fields."""
        has_none = REASON not in self.line.columns and not self.line.is_stamped
        is_reason = has_none and self.line[VALUE] == NOT_APPLICABLE
        fields = {REMARK: "not_applicable_reason" if is_reason else "remark", **TEXTS}
        texts: dict[str, str | date] = {}
        for header, name in fields.items():
            if self.line[header] and (text := self._try(header, self._text, header, name)):
                texts[name] = text
        if is_reason and not texts.get("not_applicable_reason"):
            self._refuse_without_reason(REMARK)
        return texts

    def _refuse_without_reason(self, header: str) -> None:
        reason = _("Give the reason why it is not applicable in the column %(header)s.") % {"header": header}
        self.row.problems.append(self.line.problem(reason, header))

    def _text(self, header: str, name: str) -> str | date | None:
        text, most = self.line[header], workflow.LENGTHS[name]
        if most is None:
            return RocDateField(required=False).clean(text)
        if len(text) > most:
            raise ValidationError(
                _("The text has more than %(length)s characters. Shorten it.") % {"length": most}
            )
        refuse_control_characters(text)
        return trimmed(text)


def _small_number(header: str, text: str) -> int:
    try:
        return int(parse_number(text, whole=True))
    except NumberError as error:
        raise ValidationError({header: _("«%(text)s» is not a number.") % {"text": text[:40]}}) from error
