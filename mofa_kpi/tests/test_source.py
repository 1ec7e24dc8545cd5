"""The ROC 99 fixture says what the ministry's plan says: every printed character once, and nothing else.

`fy99_source.txt` is the text of the plan as extracted from its PDF, in Normalisation Form C.
`fy99_source_map.json` cuts each of its lines into segments and names the field that each segment belongs to.
`fy99_plan.json` holds the fields. Everything below follows from comparing the three, blanks apart.
"""

import copy
import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

Record = dict[str, Any]
SourceMap = list[dict[str, Any]]

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PLAN_FIXTURE = FIXTURES / "fy99_plan.json"
SOURCE_SHA256 = "79f2b3fdd2bdebf1fe47595abaf9cbb4b49734610c699a901b67b7b70809224c"

# What the plan prints, and what is ours: keys, links, definitions for computing, and words about the plan.
PRINTED = {
    "objectives.unit": set(),
    "objectives.plan": {
        "title", "preamble", "goals_heading", "key_heading", "common_heading", "work_heading",
        "scheme_legend",
    },
    "objectives.goal": {"number", "title", "outline_number", "outline_title", "text"},
    "objectives.strategy": {"label", "heading", "text", "closing"},
    "objectives.workplan": {"name"},
    "objectives.workitem": {"name", "content"},
    "indicators.indicator": {"number", "title", "scheme", "method", "standard", "target", "unit"},
    "indicators.variable": set(),
}  # fmt: skip
OURS = {
    "objectives.unit": {"code", "name", "parent"},
    "objectives.plan": {
        "unit", "year", "green_threshold", "amber_threshold", "adopted_on", "adopted_number", "note",
    },
    "objectives.goal": {"plan", "kind", "preamble_title", "note"},
    "objectives.strategy": {"goal", "parent", "position", "note"},
    "objectives.workplan": {"plan", "position", "note"},
    "objectives.workitem": {"work_plan", "position", "note"},
    "indicators.indicator": {
        "goal", "code", "direction", "assessed", "formula", "weight", "lead_unit", "strategies",
        "not_applicable_reason", "note",
    },
    "indicators.variable": {
        "indicator", "symbol", "name", "rollup", "kind", "unit", "due_quarters", "may_be_negative",
        "may_fall", "zero_until_given", "memo", "by_unit", "not_above", "constant", "help", "position",
        "note",
    },
}  # fmt: skip
# Two target cells carry no unit; theirs is inferred from the standard, and their notes say so.
INFERRED = {"indicators.indicator:K4-2:unit": "項", "indicators.indicator:C3-2:unit": "項"}

# Every printed character that is in no field. Nothing else may be called an artefact.
ARTEFACTS = [
    (90, "g", "stray"),
    (287, "關鍵績效指標", "table-header"),
    (288, "關鍵策略目標", "table-header"),
    (290, "關鍵績效指標", "table-header"),
    (291, "評估", "table-header"),
    (293, "體制", "table-header"),
    (295, "評估", "table-header"),
    (297, "方式", "table-header"),
    (298, "衡量標準 年度目標值", "table-header"),
    (489, "關鍵績效指標", "table-header"),
    (490, "關鍵策略目標", "table-header"),
    (492, "關鍵績效指標", "table-header"),
    (493, "評估", "table-header"),
    (495, "體制", "table-header"),
    (497, "評估", "table-header"),
    (499, "方式", "table-header"),
    (500, "衡量標準 年度目標值", "table-header"),
    (654, "共同性指標", "table-header"),
    (655, "共同性目標", "table-header"),
    (657, "共同性指標", "table-header"),
    (658, "評估", "table-header"),
    (660, "體制", "table-header"),
    (662, "評估", "table-header"),
    (664, "方式", "table-header"),
    (665, "衡量標準 年度目標值", "table-header"),
    (802, "共同性指標", "table-header"),
    (803, "共同性目標", "table-header"),
    (805, "共同性指標", "table-header"),
    (806, "評估", "table-header"),
    (808, "體制", "table-header"),
    (810, "評估", "table-header"),
    (812, "方式", "table-header"),
    (813, "衡量標準 年度目標值", "table-header"),
    (826, "註：", "repeated-legend"),
    (828, "評估體制之數字代號意義如下：", "repeated-legend"),
    (830, "1.指實際評估作業係運用既有之組織架構進行。", "repeated-legend"),
    (832, "2.指實際評估作業係由特定之任務編組進行。", "repeated-legend"),
    (834, "3.指實際評估作業係透過第三者方式（如由專家學者）進行。", "repeated-legend"),
    (836, "4.指實際評估作業係運用既有之組織架構並邀請第三者共同參與進行。", "repeated-legend"),
    (838, "5.其它。", "repeated-legend"),
    (841, "工作計畫名稱 重要計畫項目 實施內容", "table-header"),
    (932, "工作計畫名稱 重要計畫項目 實施內容", "table-header"),
]

