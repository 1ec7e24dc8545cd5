"""What the pure rules found, in people's words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.spreadsheets.reading import SheetProblem, SheetRefused

from .checks import Finding, Problem
from .file_check import FileProblem, FileRefused
from .formula import LOGIC, SIGNS, FormulaError, FormulaProblem
from .numbers import format_number
from .value import State, Value

STATES: dict[State, Promise] = {
    State.COMPLETE: gettext_lazy("Complete"),
    State.PROVISIONAL: gettext_lazy("Partial"),
    State.EMPTY: gettext_lazy("Not reported"),
    State.NOT_APPLICABLE: gettext_lazy("Not applicable"),
    State.UNDEFINED: gettext_lazy("Not computable"),
}

FORMULA_PROBLEMS: dict[FormulaProblem, Promise] = {
    FormulaProblem.EMPTY: gettext_lazy("The formula is empty."),
    FormulaProblem.TOO_LONG: gettext_lazy("The formula is too long: at most 500 characters."),
    FormulaProblem.TOO_DEEP: gettext_lazy("The formula has too many parentheses within parentheses."),
    FormulaProblem.SYNTAX: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: this cannot be read as a formula."
    ),
    FormulaProblem.NOT_ALLOWED: gettext_lazy(
        "Character %(place)s, «%(excerpt)s» is not allowed: a formula has symbols, numbers, + - * / ( ), "
        "comparisons, and, or, not."
    ),
    FormulaProblem.BAD_NUMBER: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: write numbers such as 12 or 0.5, of at most 15 digits."
    ),
    FormulaProblem.BAD_NAME: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: a symbol is a lower-case word such as inbound_visits."
    ),
    FormulaProblem.UNKNOWN_NAME: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: no variable of this indicator has this symbol."
    ),
}

FILE_PROBLEMS: dict[FileProblem, Promise] = {
    FileProblem.BAD_NAME: gettext_lazy(
        "The file's name has characters that are not allowed: / \\, two dots in a row, line breaks or "
        "invisible ones. Rename the file and upload it again."
    ),
    FileProblem.NO_EXTENSION: gettext_lazy(
        "The file's name has no extension such as .pdf. Rename the file and upload it again."
    ),
    FileProblem.NOT_ACCEPTED: gettext_lazy(
        "Files of type «%(extension)s» are not accepted. Upload PDF, ODF (odt, ods, odp, odg), Office (docx, "
        "xlsx, pptx), PNG, JPEG or CSV."
    ),
    FileProblem.OLD_OFFICE: gettext_lazy(
        "This is the old Office format. Save it as docx, xlsx, pptx or PDF and upload that."
    ),
    FileProblem.EMPTY: gettext_lazy("The file is empty."),
    FileProblem.TOO_LARGE: gettext_lazy("The file is too large: at most %(megabytes)s MB."),
    FileProblem.INCOMPLETE: gettext_lazy("The file did not arrive whole. Upload it again."),
    FileProblem.WRONG_CONTENT: gettext_lazy(
        "The content is not that of a «%(extension)s» file although the name says so."
    ),
    FileProblem.MALFORMED: gettext_lazy(
        "The file is damaged, or not built as such files are. Open it, save it anew and upload that."
    ),
    FileProblem.MIXED: gettext_lazy(
        "The file contains something that does not belong into a file of this type, such as data after its "
        "end or program code. Open it, save it anew and upload that."
    ),
    FileProblem.ENCRYPTED: gettext_lazy(
        "The file is encrypted or protected by a password. Save it without protection and upload that."
    ),
    FileProblem.MACROS: gettext_lazy(
        "The file contains macros. Save it without them, or as PDF, and upload that."
    ),
    FileProblem.ACTIVE: gettext_lazy(
        "The PDF contains scripts, actions or attached files. Print it into a new PDF and upload that."
    ),
    FileProblem.EMBEDDED: gettext_lazy(
        "The file contains an embedded object or program. Put a picture in its place, or save the file as "
        "PDF, and upload that."
    ),
    FileProblem.TOO_MUCH_INSIDE: gettext_lazy(
        "The file has too many parts, or becomes too large when unpacked. Divide it or save it as PDF."
    ),
    FileProblem.TOO_MANY_PIXELS: gettext_lazy(
        "The picture has too many pixels. Make it smaller and upload that."
    ),
    FileProblem.NOT_TEXT: gettext_lazy(
        "The CSV file cannot be read as text. Save it as «CSV UTF-8» and upload that."
    ),
}


SHEET_PROBLEMS: dict[SheetProblem, Promise] = {
    SheetProblem.MALFORMED: FILE_PROBLEMS[FileProblem.MALFORMED],
    SheetProblem.TOO_LARGE: gettext_lazy(
        "The file is too large, or becomes too large when unpacked. Divide it into several files."
    ),
    SheetProblem.TOO_MANY_ROWS: gettext_lazy(
        "The file has too many rows: at most %(limit)s. Delete empty rows and those far below, or divide it."
    ),
    SheetProblem.TOO_MANY_COLUMNS: gettext_lazy(
        "The file has too many columns: at most %(limit)s. Delete what stands far to the right."
    ),
    SheetProblem.TOO_MANY_SHEETS: gettext_lazy("The file has too many sheets: at most %(limit)s."),
    SheetProblem.NOT_TEXT: gettext_lazy("This is not a text file. Save it as CSV."),
    SheetProblem.UNKNOWN_ENCODING: gettext_lazy(
        "The file is neither UTF-8 nor Big5. Save it as CSV in UTF-8."
    ),
    SheetProblem.OPEN_QUOTE: gettext_lazy(
        "A quotation mark that is opened in row %(row)s is never closed. Check the quotation marks."
    ),
}


def sheet_problem(refused: SheetRefused) -> str:
    """Say why a spreadsheet cannot be read, and what to do about it."""
    return str(SHEET_PROBLEMS[refused.problem]) % refused.details


def file_problem(refused: FileRefused) -> str:
    """Say why a file was refused, and what to do about it."""
    return FILE_PROBLEMS[refused.problem] % refused.details


def formula_in_symbols(formula: str) -> str:
    """Show a formula with the signs that people write: ( a + b ) ÷ c × 100."""
    return formula_in_names(formula, {})


def formula_in_names(formula: str, names: Mapping[str, str]) -> str:
    """Show a formula with the variables' names in place of their symbols."""
    words = {**SIGNS, **LOGIC, **names}
    shown = re.sub(r"[a-z][a-z0-9_]*|[<>=!]=|[*/]", lambda found: words.get(found[0], found[0]), formula)
    return re.sub(r" {2,}", " ", shown)


