"""The lint: what it finds in a reading, and that it finds nothing in those that ship."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from govbot.app import templates
from govbot.charter import Reading
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.lint import Finding, errors, lint, numbers_in
from govbot.readingfile import load_reading, read_reading

HOME = Path(__file__).parent.parent
EXAMPLE = HOME / "constitutions" / "example.md"


def linted(change: Callable[[dict[str, Any]], object]) -> list[Finding]:
    """What the lint finds in the example's reading after a change to it."""
    document = yaml.safe_load(reading_beside(EXAMPLE).read_text())
    change(document)
    reading = read_reading(json.dumps(document), "changed")
    return lint(reading, Constitution.load(EXAMPLE))


def stage(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["processes"]["standard_proposal"]["stages"][0]
    return found


def told(findings: list[Finding], level: str) -> str:
    return "\n".join(f"{f.where}: {f.what}" for f in findings if f.level == level)


@pytest.mark.parametrize("name", sorted(templates()))
def test_what_ships_is_clean(name: str) -> None:
    path = templates()[name]
    reading: Reading = load_reading(reading_beside(path))
    assert [f for f in lint(reading, Constitution.load(path)) if f.level != "note"] == []


def test_a_reading_of_another_text_is_an_error() -> None:
    found = linted(lambda d: d.update(constitution="sha256:" + "0" * 64))
    assert "is of another text" in told(found, "error")


def test_a_quote_in_the_wrong_section_is_an_error_that_says_where_it_stands() -> None:
    def move(document: dict[str, Any]) -> None:
        stage(document)["outcomes"][0]["cite"]["section"] = "article-4.1"

    assert "it stands in article-3.1" in told(linted(move), "error")


def test_a_number_that_its_quote_does_not_have_is_a_warning() -> None:
    def longer(document: dict[str, Any]) -> None:
        stage(document)["lasts"]["value"] = "8 days"

    found = told(linted(longer), "warning")
    assert "“8 days” does not stand in the quote, which has “6 days”" in found
    assert "standard_proposal.stages.discussion.lasts" in found


def test_a_number_of_another_unit_is_a_warning() -> None:
    def sooner(document: dict[str, Any]) -> None:
        stage(document)["lasts"]["value"] = "6 hours"

    assert "“6 hours” does not stand in the quote" in told(linted(sooner), "warning")


SHED = """\
# Shed

## 1. Requests

Members vote on a request for 2 days. However, urgent requests are decided in 4 hours.
It passes when two-thirds of those voting agree, unless a keyholder objects.
"""


def shed(**quotes: str) -> Reading:
    """A reading of the shed's rules that quotes them like this."""
    cites = {name: {"section": "section-1", "quote": quote} for name, quote in quotes.items()}
    whole = "Members vote on a request for 2 days."
    cite = {"section": "section-1", "quote": whole}
    rule = {
        "title": "Request", "cite": cite, "phrases": ["request"], "opened_by": {"who": "True"},
        "stages": [{
            "name": "vote", "lasts": {"value": "2 days", "cite": cites.get("lasts", cite)},
            "inputs": [{"kind": "vote", "who": "True", "choices": ["agree", "disagree"]}],
            "outcomes": [
                {"when": "votes > 0 and 3 * agree >= 2 * votes", "outcome": "passed",
                 "cite": cites["passes"]},
                {"otherwise": "rejected", "cite": cite},
            ],
        }],
    }  # fmt: skip
    document = {"constitution": Constitution(SHED).digest, "processes": {"request": rule}}
    return read_reading(json.dumps(document), "shed")


def test_an_exception_beside_a_quote_that_the_rule_ignores_is_a_warning() -> None:
    half = "It passes when two-thirds of those voting agree"
    found = told(lint(shed(passes=half), Constitution(SHED)), "warning")
    assert "request.stages.vote.lasts: the next sentence has an exception" in found
    assert "request.stages.vote.outcomes.1: the same sentence has an exception" in found
    aware = lint(shed(passes=f"{half}, unless a keyholder objects."), Constitution(SHED))
    assert "outcomes.1" not in told(aware, "warning")


def test_a_share_may_be_multiplied_out_but_not_changed() -> None:
    whole = "It passes when two-thirds of those voting agree, unless a keyholder objects."
    assert "does not stand" not in told(lint(shed(passes=whole), Constitution(SHED)), "warning")
    other = shed(passes="Members vote on a request for 2 days.")
    assert "“3” does not stand in the quote" in told(lint(other, Constitution(SHED)), "warning")


def test_a_tie_that_no_outcome_covers_is_an_error_in_the_constitution_s_words() -> None:
    def gap(document: dict[str, Any]) -> None:
        stage(document)["outcomes"][1] = {"when": "agree < disagree", "outcome": "rejected"}

    found = told(linted(gap), "error")
    assert "Section 3.1" in found and "does not say what happens" in found


def test_a_gap_in_a_count_of_all_choices_is_an_error_too() -> None:
    def gap(document: dict[str, Any]) -> None:
        stage(document)["outcomes"] = [
            {"when": "votes >= 5", "outcome": "passed"},
            {"when": "votes < 4", "outcome": "rejected"},
        ]

    found = told(linted(gap), "error")
    assert "does not say what happens with agree = 4" in found
    assert "seems never to be reached" not in told(linted(gap), "warning")


def test_an_outcome_nobody_can_reach_is_a_warning() -> None:
    def dead(document: dict[str, Any]) -> None:
        stage(document)["outcomes"].insert(1, {"when": "agree > disagree + 1", "outcome": "odd"})

    assert "seems never to be reached" in told(linted(dead), "warning")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: stage(d)["inputs"][0].update(who="'elder' in roles"), "role 'elder' is not"),
        (lambda d: stage(d)["outcomes"][0].update(when="agree > votess"), "asks for 'votess'"),
        (lambda d: stage(d)["outcomes"][0].update(when="agree / votes > 1/2"), "divi"),
        (lambda d: stage(d).pop("lasts"), "never ends"),
        (
            lambda d: d["processes"]["standard_proposal"]["stages"].append(
                {**stage(d), "name": "attic"}
            ),
            "no outcome leads",
        ),
        (
            lambda d: stage(d)["outcomes"][0].update(
                effects=[{"grant_role": {"role": "king", "to": "opener"}}]
            ),
            "role 'king' is not",
        ),
    ],
)
def test_what_cannot_work_is_an_error(
    change: Callable[[dict[str, Any]], object], says: str
) -> None:
    assert says in told(linted(change), "error")


def test_a_process_that_no_phrase_opens_is_a_note_and_no_error() -> None:
    document = linted(lambda d: d["processes"]["standard_proposal"].update(phrases=[]))
    assert "no phrase opens it" in told(document, "note") and not told(document, "error")


def test_errors_come_first_and_only_they_bar_a_reading() -> None:
    def both(document: dict[str, Any]) -> None:
        stage(document)["lasts"]["value"] = "8 days"
        stage(document)["inputs"][0]["who"] = "'elder' in roles"

    levels = [finding.level for finding in linted(both)]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert errors(load_reading(reading_beside(EXAMPLE)), Constitution.load(EXAMPLE)) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("6 days", {6}),
        ("two-thirds of members", {2, Fraction(2, 3)}),
        ("a fortnight", {14}),
        ("twenty-one days", {20, 1, 21}),
        ("at least half", {Fraction(1, 2)}),
        ("3/4 of 10", {Fraction(3, 4), 10}),
        ("66.7 percent", {Fraction("66.7")}),
        ("1/0", set()),
        ("nobody", set()),
    ],
)
def test_numbers_are_read_as_values(text: str, numbers: set[Fraction]) -> None:
    assert numbers_in(text) == numbers
