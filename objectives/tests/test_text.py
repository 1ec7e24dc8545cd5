"""Text that no spreadsheet program takes for a formula, and that comes back unchanged."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from objectives.spreadsheets.text import harmless, original

LIVELY = st.text(st.sampled_from("=+-@＝﹣'\",;|\t\r\n \u200b\u3000\x00a外"))
CHARACTERS = [chr(number) for number in range(0x110000)]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "==1+1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "﹦1", "⩵1", " =1", "\u200b=1",
        "\ufeff=1", "\u2003=1", "\x00=1", '"=1', '" "=1', "\t", "\tx", "\rx", "\nx", " \tx", "'a", "'", "''",
    ],
    ids=ascii,
)  # fmt: skip
def test_text_that_begins_like_a_formula_is_made_harmless(text):
    assert harmless(text) == f"'{text}"
    assert original(harmless(text)) == text


@pytest.mark.parametrize(
    ("text", "protected"),
    [
        ("a,=1", "a,'=1"),
        ("a;+1", "a;'+1"),
        ("a\t@x", "a\t'@x"),
        ("a|-1", "a|'-1"),
        ("a\r\n＝1", "a\r\n'＝1"),
        ('a, "=1"', 'a,\' "=1"'),
        ("a,\u200b=1,b,-2", "a,'\u200b=1,b,'-2"),
        ("a,'b", "a,''b"),
        ("a,\t=1", "a,\t'=1"),
        ("\t=1", "'\t'=1"),
        ("=1,=2", "'=1,'=2"),
    ],
    ids=ascii,
)
def test_what_follows_a_separator_is_made_harmless_too(text, protected):
    assert harmless(text) == protected
    assert original(protected) == text


@pytest.mark.parametrize(
    "text", ["", "外交部", "3-1", "a=b", "a, b; c|d", "1,234", "，＝", " 'a", "a, 'b", '"a"']
)
def test_ordinary_text_is_left_alone(text):
    assert harmless(text) is text
    assert original(text) is text


@pytest.mark.parametrize("text", ["'tis", "it's, 'quoted'", "a,'b'", "don't", "'外交部'", "'\u3000"])
def test_an_apostrophe_that_protects_nothing_stays(text):
    assert original(text) is text


def test_only_one_apostrophe_comes_off_a_place():
    assert original("''=1,''=2") == "'=1,'=2"


@given(st.text() | LIVELY)
@example("\n\t=1,'")
def test_every_text_comes_back(text):
    assert original(harmless(text)) == text


@given(LIVELY)
def test_nothing_that_is_harmless_is_live_wherever_it_is_split(text):
    parts = [harmless(text)]
    for separator in ",;|\t\r\n":
        parts = [part for whole in parts for part in whole.split(separator)]
    assert not any(part.lstrip(' "\u200b\u3000\x00')[:1] in tuple("=+-@＝﹣") for part in parts)


def test_all_that_cannot_be_seen_is_looked_behind():
    unseen = [c for c in CHARACTERS if c.isspace() or unicodedata.category(c) in ("Cc", "Cf")]
    assert [c for c in unseen if harmless(f"{c}=1")[0] != "'"] == []
    assert [c for c in unseen if c not in "\t\r\n" and harmless(f"a,{c}=1")[2] != "'"] == []


def test_every_form_of_a_sign_is_one():
    forms = [c for c in CHARACTERS if unicodedata.decomposition(c)] + list("=+-@")
    signs = {c for c in forms if unicodedata.normalize("NFKC", c)[0] in "=+-@"}
    assert {c for c in forms if harmless(c) != c} == signs
