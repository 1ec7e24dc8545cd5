"""How a cell of a plan's workbook says a value: read strictly, written so that it reads back the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import override
from import_export import widgets

from objectives.fields import trimmed

from ..fields import read_number

YES, NO = "是", "否"
TRUTH = {YES: True, "TRUE": True, NO: False, "FALSE": False}
BETWEEN = "、"  # stands between the codes of a cell that names several

Finder = Callable[[str], Any]
"""Returns what a code names. Raises ValueError with a message for people."""


class Cell(widgets.Widget):
    """What is in a cell; `clean` raises ValueError with a message for people.

    hint tells whoever fills it in how; choices are the words that it may have, where these are few.
    """

    hint = ""
    choices: tuple[str, ...] = ()
    is_number = False
    find: Finder  # given by the resource that the cell is of


class Text(Cell):
    def clean(self, value: str, row: Any = None, **kwargs: Any) -> str:
        return trimmed(value)


class Number(Cell):
    """A number through the one strict parser; None where the cell is empty."""

    is_number = True

    def __init__(self, *, whole: bool = False) -> None:
        super().__init__()
        self.whole = whole

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Decimal | int | None:
        if not value.strip():
            return None
        try:
            number = read_number(value, whole=self.whole)
        except ValidationError as error:
            raise ValueError(" ".join(error.messages)) from error
        return int(number) if self.whole else number

    def render(self, value: Decimal | int | None, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        text = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text


class YesNo(Cell):
    choices = (YES, NO)

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> bool:
        try:
            return TRUTH[value.strip().upper()]
        except KeyError:
            raise ValueError(_("Write %(yes)s or %(no)s.") % {"yes": YES, "no": NO}) from None

    def render(self, value: bool | None, obj: Any = None, **kwargs: Any) -> str:
        return YES if value else NO


class Choice(Cell):
    """One of few values, in Chinese words; the value itself is taken too."""

    def __init__(self, labels: Mapping[Any, Any]) -> None:
        super().__init__()
        self.labels = labels

    @cached_property
    def words(self) -> dict[Any, str]:
        with override("zh-hant"):
            return {value: str(label) for value, label in self.labels.items()}

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(self.words.values())

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Any:
        said = trimmed(value)
        for known, words in self.words.items():
            if said in (words, str(known)):
                return known
        raise ValueError(_("Write one of: %(choices)s.") % {"choices": _(", ").join(self.choices)})

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value in (None, "") else self.words[value]


class Code(Cell):
    """What a code names, among what the person may see; None where the cell is empty."""

    def __init__(self, code: Callable[[Any], str]) -> None:
        super().__init__()
        self.code = code

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> Any:
        return self.find(value) if value.strip() else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return self.code(value) if value else ""


class Codes(widgets.ManyToManyWidget, Cell):
    """What several codes name, each once, in the order of the codes."""

    hint = "多個代碼以「、」分隔。"

    def __init__(self, model: Any, code: Callable[[Any], str]) -> None:
        super().__init__(model)
        self.code = code

    def clean(self, value: str, row: Any = None, **kwargs: Any) -> list[Any]:
        for sign in ",，；;\n":
            value = value.replace(sign, BETWEEN)
        return list(dict.fromkeys(self.find(each) for each in value.split(BETWEEN) if each.strip()))

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        found = value.all() if hasattr(value, "all") else value or ()
        return BETWEEN.join(sorted(self.code(each) for each in found))
