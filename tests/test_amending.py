"""Amending: from a member's words to a new version in force, or back to people."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from community import START, Town, live

from govbot import foreseeing
from govbot.adopting import amend, enact
from govbot.amendments import made
from govbot.cards import card
from govbot.carrying import LOCKED, Adoption, adoption
from govbot.charter import Charter, effects_of
from govbot.community import community_objections
from govbot.constitution import Constitution
from govbot.effects import AmendConstitution
from govbot.errors import Refused
from govbot.foresight import NOTHING_YET
from govbot.proposing import as_field
from govbot.readingfile import load_reading
from govbot.records import (
    BOT,
    Adopted,
    Amendment,
    Done,
    Effect,
    Fact,
    Open,
    Opened,
    Ratified,
    Rehearsed,
    digest,
)
from govbot.rereading import reread

GARDEN = Path(__file__).parent / "constitutions/amending.md"
TEXT, READING = Constitution.load(GARDEN), load_reading(GARDEN.with_suffix(".reading.yaml"))
ENDS = START + timedelta(days=3)
LONGER = "amend Longer keys: in Section 2.2, replace “for 2 days” with “for 4 days”"
OPENER = "Everyone with the member role is a member."


def play(path: Path, script: Callable[[Town], Any], new: bool = True) -> None:
    live(path, script, str(GARDEN), new=new, start=START if new else ENDS + timedelta(days=9))


async def passed(town: Town, *numbers: int) -> None:
    for number in numbers:
        for name in ("alice", "bob"):
            assert (await town.say(name, f"in favour {number}")).ok
    await town.until(ENDS)


def told(town: Town) -> str:
    return "\n\n".join(each.text for each in town.announced)


def test_an_amendment_is_shown_voted_on_and_in_force(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        memory = town.bot.memory
        reply = await town.say("alice", LONGER)
        for shown in (
            "Your amendment is open as Process #1", "Article 2: Motions › Section 2.2: Keys:",
            "- Any member may ask for the keys. The keys are voted on for 2 days.",
            "+ Any member may ask for the keys. The keys are voted on for 4 days.",
            "Rules that change with these words:",
            "- Request for the keys, vote.lasts: 2 days becomes 4 days",
        ):  # fmt: skip
            assert shown in reply.text, reply.text
        await town.say("carol", "I ask for the keys because I weed on Sundays")
        await passed(town, 1)
        new = TEXT.text.replace(
            "The keys are voted on for 2 days", "The keys are voted on for 4 days"
        )
        assert memory.constitution().text == new
        assert "The constitution is amended by Process #1: Longer keys" in told(town)
        assert "Request for the keys, vote.lasts: 2 days becomes 4 days" in told(town)
        # What was running keeps its rules; what is opened now goes by the number voted on.
        assert town.process(2).constitution == TEXT.digest
        opened = town.entries(2)[0].body
        assert isinstance(opened, Opened) and opened.due == START + timedelta(days=2)
        assert (await town.say("bob", "I ask for the keys because I sow on Mondays")).ok
        assert town.process(3).constitution == digest(new.encode())
        assert town.process(3).due == ENDS + timedelta(days=4)
        assert "for 4 days" in (await town.say("bob", "why is 3 open?")).text
        adopted = next(e.body for e in town.entries(1) if isinstance(e.body, Adopted))
        assert adopted.instead == TEXT.digest and adopted.effect == "process_1:0:1"
        town.bot.archive.write_stale()
        audit = next(town.bot.folder.audits.glob("1-*.md")).read_text()
        assert "## What it changes" in audit and "    +Any member may ask for the keys." in audit
        assert f"govbot adopted the constitution `{adopted.constitution}`" in audit

    play(tmp_path, script)


def test_voters_see_what_the_past_would_have_come_to(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("carol", "I move that we plant leeks")
        await town.until(START + timedelta(hours=30))
        await town.say("bob", "in favour 1")
        await town.until(ENDS)
        haste = "in Section 2.1, replace “for 2 days” with “for 1 day”"
        asked = await town.say("bob", f"rehearse {haste}")
        foreseen = (
            "Rehearsed over 1 ended process: 1 would have come out differently (#1 carried → lost)."
        )
        for said in (
            foreseen, "1 input would not have been taken.", "Nothing is recorded",
            "- Motion, vote.lasts: 2 days becomes 1 day",
        ):  # fmt: skip
            assert said in asked.text, asked.text
        assert town.bot.memory.community.next_number == 2
        reply = await town.say("alice", f"amend Haste: {haste}")
        memory = town.bot.memory
        assert foreseen in reply.text
        assert foreseen in card(town.process(2), memory.constitution(), memory.community).notes
        assert foreseen in (await town.say("bob", "status of 2")).text
        assert sum(isinstance(e.body, Rehearsed) for e in town.entries(2)) == 1
        await town.say("bob", "in favour 2")
        town.bot.archive.write_stale()
        audit = next(town.bot.folder.audits.glob("2-*.md")).read_text()
        assert "## What a rehearsal showed" in audit and "carried → lost" in audit
        assert "govbot rehearsed the amendment over the" in audit

    play(tmp_path, script)


def test_a_long_past_is_played_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreseeing, "MOST_BESIDE", 0)

    async def script(town: Town) -> None:
        reply = await town.say("alice", LONGER)
        assert NOTHING_YET in reply.text, reply.text
        await passed(town, 1)
        swap = await town.say("bob", "amend All of it: the template jury")
        assert "Rehearsed over 1 ended process: none would have come out diff" in swap.text
        assert "It brings its own reading along" in swap.text
        monkeypatch.setattr(foreseeing, "LONGEST", 0.01)
        slow = await town.say("carol", "amend Slow: in Section 2.1, “2 days” becomes “5 days”")
        assert slow.ok and foreseeing.NOT_REHEARSED in slow.text

    play(tmp_path, script)


def test_a_fault_in_a_rehearsal_does_not_hold_up_the_amendment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(foreseeing, "foresee", fail)

    async def script(town: Town) -> None:
        reply = await town.say("alice", LONGER)
        assert reply.ok and foreseeing.NOT_REHEARSED in reply.text
        await passed(town, 1)
        assert "for 4 days" in town.bot.memory.constitution().text

    play(tmp_path, script)


def test_what_is_told_is_of_the_text_that_is_voted_on(tmp_path: Path) -> None:
    """The constitution changes while somebody's amendment of it is rehearsed."""
    text = Constitution(TEXT.text.replace("Otherwise it is lost.", "Otherwise it falls.", 1))

    async def script(town: Town) -> None:
        memory, heard = town.bot.memory, list[str]()

        async def foresee(amendment: Amendment, waits: bool) -> tuple[str, ...]:
            heard.append(amendment.base)
            if amendment.base == TEXT.digest:
                kept = reread(memory.reading(), TEXT, text)
                found = Adoption(text, kept.reading, kept.stale)
                await enact(memory, found, (TEXT, READING), START, member="by:the members")
            return (f"told of {amendment.base}",)

        town.bot.agent.foresee = foresee
        reply = await town.say("alice", LONGER)
        assert heard == [TEXT.digest, text.digest]
        assert f"told of {text.digest}" in reply.text and TEXT.digest not in reply.text
        assert town.process(1).constitution == text.digest

    play(tmp_path, script)