def formula_problem(error: FormulaError, memos: Collection[str] = ()) -> str:
    """Say what is wrong with a formula and where, counting characters from 1.

    memos are symbols that the indicator has and no formula can use.
    """
    if error.code is FormulaProblem.UNKNOWN_NAME and error.excerpt in memos:
        return _("«%(symbol)s» is a memo, which no formula can use.") % {"symbol": error.excerpt}
    excerpt = error.excerpt if len(error.excerpt) <= 30 else error.excerpt[:29] + "…"
    return FORMULA_PROBLEMS[error.code] % {"place": error.position + 1, "excerpt": excerpt}


def why_no_value(value: Value, names: Mapping[str, str]) -> str:
    """Say why a value is missing or partial; empty for a complete one.

    names maps symbols to the variables' names.
    """
    parts = []
    if value.state is State.EMPTY and not value.missing:
        parts.append(_("Nothing is due yet."))
    if value.lacking:
        parts.append(_("No figure for: %(names)s.") % {"names": _listed(names[s] for s in value.lacking)})
    if value.denominator is not None:
        parts.append(
            _("The denominator is 0: %(expression)s.") % {"expression": _named(value.denominator, names)}
        )
    if value.missing:
        parts.append(_("Missing: %(figures)s.") % {"figures": missing_figures(value, names)})
    return " ".join(parts)


def missing_figures(value: Value, names: Mapping[str, str]) -> str:
    """List the figures that are due and not there, by quarter."""
    by_quarter: dict[int, list[str]] = {}
    for quarter, symbol in value.missing:
        name = names[symbol]
        if (quarter, symbol) in value.partial:
            name = _("%(name)s (of some units)") % {"name": name}
        by_quarter.setdefault(quarter, []).append(name)
    return _("; ").join(
        _("quarter %(quarter)s %(names)s") % {"quarter": quarter, "names": _listed(listed)}
        for quarter, listed in sorted(by_quarter.items())
    )


def _listed(names: Iterable[str]) -> str:
    return _(", ").join(names)


def _named(expression: str, names: Mapping[str, str]) -> str:
    """Put the variables' names in place of their symbols."""
    return re.sub(r"[a-z][a-z0-9_]*", lambda match: names.get(match[0], match[0]), expression)


FINDINGS: dict[Problem, Promise] = {
    Problem.FALLS: gettext_lazy(
        "«%(name)s» is %(value)s and was %(other)s before; it normally does not fall."
    ),
    Problem.LEAPS: gettext_lazy(
        "«%(name)s» is %(value)s, more than three times the %(other)s of the quarters before."
    ),
    Problem.EXCEEDS: gettext_lazy(
        "«%(name)s» is %(value)s and cannot be above «%(whole)s», which is %(other)s."
    ),
}


def finding_words(finding: Finding, names: Mapping[str, str]) -> str:
    """Say what was noticed about a figure; names are the variables' by symbol."""
    words = str(FINDINGS[finding.problem]) % {
        "name": names[finding.symbol],
        "value": format_number(finding.value),
        "other": format_number(finding.other),
        "whole": names.get(finding.whole, ""),
    }
    if finding.later is None:
        return words
    return _("In quarter %(quarter)s: %(finding)s") % {"quarter": finding.later, "finding": words}