# The extraction broke these Latin words at a line end: 「國內 NG／O」, 「國際 N／GO」.
BROKEN_WORDS = {(445, 446), (1026, 1027)}
NUMERALS = dict(enumerate(["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一"], start=1))
DECIMALS = {"green_threshold", "amber_threshold", "target", "weight", "constant"}
POINT = re.compile(r"[一二三四五六七八九十]+、|[（(][一二三四五六七八九十]+）|[1-9１-９]、|【說明】|[1-5]\.")

LINKS = {
    "K1-1": ["1"], "K1-2": ["2"], "K2-1": ["1"], "K2-2": ["2"], "K3-1": ["1"], "K3-2": ["2"],
    "K4-1": ["1"], "K4-2": ["2"], "K5-1": ["2"], "K5-2": ["3"], "K6-1": ["1", "2"], "K7-1": [],
    "K8-1": ["1"], "K8-2": ["2"], "C1-1": ["1"], "C1-2": ["2"], "C2-1": ["1"], "C2-2": ["2"],
    "C3-1": ["1"], "C3-2": ["2"],
}  # fmt: skip


def read_source() -> list[str]:
    """Return the printed lines; line n stands at index n - 1."""
    return (FIXTURES / "fy99_source.txt").read_text(encoding="utf-8").split("\n")


def read_map() -> SourceMap:
    source_map: SourceMap = json.loads((FIXTURES / "fy99_source_map.json").read_text(encoding="utf-8"))
    return source_map


def read_fixture() -> list[Record]:
    records: list[Record] = json.loads(PLAN_FIXTURE.read_text(encoding="utf-8"))
    return records


def squeezed(text: str) -> str:
    """Return text without any white space, ideographic spaces included."""
    return "".join(text.split())


def natural_key(record: Record) -> tuple[Any, ...]:
    fields = record["fields"]
    match record["model"]:
        case "objectives.unit":
            return (fields["code"],)
        case "objectives.plan":
            return (*fields["unit"], fields["year"])
        case "objectives.goal":
            return (*fields["plan"], fields["kind"], fields["number"])
        case "objectives.strategy":
            path = (
                f"{fields['parent'][-1]}.{fields['position']}"
                if fields["parent"]
                else str(fields["position"])
            )
            return (*fields["goal"], path)
        case "objectives.workplan":
            return (*fields["plan"], fields["position"])
        case "objectives.workitem":
            return (*fields["work_plan"], fields["position"])
        case "indicators.indicator":
            return (*fields["goal"][:2], fields["code"])
        case "indicators.variable":
            return (*fields["indicator"], fields["symbol"])
    raise AssertionError(f"unexpected model {record['model']}")


def plain(number: Any) -> str:
    """Print a decimal the way the plan does: 55 and 0.08, never 55.000000."""
    return f"{Decimal(number).normalize():f}"


def as_printed(record: Record, name: str) -> str:
    """Return a field as the plan prints it: a goal's 1 is 一 in its table and 一、 before its heading."""
    value = record["fields"][name]
    if record["model"] == "objectives.goal" and name in ("number", "outline_number"):
        return NUMERALS[value] + ("、" if name == "outline_number" else "")
    return plain(value) if name in DECIMALS else str(value)


def printed_values(records: list[Record]) -> dict[str, str]:
    """Return what the plan prints by reference, such as `indicators.indicator:K1-1:standard`."""
    values = {}
    for record in records:
        key = natural_key(record)[2:]  # after the unit and the year, which every reference shares
        for name in PRINTED[record["model"]]:
            reference = ":".join([record["model"], *map(str, key), name])
            if value := as_printed(record, name):
                values[reference] = value
    return values


def segments_of(source_map: SourceMap) -> Iterator[tuple[int, str, str]]:
    for entry in source_map:
        for segment in entry["segments"]:
            yield entry["line"], segment["text"], segment["to"]


