"""XML parsed as it comes in, with nothing in it that could cost more than its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from .sheets import SheetProblem, SheetRefused

MAX_ELEMENTS = 1_250_000  # such as 20,000 rows of 20 texts
MAX_CHARACTERS = 12_000_000
MAX_DEPTH = 100
MAX_TAG = 512 * 1024  # bytes: an unfinished one is gone through again with every piece
MAX_NAMES = 2_000  # of elements and attributes; the parser keeps each
MAX_PREFIXES = 500
ENCODINGS = {None, "utf-8", "utf8", "utf-16", "us-ascii", "ascii"}


@dataclass
class Allowance:
    """How much the documents of one file may still hold."""

    elements: int = MAX_ELEMENTS
    characters: int = MAX_CHARACTERS


class Listener:
    """Is told what a document holds, and counts it.

    A subclass that overrides a method counts too, without a call of this one: each cell takes several.
    """

    opened = 0
    closed = 0
    characters = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.opened += 1

    def end(self, name: str) -> None:
        self.closed += 1

    def text(self, data: str) -> None:
        self.characters += len(data)


def parse(
    pieces: Iterable[bytes], listener: Listener, names: Mapping[str, str], allowance: Allowance
) -> None:
    """Tell listener what a document holds.

    names gives the names of elements and attributes («namespace local», or «local» without one) that are to
    be called otherwise. Raises SheetRefused for a doctype and for what is over the allowance, ExpatError for
    what is no XML.
    """
    parser = _parser(listener, names)
    fed = 0
    for piece in pieces:
        parser.Parse(piece, False)
        fed += len(piece)
        # One piece alone can do no harm, so that counting here is enough.
        _check(parser, listener, fed)
        _check_allowance(listener, allowance)
    parser.Parse(b"", True)
    _check_allowance(listener, allowance)
    allowance.elements -= listener.opened
    allowance.characters -= listener.characters


def _parser(listener: Listener, names: Mapping[str, str]) -> Any:
    # The parser looks every name up in this table, so that it can be told the short one there.
    parser = expat.ParserCreate(namespace_separator=" ", intern=dict(names))
    parser.buffer_text = True
    parser.StartElementHandler = listener.start
    parser.EndElementHandler = listener.end
    parser.CharacterDataHandler = listener.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.XmlDeclHandler = _check_encoding
    prefixes: set[str | None] = set()

    def count_prefix(prefix: str | None, uri: str | None) -> None:
        prefixes.add(prefix)
        _require(len(prefixes) <= MAX_PREFIXES)

    parser.StartNamespaceDeclHandler = count_prefix
    return parser


def _require(condition: bool, problem: SheetProblem = SheetProblem.MALFORMED) -> None:
    if not condition:
        raise SheetRefused(problem)


def _refuse(*_: object) -> None:
    raise SheetRefused(SheetProblem.MALFORMED)


def _check_encoding(version: str, encoding: str | None, standalone: int) -> None:
    _require((encoding and encoding.lower()) in ENCODINGS)


def _check(parser: Any, listener: Listener, fed: int) -> None:
    _require(listener.opened - listener.closed <= MAX_DEPTH)
    _require(len(parser.intern) <= MAX_NAMES)
    _require(fed - parser.CurrentByteIndex <= MAX_TAG)


def _check_allowance(listener: Listener, allowance: Allowance) -> None:
    _require(listener.opened <= allowance.elements, SheetProblem.TOO_LARGE)
    _require(listener.characters <= allowance.characters, SheetProblem.TOO_LARGE)
