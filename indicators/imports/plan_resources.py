"""The sheets of a plan's workbook: what a row of each is, and the rules of the admin's pages that it obeys.

The resources are django-import-export's, one for each model. What a row may change is asked of the model's
admin page (`fixed_fields`, `why_locked`) and of the rules that its forms have, so that there is one answer.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.auth import get_permission_codename
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import override
from import_export import widgets
from import_export.fields import Field
from import_export.resources import ModelResource

from objectives.forms import outside
from objectives.models import Goal, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.permissions import can

from .. import workflow
from ..forms import misplaced_units, refuse_contradiction
from ..models import QUARTERS, Indicator, PlannedValue, Variable
from .lines import UNREADABLE, Line
from .plan_stamps import PlanStamp, digest
from .plan_widgets import Cell, Choice, Code, Codes, Number, Text, YesNo
from .preview import Change, Row
from .stamps import HEADER as STAMP

# -- Columns -----------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Return a code as codes are compared: in half-width signs, with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


class Key(Text):
    """A text by which a row is known."""

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> str:
        return plain(value)


class GoalCode(Cell):
    """K1 is the first key goal, C1 the first common one."""

    hint = "K1 為關鍵策略目標第 1 項，C1 為共同性目標第 1 項。"
    CODE = re.compile(r"([KC])([1-9][0-9]?)")
    KINDS: ClassVar = {kind.value[0]: kind for kind in Goal.Kind}

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> dict[str, Any]:
        match = self.CODE.fullmatch(plain(value))
        if match is None:
            raise ValueError(_("A goal's code looks like K1 or C1."))
        return {"kind": self.KINDS[match[1]], "number": int(match[2])}


class Path(Cell):
    """1.2.7 is the seventh below the second below the first."""

    hint = "於目標之下的位置，如 1.2.7 為第 1 項之第 2 目之第 7 點。"
    PATH = re.compile(r"[1-9][0-9]?(?:\.[1-9][0-9]?)*")

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> dict[str, Any]:
        path = plain(value)
        if not self.PATH.fullmatch(path):
            raise ValueError(_("A place in the outline looks like 1.2.7."))
        above, _dot, position = path.rpartition(".")
        goal = plain((row or {})[GOAL])
        return {"parent": self.find(f"{goal} {above}") if above else None, "position": int(position)}


class Spread(Field):
    """A cell that says several attributes of an instance."""

    def save(self, instance: Any, row: Any, is_m2m: bool = False, **kwargs: Any) -> None:
        for name, value in self.clean(row, **kwargs).items():
            setattr(instance, name, value)


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its header, which attribute it is, and how its cells are read and written.

    target is the model whose sheet the codes in it are looked up in.
    """

    attribute: str
    header: str
    width: int = 12
    cell: Callable[[], Cell] | None = None
    target: type[models.Model] | None = None
    note: str = ""
    says: tuple[str, ...] = ()  # the attributes of a cell that says several

    def field(self, cell: Cell) -> Field:
        return (Spread if self.says else Field)(self.attribute, self.header, cell)

    def widget(self, model: type[models.Model]) -> Cell:
        return self.cell() if self.cell else _cell_of(model._meta.get_field(self.attribute))

    def explanation(self, model: type[models.Model]) -> str:
        """Say in Chinese what the column means."""
        with override("zh-hant"):
            known = {
                each.name: str(each.help_text) for each in (*model._meta.fields, *model._meta.many_to_many)
            }
            told = (self.note, known.get(self.attribute, ""), self.widget(model).hint)
            return "\n".join(text for text in told if text)


def _cell_of(found: Any) -> Cell:
    """Return how the cells of a model's field are read."""
    if found.choices:
        return Choice(dict(found.choices))
    if isinstance(found, models.BooleanField):
        return YesNo()
    if isinstance(found, models.DecimalField):
        return Number()
    if isinstance(found, models.IntegerField):
        return Number(whole=True)
    return Text()


# -- What the sheets have in common ------------------------------------------------------------------------


