"""The catalogue of translations: English in the source, Traditional Chinese in `locale/`.

    python -m mofa_kpi.messages            bring the .po up to date with the sources and compile the .mo
    python -m mofa_kpi.messages --check    change nothing, fail where the above would

With Babel, so that nobody needs gettext's tools; the .mo is in version control, so that running the site
does not need Babel either. New messages arrive in the .po with an empty translation to fill in.
"""

import io
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import import_export
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

BASE_DIR = Path(__file__).resolve().parent.parent
PO = BASE_DIR / "locale" / "zh_Hant" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")

# Packages that come without a Traditional Chinese translation: ours covers them too.
PACKAGES = {"import_export": Path(import_export.__file__).parent}

NOT_SHOWN = {"tests", "migrations", "locale", "static", "staticfiles", "instance", "bench", "docs", "deploy"}

KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def extract_template(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    """Extract what Django's `translate` and `blocktranslate` tags mark, as a method for Babel.

    Django turns the template into something like Python; stripped of its indentation, Babel can read it.
    """
    source = templatize(file.read().decode("utf-8"), origin=getattr(file, "name", None))
    lines = "\n".join(line.lstrip() for line in source.split("\n"))
    return extract_python(io.BytesIO(lines.encode("utf-8")), keywords, comment_tags, {"encoding": "utf-8"})


METHODS = [
    ("**.html", "mofa_kpi.messages:extract_template"),
    ("**.txt", "mofa_kpi.messages:extract_template"),
    ("**.py", "python"),
]


def extracted() -> Catalog:
    """Collect every message of the project and of PACKAGES."""
    catalogue = Catalog(charset="utf-8")
    for prefix, folder in {"": BASE_DIR, **PACKAGES}.items():
        for file, line, message, comments, context in _messages(folder):
            location = (str(Path(prefix, file)), line)
            catalogue.add(message, locations=[location], auto_comments=comments, context=context)
    return catalogue


def _messages(folder: Path) -> Iterable[tuple[str, int, Any, list[str], str | None]]:
    return extract_from_dir(
        folder,
        METHODS,
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
        directory_filter=lambda path: (
            not Path(path).name.startswith(".") and Path(path).name not in NOT_SHOWN
        ),
    )


def translated() -> Catalog:
    """Read the catalogue as it is in the .po."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh_Hant")


def updated() -> Catalog:
    """Give the catalogue as it should be: what was extracted, with the translations that there are."""
    catalogue = translated()
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    return catalogue


def as_po(catalogue: Catalog) -> bytes:
    # No line numbers: they would change with every edit of a source.
    file = io.BytesIO()
    write_po(file, catalogue, width=100, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    return file.getvalue()


def as_mo(catalogue: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def forms(text: str | Sequence[str] | None) -> list[str]:
    """Give a message, or its translation, as the list of its singular and plural."""
    return [text or ""] if text is None or isinstance(text, str) else list(text)


def stale(catalogue: Catalog) -> dict[Path, bytes]:
    """Give the files that are not as the catalogue wants them, with what should be in them."""
    wanted = {PO: as_po(catalogue), MO: as_mo(catalogue)}
    return {
        path: content
        for path, content in wanted.items()
        if not path.is_file() or path.read_bytes() != content
    }


def untranslated(catalogue: Catalog) -> list[str]:
    """Give the messages without a translation, or with one that somebody marked as doubtful."""
    return [
        str(message.id)
        for message in catalogue
        if message.id and (message.fuzzy or not all(forms(message.string)))
    ]


def main() -> int:
    catalogue = updated()
    out_of_date = stale(catalogue)
    missing = untranslated(catalogue)
    for message in missing:
        print(f"not translated: {message}", file=sys.stderr)
    if sys.argv[1:] == ["--check"]:
        for path in out_of_date:
            print(f"{path.relative_to(BASE_DIR)} is not up to date: run «make messages»", file=sys.stderr)
        return 1 if out_of_date or missing else 0
    for path, content in out_of_date.items():
        path.write_bytes(content)
    print(f"{PO.relative_to(BASE_DIR)}: {len(catalogue)} messages, {len(missing)} not translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
