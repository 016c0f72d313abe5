"""Cards: the whole of a process at a glance, and nothing in them that is still hidden."""

import json
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from community import JURY, START, Town
from hypothesis import given
from hypothesis import strategies as st
from scenes import PROPOSAL, SCENES, Scene, card_in, played, said
from test_balloting import COUNT, POLLS, STAND, WHO, ballot, poll

from govbot.cards import UNITS, gauge
from govbot.parts import Card, Reply, Tally
from govbot.records import Give
from govbot.replies import spoken


def scene(name: str, folder: Path) -> Card:
    return played(SCENES[name], folder)


def bars(tally: Tally) -> list[tuple[str, int, str]]:
    return [(bar.label, bar.count, bar.share) for bar in tally.bars]


def test_a_card_has_the_whole_of_an_open_process(tmp_path: Path) -> None:
    card = scene("open_with_votes", tmp_path)
    assert (card.process, card.type, card.status) == (1, "Standard proposal", "open")
    assert (card.title, card.text) == ("bans need two moderators",) * 2
    assert (card.opener, card.by, card.stage) == ("local:alice", "@alice", "Discussion and vote")
    assert card.deadline.at == START + timedelta(days=6)
    assert bars(card.tallies[0]) == [
        ("Agree", 2, "66.7%"), ("Disagree", 1, "33.3%"), ("Abstain", 0, "")
    ]  # fmt: skip
    assert (card.tallies[0].given, card.tallies[0].eligible) == (3, 5)
    assert card.takes[0] == "Open to 5 members: agree / disagree / abstain"
    assert [choice.label for choice in card.choices] == ["Agree", "Disagree", "Abstain"]
    assert "More Agree than Disagree votes" in card.rules[0].words
    assert card.rules[0].place == "Article 3: Proposals › Section 3.1: Proposal Types"


@pytest.mark.parametrize(
    ("name", "status", "outcome", "stage"),
    [
        ("paused", "paused", "", "Discussion and vote"),
        ("ended_passed", "ended", "passed", "Discussion and vote"),
        ("ended_rejected", "ended", "rejected", "Discussion and vote"),
        ("ended_blocked", "ended", "not adopted", "Deeper discussion"),
        ("no_deadline", "open", "", "poll"),
    ],
)
def test_a_card_says_where_its_process_stands(
    name: str, status: str, outcome: str, stage: str, tmp_path: Path
) -> None:
    card = scene(name, tmp_path)
    assert (card.status, card.outcome, card.stage) == (status, outcome, stage)
    assert bool(card.choices) == (status == "open" and name != "no_deadline")
    assert bool(card.takes) == (status != "ended")
    said = {"paused": "Paused: the clock stands still", "no_deadline": "No deadline"}
    if name in said:
        assert (card.deadline.at, card.deadline.said) == (None, said[name])
    else:
        assert card.deadline.at is not None and card.deadline.said.startswith("Ended on Feb")


def test_what_its_opener_gave_stands_under_its_labels_and_members_by_name(tmp_path: Path) -> None:
    card = scene("jury_drawn", tmp_path)
    assert (
        card.text == "Account of what happened: they deleted the archive\nMember it is about: @bob"
    )


def test_a_hidden_input_tells_how_many_and_nothing_else(tmp_path: Path) -> None:
    card = scene("hidden", tmp_path)
    (tally,) = card.tallies
    assert (tally.hidden, tally.given, tally.eligible, tally.bars) == (True, 2, 5, ())
    assert tally.said == ("Verdict: 2 given",)
    told = json.dumps(card.model_dump(mode="json", exclude={"choices", "takes", "rules"}))
    assert "upheld" not in told.lower() and "secret" not in told