@dataclass
class Desk:
    """What the sheets of one workbook share: who asks and when, which plan it is, and one another.

    Without anybody who asks all of the plan is shown, and nothing can be written.
    """

    by: User | None
    now: datetime
    plan: Plan | None = None
    plan_is_new: bool = False
    sheets: dict[type[models.Model], PlanResource] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sheets = {each._meta.model: each(self) for each in RESOURCES}

    @property
    def the_plan(self) -> Plan:
        return cast(Plan, self.plan)

    def visible(self, model: Any) -> models.QuerySet[Any]:
        """Return what the person may see of a model."""
        found = model.objects
        return cast(models.QuerySet[Any], found.visible_to(self.by) if self.by else found.all())

    def administered(self, permission: str) -> frozenset[int]:
        """Return the units over which the person has a permission."""
        return self.by.rights.units(permission) if self.by else frozenset(Unit.objects.tree().parents)

    def know_again(self) -> None:
        """Ask anew what the person may do: new units belong to their administrators."""
        if self.by:
            self.by = User.objects.get(pk=self.by.pk)


@dataclass
class Taken:
    """A row that is being taken: the line of the file, what was stored, what it says."""

    line: Line
    key: str
    new: bool = True
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    related: dict[str, list[Any]] = field(default_factory=dict)  # of the cells that name several

    @property
    def stamp(self) -> PlanStamp | None:
        return PlanStamp.read(self.line[STAMP])

    @property
    def differing(self) -> list[str]:
        return [header for header, text in self.after.items() if text != self.before.get(header, "")]


