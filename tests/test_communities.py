"""Many communities in one process: opened when needed, closed when not, never late."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from community import START

from govbot import communities as rooms
from govbot.app import found
from govbot.communities import AT_ONCE, Communities, next_due
from govbot.config import Folder, Settings
from govbot.errors import OperatorError
from govbot.parts import Announcement
from govbot.records import Give, Member, Open, Request, stamp
from govbot.surfaces import communities as port
from govbot.testing import SetClock

ANA = Member(id="discord:1", name="ana", roles=("member",))
KETTLE = Open(type="standard_proposal", fields={"proposal_text": "we buy a kettle"})


class Ear:
    """Listens, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []
        self.away = False

    async def opened(self, name: str, community: port.Community) -> None:
        self.heard.append(("opened", name))

    def changed(self, name: str, process: int) -> None:
        self.heard.append(("changed", process))

    def ruled(self, name: str) -> None:
        self.heard.append(("ruled", name))

    async def announce(self, name: str, told: Announcement) -> None:
        if self.away:
            raise OSError("away")
        self.heard.append(("announced", told.text.split("\n")[0]))


Script = Callable[[Communities, Ear, SetClock], Awaitable[None]]


def among(home: Path, script: Script, *names: str) -> None:
    async def play() -> None:
        clock, ear = SetClock(START), Ear()
        for name in names:
            await found(home / name, Settings(name=f"C{name}"), "example", clock)
        many = Communities(home, clock=clock)
        many.listener = ear
        try:
            await script(many, ear, clock)
        finally:
            await many.close()

    asyncio.run(play())


async def opens(many: Communities, name: str, id: str = "m1") -> None:
    hall = await many.community(name)
    assert hall is not None
    await hall.meet([ANA])
    reply = await hall.handle(Request(id=id, member=ANA, action=KETTLE))
    assert reply.ok, reply.text


def test_it_is_the_port_that_surfaces_are_written_for(tmp_path: Path) -> None:
    many: port.Communities = Communities(tmp_path)
    _: port.Listener = Ear()
    assert many.known() == ()


def test_one_is_opened_once_however_many_ask(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        first, second = await asyncio.gather(many.community("1"), many.community("1"))
        assert first is second is not None
        await asyncio.sleep(0)
        assert ear.heard == [("opened", "1")]
        assert await many.community("2") is None
        assert await many.community("../1") is None

    among(tmp_path, script, "1")


def test_only_the_one_that_was_named_is_served(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        alone = Communities(tmp_path / "1", only="42", clock=clock)
        assert alone.known() == ("42",)
        assert await alone.community("1") is None
        hall = await alone.community("42")
        assert hall is not None and hall.name == "C1"
        await alone.close()

    among(tmp_path, script, "1")


def test_what_is_due_in_a_closed_one_is_known_from_its_tables(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        await opens(many, "1")
        due = stamp(START + timedelta(days=6))
        assert many.due("1") == {1: due}
        await many.close()
        assert many.due("1") == {1: due}
        assert next_due(Folder(tmp_path / "1")) == due
        assert next_due(Folder(tmp_path / "2")) is None
        assert many.due("3") == {}

    among(tmp_path, script, "1", "2")


def test_tables_that_lack_something_are_due_at_once(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        (tmp_path / "1" / ".govbot" / "memory.db").write_bytes(b"torn")
        assert next_due(Folder(tmp_path / "1")) == AT_ONCE

    among(tmp_path, script, "1")


def test_a_closed_one_is_opened_for_its_deadline_and_heard(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        await opens(many, "1")
        await many.close()
        ear.heard.clear()
        running = asyncio.create_task(many.run())
        await asyncio.sleep(0.05)
        assert ear.heard == []
        clock.advance(timedelta(days=6))
        many._woken.set()
        while ("announced", "Process #1 has ended: REJECTED") not in ear.heard:
            await asyncio.sleep(0.01)
        assert ("opened", "1") in ear.heard and ("changed", 1) in ear.heard
        assert ("opened", "2") not in ear.heard
        running.cancel()

    among(tmp_path, script, "1", "2")


def test_one_whose_announcement_did_not_get_through_is_opened_at_once(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        ear.away = True
        await opens(many, "1")
        clock.advance(timedelta(days=6))
        hall = await many.community("1")
        assert hall is not None
        await hall.bot.scheduler.settle()
        await many.close()
        assert next_due(Folder(tmp_path / "1")) == AT_ONCE

    among(tmp_path, script, "1")


def test_those_unused_for_longest_are_closed_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "MOST_OPEN", 2)

    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        await opens(many, "1")
        for name in ("2", "3"):
            await many.community(name)
        assert list(many._open) == ["2", "3"]
        assert many._due == {"1": stamp(START + timedelta(days=6))}
        hall = await many.community("1")
        assert hall is not None and [card.process for card in hall.open()] == [1]
        vote = Give(process=1, input="vote", value="agree")
        assert (await hall.handle(Request(id="m2", member=ANA, action=vote))).ok

    among(tmp_path, script, "1", "2", "3")


def test_one_that_cannot_be_opened_is_told_and_holds_up_no_other(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        await opens(many, "2")
        await many.close()
        (tmp_path / "1" / ".govbot" / "ledger.db").unlink()
        with pytest.raises(OperatorError, match="restore it from a backup"):
            await many.community("1")
        assert [name for name, _ in await many.doubts()] == ["1"]
        clock.advance(timedelta(days=6))
        running = asyncio.create_task(many.run())
        while ("announced", "Process #1 has ended: REJECTED") not in ear.heard:
            await asyncio.sleep(0.01)
        running.cancel()

    among(tmp_path, script, "1", "2")


def test_members_are_recorded_together_and_only_when_they_are_new(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        hall = await many.community("1")
        assert hall is not None
        crowd = [Member(id=f"discord:{n}", name=f"m{n}", roles=("member",)) for n in range(450)]
        before = hall.memory.engine.size
        await hall.meet(crowd)
        await hall.meet(crowd)
        assert hall.memory.engine.size == before + 450 == before + len(hall.members())

    among(tmp_path, script, "1")


def test_templates_are_named_with_the_roles_they_speak_of(tmp_path: Path) -> None:
    known = Communities(tmp_path).templates()
    assert set(known) >= {"example", "consensus", "jury"}
    assert "member" in known["example"] and "facilitator" in known["consensus"]


def test_a_new_one_is_founded_in_its_folder(tmp_path: Path) -> None:
    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        hall = await many.found("77", "Ours", "consensus", "Europe/Berlin")
        assert (hall.name, hall.zone) == ("Ours", "Europe/Berlin")
        assert many.known() == ("77",)
        with pytest.raises(OperatorError, match="already"):
            await many.found("77", "Ours", "consensus", "UTC")

    among(tmp_path, script)


def test_a_stopped_clock_of_one_community_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rooms, "RECOVERY", 0.0)

    async def script(many: Communities, ear: Ear, clock: SetClock) -> None:
        await opens(many, "1")
        hall = await many.community("1")
        assert hall is not None

        def broken(now: datetime) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(hall.bot.scheduler, "settle", broken)
        hall.bot.scheduler.wake()
        await asyncio.sleep(0.05)
        assert "it goes on" in caplog.text
        monkeypatch.undo()
        clock.advance(timedelta(days=6))
        hall.bot.scheduler.wake()
        while ("announced", "Process #1 has ended: REJECTED") not in ear.heard:
            await asyncio.sleep(0.01)

    among(tmp_path, script, "1")