def test_a_hidden_input_is_shown_when_the_process_has_ended(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await SCENES["hidden"].script(town)
        await town.until(START + timedelta(days=9))

    card = played(Scene(script, JURY, people=SCENES["hidden"].people), tmp_path)
    assert bars(card.tallies[0]) == [("Upheld", 2, "100.0%"), ("Dismissed", 0, "")]
    assert not card.tallies[0].hidden


def test_approvals_are_counted_for_each_of_the_list(tmp_path: Path) -> None:
    (tally,) = scene("approvals", tmp_path).tallies
    assert bars(tally) == [("Ana", 3, "100.0%"), ("Bo", 1, "33.3%"), ("Cy", 1, "33.3%")]
    assert tally.said == ("Ballot: 3 given",)


@pytest.mark.parametrize("name", ["ranked", "scores"])
def test_ballots_that_no_bar_can_tell_are_only_counted(name: str, tmp_path: Path) -> None:
    card = scene(name, tmp_path)
    assert card.tallies[0].given and card.tallies[0].bars == ()
    assert card.choices == ()  # one press is no ranking


def test_members_who_stand_are_buttons_and_bars_by_their_names(tmp_path: Path) -> None:
    card = scene("election", tmp_path)
    assert bars(card.tallies[1]) == [("@bob", 0, ""), ("@carol", 1, "100.0%")]
    assert [(c.label, c.action) for c in card.choices] == [
        ("@bob", Give(process=1, input="ballot", value="local:bob")),
        ("@carol", Give(process=1, input="ballot", value="local:carol")),
    ]


def test_who_is_named_in_secret_is_on_no_button(tmp_path: Path) -> None:
    stand = {
        "kind": "stand", "who": WHO, "cite": STAND, "phrases": ["I stand"], "hidden": True
    }  # fmt: skip
    vote = ballot("choice", choices_from="stand")
    del vote["choices"]
    charter = poll([stand, vote], {"method": "plurality", "of": "ballot"})

    async def script(town: Town) -> None:
        await said(town, "alice: poll: who?\nbob: I stand")

    card = played(Scene(script, charter=charter), tmp_path)
    assert card.choices == () and "bob" not in card.model_dump_json()


def test_votes_for_any_member_are_counted_the_most_first(tmp_path: Path) -> None:
    vote: dict[str, Any] = ballot("member", phrases=["I want {member}"])
    del vote["choices"]
    charter = poll([vote], {"method": "plurality"})

    async def script(town: Town) -> None:
        await said(town, "alice: poll: who?")
        for name, to in (("alice", "eve"), ("bob", "eve"), ("carol", "bob")):
            give = Give(process=1, input="ballot", value=f"local:{to}")
            assert (await town.say(name, action=give)).ok

    (tally,) = played(Scene(script, charter=charter), tmp_path).tallies
    assert bars(tally) == [("@eve", 2, "66.7%"), ("@bob", 1, "33.3%")]
    assert tally.said == ("Ballot: 3 given",)


def test_the_rule_that_counts_comes_before_those_that_decide(tmp_path: Path) -> None:
    charter = poll([ballot("choice")], {"method": "plurality", "cite": POLLS})

    async def script(town: Town) -> None:
        await said(town, "alice: poll: who?")

    rules = played(Scene(script, charter=charter), tmp_path).rules
    assert [rule.words for rule in rules] == [POLLS["quote"], COUNT["quote"]]


def test_replies_and_announcements_are_their_parts_spelled_out(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        replies: list[Reply] = [
            await town.say("alice", PROPOSAL),
            await town.say("bob", "I vote agree on 1"),
            await town.say("bob", "I vote sideways on 1 please"),
            await town.say("carol", "status of 1"),
            await town.say("carol", "why is 1 open?"),
        ]
        kinds = [tuple(part.kind for part in reply.parts) for reply in replies]
        assert kinds[0][:3] == ("text", "deadline", "text") and set(kinds[0][3:]) == {"quote"}
        assert kinds[1] == ("text", "tally", "tally", "text", "deadline", "text")
        assert kinds[3] == ("card",) and kinds[4][:2] == ("card", "text")
        for reply in replies:
            assert not reply.parts or spoken(reply.parts) == reply.text
        assert replies[3].parts == (card_in(town),)
        await town.until(START + timedelta(days=6))
        (told,) = town.announced
        assert spoken(told.parts) == told.text
        assert [part.kind for part in told.parts].count("quote") >= 2

    played(Scene(script), tmp_path)


@given(st.integers(0, 10**9), st.integers(-1, 10**9))
def test_a_gauge_is_full_for_all_empty_for_none_and_else_the_nearest_tenth(
    count: int, total: int
) -> None:
    drawn = gauge(count, total)
    filled = drawn.count("▰")
    assert drawn == "▰" * filled + "▱" * (UNITS - filled)
    if count == 0 or total <= 0:
        assert filled == 0
    elif count >= total:
        assert filled == UNITS
    else:
        assert 0 < filled < UNITS
        assert abs(Fraction(filled, UNITS) - Fraction(count, total)) <= Fraction(1, UNITS)
