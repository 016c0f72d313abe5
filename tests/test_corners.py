"""Corners where the engine once said or did the wrong thing."""

from datetime import timedelta
from pathlib import Path

import pytest

from govbot.balloting import candidates
from govbot.cards import with_names
from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.lint import lint
from govbot.readingfile import read_reading
from govbot.state import a
from tests.community import Town, live
from tests.gatehouse import gatehouse
from tests.test_process import House, charter

DAY = timedelta(days=1)

JURY = """
- name: hearing
  lasts: {value: 2 days}
  draws:
    alternates: {who: "'member' in roles and not (me in jurors)", count: 2}
    jurors: {who: "'member' in roles", count: 2}
  inputs:
    - {kind: verdict, who: me in jurors, choices: [fine, not fine]}
  outcomes:
    - {when: fine > not_fine, outcome: fine}
    - {otherwise: not fine}
"""


def test_a_draw_that_needs_another_comes_after_it_whatever_their_names() -> None:
    house = House(charter(JURY), *"ana bo cy dee".split())
    drawn = house.open("ana").drawn
    assert set(drawn["jurors"]).isdisjoint(drawn["alternates"])
    assert len({*drawn["jurors"], *drawn["alternates"]}) == 4


PICK = """
- name: picking
  lasts: {value: 2 days}
  inputs:
    - {kind: pick, who: "'member' in roles", takes: member}
  tally: {method: plurality, seats: 2}
  outcomes:
    - {when: size(winners) >= 1, outcome: picked}
    - {otherwise: nobody}
"""


def test_a_count_of_members_counts_whoever_is_named_and_seats_nobody_else() -> None:
    house = House(charter(PICK), *"ana bo cy dee".split())
    house.open("ana")
    for who, whom in (("ana", "bo"), ("bo", "bo"), ("cy", "bo")):
        house.give(who, "pick", whom)
    ended = house.end()
    assert (ended.outcome, ended.drawn["winners"]) == ("picked", ("bo",))


NAMING = """
- name: naming
  lasts: {value: 2 days}
  inputs:
    - {kind: naming, who: "'member' in roles", takes: member, many: true}
  outcomes:
    - {otherwise: named, next: voting}
- name: voting
  carries: [naming]
  lasts: {value: 2 days}
  inputs:
    - {kind: vote, who: "'member' in roles", takes: choice, choices_from: naming}
  tally: {method: plurality}
  outcomes:
    - {when: winner == 'cy', outcome: cy}
    - {otherwise: another}
"""


def test_whoever_may_name_several_keeps_all_of_them_as_candidates() -> None:
    house = House(charter(NAMING), *"ana bo cy dee".split())
    process = house.open("ana")
    for whom in ("bo", "cy", "bo"):
        house.give("ana", "naming", whom)
    house.end()
    process = house.processes[process.id]
    (vote,) = process.now.inputs
    assert candidates(vote, process.inputs) == ("bo", "cy")
    assert process.counts["naming"] == 3
    house.give("ana", "vote", "cy")
    assert house.end().outcome == "cy"


@pytest.mark.parametrize(
    ("noun", "said"),
    [
        ("vote", "a vote"), ("answer", "an answer"), ("urgent measure", "an urgent measure"),
        ("unanimous vote", "a unanimous vote"), ("use of the hall", "a use of the hall"),
        ("Election", "an Election"), ("hour", "an hour"), ("one-time grant", "a one-time grant"),
        ("uninvited guest", "an uninvited guest"), ("European list", "a European list"),
    ],
)  # fmt: skip
def test_a_noun_has_the_article_it_is_spoken_with(noun: str, said: str) -> None:
    assert a(noun) == said


