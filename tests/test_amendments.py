"""Amendments as data: made, applied, merged, said in words, shown."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.amendments import (
    Inapplicable,
    amendment_objections,
    applied,
    as_diff,
    changes,
    made,
    merged,
    worded,
)
from govbot.constitution import Constitution
from govbot.errors import MemberError
from govbot.records import digest

TEXT = """\
# Tea club

## Article 1: Members

Everyone who drinks tea is a member. A member has one vote.

## Article 2: Votes

### Section 2.1: Length

A vote lasts 6 days. Nobody votes twice.

### Section 2.2: Guests

Guests never vote. A vote lasts 6 days.
"""
TEA = Constitution(TEXT)
texts = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d"]), max_size=8).map("".join)


@given(texts, texts)
def test_what_is_made_of_two_texts_makes_the_second_of_the_first(one: str, other: str) -> None:
    if one == other:
        with pytest.raises(MemberError, match="changes nothing"):
            made(one, other)
    else:
        assert applied(one, made(one, other)) == other


def test_an_amendment_is_refused_where_it_does_not_belong_or_was_tampered_with() -> None:
    amendment = made(TEXT, TEXT.replace("6 days. Nobody", "9 days. Nobody"))
    with pytest.raises(Inapplicable, match="written against the version"):
        applied(TEXT + "\n", amendment)
    first, last, text = amendment.edits[0]
    forged = amendment.model_copy(update={"edits": ((first, last, text.replace("9", "90")),)})
    with pytest.raises(Inapplicable, match="another text than the one it names"):
        applied(TEXT, forged)
    for edits in (((99, 99, "x"),), ((3, 1, "x"),), ((2, 2, "a"), (2, 2, "b"))):
        with pytest.raises(Inapplicable, match="not there to change"):
            applied(TEXT, amendment.model_copy(update={"edits": edits}))


def test_only_an_amendment_of_the_version_in_force_is_taken() -> None:
    amendment = made(TEXT, TEXT + "\nMore.\n")
    held = amendment.model_dump(mode="json")
    assert amendment_objections(held, TEA.digest) == []
    assert "written against" in amendment_objections(held, digest(b"other"))[0]
    assert "say it as" in amendment_objections("votes are shorter", TEA.digest)[0]
    assert "not well-formed" in amendment_objections({"base": TEA.digest}, TEA.digest)[0]


def test_a_diff_and_its_lines_for_a_chat_show_the_change_and_where_it_is() -> None:
    text = TEXT.replace("Nobody votes twice.", "Everyone votes once.")
    assert "-A vote lasts 6 days. Nobody votes twice." in as_diff(TEXT, text)
    assert list(changes(TEA, text)) == [
        "Article 2: Votes › Section 2.1: Length:",
        "- A vote lasts 6 days. Nobody votes twice.",
        "+ A vote lasts 6 days. Everyone votes once.",
    ]


# --- merging ---------------------------------------------------------------------------------


def test_changes_of_different_places_are_merged() -> None:
    ours = TEXT.replace("one vote", "two votes")
    theirs = TEXT.replace("Guests never vote.", "Guests may vote.")
    both = merged(TEXT, ours, theirs)
    assert both == ours.replace("Guests never vote.", "Guests may vote.")
    assert both == merged(TEXT, theirs, ours)


def test_changes_of_one_line_conflict_and_say_where_unless_they_are_the_same() -> None:
    ours, theirs = TEXT.replace("one vote", "two votes"), TEXT.replace("one vote", "no vote")
    found = merged(TEXT, ours, theirs)
    assert not isinstance(found, str) and found[0].where == "line 5"
    assert "two votes" in found[0].ours and "no vote" in found[0].theirs
    assert merged(TEXT, ours, ours) == ours


@given(texts, texts, texts)
def test_merging_with_no_change_is_the_other_side_and_sides_do_not_matter(
    base: str, ours: str, theirs: str
) -> None:
    assert merged(base, ours, base) == ours
    assert merged(base, base, theirs) == theirs
    one, other = merged(base, ours, theirs), merged(base, theirs, ours)
    if isinstance(one, str):
        assert one == other
    else:
        assert not isinstance(other, str)
        assert [(c.first, c.last) for c in one] == [(c.first, c.last) for c in other]


LINES = [f"line {n}\n" for n in range(12)]
_CHANGE = st.tuples(st.integers(0, 11), st.sampled_from(["delete", "insert", "replace"]))


def _edited(changes: list[tuple[int, str]], name: str) -> str:
    lines = list(LINES)
    for n, what in changes:
        match what:
            case "delete":
                lines[n] = ""
            case "insert":
                lines[n] = f"{name} before {n}\n{LINES[n]}"
            case "replace":
                lines[n] = f"{name} {n}\n"
    return "".join(lines)


@pytest.mark.parametrize("seed", range(12))
def test_a_merge_that_git_makes_is_made_alike(seed: int, tmp_path: Path) -> None:
    """git's own three-way merge is the oracle: what both merge, they merge to the same text."""
    kinds = ["delete", "insert", "replace"]
    ours = _edited([((seed * 5) % 12, kinds[seed % 3])], "ours")
    theirs = _edited([((seed * 7 + 3) % 12, kinds[(seed // 3) % 3])], "theirs")
    paths = []
    for name, text in (("ours", ours), ("base", "".join(LINES)), ("theirs", theirs)):
        (tmp_path / name).write_text(text)
        paths.append(str(tmp_path / name))
    git = subprocess.run(["git", "merge-file", "-p", *paths], capture_output=True, text=True)
    found = merged("".join(LINES), ours, theirs)
    assert isinstance(found, str) == (git.returncode == 0)
    if git.returncode == 0:
        assert found == git.stdout


# --- in words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "old", "new"),
    [
        ("replace “one vote” with “two votes”", "one vote", "two votes"),
        ('replace "one vote" with "two votes".', "one vote", "two votes"),
        ("in Section 2.1, replace “6 days” with “9 days”", "6 days. Nobody", "9 days. Nobody"),
        ("In Article 2, Section 2.2, “6 days” becomes “9 days”", "vote. A vote lasts 6",
         "vote. A vote lasts 9"),
        ("strike “Nobody votes twice.”", "Nobody votes twice.", ""),
        ("add “A guest may speak.” after “Guests never vote.”", "never vote.",
         "never vote. A guest may speak."),
        ("in article-1 replace “tea is a member” with “coffee, too, is a member”",
         "tea is a member", "coffee, too, is a member"),
    ],
)  # fmt: skip
def test_members_say_a_change_in_their_own_words(said: str, old: str, new: str) -> None:
    assert applied(TEXT, worded(said, TEA)) == TEXT.replace(old, new)


def test_several_steps_are_said_in_one_message() -> None:
    said = "In Section 2.1, “6 days” becomes “9 days” and “Nobody” becomes “No one”; strike “twice”"
    assert "A vote lasts 9 days. No one votes ." in applied(TEXT, worded(said, TEA))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("replace “6 days” with “9 days”", "stands 2 times"),
        ("replace “7 days” with “9 days”", "does not say “7 days”"),
        ("in Section 2.1, replace “Guests” with “Visitors”", "does not say “Guests”"),
        ("in Section 9, replace “6 days” with “9 days”", "there is no section “Section 9”"),
        ("votes are shorter from now on", "could not read “votes are shorter"),
        ("replace “one vote” with “one vote”", "changes nothing"),
        ("", "the change is missing; say it as"),
    ],
)
def test_what_is_unclear_in_the_words_is_said(said: str, told: str) -> None:
    with pytest.raises(MemberError, match="(?s).*" + told):
        worded(said, TEA)
