"""Overruling the bot and switching it off: by phrase, by button, by deadline; undone exactly."""

from datetime import timedelta
from pathlib import Path

import pytest

from govbot.app import open_view
from govbot.breakglass import inverses
from govbot.errors import Refused
from govbot.lint import errors
from govbot.readingfile import load_reading, read_reading
from govbot.records import BOT, Decided, Fact, Give, Open, SetAside, StageEnded, Switched
from tests.community import Town, live
from tests.gatehouse import gatehouse

DAY = timedelta(days=1)
KEYS = {"bob": ("member", "key")}


async def carried(town: Town, phrase: str, *others: str) -> int:
    reply = await town.say("alice", phrase)
    assert reply.ok, reply.text
    number = int(str(reply.process).removeprefix("process_"))
    for who in ("alice", *others):
        await town.say(who, f"I agree with {number}")
    await town.until(town.clock.now + DAY)
    return number


async def switch(town: Town, state: str) -> int:
    reply = await town.say("alice", f"switch the bot {state}")
    number = int(str(reply.process).removeprefix("process_"))
    await town.say("alice", f"I agree with {number}")
    await town.say("carol", f"I agree with {number}")
    await town.until(town.clock.now)
    return number


def roles_of(town: Town, name: str) -> tuple[str, ...]:
    return town.bot.memory.member(f"local:{name}").roles


# --- setting aside -------------------------------------------------------------------------


def test_an_outcome_set_aside_gives_back_the_roles_it_took(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await carried(town, "take the key from @bob")
        assert roles_of(town, "bob") == ("member",)
        number = await carried(town, "set aside 1")
        assert roles_of(town, "bob") == ("member", "key")
        assert town.process(1).result == "carried; set aside by #2"
        told = [each.text for each in town.announced if each.text.startswith("Process #1 is")]
        assert told and "It is set aside when more members agree" in told[0]
        (body,) = [e.body for e in town.entries(1) if isinstance(e.body, SetAside)]
        assert body.by == number and body.rule is not None
        assert (await town.say("eve", "status 1")).text.splitlines()[2].endswith("set aside by #2")
        town.bot.archive.write_stale()
        (audit,) = town.bot.folder.audits.glob("1-*.md")
        text = audit.read_text()
        assert "**Process 2 has set this outcome aside.**" in text
        assert "the outcome was set aside by process 2" in text

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles=KEYS)
    view = open_view(tmp_path / "ours")
    assert view.get_process(1).set_aside_by == 2
    assert view.projection.query("select outcome from processes where number = 1") == [
        {"outcome": "carried; set aside by #2"}
    ]


def test_only_what_an_outcome_changed_is_undone(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await carried(town, "give the key to @bob")  # who has one already
        await carried(town, "give the key to @carol")
        assert town.process(1).done == ()
        await carried(town, "set aside 1")
        await carried(town, "set aside 2")
        assert roles_of(town, "bob") == ("member", "key")
        assert roles_of(town, "carol") == ("member",)

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles=KEYS)


def test_what_cannot_be_set_aside_is_refused_when_it_is_asked_for(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        assert "There is no process 9" in (await town.say("alice", "set aside 9")).text
        await town.say("alice", "take the key from @bob")
        assert "come to no outcome yet" in (await town.say("alice", "set aside 1")).text
        await town.say("alice", "I agree with 1")
        await town.until(town.clock.now + DAY)
        await town.say("alice", "set aside 1")  # both are brought while it still stands
        await town.say("bob", "set aside 1")
        for number in (2, 3):
            await town.say("alice", f"I agree with {number}")
        await town.until(town.clock.now + DAY)
        assert "set aside by process 2 already" in (await town.say("bob", "set aside 1")).text
        assert town.process(1).set_aside_by == 2
        assert roles_of(town, "bob") == ("member", "key")

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles=KEYS)


def test_nobody_sets_aside_by_a_word_of_their_own(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await carried(town, "take the key from @bob")
        body = SetAside(effect="x", by=9, rule=None, effects=inverses(town.process(1)))
        at = town.clock.now
        fact = Fact(id="forged", at=at, member=BOT, process="process_1", body=body)
        with pytest.raises(Refused, match="no outcome calls for this"):
            town.bot.memory.record(fact)

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles=KEYS)


# --- off and on ----------------------------------------------------------------------------