def problems_of_lines(source: list[str], source_map: SourceMap) -> list[str]:
    """Say where the segments are not exactly the source's characters in their order."""
    printed = [(number, squeezed(line)) for number, line in enumerate(source, start=1) if squeezed(line)]
    mapped = [
        (entry["line"], squeezed("".join(segment["text"] for segment in entry["segments"])))
        for entry in source_map
    ]
    problems = [f"line {a[0]}: {a[1]} ≠ {b[1]}" for a, b in zip(printed, mapped, strict=False) if a != b]
    if len(printed) != len(mapped):
        problems.append(f"{len(printed)} lines are printed, {len(mapped)} are in the map")
    return problems


def problems_of_artefacts(source_map: SourceMap) -> list[str]:
    found = [
        (line, squeezed(text), to.removeprefix("artefact:"))
        for line, text, to in segments_of(source_map)
        if to.startswith("artefact:")
    ]
    allowed = [(line, squeezed(text), kind) for line, text, kind in ARTEFACTS]
    return [] if found == allowed else [f"artefacts: {set(found) ^ set(allowed)}"]


def problems_of_fields(source_map: SourceMap, records: list[Record]) -> list[str]:
    """Say which fields differ from their segments, which are invented, and which are missing."""
    expected: dict[str, str] = defaultdict(str)
    for _, text, to in segments_of(source_map):
        if not to.startswith("artefact:"):
            expected[to] += squeezed(text)
    stored = {reference: squeezed(value) for reference, value in printed_values(records).items()}
    expected |= INFERRED
    return [
        f"{reference}: printed {expected.get(reference)!r}, stored {stored.get(reference)!r}"
        for reference in sorted(expected.keys() | stored.keys())
        if expected.get(reference) != stored.get(reference)
    ]


def problems(source: list[str], source_map: SourceMap, records: list[Record]) -> list[str]:
    return [
        *problems_of_lines(source, source_map),
        *problems_of_artefacts(source_map),
        *problems_of_fields(source_map, records),
    ]


def is_latin(character: str) -> bool:
    return character.isascii() and character.isalnum()


