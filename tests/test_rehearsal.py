"""The past played again under other rules."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from community import START, Town, live

from govbot.app import open_view, ratify, templates
from govbot.config import Folder, reading_beside
from govbot.constitution import Constitution
from govbot.ledger import read_entry
from govbot.readingfile import load_reading
from govbot.records import Entry, Manage
from govbot.rehearsal import NOT_ENDED, NOT_OPENED, Otherwise, Rehearsal, Rules, rehearse
from govbot.rereading import reread
from govbot.stories import load_story, play

HOME = Path(__file__).parent
STORIES = {path.stem: path for path in sorted((HOME / "stories").glob("*.md"))}
STORIES.pop("README")
DAY = timedelta(days=1)


def entries(folder: Path) -> Iterator[Entry]:
    memory = open_view(folder)
    yield from [read_entry(data) for _, data in memory.engine.read()]
    asyncio.run(memory.close())


def in_force(folder: Path) -> Rules:
    memory = open_view(folder)
    rules = Rules(memory.reading(), memory.constitution())
    asyncio.run(memory.close())
    return rules


def amended(before: Rules, *swaps: tuple[str, str]) -> Rules:
    text = before.constitution.text
    for old, new in swaps:
        assert old in text, old
        text = text.replace(old, new)
    new = Constitution(text)
    return Rules(reread(before.reading, before.constitution, new).reading, new)


def rehearsed(folder: Path, *swaps: tuple[str, str]) -> Rehearsal:
    before = in_force(folder)
    return rehearse(entries(folder), before, amended(before, *swaps))


def only(found: Rehearsal) -> Otherwise:
    (changed,) = found.changed
    return changed


@pytest.mark.parametrize("name", sorted(STORIES))
def test_every_story_comes_out_as_it_did_under_the_rules_it_had(name: str, tmp_path: Path) -> None:
    asyncio.run(play(load_story(STORIES[name]), name, tmp_path))
    rules = in_force(tmp_path)
    found = rehearse(entries(tmp_path), rules, rules, everything=True)
    # A story that amends the constitution leaves processes whose rules it has changed meanwhile.
    assert found.replayed > 0
    assert [(each.number, each.before, each.after) for each in found.changed] == []
    assert not found.refused and not found.moved
    if not found.others:
        assert found.replayed == found.ended and not found.left_out


def test_rules_that_are_the_same_are_not_played(tmp_path: Path) -> None:
    live(tmp_path, voted)
    rules, told = in_force(tmp_path), list[int]()
    found = rehearse(entries(tmp_path), rules, rules, told.append)
    assert told == [len(list(entries(tmp_path)))]
    assert (found.ended, found.untouched, found.replayed) == (2, 2, 0)


async def voted(town: Town) -> None:
    """A standard proposal with a late vote for it, and an urgent one with three votes."""
    await town.say("alice", "I propose that tea is served at four")
    await town.say("bob", "I vote disagree on 1")
    await town.say("carol", "I urgently propose that the shed is locked")
    for name in ("alice", "bob", "dave"):
        await town.say(name, "I vote agree on 2")
    await town.until(START + 5 * DAY)
    await town.say("alice", "I vote agree on 1")
    await town.say("carol", "I vote agree on 1")
    await town.until(START + 8 * DAY)


def test_a_vote_that_would_have_been_late_changes_the_outcome_and_is_named(tmp_path: Path) -> None:
    live(tmp_path, voted)
    found = only(rehearsed(tmp_path, ("6 days minimum", "4 days minimum")))
    assert (found.number, found.recorded) == (1, "passed")
    assert (found.before.outcome, found.after.outcome) == ("passed", "rejected")
    assert "More Agree than Disagree" in found.before.quote
    assert "a tied vote among them, is rejected" in found.after.quote
    assert "agree = 0, disagree = 1" in found.after.sums
    assert len(found.refused) == 2 and found.refused[0].startswith("vote of alice: ")
    # It had ended at its new due time, four days after it was opened.
    assert found.after.ended.startswith("2026-02-12T18:30")


def test_inputs_not_taken_are_counted_by_kind(tmp_path: Path) -> None:
    live(tmp_path, voted)
    found = rehearsed(tmp_path, ("6 days minimum", "4 days minimum"))
    (refused,) = found.refused
    assert (refused.type, refused.input, refused.inputs) == ("standard_proposal", "vote", 2)
    assert "ended on" in refused.why


def test_a_higher_quorum_is_told_with_both_rules_and_the_sums(tmp_path: Path) -> None:
    live(tmp_path, voted)
    found = only(rehearsed(tmp_path, ("At least 3 members", "At least 4 members")))
    assert (found.number, found.after.outcome) == (2, "no quorum")
    assert found.after.rule == "votes < 4" and "At least 4 members" in found.after.quote
    assert "votes = 3" in found.after.sums


def test_nothing_is_written_by_a_rehearsal(tmp_path: Path) -> None:
    live(tmp_path, voted)
    ledger = Folder(tmp_path).ledger
    before = ledger.read_bytes()
    rehearsed(tmp_path, ("6 days minimum", "4 days minimum"))
    assert ledger.read_bytes() == before


def test_a_stale_type_is_left_out_and_named(tmp_path: Path) -> None:
    live(tmp_path, voted)
    found = rehearsed(tmp_path, ("Discussion period: 48 hours", "It is talked over for 48 hours"))
    (left,) = found.left_out
    assert (left.type, left.processes) == ("urgent_proposal", 1)
    assert found.ended == 2 and found.replayed + found.untouched == 1


def test_whoever_may_not_open_it_any_more_had_not_opened_it(tmp_path: Path) -> None:
    live(tmp_path, voted)
    before = in_force(tmp_path)
    charter = before.reading.processes["urgent_proposal"]
    rule = charter.opened_by.model_copy(update={"who": "'moderator' in roles"})
    processes = {
        **before.reading.processes,
        "urgent_proposal": charter.model_copy(update={"opened_by": rule}),
    }
    after = Rules(before.reading.model_copy(update={"processes": processes}), before.constitution)
    found = only(rehearse(entries(tmp_path), before, after))
    assert found.after.outcome == NOT_OPENED and "may not open" in found.after.sums


async def extended(town: Town) -> None:
    await town.say("alice", "I propose that tea is served at four")
    await town.say("bob", "I vote disagree on 1")
    longer = Manage(process=1, act="extend", reason="there is news", by="3 days")
    assert (await town.say("eve", action=longer)).ok
    await town.until(START + 8 * DAY)
    await town.say("alice", "I vote agree on 1")
    await town.say("carol", "I vote agree on 1")
    await town.until(START + 10 * DAY)
    await town.say("carol", "I propose that the shed is painted")
    await town.say("carol", action=Manage(process=2, act="cancel", reason="it is painted"))


def test_extensions_and_cancellations_are_played_too(tmp_path: Path) -> None:
    live(tmp_path, extended, roles={"eve": ("member", "moderator")})
    rules = in_force(tmp_path)
    outcomes = [p.outcome for p in processes_of(tmp_path)]
    assert outcomes == ["passed", "cancelled"]
    found = rehearse(entries(tmp_path), rules, rules, everything=True)
    assert found.replayed == 2 and not found.changed and not found.moved and not found.refused
    # With a day less the extension by three days ends one day earlier: the votes came too late.
    shorter = rehearsed(tmp_path, ("6 days minimum", "4 days minimum"))
    assert only(shorter).after.outcome == "rejected"
    assert only(shorter).after.ended.startswith("2026-02-15T18:30")


def processes_of(folder: Path) -> list[object]:
    memory = open_view(folder)
    found = [memory.get_process(n) for n in (1, 2)]
    asyncio.run(memory.close())
    return list(found)


def test_an_end_that_never_comes_is_told_as_one(tmp_path: Path) -> None:
    live(tmp_path, voted)
    before = in_force(tmp_path)
    charter = before.reading.processes["urgent_proposal"]
    endless = charter.stages[0].model_copy(update={"lasts": None})
    processes = {
        **before.reading.processes,
        "urgent_proposal": charter.model_copy(update={"stages": (endless,)}),
    }
    after = Rules(before.reading.model_copy(update={"processes": processes}), before.constitution)
    assert only(rehearse(entries(tmp_path), before, after)).after.outcome == NOT_ENDED


def test_every_template_can_be_rehearsed_against_itself() -> None:
    for path in templates().values():
        text = Constitution.load(path)
        rules = Rules(load_reading(reading_beside(path)), text)
        assert rehearse([], rules, rules).ended == 0


def test_what_was_decided_under_earlier_rules_is_compared_with_those_in_force(
    tmp_path: Path,
) -> None:
    live(tmp_path, voted)
    file = next(tmp_path.rglob("*.reading.yaml"))
    file.write_text(file.read_text().replace("title: Standard proposal", "title: Proposal"))
    asyncio.run(ratify(tmp_path, "the members"))
    found = rehearsed(tmp_path, ("6 days minimum", "4 days minimum"))
    assert found.others == 1 and only(found).before.outcome == "passed"
    assert only(found).after.outcome == "rejected"
    rules = in_force(tmp_path)
    again = rehearse(entries(tmp_path), rules, rules, everything=True)
    assert again.others == 2 and not again.changed and not again.moved


def test_why_a_hidden_input_was_not_taken_does_not_tell_what_it_was(tmp_path: Path) -> None:
    live(tmp_path, voted)
    before = in_force(tmp_path)
    charter = before.reading.processes["urgent_proposal"]
    stage = charter.stages[0]
    vote = stage.inputs[0].model_copy(
        update={"hidden": True, "choices": ("no", "disagree", "abstain"), "aliases": {}}
    )
    rules = stage.model_copy(update={"inputs": (vote, *stage.inputs[1:])})
    processes = {
        **before.reading.processes,
        "urgent_proposal": charter.model_copy(update={"stages": (rules,)}),
    }
    after = Rules(before.reading.model_copy(update={"processes": processes}), before.constitution)
    found = rehearse(entries(tmp_path), before, after)
    (refused,) = found.refused
    assert refused.inputs == 3 and "agree" not in refused.why