def test_while_the_bot_is_off_it_takes_only_what_can_switch_it_on(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await town.say("alice", "give the key to @carol")
        await town.say("alice", "I agree with 1")
        number = await switch(town, "off")
        off = f"by process #{number}. Until it is on again it takes only what can switch it on"
        entries = town.bot.memory.engine.size
        for said in ("I agree with 1", "take the key from @bob", "status", "what is a key?"):
            assert off in (await town.say("bob", said)).text
        press = await town.say("eve", action=Give(process=1, input="vote", value="disagree"))
        assert not press.ok and "switched the bot off" in press.text
        assert town.bot.memory.engine.size == entries  # and none of it is recorded
        await town.until(town.clock.now + 3 * DAY)
        assert town.process(1).status == "open"
        assert town.bot.memory.next_due() is None
        await town.say("bob", action=Open(type="switching", fields={"state": "on"}))
        await town.say("bob", action=Give(process=3, input="vote", value="agree"))
        last = await town.say("eve", action=Give(process=3, input="vote", value="agree"))
        assert last.ok
        await town.until(town.clock.now)
        assert town.process(1).outcome == "carried"
        (ended,) = [e for e in town.entries(1) if isinstance(e.body, StageEnded)]
        assert ended.decision is not None
        assert "passed while the bot was off" in ended.decision.reasoning
        assert roles_of(town, "carol") == ("member", "key")
        assert "bot is off" not in (await town.say("bob", "status")).text
        headlines = [each.text.splitlines()[0] for each in town.announced]
        assert "The bot is OFF, by Process #2" in headlines
        assert "The bot is on again, by Process #3" in headlines

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles=KEYS)


def test_a_bot_that_is_off_is_off_after_a_restart_too(tmp_path: Path) -> None:
    async def off(town: Town) -> None:
        await switch(town, "off")

    async def on(town: Town) -> None:
        town.said = 100
        assert town.bot.memory.community.off
        assert "The bot is off since" in (await town.say("bob", "status")).text
        await switch(town, "on")
        assert not town.bot.memory.community.off
        kinds = [e.body for n in (1, 2) for e in town.entries(n) if isinstance(e.body, Switched)]
        assert [body.on for body in kinds] == [False, True]

    live(tmp_path / "ours", off, gatehouse(tmp_path))
    live(tmp_path / "ours", on, gatehouse(tmp_path), new=False)
    assert not open_view(tmp_path / "ours").community.off


def test_switching_off_twice_leaves_it_off_and_says_so(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await switch(town, "off")
        await switch(town, "off")
        assert town.process(2).outcome == "switched off"
        notes = town.bot.memory.projection.query("select note from outbox where does = 'suspend'")
        assert sorted(row["note"] for row in notes) == ["process_1", "the bot is off already"]
        at = town.clock.now
        note = Fact(id="note", at=at, member=BOT, body=Decided(about="a note"))
        with pytest.raises(Refused, match="switched the bot off"):
            town.bot.memory.record(note)

    live(tmp_path / "ours", script, gatehouse(tmp_path))


def test_a_field_of_choices_takes_one_of_them_in_any_case(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        wrong = await town.say("alice", "switch the bot sideways")
        assert "State must be off or on, not 'sideways'" in wrong.text
        assert (await town.say("alice", "switch the bot OFF")).ok
        assert town.process(1).fields == {"state": "off"}

    live(tmp_path / "ours", script, gatehouse(tmp_path))


# --- charters ------------------------------------------------------------------------------


def test_a_bot_that_nobody_could_switch_on_again_cannot_be_switched_off(tmp_path: Path) -> None:
    from govbot.constitution import Constitution

    path = Path(gatehouse(tmp_path))
    reading = load_reading(path.with_name("gatehouse.reading.yaml"))
    assert not errors(reading, Constitution.load(path))
    text = path.with_name("gatehouse.reading.yaml").read_text()
    lame = read_reading(text.replace("resume_bot: {}", "announce: On."), "lame.yaml")
    (found,) = errors(lame, Constitution.load(path))
    assert "no process switches it on again" in found.what


def test_what_is_set_aside_is_named_by_a_number_field(tmp_path: Path) -> None:
    path = Path(gatehouse(tmp_path)).with_name("gatehouse.reading.yaml")
    for told, says in (
        ("set_aside: {process: whom}", "no field of type number"),
        ("set_aside: {}", "set_aside"),
    ):
        wrong = path.read_text().replace("set_aside: {process: process}", told)
        with pytest.raises(Exception, match=says):
            read_reading(wrong, "wrong.yaml")