def is_ideograph(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"


def starts_paragraph(field: str, line: str, following: str) -> bool:
    """The extraction ends a paragraph's last line with a blank; in table cells only a point starts one."""
    if field not in ("preamble", "scheme_legend", "text", "content", "standard"):
        return False
    return bool(POINT.match(squeezed(following))) or (field != "standard" and line.endswith(" "))


def joined(reference: str, segments: list[tuple[int, str]], source: list[str]) -> str:
    """Put a field together with its blanks: those around Latin words, and none within Chinese text."""
    field = reference.rsplit(":", 1)[1]
    value, previous = "", 0
    for number, text in segments:
        text = re.sub(r"(?<![!-~])\s+(?![!-~])", "", " ".join(text.split()))
        if value and number != previous:
            sides = (value[-1], text[0])
            if starts_paragraph(field, source[previous - 1], text):
                value += "\n"
            elif (previous, number) not in BROKEN_WORDS and (
                any(map(is_latin, sides)) and all(is_latin(side) or is_ideograph(side) for side in sides)
            ):
                value += " "
        value, previous = value + text, number
    return value


def test_the_source_is_the_one_that_was_mapped_and_is_normalised() -> None:
    content = (FIXTURES / "fy99_source.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SOURCE_SHA256
    assert unicodedata.is_normalized("NFC", content.decode())


def test_every_printed_character_is_in_exactly_one_segment_and_in_order() -> None:
    assert problems_of_lines(read_source(), read_map()) == []


def test_nothing_is_dropped_but_the_listed_artefacts_and_each_says_why() -> None:
    assert problems_of_artefacts(read_map()) == []
    for entry in read_map():
        for segment in entry["segments"]:
            assert bool(segment.get("why")) == segment["to"].startswith("artefact:")


def test_every_field_equals_its_segments_and_no_printed_field_is_invented() -> None:
    assert problems_of_fields(read_map(), read_fixture()) == []


def test_the_dropped_second_legend_says_what_the_stored_one_says() -> None:
    repeated = [text for _, text, to in segments_of(read_map()) if to == "artefact:repeated-legend"]
    (plan,) = [record for record in read_fixture() if record["model"] == "objectives.plan"]
    assert "\n".join(repeated) == plan["fields"]["scheme_legend"]


def test_blanks_and_paragraphs_are_those_of_the_source() -> None:
    source, pieces = read_source(), defaultdict(list)
    for line, text, to in segments_of(read_map()):
        pieces[to].append((line, text))
    for reference, value in printed_values(read_fixture()).items():
        if reference not in INFERRED:
            assert value == joined(reference, pieces[reference], source), reference


def test_every_field_of_the_fixture_is_either_printed_or_declared_ours() -> None:
    for record in read_fixture():
        assert record.keys() == {"model", "fields"}, "natural keys only"
        assert record["fields"].keys() == PRINTED[record["model"]] | OURS[record["model"]]
    assert not any(PRINTED[model] & OURS[model] for model in PRINTED)


def test_the_titles_of_the_first_eight_goals_are_those_of_the_preamble() -> None:
    records = read_fixture()
    (plan,) = [record["fields"] for record in records if record["model"] == "objectives.plan"]
    titles = [
        record["fields"]["preamble_title"] for record in records if record["model"] == "objectives.goal"
    ]
    assert titles[8:] == ["", "", ""]
    assert "、".join(f"「{title}」" for title in titles[:8]) in plan["preamble"]


def test_the_fixture_has_as_many_of_everything_as_the_plan() -> None:
    records = read_fixture()
    assert Counter(record["model"] for record in records) == {
        "objectives.unit": 1,
        "objectives.plan": 1,
        "objectives.goal": 11,
        "objectives.strategy": 80,
        "objectives.workplan": 7,
        "objectives.workitem": 13,
        "indicators.indicator": 20,
        "indicators.variable": 53,
    }
    goals = [record["fields"] for record in records if record["model"] == "objectives.goal"]
    assert [(goal["kind"], goal["number"]) for goal in goals] == [
        *(("KEY", number) for number in range(1, 9)),
        *(("COMMON", number) for number in range(1, 4)),
    ]
    assert [goal["outline_number"] for goal in goals] == list(range(1, 12))
    codes = [record["fields"]["code"] for record in records if record["model"] == "indicators.indicator"]
    assert Counter(code[0] for code in codes) == {"K": 14, "C": 6}
    depths = Counter(
        natural_key(record)[-1].count(".") for record in records if record["model"] == "objectives.strategy"
    )
    assert depths == {0: 22, 1: 26, 2: 32}
    items = Counter(
        record["fields"]["work_plan"][-1] for record in records if record["model"] == "objectives.workitem"
    )
    assert [items[position] for position in range(1, 8)] == [3, 1, 3, 2, 1, 2, 1]


def test_indicators_are_linked_to_their_goals_and_strategies() -> None:
    records = read_fixture()
    links = {}
    for fields in (record["fields"] for record in records if record["model"] == "indicators.indicator"):
        assert fields["code"] == f"{fields['goal'][2][0]}{fields['goal'][3]}-{fields['number']}"
        assert all(key[:-1] == fields["goal"] for key in fields["strategies"])
        links[fields["code"]] = [key[-1] for key in fields["strategies"]]
    assert links == LINKS
    linked = {(code[0], int(code[1]), path) for code, paths in links.items() for path in paths}
    for record in records:
        if record["model"] == "objectives.strategy" and not record["fields"]["parent"]:
            kind, number, path = natural_key(record)[2:]
            without = (kind[0], number, path) not in linked
            assert without == ("無對應指標" in record["fields"]["note"]), record["fields"]["label"]


def test_every_reference_points_to_an_earlier_record() -> None:
    targets = {
        "unit": "objectives.unit", "lead_unit": "objectives.unit", "plan": "objectives.plan",
        "goal": "objectives.goal", "parent": "objectives.strategy", "strategies": "objectives.strategy",
        "work_plan": "objectives.workplan", "indicator": "indicators.indicator",
    }  # fmt: skip
    seen: set[tuple[Any, ...]] = set()
    for record in read_fixture():
        for name, value in record["fields"].items():
            if name in targets and isinstance(value, list):
                for key in value if name == "strategies" else [value]:
                    assert (targets[name], *key) in seen, (record["model"], name, key)
        identity = (record["model"], *natural_key(record))
        assert identity not in seen
        seen.add(identity)


def test_formulas_use_every_variable_but_the_memos_and_no_other() -> None:
    symbols = defaultdict(set)
    for fields in (record["fields"] for record in read_fixture() if record["model"] == "indicators.variable"):
        if not fields["memo"]:
            symbols[fields["indicator"][-1]].add(fields["symbol"])
    for fields in (
        record["fields"] for record in read_fixture() if record["model"] == "indicators.indicator"
    ):
        words = set(re.findall(r"[a-z_]+", fields["formula"])) - {"and", "or", "not"}
        assert words == symbols[fields["code"]], fields["code"]


@pytest.mark.parametrize("name", ["fy99_source.txt", "fy99_plan.json", "fy99_source_map.json"])
def test_no_compatibility_ideograph_remains(name: str) -> None:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert not re.search("[\uf900-\ufaff\U0002f800-\U0002fa1f]", text)


def test_the_fixture_is_written_for_people_to_read() -> None:
    text = PLAN_FIXTURE.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1) + "\n"


def change_a_character(source_map: SourceMap, records: list[Record]) -> None:
    fields = next(record["fields"] for record in records if record["fields"].get("code") == "K8-1")
    fields["standard"] = fields["standard"].replace("不內外", "部內外")


def change_a_number(source_map: SourceMap, records: list[Record]) -> None:
    fields = next(record["fields"] for record in records if record["fields"].get("code") == "C1-1")
    fields["target"] = "0.8"


def empty_a_field(source_map: SourceMap, records: list[Record]) -> None:
    next(record for record in records if record["fields"].get("closing"))["fields"]["closing"] = ""


def invent_a_text(source_map: SourceMap, records: list[Record]) -> None:
    next(record for record in records if record["model"] == "objectives.goal")["fields"]["text"] = "新增"


def drop_a_segment(source_map: SourceMap, records: list[Record]) -> None:
    next(entry for entry in source_map if len(entry["segments"]) > 1)["segments"].pop()


def drop_a_line(source_map: SourceMap, records: list[Record]) -> None:
    source_map.pop()


def swap_two_segments(source_map: SourceMap, records: list[Record]) -> None:
    next(entry for entry in source_map if len(entry["segments"]) > 1)["segments"].reverse()


def swap_two_cells(source_map: SourceMap, records: list[Record]) -> None:
    first, second = (entry["segments"][0] for entry in source_map if entry["line"] in (488, 801))
    first["to"], second["to"] = second["to"], first["to"]


def swallow_a_line_as_an_artefact(source_map: SourceMap, records: list[Record]) -> None:
    (entry,) = [entry for entry in source_map if entry["line"] == 637]
    entry["segments"] = [{"text": "1 是否", "to": "artefact:table-header", "why": ""}]


@pytest.mark.parametrize(
    "damage",
    [
        change_a_character,
        change_a_number,
        empty_a_field,
        invent_a_text,
        drop_a_segment,
        drop_a_line,
        swap_two_segments,
        swap_two_cells,
        swallow_a_line_as_an_artefact,
    ],
)
def test_the_comparison_notices(damage: Callable[[SourceMap, list[Record]], None]) -> None:
    source, source_map, records = read_source(), read_map(), read_fixture()
    assert problems(source, source_map, records) == []
    damage(source_map, records)
    assert problems(source, source_map, records) != []


def comparable(records: list[Record]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Return the fixture's fields by natural key, decimals printed alike and links in one order."""
    result = {}
    for record in copy.deepcopy(records):
        fields = {name: record["fields"][name] for name in PRINTED[record["model"]] | OURS[record["model"]]}
        for name in DECIMALS & fields.keys():
            fields[name] = None if fields[name] is None else plain(fields[name])
        if "strategies" in fields:
            fields["strategies"].sort()
        result[record["model"], *natural_key(record)] = fields
    return result


def stored_records() -> list[Record]:
    """Return the plan's tables as the database has them, in the fixture's form."""
    from django.apps import apps
    from django.core import serializers

    return [
        record
        for label in PRINTED
        for record in json.loads(
            serializers.serialize(
                "json",
                apps.get_model(label)._default_manager.order_by("pk"),
                use_natural_foreign_keys=True,
                use_natural_primary_keys=True,
            )
        )
    ]


@pytest.mark.django_db
def test_the_database_holds_the_plan_and_gives_it_back() -> None:
    from django.core.management import call_command

    call_command("loaddata", PLAN_FIXTURE, verbosity=0)
    records = stored_records()
    assert problems(read_source(), read_map(), records) == []
    assert comparable(records) == comparable(read_fixture())
    call_command("loaddata", PLAN_FIXTURE, verbosity=0)
    assert stored_records() == records, "loading the plan again adds nothing"


@pytest.mark.django_db
def test_the_plan_passes_the_checks_that_forms_make() -> None:
    from django.apps import apps
    from django.core.management import call_command

    call_command("loaddata", PLAN_FIXTURE, verbosity=0)
    for label in PRINTED:
        for record in apps.get_model(label)._default_manager.all():
            record.full_clean()
