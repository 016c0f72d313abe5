"""Deadlines that fell due unseen, announcements nobody could hear, effects that happen once."""

from datetime import timedelta
from pathlib import Path

import pytest
from community import JURY, START, Town, live

from govbot.parts import Announcement
from govbot.records import Done, Effect, Fact, Give, StageEnded

DUE = START + timedelta(days=6)
WEEK = timedelta(days=7)
PROPOSAL = "I propose that bans need two moderators"


def test_what_fell_due_while_down_is_ended_at_the_start_in_order_and_once(tmp_path: Path) -> None:
    async def before(town: Town) -> None:
        for n, hours in enumerate((2, 0, 1), 1):
            town.clock.set(START + timedelta(hours=hours))
            await town.say("alice", f"{PROPOSAL} number {n}")

    async def after(town: Town) -> None:
        ended = await town.bot.scheduler.settle()
        assert [entry.process for entry in ended] == ["process_1", "process_2", "process_3"]
        assert await town.bot.scheduler.settle() == []
        for number in (1, 2, 3):
            (only,) = [e for e in town.entries(number) if isinstance(e.body, StageEnded)]
            assert only.at == START + WEEK  # recorded when it was noticed, judged by its deadline
        assert [told.process for told in town.announced] == ["process_1", "process_2", "process_3"]

    live(tmp_path / "town", before)
    live(tmp_path / "town", after, new=False, start=START + WEEK)


def test_a_vote_after_an_unnoticed_deadline_is_late_and_the_stage_ends_first(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        await town.say("bob", "I vote agree on 1")
        town.clock.set(DUE)
        late = await town.say("carol", "I vote disagree on 1")
        assert not late.ok
        assert town.votes() == {"local:bob": "agree"}
        assert town.process().outcome == "passed"

    live(tmp_path / "town", script)


def test_an_announcement_waits_while_the_chat_is_away_and_comes_once(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        town.chat.down = True
        await town.until(DUE)
        assert not town.announced and town.bot.memory.community.pending
        assert town.process().status == "ended"  # governance does not wait for the chat
        town.chat.down = False
        await town.bot.scheduler.settle()
        await town.bot.scheduler.settle()
        assert len(town.announced) == 1
        assert not town.bot.memory.community.pending

    live(tmp_path / "town", script)


def test_an_announcement_that_waits_survives_a_restart(tmp_path: Path) -> None:
    async def away(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        town.chat.down = True
        await town.until(DUE)

    async def back(town: Town) -> None:
        await town.bot.scheduler.settle()
        (told,) = town.announced
        assert "REJECTED" in told.text

    live(tmp_path / "town", away)
    live(tmp_path / "town", back, new=False, start=DUE)


def test_a_crash_between_telling_and_confirming_tells_again_under_the_same_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[Announcement] = []

    async def crash(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        record = town.bot.memory.record

        def fail(fact: Fact) -> object:
            if isinstance(fact.body, Done):
                raise RuntimeError("killed")
            return record(fact)

        monkeypatch.setattr(town.bot.memory, "record", fail)
        with pytest.raises(RuntimeError, match="killed"):
            await town.until(DUE)
        first.extend(town.announced)
        monkeypatch.undo()

    async def again(town: Town) -> None:
        await town.bot.scheduler.settle()
        assert [told.id for told in town.announced] == [told.id for told in first]
        assert len(first) == 1

    live(tmp_path / "town", crash)
    live(tmp_path / "town", again, new=False, start=DUE)


def test_a_role_that_an_outcome_grants_is_held_from_then_on(tmp_path: Path) -> None:
    people = "alice bob carol dave eve frank grace heidi"

    async def script(town: Town) -> None:
        await town.say("alice", "I complain about @bob because he deleted the archive")
        await town.until(START + timedelta(days=5))
        jurors = town.process().drawn["jurors"]
        assert len(jurors) == 5 and not {"local:alice", "local:bob"} & set(jurors)
        for juror in jurors:
            name = juror.removeprefix("local:")
            give = Give(process=1, input="verdict", value="upheld", reason="the log shows it")
            assert (await town.say(name, action=give)).ok
        await town.bot.scheduler.settle()
        assert town.process().outcome == "upheld"
        assert "warned" in town.bot.memory.community.members["local:bob"].roles

    live(tmp_path / "town", script, JURY, people)


def test_an_effect_that_is_not_due_cannot_be_confirmed(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", PROPOSAL)
        effect = Effect(id="process_1:0:announce:0", does="announce", arguments={"text": ""})
        fact = Fact(
            id="forged", at=town.clock(), member="govbot", process="process_1",
            body=Done(effect=effect, ok=True),
        )  # fmt: skip
        assert town.bot.memory.objections(fact, town.bot.memory.engine.head)

    live(tmp_path / "town", script)