class PlanResource(ModelResource):
    """The sheet of a model: its rows out of the plan, and rows of a file into it."""

    sheet: ClassVar[str]
    columns: ClassVar[Sequence[Column]]
    named: ClassVar[str] = ""  # the header of what people call a row by

    class Meta:
        fields = ()  # the columns say them
        clean_model_instances = True
        skip_unchanged = True
        skip_diff = True
        store_instance = True

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.taken: Taken
        self.refused: dict[str, int] = {}  # the rows of the file that were refused, by key
        self.rows: dict[str, tuple[Line, Row]] = {}
        self.keys_of_file: set[str] = set()
        self.fields = {}
        for column in self.columns:
            cell = column.widget(self.model)
            cell.find = self._finder(column.target)
            self.fields[column.attribute] = column.field(cell)

    def _finder(self, target: type[models.Model] | None) -> Callable[[str], Any]:
        return lambda code: self.desk.sheets[target or self.model].find(code)

    @property
    def model(self) -> Any:
        return self._meta.model

    @property
    def headers(self) -> list[str]:
        return [column.header for column in self.columns]

    @cached_property
    def attributes(self) -> dict[str, str]:
        """The attribute of each header."""
        return {column.header: column.attribute for column in self.columns}

    @property
    def page(self) -> Any:
        """The model's page in the admin."""
        return admin.site.get_model_admin(self.model)

    def get_queryset(self) -> models.QuerySet[Any]:
        """What there is of the plan, as far as the person may see it."""
        raise NotImplementedError

    @cached_property
    def stored(self) -> dict[str, Any]:
        """What there is, by its key, in the order of the plan."""
        return {self.key(self.cells(each)): each for each in self.get_queryset()}

    def exported(self) -> Iterable[Any]:
        """What the sheet lists."""
        return self.stored.values()

    def cells(self, instance: Any) -> dict[str, str]:
        """Say what the row of an instance is, by header."""
        return {each.column_name: each.export(instance) for each in self.fields.values()}

    def key(self, cells: Mapping[str, str]) -> str:
        """Return what a row is known by, such as 「K1-1 outbound」; numbers in one spelling."""
        parts = []
        for name in self._meta.import_id_fields:
            column = self.fields[name]
            text = plain(cells[column.column_name])
            parts.append(_one_spelling(column.widget, text))
        return " ".join(parts)

    def find(self, code: str) -> Any:
        """Return what a code names. Raises ValueError where there is none, or its row was refused."""
        key = plain(code)
        if key in self.stored:
            return self.stored[key]
        names = {"code": code[:40], "sheet": self.sheet, "row": self.refused.get(key)}
        if key in self.refused:
            words = _("«%(code)s» stands in row %(row)s of the sheet «%(sheet)s». Mend that row first.")
        elif key in self.keys_of_file:
            words = _("«%(code)s» and this row would stand above each other. Name another one.")
        else:
            words = _("There is no «%(code)s» in the plan, nor in the sheet «%(sheet)s».")
        raise ValueError(words % names)

    def take_all(self, lines: Sequence[Line]) -> list[Row]:
        """Take every line of the file's sheet, and return the rows in the file's order."""
        self.keys_of_file = {self.key(line.cells) for line in lines}
        return sorted((self.take(line) for line in self.in_order(lines)), key=lambda row: row.number)

    def in_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Return the lines so that what one of them needs comes before it."""
        return lines

    # -- One row -------------------------------------------------------------------------------------------

    def take(self, line: Line) -> Row:
        """Write a line's row as far as it differs from what is stored, and say so; or say what is wrong."""
        cells = {header: line[header] for header in self.headers}
        key = self.key(cells)
        row = Row(self.sheet, line.number, f"{key} {line[self.named]}".strip() if self.named else key)
        if key in self.rows:
            first = self.rows[key][1].number
            row.problems.append(
                line.problem(_("«%(key)s» stands in row %(row)s already.") % {"key": key, "row": first})
            )
            return row
        self.rows[key] = line, row
        self.taken = Taken(line, key)
        result = self.import_row(cells, None, row_number=line.number)
        if result.errors:
            raise result.errors[0].error
        self._report(row, result)
        return row

    def _report(self, row: Row, result: Any) -> None:
        taken = self.taken
        row.is_new = taken.new
        conflict = self._is_stale()
        values = [(name, taken.after[name]) for name in self._telling() if taken.after.get(name)]
        row.tell = lambda: values
        row.changes = [
            Change(name, taken.before.get(name, ""), taken.after[name], conflict) for name in taken.differing
        ]
        if result.validation_error:
            row.problems += self._placed(taken.line, result.validation_error)
            self.refused[taken.key] = row.number
        else:
            self.stored[taken.key] = result.instance

    def _telling(self) -> list[str]:
        keys = [self.fields[name].column_name for name in self._meta.import_id_fields]
        return [*keys, *([self.named] if self.named else [])]

    def _placed(self, line: Line, error: ValidationError) -> list[Any]:
        headers = {each: column.header for column in self.columns for each in column.says}
        headers |= {attribute: header for header, attribute in self.attributes.items()}
        return line.problems(
            ValidationError({headers.get(name, ""): told for name, told in error.message_dict.items()})
        )

    def _is_stale(self) -> bool:
        """Whether somebody else changed the row, or deleted it, since the file was downloaded."""
        taken, stamp = self.taken, self.taken.stamp
        if stamp is None or self.desk.plan_is_new or not stamp.is_of(self.desk.plan):
            return False
        return stamp.key == taken.key and (taken.new or stamp.digest != digest(taken.before))

    # -- What django-import-export asks for ----------------------------------------------------------------

    def get_instance(self, instance_loader: Any, row: Any) -> Any:
        """Return a copy of what is stored: a row that is refused leaves it as it is."""
        return copy.copy(self.stored.get(self.taken.key))

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        self.taken.new = new
        self.taken.before = {} if new else self.cells(instance)

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Read every cell, and raise ValidationError with all that cannot be read."""
        errors: dict[str, Any] = {}
        for name, each in self.fields.items():
            header = each.column_name
            try:
                if header in self.taken.line.bad:
                    raise ValueError(str(UNREADABLE[self.taken.line.bad[header]]))
                self.taken.after[header] = self._read(each, instance, row)
            except ValueError as error:
                self.taken.after[header] = row[header]
                errors[name] = ValidationError(str(error))
        if errors:
            raise ValidationError(errors)

    def _read(self, each: Field, instance: Any, row: Any) -> str:
        """Read a cell into the instance; return it as it would be written."""
        if isinstance(each.widget, widgets.ManyToManyWidget):
            found = self.taken.related[each.attribute] = each.clean(row)
            return cast(str, each.widget.render(found))
        each.save(instance, row)
        return cast(str, each.export(instance))

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Leave alone what says nothing new: it needs no right either."""
        return not (self.taken.new or self.taken.differing or import_validation_errors)

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Judge a row that would change something as the admin's page would."""
        errors = dict(import_validation_errors or {})
        if why := self.why_not_allowed(instance):
            raise ValidationError({NON_FIELD_ERRORS: why})
        if self.taken.new:
            if why := self.why_not_added(instance):
                raise ValidationError({NON_FIELD_ERRORS: why})
        else:
            changed = [self.attributes[header] for header in self.taken.differing]
            fixed = self.fixed(instance).items()
            errors |= {name: ValidationError(why).error_list for name, why in fixed if name in changed}
        said = {each for column in self.columns if column.attribute in errors for each in column.says}
        try:
            instance.full_clean(exclude={*errors, *said}, validate_unique=validate_unique)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)
        if mistakes := list(self.mistakes(instance)):
            raise ValidationError(_by_field(mistakes))

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        if is_create and hasattr(instance, "predecessor_id"):
            instance.predecessor = self.predecessor()
        instance.save(force_insert=is_create)

    # -- The rules of the admin's pages --------------------------------------------------------------------

    def owner(self, instance: Any) -> Any:
        """Return whose rights a row needs."""
        return self.desk.plan

    def why_not_allowed(self, instance: Any) -> str:
        opts, owner = self.model._meta, self.owner(instance)
        action = get_permission_codename("add" if self.taken.new else "change", opts)
        if owner and can(self.desk.by, f"{opts.app_label}.{action}", owner):
            return ""
        return _("Your roles do not let you write this: it belongs to «%(unit)s».") % {
            "unit": getattr(owner, "unit", owner) or "—"
        }

    def why_not_added(self, instance: Any) -> str:
        return cast(str, self.page.why_locked(self.desk.the_plan)) if self.desk.the_plan.stands_fast else ""

    def fixed(self, instance: Any) -> dict[str, str]:
        """Return what of a row stands fast, each with why."""
        stored = self.stored[self.taken.key]
        names = self.page.fixed_fields(stored)
        return dict.fromkeys(names, self.page.lock_reason(stored)) if names else {}

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        """Yield what its form would say against a row, as (attribute, message)."""
        yield from ()

    # -- The plan of the year before -----------------------------------------------------------------------

    def predecessor(self) -> Any:
        """Return what of the plan of the year before a new row was made from, as its stamp says.

        A row that was copied within the sheet is not continued twice: whichever kept its key continues it.
        """
        stamp, before = self.taken.stamp, self.desk.the_plan.predecessor
        if stamp is None or not stamp.is_of(before):
            return None
        if stamp.key != self.taken.key and stamp.key in self.keys_of_file:
            return None
        return self.before.get(stamp.key)

    @cached_property
    def before(self) -> dict[str, Any]:
        """What there is of the plan of the year before, by its key."""
        earlier = Desk(self.desk.by, self.desk.now, self.desk.the_plan.predecessor)
        return earlier.sheets[self.model].stored


