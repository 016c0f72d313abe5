"""Reminders: to those who can vote and have not, as each of them wants it, and nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from discord_bot import Service, live
from fake_discord import text_of
from scenes import Scene, rules_of
from test_balloting import ballot, poll

from govbot.surfaces.discord.reminders import is_quiet
from govbot.surfaces.discord.store import Wish

NOON = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12, minute=0, second=0)


async def opened(service: Service) -> Any:
    await service.says("alice", "I propose that we buy a kettle")
    await service.thread(1)
    return await service.card(1)


async def later(service: Service, **by: float) -> None:
    """Lets time pass, and gives reminders their moment."""
    for _ in range(2):  # once for what has changed, once for what is due then
        await service.wait(**by)
        await asyncio.sleep(0.05)
        by = {"seconds": 10}


def reminded(service: Service) -> set[str]:
    return {
        n
        for n, p in service.people.items()
        if any("waits for you" in m["content"] for m in p.inbox)
    }


def at_noon(folder: Path, script: Any, **more: Any) -> None:
    async def begun(service: Service) -> None:
        await service.stop()
        service.clock.set(NOON)
        await service.start()
        await script(service)

    live(folder, begun, **more)


def test_who_has_not_voted_is_reminded_once_and_who_has_is_not(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        card = await opened(service)
        await service.people["bob"].click(card, "Agree")
        await later(service, days=4, hours=22)
        assert reminded(service) == set()
        await later(service, hours=4)
        await service.until(lambda: len(reminded(service)) == 4)
        assert reminded(service) == {"alice", "carol", "dave", "eve"}
        await later(service, hours=1)
        (told,) = service.people["eve"].inbox
        assert "we buy a kettle" in told["content"] and "<t:" in told["content"]
        assert told["components"][0]["components"][0]["url"].endswith(card["id"])

    at_noon(tmp_path, script)


def test_reminders_survive_a_restart_without_coming_twice(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        await later(service, days=5, hours=2)
        await service.until(lambda: len(reminded(service)) == 5)
        await service.restart()
        await later(service, hours=1)
        assert all(len(person.inbox) == 1 for person in service.people.values())

    at_noon(tmp_path, script)


def test_a_closed_community_is_opened_for_its_reminders(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        await service.stop()
        service.clock.advance(timedelta(days=5, hours=2))
        await service.start()
        await later(service, seconds=10)
        await service.until(lambda: len(reminded(service)) == 5)

    at_noon(tmp_path, script)


def test_who_wants_none_gets_none(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        reply = await service.people["eve"].slash("reminders", how="never")
        assert "do not remind" in text_of(await reply.final())
        await later(service, days=5, hours=2)
        await service.until(lambda: len(reminded(service)) == 4)
        assert "eve" not in reminded(service)

    at_noon(tmp_path, script)


def test_quiet_hours_are_kept_and_made_up_for(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        for name in service.people:
            await service.people[name].slash("reminders", quiet_from=11, quiet_to=16)
        await later(service, days=5, hours=2)  # fourteen o'clock
        assert reminded(service) == set()
        await later(service, hours=2)
        await service.until(lambda: len(reminded(service)) == 5)

    at_noon(tmp_path, script)


def test_who_asks_for_it_is_named_in_the_thread(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        reply = await service.people["eve"].slash("reminders", how="thread")
        assert "thread" in text_of(await reply.final())
        await later(service, days=5, hours=2)
        thread = await service.thread(1)
        (told,) = await service.until(
            lambda: [m for m in service.fake.posts(thread) if "still waits" in m["content"]]
        )
        assert [user["username"] for user in told["mentions"]] == ["eve"]

    at_noon(tmp_path, script)


def test_of_a_hidden_vote_nobody_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    charter = poll([ballot("choice", hidden=True)], {"method": "plurality"})
    rules = rules_of(Scene(_nothing, charter=charter), tmp_path / "rules")

    async def script(service: Service) -> None:
        await service.says("alice", "poll: which?")
        thread = await service.thread(1)
        await service.people["eve"].slash("reminders", how="thread")
        await later(service, days=2, hours=2)
        (told,) = await service.until(
            lambda: [m for m in service.fake.posts(thread) if "closes" in m["content"]]
        )
        assert told["mentions"] == [] and "<@" not in told["content"]

    at_noon(tmp_path / "bot", script, template=rules)


def test_a_member_without_direct_messages_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        service.people["bob"].close_dms()
        await later(service, days=5, hours=2)
        await service.until(lambda: len(reminded(service)) == 4)

    at_noon(tmp_path, script)


def test_an_admin_chooses_the_lead_and_a_digest(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await opened(service)
        day = (NOON + timedelta(days=2)).isoweekday()
        reply = await service.fake.owner.slash("govbot", "reminders", hours=60, digest=day)
        assert "60 hours" in text_of(await reply.final())
        await later(service, days=2)
        posts = await service.until(
            lambda: [
                m for m in service.fake.posts(service.fake.channel) if "This week" in m["content"]
            ]
        )
        assert len(posts) == 1 and "we buy a kettle" in posts[0]["content"]
        await later(service, days=1, hours=22)
        await service.until(lambda: len(reminded(service)) == 5)
        await service.restart()
        await later(service, hours=1)
        posts = service.fake.posts(service.fake.channel)
        assert sum("This week" in m["content"] for m in posts) == 1

    at_noon(tmp_path, script)


async def _nothing(town: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "quiet"),
    [(22, 8, {22, 23, 0, 7}), (11, 16, {11, 15}), (9, 9, set())],
)
def test_quiet_hours_may_span_midnight(quiet_from: int, quiet_to: int, quiet: set[int]) -> None:
    wish = Wish(quiet_from=quiet_from, quiet_to=quiet_to)
    assert all(is_quiet(wish, hour) for hour in quiet)
    assert not is_quiet(wish, quiet_to)
