"""What others wrote is legible: nothing unseen, nothing turned round, nothing piled up."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.legible import MARKS, folded, is_mark, legible

UNSEEN = (
    "\u200b\u200e\u200f\u202e\u2066\u2060\ufeff\u00ad\u034f\u115f\u3164\u2800\x1b\x00\U000e0041"
)


@pytest.mark.parametrize(
    "text",
    [
        "plain words, 100% of them\n\tand a second line",
        "Ünïcödé · 日本語 · עברית · العربية",
        "नमस्ते क्‍ष · می‌خواهم",  # joiners that the scripts need
        "👩🏽‍💻 ❤️‍🔥 🏳️‍🌈 1️⃣ ☎︎ 🇩🇪 🙂‍↔️",
        "e\u0301 and ệ and ệ",
        "\U0001fae9\U0001fac6",  # newer than some tables of characters
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize("char", UNSEEN)
def test_what_cannot_be_seen_is_shown_by_its_code_point(char: str) -> None:
    assert legible(f"al{char}ice") == f"al⟨U+{ord(char):04X}⟩ice"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u200b\u200b\u200bb", "a⟨U+200B×3⟩b"),
        ("a\u200b\u200c\u200bb", "a⟨U+200B⟩⟨U+200C⟩⟨U+200B⟩b"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("\u0301a", "◌\u0301a"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\ufe0f", "a⟨U+FE0F⟩"),
    ],
)
def test_what_is_hidden_is_told_once_a_run(text: str, shown: str) -> None:
    assert legible(text) == shown


def test_marks_do_not_pile_up() -> None:
    assert legible("z" + "\u0301" * 50 + "a") == "z" + "\u0301" * MARKS + "a"


def test_one_line_is_one_line() -> None:
    assert folded("a\n\n  b\u2028c\t d ") == "a b c d"


@given(st.text())
def test_nothing_unseen_is_left_and_it_can_be_written_anywhere(text: str) -> None:
    shown = legible(text)
    shown.encode()
    joiners = {"\u200c", "\u200d"}
    left = {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    assert left <= joiners | {"\n", "\t"}
    for place, char in enumerate(shown):
        if char in joiners:
            assert 0 < place < len(shown) - 1
            assert not {shown[place - 1], shown[place + 1]} & joiners


@given(st.text(alphabet=st.sampled_from("a \n\u0301\u0302\u20dd\u093f\u200d\ufe0f")))
def test_every_mark_has_something_to_stand_on_and_few_stand_there(text: str) -> None:
    marks, before = 0, ""
    for char in legible(text):
        marks = marks + 1 if is_mark(char) else 0
        assert marks <= MARKS
        assert not is_mark(char) or before.strip()
        before = char


@given(st.text())
def test_what_is_legible_stays_as_it_is(text: str) -> None:
    assert legible(legible(text)) == legible(text)
