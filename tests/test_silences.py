"""What a constitution does not say."""

import json
from typing import Any

import pytest

from govbot.app import templates
from govbot.charter import Reading
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.readingfile import load_reading, read_reading
from govbot.silences import WORDS, silences

VOTE = "Members vote yes or no on a request for 2 days."
QUORUM = "A quorum of one half is needed."
MORE = "It passes with more yes than no."


def told(*more: str, when: str = "yes > no", cite: str = MORE, **rules: Any) -> str:
    """What is noted of a club with one kind of vote, and `more` sentences in its article."""
    text = "\n\n".join(("# Club", "## Article 3: Requests", VOTE, MORE, cite, *more))
    constitution = Constitution(text)
    here = {"section": "article-3", "quote": VOTE}
    document = {
        "constitution": constitution.digest,
        "roles": {"member": here},
        "processes": {
            "request": {
                "title": "Request",
                "cite": here,
                "opened_by": {"who": "'member' in roles"},
                "stages": [
                    {
                        "name": "vote",
                        "lasts": {"value": "2 days", "cite": here},
                        "inputs": [
                            {"kind": "vote", "who": "'member' in roles", "choices": ["yes", "no"]}
                        ],
                        "outcomes": [
                            {
                                "when": when,
                                "outcome": "passed",
                                "cite": {"section": "article-3", "quote": cite},
                            },
                            {"otherwise": "failed"},
                        ],
                    }
                ],
                **rules,
            }
        },
    }
    reading: Reading = read_reading(json.dumps(document), "club")
    return "\n".join(f"{f.level}: {f.what}" for f in silences(reading, constitution))


def test_a_share_of_nobody_in_particular_is_told_in_its_words() -> None:
    found = told(when="2 * votes >= eligible and yes > no", cite=QUORUM)
    assert "note: Article 3: Requests gives a quorum of one half and does not say of whom" in found
    assert f"“{QUORUM}”" in found


@pytest.mark.parametrize(
    "of", ["of all members", "of the votes cast", "of those who vote", "the members", "der Stimmen"]
)
def test_a_share_that_says_of_whom_is_not_told(of: str) -> None:
    sentence = f"A quorum of one half {of} is needed."
    assert "does not say of whom" not in told(sentence, when="votes > 2", cite=sentence)


@pytest.mark.parametrize(
    ("sentence", "silence"),
    [
        ("On a tie nothing changes.", "on a tie"),
        ("Bei Stimmengleichheit gilt sie als abgelehnt.", "on a tie"),
        ("En caso de empate se rechaza.", "on a tie"),
        ("En cas d'égalité elle est rejetée.", "on a tie"),
        ("If nobody votes it lapses.", "when nobody votes"),
        ("Members may abstain; an abstention counts for nothing.", "an abstention"),
        ("Times are told in the time zone of the town.", "time zone"),
        ("It is announced three days beforehand.", "how long before a vote"),
        ("In an emergency the chair decides.", "an emergency"),
        ("Members may overrule the bot.", "the bot may be overruled"),
        ("Der Bot kann überstimmt werden.", "the bot may be overruled"),
    ],
)
def test_a_silence_is_told_until_a_sentence_breaks_it(sentence: str, silence: str) -> None:
    assert silence in told()
    assert silence not in told(sentence)


def test_another_kind_of_machine_is_no_word_on_the_bot() -> None:
    assert "overruled" in told("Both parties may correct their statements.")


def test_an_empty_office_is_told_until_the_text_speaks_of_it() -> None:
    path = templates()["elected-board"]
    text, reading = Constitution.load(path), load_reading(reading_beside(path))
    assert not any(each.where.startswith("roles.") for each in silences(reading, text))
    chair = Constitution(
        "# Club\n\n## Article 1: Board\n\nMembers with the board role are the board."
    )
    cite = {"section": "article-1", "quote": "Members with the board role are the board."}
    stage = {
        "name": "vote",
        "lasts": {"value": "2 days"},
        "inputs": [{"kind": "vote", "who": "'board' in roles", "choices": ["yes", "no"]}],
        "outcomes": [
            {
                "when": "yes > no",
                "outcome": "in",
                "effects": [{"grant_role": {"role": "board", "to": "opener"}}],
            },
            {"otherwise": "out"},
        ],
    }
    document = {
        "constitution": chair.digest,
        "roles": {"member": cite, "board": cite},
        "processes": {
            "seat": {
                "title": "Seat",
                "cite": cite,
                "opened_by": {"who": "'member' in roles"},
                "stages": [stage],
            }
        },
    }
    found = silences(read_reading(json.dumps(document), "club"), chair)
    said = [each.what for each in found if each.where == "roles.board"]
    assert said and "what holds while nobody is board" in said[0] and "the board role" in said[0]


@pytest.mark.parametrize("name", sorted(templates()))
def test_what_ships_is_nearly_never_silent_and_never_warned_of(name: str) -> None:
    path = templates()[name]
    found = silences(load_reading(reading_beside(path)), Constitution.load(path))
    assert {each.level for each in found} <= {"note"}
    assert len(found) <= 3, [each.what for each in found]


def test_every_question_has_words_in_the_same_languages() -> None:
    assert len({tuple(words) for words in WORDS.values()}) == 1