def test_ids_are_told_as_names(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        community = town.bot.memory.community
        assert with_names("local:bob, local:carol: 2; local:zoe.", community) == (
            "@bob, @carol: 2; local:zoe."
        )
        await town.say("alice", "take the key from @bob")
        assert town.process(1).title == "bob"
        await town.say("alice", "I agree with 1")
        await town.until(town.clock.now + DAY)
        await town.say("alice", "set aside 1")
        await town.say("alice", "I agree with 2")
        await town.until(town.clock.now + DAY)
        told = "\n".join(each.text for each in town.announced)
        assert "The role 'key' is given back to @bob." in told and "local:" not in told
        assert "local:" not in (await town.say("eve", "why 1?")).text

    live(
        tmp_path / "ours", script,
        gatehouse(tmp_path), roles={"bob": ("member", "key")},
    )  # fmt: skip


STARTING = """
  calling:
    title: Call for a party
    cite: {section: article-1, quote: "Whoever holds a key may open the gate for a party."}
    phrases: ["call for a party"]
    opened_by: {who: "'member' in roles"}
    stages:
    - name: calling
      lasts: {value: 1 day}
      inputs: [{kind: second, who: "'member' in roles", phrases: ["I second {process}"]}]
      outcomes:
      - when: seconds > 0
        outcome: called
        effects: [{start_process: {type: party, fields: {what: opener}}}]
      - {otherwise: quiet, effects: [{start_process: {type: party}}]}
"""


def starting(folder: Path) -> str:
    path = Path(gatehouse(folder))
    reading = path.with_name("gatehouse.reading.yaml")
    reading.write_text(reading.read_text() + STARTING)
    return str(path)


def test_what_an_outcome_starts_is_nobodys_and_what_it_cannot_start_is_told(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", "call for a party")
        await town.say("alice", "call for a party")
        await town.say("alice", "I second 1")
        await town.until(town.clock.now + DAY)
        told = [each.text for each in town.announced]
        assert any(each.startswith("A party is open as Process #3.") for each in told)
        (failed,) = [each for each in told if "could not be opened" in each]
        assert failed == (
            "Process #2 calls for a party, which could not be opened: A party needs its what; say"
            " it and try again."
        )
        await town.bot.scheduler.settle()
        assert told == [each.text for each in town.announced]  # told once

    live(tmp_path / "ours", script, starting(tmp_path))


def test_what_belongs_to_another_stage_is_told_which(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", "I propose that we plant trees")
        number = 1
        early = await town.say("bob", f"I consent to {number}")
        assert not early.ok and "belongs to its stage" in early.text
        assert "I did not understand" not in early.text
        assert town.refusals(number)

    live(tmp_path / "ours", script, "consensus")


# --- the lint ------------------------------------------------------------------------------

TEXT = Constitution("# House\n\n## Article 1: Motions\n\nMembers move motions.\n")


def found(stages: str) -> list[str]:
    reading = read_reading(charter(stages), "test.yaml")
    return [f"{each.level}: {each.what}" for each in lint(reading, TEXT)]


def test_the_lint_tries_several_winners_an_empty_roll_and_further_inputs() -> None:
    pair = PICK.replace("size(winners) >= 1", "size(winners) == 2").replace(
        "    - {otherwise: nobody}", "    - {when: size(winners) < 2, outcome: nobody}"
    )
    assert not [each for each in found(pair) if "never" in each or "does not say what" in each]
    empty = PICK.replace("size(winners) >= 1", "eligible == 0")
    assert not [each for each in found(empty) if "never" in each]
    share = PICK.replace("size(winners) >= 1", "picks / eligible > 1/2")
    assert [
        each for each in found(share) if each.startswith("error") and "nobody takes part" in each
    ]
    seconded = """
- name: voting
  lasts: {value: 2 days}
  inputs:
    - {kind: vote, who: "'member' in roles", choices: [agree, disagree]}
    - {kind: second, who: "'member' in roles"}
  outcomes:
    - {when: seconds >= 2 and agree > disagree, outcome: passed}
    - {otherwise: rejected}
"""
    assert not [each for each in found(seconded) if "never" in each]


def test_a_phrase_that_yaml_cuts_short_is_noticed() -> None:
    more = "phrases:\n  - I move {it}\n  - I back #{process}\n"
    told = charter(JURY, more=more)
    with pytest.raises(OperatorError, match=r"line \d+: “#” begins a comment here"):
        read_reading(told, "test.yaml")
    good = told.replace("- I back #{process}", '- "I back #{process}"  # as {people} say it')
    assert read_reading(good, "test.yaml").processes["motion"].phrases[1] == "I back #{process}"