def test_an_amendment_that_is_said_twice_at_once_is_opened_once(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        first, again = await asyncio.gather(
            *(town.say("alice", LONGER, id="same") for _ in range(2))
        )
        assert first.text == again.text and first.ok and again.ok
        assert town.bot.memory.community.next_number == 2

    play(tmp_path, script)


def test_only_the_bot_rehearses_and_only_once(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await town.say("bob", "I move that we plant leeks")
        body = Rehearsed(entries=1, told=("All is well.",))
        for member, process, says in (
            ("local:alice", 1, "only the bot rehearses"), (BOT, 2, "only what amends"),
            (BOT, 1, "rehearsed already"),
        ):  # fmt: skip
            fact = Fact(id="x", at=START, member=member, process=f"process_{process}", body=body)
            with pytest.raises(Refused, match=says):
                town.bot.memory.record(fact)

    play(tmp_path, script)


def test_what_cannot_be_rehearsed_is_answered_with_how_to_say_it(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        for bare in ("rehearse", "rehearse:", " Rehearse  "):
            assert "The change is missing; say it as" in (await town.say("alice", bare)).text
        long = await town.say("alice", f"rehearse replace “{'y' * 1500}” with “z”")
        assert not long.ok and f"does not say “{'y' * 80}…”" in long.text
        prose = await town.say("alice", "rehearse shorter votes")
        assert not prose.ok and "I could not read “shorter votes” as a change" in prose.text
        first, second = await asyncio.gather(
            *(town.say("alice", LONGER.replace("amend Longer keys:", "rehearse")) for _ in range(2))
        )
        assert first.ok and not second.ok and "say it again in a minute" in second.text

    play(tmp_path, script)


def test_rules_whose_words_change_are_left_out_and_named_until_somebody_reads_them(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        reply = await town.say(
            "alice", "amend Keys: “may ask for the keys. The keys are” becomes"
            " “may want the keys. That is”",
        )  # fmt: skip
        for said in (reply.text, (await town.say("bob", "status of 1")).text):
            assert "Request for the keys (rules): Article 2" in said, said
            assert "which now reads “That is voted on for 2 days.”" in said, said
        await passed(town, 1)
        assert sorted(town.bot.memory.community.charters) == ["change", "motion"]
        assert "said “The keys are voted on for 2 days.”, which now reads" in told(town)
        asked = await town.say("carol", "I ask for the keys because I weed on Sundays")
        assert (
            not asked.ok and "no rule in force says how “Request for the keys” goes" in asked.text
        )
        pressed = await town.say("carol", action=Open(type="keys", fields={"reason": "weeds"}))
        assert "have it read again and ratified" in pressed.text

    play(tmp_path, script)


def test_a_number_that_leaves_a_case_without_a_rule_makes_its_charter_stale() -> None:
    said = "A motion with at least 3 votes is carried. With fewer than 3 votes it is lost."
    old = Constitution(TEXT.text.replace("Otherwise it is lost.", said, 1))
    document = READING.document
    outcomes = document["processes"]["motion"]["stages"][0]["outcomes"]
    for outcome, (when, quote) in zip(
        outcomes,
        (("votes >= 3", said[: said.index(" With")]), ("votes < 3", said[said.index("With") :])),
        strict=True,
    ):
        outcome["outcome"] = outcome.pop("outcome", None) or outcome.pop("otherwise")
        outcome |= {"when": when, "cite": {"section": "article-2.1", "quote": quote}}
    reading = type(READING).model_validate({**document, "constitution": old.digest})
    new = Constitution(old.text.replace("at least 3 votes", "at least 4 votes"))
    found = reread(reading, old, new)
    assert sorted(found.reading.processes) == ["change", "keys"]
    (stale,) = found.stale
    assert "does not say what happens" in stale.why, stale.why


def test_two_amendments_of_one_article_are_merged(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await town.say(
            "bob", "amend Spades: in Section 2.1, “make a motion” becomes “bring a motion”"
        )
        await passed(town, 1, 2)
        text = town.bot.memory.constitution().text
        assert "bring a motion" in text and "The keys are voted on for 4 days" in text
        assert "merged with what had changed since" in told(town)

    play(tmp_path, script)


def test_an_amendment_that_waits_says_that_the_constitution_has_changed_meanwhile(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await town.until(START + timedelta(days=1))
        await town.say("bob", "amend Spades: in Section 2.1, “for 2 days” becomes “for 5 days”")
        await passed(town, 1)
        memory = town.bot.memory
        shown = card(town.process(2), memory.constitution(TEXT.digest), memory.community).notes
        assert (
            "The constitution has changed since; if this passes, both changes are merged." in shown
        )
        assert not any("Rules that change" in note or "read again" in note for note in shown)
        for name in ("alice", "bob"):
            await town.say(name, "in favour 2", id=f"{name}2")
        await town.until(ENDS + timedelta(days=1))
        assert "- Motion, vote.lasts: 2 days becomes 5 days" in told(town)
        assert (
            "for 5 days" in memory.constitution().text
            and "for 4 days" in memory.constitution().text
        )

    play(tmp_path, script)


def test_what_conflicts_goes_back_to_people_with_its_lines(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await town.say("bob", LONGER.replace("4 days", "7 days"))
        await passed(town, 1, 2)
        assert "voted on for 4 days" in town.bot.memory.constitution().text
        failed = next(e.body for e in town.entries(2) if isinstance(e.body, Done) and not e.body.ok)
        assert failed.effect.does == "amend" and "lines" not in failed.note.split("since:")[0]
        assert "line 16 of the version it was written against" in failed.note
        assert "and the amendment has “Any member may ask for the keys. The keys" in failed.note
        assert "It goes back to you" in told(town) and "7 days" in told(town)
        again = await town.say(
            "bob", LONGER.replace("4 days", "7 days").replace("2 days", "4 days")
        )
        assert again.ok

    play(tmp_path, script)


def test_what_says_the_same_twice_is_adopted_once(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await town.say("bob", LONGER)
        await passed(town, 1, 2)
        assert "the constitution says so already" in told(town)

    play(tmp_path, script)


def test_a_proposal_without_a_change_is_told_how_to_say_one(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        bare = await town.say("alice", "amendment Shorter votes")
        assert not bare.ok and "says what changes; say it as “replace" in bare.text
        prose = await town.say("alice", "amend Votes: votes should be shorter")
        assert (
            not prose.ok and "I could not read “votes should be shorter” as a change" in prose.text
        )
        twice = await town.say("alice", "amend Votes: replace “2 days” with “1 day”")
        assert not twice.ok and "stands 2 times" in twice.text
        stale = made(TEXT.text + "x", TEXT.text)
        other = await town.say(
            "alice", action=Open(type="change", fields={"title": "x", "words": as_field(stale)})
        )
        assert not other.ok and "was written against the version" in other.text
        forged = {**as_field(made(TEXT.text, TEXT.text + "x")), "result": digest(b"y")}
        lied = await town.say(
            "alice", action=Open(type="change", fields={"title": "x", "words": forged})
        )
        assert not lied.ok and "another text than the one it names" in lied.text
        assert town.bot.memory.community.next_number == 1

    play(tmp_path, script)


def test_an_amendment_that_ends_all_amending_says_so_loudly_and_is_adopted(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        reply = await town.say("alice", "amend The end: strike “Any member may propose an amendment"
                               " of this constitution, and says which words change.”")  # fmt: skip
        assert LOCKED in reply.text
        await passed(town, 1)
        assert LOCKED in told(town)
        assert not any(c.amends for c in town.bot.memory.community.charters.values())
        assert not (await town.say("alice", LONGER)).ok

    play(tmp_path, script)


def test_sections_that_move_take_their_rules_along_and_running_processes_keep_theirs(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        text = TEXT.text.replace("## Article 3:", "## Article 4:").replace(
            "## Article 2:", "## Article 3:"
        )
        text = text.replace("Section 2.", "Section 3.")
        text = text.replace(
            "## Article 3: M", "## Article 2: Peace\n\nNobody shouts.\n\n## Article 3: M"
        )
        action = Open(
            type="change", fields={"title": "Peace", "words": as_field(made(TEXT.text, text))}
        )
        assert (await town.say("alice", action=action)).ok
        await town.until(START + timedelta(days=2))
        await town.say("carol", "I move that we plant leeks")
        await passed(town, 1)
        charters = town.bot.memory.community.charters
        assert set(charters) == {"motion", "keys", "change"}
        assert charters["keys"].cite.section == "article-3.2"
        # Process 2 cites article-2.1, which is now another one, and ends by its own text.
        await town.say("alice", "in favour 2")
        await town.until(ENDS + timedelta(days=2))
        assert town.process(2).outcome == "carried"
        why = await town.say("bob", "why was 2 decided?")
        assert "Article 2: Motions › Section 2.1" in why.text
        await town.say("carol", "I move that we plant beans")
        assert town.process(3).rules.cite.section == "article-3.1"

    play(tmp_path, script)


def test_an_adoption_that_was_cut_off_is_finished_once_at_the_next_start(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        for name in ("alice", "bob"):
            await town.say(name, "in favour 1")
        town.chat.down = True  # the announcement cannot be made, so nothing is confirmed
        town.clock.set(ENDS)
        await town.bot.agent.check_deadlines()
        await town.bot.scheduler._carry_out_pending()
        assert "for 4 days" in town.bot.memory.constitution().text
        assert any(effect.does == "amend" for effect in town.bot.memory.community.pending.values())

    async def again(town: Town) -> None:
        await town.bot.scheduler.settle()
        assert not town.bot.memory.community.pending
        assert sum(isinstance(e.body, Adopted) for e in town.entries(1)) == 1
        assert sum(isinstance(e.body, Ratified) for e in town.entries(1)) == 1
        assert told(town).count("The constitution is amended by Process #1") == 1
        assert "vote.lasts: 2 days becomes 4 days" in told(town)

    play(tmp_path, script)
    play(tmp_path, again, new=False)


def test_nobody_adopts_by_themselves(tmp_path: Path) -> None:
    text = TEXT.text + "\nThe bot rules.\n"
    body = Adopted(constitution=digest(text.encode()), text=text, instead=TEXT.digest)

    async def script(town: Town) -> None:
        memory = town.bot.memory
        for member, adopted, says in (
            (BOT, body, "no outcome calls for"),
            ("local:alice", body, "no outcome calls for"),
            (BOT, body.model_copy(update={"effect": "process_1:0:1"}), "no outcome calls for"),
            ("by:alice", body.model_copy(update={"instead": ""}), "it changes only as it says"),
        ):
            fact = Fact(id="x", at=START, member=member, body=adopted)
            with pytest.raises(Refused, match=says):
                memory.record(fact)
        ratified = Ratified(
            constitution=TEXT.digest, reading=READING.digest, document=READING.document
        )
        for member, change in ((BOT, {}), ("local:alice", {"instead": READING.digest}),
                               ("by:alice", {"instead": "x"})):  # fmt: skip
            given = ratified.model_copy(update=change)
            assert community_objections(
                memory.community, Fact(id="x", at=START, member=member, body=given)
            )

    play(tmp_path, script)


def test_what_is_put_in_force_brings_about_its_announcement_and_nothing_else(
    tmp_path: Path,
) -> None:
    effect = Effect(id="x:told", does="announce", arguments={"text": "Hear, hear."})
    ratified = Ratified(
        constitution=TEXT.digest, reading=READING.digest, document=READING.document,
        effects=(effect,),
    )  # fmt: skip

    async def script(town: Town) -> None:
        community = town.bot.memory.community
        granting = Effect(id="x:told", does="grant_role", arguments={"role": "keeper", "to": []})
        for member, change in (
            (BOT, {}), ("by:alice", {"effects": (granting,)}),
            ("by:alice", {"effects": (effect, effect)}),
            ("by:alice", {"effects": (effect.model_copy(update={"id": "y"}),)}),
        ):  # fmt: skip
            body = ratified.model_copy(update={**change, "instead": community.reading})
            fact = Fact(id="x", at=START, member=member, body=body)
            assert community_objections(community, fact), change
        fact = Fact(id="x", at=START, member="by:alice", body=ratified)
        assert community_objections(community, fact) == []

    play(tmp_path, script)


def test_the_bot_adopts_only_what_the_amendment_makes(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        for name in ("alice", "bob"):
            await town.say(name, "in favour 1")
        town.clock.set(ENDS)
        await town.bot.agent.check_deadlines()
        effect = next(e for e in town.bot.memory.community.pending.values() if e.does == "amend")
        text = TEXT.text.replace("2 days", "9 days")
        body = Adopted(
            constitution=digest(text.encode()), text=text, instead=TEXT.digest, effect=effect.id
        )
        fact = Fact(id="x", at=ENDS, member=BOT, process="process_1", body=body)
        with pytest.raises(Refused, match="the amendment makes another text"):
            town.bot.memory.record(fact)
        with pytest.raises(Refused, match="no outcome calls for"):
            town.bot.memory.record(fact.model_copy(update={"process": None}))
        await town.bot.scheduler.settle()

    play(tmp_path, script)


def test_a_merge_that_the_amendments_do_not_make_is_found_by_verify(tmp_path: Path) -> None:
    """The kernel has no texts, so whoever holds the key could write a false merge."""

    async def script(town: Town) -> None:
        memory = town.bot.memory
        await town.say("alice", LONGER)
        await town.say("bob", "amend Bring: in Section 2.1, “make a motion” becomes “bring one”")
        for number in (1, 2):
            for name in ("alice", "bob"):
                await town.say(name, f"in favour {number}")
        town.clock.set(ENDS)
        await town.bot.agent.check_deadlines()
        due = memory.community.pending.values()
        first, second = sorted((e for e in due if e.does == "amend"), key=lambda e: e.id)
        await amend(memory, first, town.process(1), ENDS)
        honest = memory.constitution()
        text = Constitution(honest.text + "\nThe keeper decides alone.\n")
        kept = reread(memory.reading(), honest, text)
        await enact(
            memory, Adoption(text, kept.reading, ()), (honest, memory.reading()), ENDS,
            member=BOT, process=town.process(2), effect=second,
        )  # fmt: skip

    with pytest.raises(AssertionError, match="the amendment makes another text than the one adop"):
        play(tmp_path, script)


def test_a_reading_that_says_more_than_what_still_stands_is_found_by_verify(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        memory = town.bot.memory
        await town.say("alice", LONGER)
        for name in ("alice", "bob"):
            await town.say(name, "in favour 1")
        town.clock.set(ENDS)
        await town.bot.agent.check_deadlines()
        effect = next(e for e in memory.community.pending.values() if e.does == "amend")
        before = memory.constitution(), memory.reading()
        found = adoption(made(TEXT.text, _longer()), TEXT, TEXT, READING)
        assert isinstance(found, Adoption)
        fewer = {k: c for k, c in found.reading.processes.items() if k == "motion"}
        reading = found.reading.model_copy(update={"processes": fewer})
        await enact(
            memory, Adoption(found.constitution, reading, ()), before, ENDS,
            member=BOT, process=town.process(1), effect=effect,
        )  # fmt: skip

    with pytest.raises(AssertionError, match="leaves another reading standing than this one"):
        play(tmp_path, script)


def _longer() -> str:
    return TEXT.text.replace("keys are voted on for 2", "keys are voted on for 4")


def test_the_card_of_an_amendment_shows_what_changes(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        memory = town.bot.memory
        shown = card(town.process(1), memory.constitution(), memory.community)
        assert "+ Any member may ask for the keys. The keys are voted on for 4 days." in " ".join(
            shown.notes
        )
        assert shown.text == "Longer keys"

    play(tmp_path, script)


# --- what carries over ---------------------------------------------------------------------------


def test_a_quote_that_stands_inside_a_changed_sentence_does_not_stand() -> None:
    after = Constitution(TEXT.text.replace(
        "Otherwise it is lost.", "Otherwise it is lost. A motion may also be carried by the keeper."
    ))  # fmt: skip
    assert not reread(READING, TEXT, after).stale
    said = "Any member may make a motion."
    turned = Constitution(TEXT.text.replace(said, f"Nobody says: {said}"))
    assert [each.name for each in reread(READING, TEXT, turned).stale] == ["motion"]


def test_words_that_are_left_in_one_of_two_places_are_not_taken_for_those_that_went() -> None:
    both = Constitution(TEXT.text + "\n## Article 4: Again\n\nOtherwise it is lost.\n")
    reading = READING.model_copy(update={"constitution": both.digest})
    without = Constitution(
        both.text.replace("than opposed. Otherwise it is lost.", "than opposed.", 1)
    )
    assert [each.name for each in reread(reading, both, without).stale] == ["motion"]


def test_roles_and_terms_whose_words_went_are_named() -> None:
    after = Constitution(TEXT.text.replace(OPENER, "Everybody is welcome."))
    found = reread(READING, TEXT, after)
    assert {(each.what, each.name) for each in found.stale} == {
        ("role", "member"),
        ("term", "member"),
    }
    assert "is no longer there" in found.stale[0].told
    assert found.reading.constitution == after.digest


def test_a_reading_that_comes_along_must_stand_in_the_text() -> None:
    text = TEXT.text.replace("for 2 days. The member", "for 4 days. The member")
    read = READING.model_copy(update={"constitution": digest(text.encode())})
    found = adoption(made(TEXT.text, text, read.document), TEXT, TEXT, READING)
    assert isinstance(found, str) and "quotes what is not there: processes.keys" in found
    other = adoption(made(TEXT.text, text, READING.document), TEXT, TEXT, READING)
    assert other == "the reading that it brings along is of another text"
    moved = Constitution(text + "\nMore.\n")
    apart = adoption(made(TEXT.text, text, read.document), TEXT, moved, READING)
    assert isinstance(apart, str) and "of a text without that change" in apart


def test_a_charter_that_starts_a_stale_one_is_stale_too() -> None:
    document = READING.document
    document["processes"]["motion"]["stages"][0]["outcomes"][0]["effects"] = [
        {"start_process": {"type": "keys", "fields": {"reason": "'x'"}}}
    ]
    reading = type(READING).model_validate(document)
    after = Constitution(TEXT.text.replace("may ask for the keys", "may take the keys"))
    found = reread(reading, TEXT, after)
    assert set(found.reading.processes) == {"change"}
    assert "it starts keys, which must be read again" in found.stale[-1].told
    found = adoption(made(TEXT.text, after.text), TEXT, TEXT, reading)
    assert isinstance(found, Adoption)


def test_a_charter_amends_only_by_a_field_that_is_an_amendment() -> None:
    document = READING.document["processes"]["change"]
    for change in (
        {"fields": {"title": {"type": "text"}, "words": {"type": "text"}}},
        {"fields": {"title": {"type": "text"}}},
    ):
        with pytest.raises(ValueError, match="no such field"):
            Charter.model_validate({**document, **change})
    assert any(isinstance(e, AmendConstitution) for e in effects_of(READING.processes["change"]))
    assert READING.processes["change"].amends and not READING.processes["motion"].amends


# --- the files -----------------------------------------------------------------------------------


def test_the_versions_are_files_that_the_ledger_alone_makes_again(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", LONGER)
        await passed(town, 1)
        town.bot.versions.write_new()

    play(tmp_path, script)
    home = tmp_path / "constitutions"
    changed = Constitution.load(home / "constitution.md")
    assert "for 4 days" in changed.text
    assert load_reading(home / "constitution.reading.yaml").constitution == changed.digest
    names = sorted(path.name for path in (home / "history").iterdir())
    assert names[0] == f"001-{TEXT.digest[7:23]}.md" and names[1].endswith(".diff")
    assert names[2] == f"002-{changed.digest[7:23]}.md" and names[3] == "README.md"
    held = {path.name: path.read_bytes() for path in (home / "history").iterdir()}
    index = held["README.md"].decode()
    assert f"| process 1 | `{changed.digest}` |" in index and "2026-02-11 18:30 UTC" in index
    assert b"-Any member may ask for the keys. The keys are voted on for 2 days." in held[names[1]]
    for path in (home / "history").iterdir():
        path.unlink()

    async def nothing(town: Town) -> None:
        assert town.bot.memory.constitution().digest == changed.digest

    play(tmp_path, nothing, new=False)
    assert {path.name: path.read_bytes() for path in (home / "history").iterdir()} == held


def test_a_file_that_somebody_has_edited_is_left_alone(tmp_path: Path) -> None:
    mine = TEXT.text + "\nMy draft.\n"

    async def script(town: Town) -> None:
        (tmp_path / "constitutions/constitution.md").write_text(mine)
        await town.say("alice", LONGER)
        await passed(town, 1)

    play(tmp_path, script)
    assert (tmp_path / "constitutions/constitution.md").read_text() == mine