def _one_spelling(cell: Any, text: str) -> str:
    if not isinstance(cell, Number):
        return text
    try:
        return cell.render(cell.clean(text))
    except ValueError:
        return text


def _by_field(mistakes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, message in mistakes:
        found.setdefault(name, []).append(message)
    return found


# -- The sheets --------------------------------------------------------------------------------------------

YEAR, AGENCY, GOAL, PATH, WORK_PLAN, INDICATOR, UNIT_CODE, ABOVE, NOTE = (
    "年度", "機關代碼", "目標", "項次路徑", "工作計畫", "指標代碼", "單位代碼", "上級單位代碼", "出處說明",
)  # fmt: skip


def unit_code(unit: Unit) -> str:
    return unit.code


class UnitResource(PlanResource):
    """The units of the plan's agency that the person may change; others can be named by their codes."""

    sheet = "單位"
    columns = (
        Column("code", UNIT_CODE, 14, Key),
        Column("name", "名稱", 30),
        Column("parent", ABOVE, 14, lambda: Code(unit_code), Unit),
    )
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = Unit
        import_id_fields = ("code",)

    def get_queryset(self) -> models.QuerySet[Any]:
        return self.desk.visible(Unit).select_related("parent").order_by("code")

    def exported(self) -> Iterable[Any]:
        agency = Unit.objects.tree().below(self.desk.the_plan.unit_id)
        mine = agency & self.desk.administered("objectives.change_unit")
        return [unit for unit in self.stored.values() if unit.pk in mine]

    def in_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Return every unit after the one above it, as far as they form no circle."""
        codes = {plain(line[UNIT_CODE]) for line in lines}
        below: dict[str, list[Line]] = {}
        for line in lines:
            above = plain(line[ABOVE])
            below.setdefault(above if above in codes else "", []).append(line)
        ordered = below.pop("", [])
        for line in ordered:  # which grows meanwhile
            ordered += below.pop(plain(line[UNIT_CODE]), [])
        return [*ordered, *chain.from_iterable(below.values())]

    def owner(self, instance: Any) -> Any:
        return instance.parent if self.taken.new else instance

    def why_not_allowed(self, instance: Any) -> str:
        if self.taken.new and not instance.parent_id:
            return "" if self.parent_is_bad else _("A new unit stands below another one: name its parent.")
        return super().why_not_allowed(instance)

    @property
    def parent_is_bad(self) -> bool:
        return bool(self.taken.line[ABOVE].strip())

    def why_not_added(self, instance: Any) -> str:
        return ""

    def fixed(self, instance: Any) -> dict[str, str]:
        mine = self.desk.administered("objectives.change_unit")
        if self.stored[self.taken.key].parent_id in mine:
            return {}
        return {"parent": _("The topmost unit that you administer stays where it is.")}

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        if instance.parent_id is None and instance.pk and self.stored[self.taken.key].parent_id:
            yield "parent", _("A unit below another cannot become a topmost one here. Name the one above it.")
        if instance.parent_id not in {None, *self.desk.administered("objectives.add_unit")}:
            yield "parent", _("You do not administer «%(unit)s».") % {"unit": instance.parent}

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        instance.demo = False
        super().do_instance_save(instance, is_create)
        self.desk.know_again()


class PlanRow(PlanResource):
    """The plan itself: its agency and its year say which one the workbook is of."""

    sheet = "計畫"
    columns = (
        Column("year", YEAR, 8),
        Column("unit", AGENCY, 12, lambda: Code(unit_code), Unit),
        Column("title", "名稱", 30),
        Column("preamble", "前言", 50),
        Column("goals_heading", "第壹部分標題", 20),
        Column("key_heading", "第貳部分標題", 20),
        Column("common_heading", "第參部分標題", 20),
        Column("work_heading", "第肆部分標題", 20),
        Column("scheme_legend", "評估體制代號說明", 40),
        Column("green_threshold", "綠燈門檻", 10, note="達成度（%）在此以上為綠燈。"),
        Column("amber_threshold", "黃燈門檻", 10, note="達成度（%）在此以上為黃燈。"),
        Column("head_step", "須經單位主管核章", 12),
        Column("note", NOTE, 30),
    )
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = Plan
        import_id_fields = ("unit", "year")

    def get_queryset(self) -> models.QuerySet[Any]:
        return Plan.objects.filter(pk__in=[self.desk.plan.pk] if self.desk.plan else []).select_related(
            "unit"
        )

    def owner(self, instance: Any) -> Any:
        return instance if instance.unit_id else None

    def why_not_allowed(self, instance: Any) -> str:
        return super().why_not_allowed(instance) if instance.unit_id else ""

    def why_not_added(self, instance: Any) -> str:
        return ""

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        self.desk.plan = instance
        super().do_instance_save(instance, is_create)

    def predecessor(self) -> Any:
        """Return the agency's plan of the year before: a plan that follows one is in preparation."""
        plan = self.desk.the_plan
        return Plan.objects.filter(unit=plan.unit_id, year=plan.year - 1).first()


class GoalResource(PlanResource):
    sheet = "目標"
    columns = (
        Column("code", "代碼", 8, GoalCode, says=("kind", "number")),
        Column("title", "名稱", 40),
        Column("outline_number", "第壹部分編號", 12),
        Column("outline_title", "第壹部分名稱", 40),
        Column("text", "內文", 50),
        Column("preamble_title", "前言所載名稱", 40),
        Column("note", NOTE, 30),
    )
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = Goal
        import_id_fields = ("code",)

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(Goal).filter(plan=self.desk.plan)
        return visible.select_related("plan__unit").order_by("outline_number")

    def init_instance(self, row: Any = None) -> Any:
        return Goal(plan=self.desk.the_plan)


class StrategyResource(PlanResource):
    sheet = "施政重點"
    columns = (
        Column("goal", GOAL, 8, lambda: Code(lambda goal: goal.code), Goal),
        Column("path", PATH, 10, Path, says=("parent", "position")),
        Column("label", "項次", 8),
        Column("heading", "標題", 40),
        Column("text", "內文", 50),
        Column("closing", "列舉後文字", 30),
        Column("note", NOTE, 30),
    )
    named = "標題"

    class Meta(PlanResource.Meta):
        model = Strategy
        import_id_fields = ("goal", "path")

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(Strategy).filter(goal__plan=self.desk.plan)
        return visible.select_related("goal__plan__unit")

    @cached_property
    def stored(self) -> dict[str, Any]:
        """In the order of the outline."""
        found = {strategy.pk: strategy for strategy in self.get_queryset()}
        for strategy in found.values():
            strategy.parent = found.get(strategy.parent_id)
        keyed = {strategy_code(strategy): strategy for strategy in found.values()}
        return dict(sorted(keyed.items(), key=lambda pair: _outline(pair[1])))

    def init_instance(self, row: Any = None) -> Any:
        return Strategy()

    def in_order(self, lines: Sequence[Line]) -> Sequence[Line]:
        return sorted(lines, key=lambda line: line[PATH].count("."))


def strategy_code(strategy: Strategy) -> str:
    return f"{strategy.goal.code} {strategy.path}"


def _outline(strategy: Strategy) -> tuple[int, list[int]]:
    return strategy.goal.outline_number, [int(position) for position in strategy.path.split(".")]


class WorkPlanResource(PlanResource):
    sheet = "工作計畫"
    columns = (Column("position", "順序", 8), Column("name", "名稱", 30), Column("note", NOTE, 30))
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = WorkPlan
        import_id_fields = ("position",)

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(WorkPlan).filter(plan=self.desk.plan)
        return visible.select_related("plan__unit").order_by("position")

    def init_instance(self, row: Any = None) -> Any:
        return WorkPlan(plan=self.desk.the_plan)


class WorkItemResource(PlanResource):
    sheet = "重要計畫項目"
    columns = (
        Column(
            "work_plan", WORK_PLAN, 10, lambda: Code(lambda found: str(found.position)), WorkPlan,
            note="工作計畫之順序。",
        ),
        Column("position", "順序", 8),
        Column("name", "名稱", 30),
        Column("content", "實施內容", 60),
        Column("lead_unit", "主辦單位代碼", 14, lambda: Code(unit_code), Unit),
        Column("note", NOTE, 30),
    )  # fmt: skip
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = WorkItem
        import_id_fields = ("work_plan", "position")

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(WorkItem).filter(work_plan__plan=self.desk.plan)
        related = visible.select_related("work_plan__plan__unit", "lead_unit")
        return related.order_by("work_plan__position", "position")

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        if instance.lead_unit and outside(self.desk.the_plan, [instance.lead_unit]):
            yield "lead_unit", _("The lead unit is the plan's agency or a unit below it.")


class IndicatorResource(PlanResource):
    sheet = "指標"
    columns = (
        Column("goal", GOAL, 8, lambda: Code(lambda goal: goal.code), Goal),
        Column("code", "代碼", 10, Key, note="如 K1-1；填報項目及預定值以此代碼連結。"),
        Column("number", "編號", 8, note="於目標之下的順序。"),
        Column("title", "指標", 40),
        Column("standard", "衡量標準", 50),
        Column("target", "年度目標值", 12),
        Column("unit", "計量單位", 10),
        Column("direction", "達標方向", 10),
        Column("assessed", "評估時點", 10),
        Column("formula", "計算式", 40),
        Column("weight", "權重", 8),
        Column("scheme", "評估體制", 20),
        Column("method", "評估方式", 16),
        Column("lead_unit", "主辦單位代碼", 14, lambda: Code(unit_code), Unit),
        Column("contributing_units", "協辦單位代碼", 20, lambda: Codes(Unit, unit_code), Unit),
        Column(
            "strategies", "施政重點", 24, lambda: Codes(Strategy, strategy_code), Strategy,
            note="目標與項次路徑，如 K1 1.2。",
        ),
        Column("not_applicable_reason", "本年度不適用之理由", 30),
        Column("note", NOTE, 30),
    )  # fmt: skip
    named = "指標"

    class Meta(PlanResource.Meta):
        model = Indicator
        import_id_fields = ("code",)

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(Indicator).filter(goal__plan=self.desk.plan)
        related = visible.select_related("goal__plan__unit", "goal__plan__closed_by", "lead_unit")
        return related.prefetch_related(
            "contributing_units", "strategies__goal", "strategies__parent__parent__parent"
        ).order_by("goal__outline_number", "number")

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        others = self.taken.related["contributing_units"]
        yield from misplaced_units(self.desk.the_plan, instance.lead_unit, others)


class VariableResource(PlanResource):
    sheet = "填報項目"
    columns = (
        Column("indicator", INDICATOR, 10, lambda: Code(lambda indicator: indicator.code), Indicator),
        Column("symbol", "符號", 16, Key, note="計算式所用之英文小寫符號。"),
        Column("name", "名稱", 40),
        Column("rollup", "跨季彙整方式", 18),
        Column("kind", "類別", 18),
        Column("unit", "計量單位", 10),
        Column("due_quarters", "應填季別", 10),
        Column("may_be_negative", "可為負數", 8),
        Column("may_fall", "可低於前季", 8),
        Column("zero_until_given", "填報前以 0 計", 8),
        Column("memo", "備查", 8),
        Column("by_unit", "按單位填報", 8),
        Column("not_above", "不得大於", 16),
        Column("constant", "常數", 12),
        Column("help", "填報說明", 40),
        Column("position", "順序", 8),
        Column("note", NOTE, 30),
    )
    named = "名稱"

    class Meta(PlanResource.Meta):
        model = Variable
        import_id_fields = ("indicator", "symbol")

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(Variable).filter(indicator__goal__plan=self.desk.plan)
        related = visible.select_related("indicator__goal__plan__unit", "indicator__goal__plan__closed_by")
        return related.order_by("indicator__goal__outline_number", "indicator__number", "position")

    def why_not_added(self, instance: Any) -> str:
        if why := super().why_not_added(instance):
            return why
        return workflow.why_approved_with(instance.indicator) if instance.indicator_id else ""

    def fixed(self, instance: Any) -> dict[str, str]:
        """As on the indicator's page, or, where its rows stand fast, on the variable's own."""
        locked = self.desk.the_plan.stands_fast or workflow.why_approved_with(instance.indicator)
        return super().fixed(instance) if locked else {}

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        if self.taken.new:
            return
        changed = [self.attributes[header] for header in self.taken.differing]
        try:
            refuse_contradiction(instance, changed)
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                yield from ((name, message) for message in messages)

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        """Leave a constant to its verb, unless the variable becomes one, or none, by this row."""
        changed = {self.attributes[header] for header in self.taken.differing}
        if is_create or "constant" not in changed or "rollup" in changed:
            return super().do_instance_save(instance, is_create)
        value, instance.constant = instance.constant, self.stored[self.taken.key].constant
        super().do_instance_save(instance, is_create)
        workflow.set_constant(variable=instance, value=value, by=cast(User, self.desk.by))
        instance.constant = value


class PlannedValueResource(PlanResource):
    sheet = "預定值"
    columns = (
        Column("indicator", INDICATOR, 10, lambda: Code(lambda indicator: indicator.code), Indicator),
        Column("quarter", "季別", 8, lambda: Choice({quarter: quarter for quarter in QUARTERS})),
        Column("value", "預定值", 12, note="至該季底指標值應達之值。"),
    )

    class Meta(PlanResource.Meta):
        model = PlannedValue
        import_id_fields = ("indicator", "quarter")

    def get_queryset(self) -> models.QuerySet[Any]:
        visible = self.desk.visible(PlannedValue).filter(indicator__goal__plan=self.desk.plan)
        related = visible.select_related("indicator__goal__plan__unit", "indicator__lead_unit")
        return related.order_by("indicator__goal__outline_number", "indicator__number", "quarter")

    def why_not_added(self, instance: Any) -> str:
        return ""

    def fixed(self, instance: Any) -> dict[str, str]:
        return {}

    def mistakes(self, instance: Any) -> Iterator[tuple[str, str]]:
        stands = workflow.why_results_stand(instance.indicator, [instance.quarter], self.desk.now)
        yield from (("value", why) for why in stands.values())

    def do_instance_save(self, instance: Any, is_create: bool) -> None:
        instance.demo = False
        super().do_instance_save(instance, is_create)


# In the order in which they are written: what a row names comes before it.
RESOURCES: tuple[type[PlanResource], ...] = (
    UnitResource, PlanRow, GoalResource, StrategyResource, WorkPlanResource, WorkItemResource,
    IndicatorResource, VariableResource, PlannedValueResource,
)  # fmt: skip
