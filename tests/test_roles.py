"""Roles: what the platform says, what the community grants and what it takes away."""

import asyncio
import dataclasses
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.app import open_view
from govbot.config import Folder
from govbot.engines.sqlite import SqliteEngine
from govbot.ledger import Key
from govbot.memory import Memory, Replay
from govbot.projection import Projection
from govbot.records import BOT, Body, Done, Effect, Fact, Founded, Member, Seen
from tests.community import START, Town, live
from tests.gatehouse import gatehouse

PEOPLE, ROLES = ("a", "b"), ("member", "guest", "chair")
members = st.sampled_from(PEOPLE)
seen = st.builds(
    lambda who, roles: Seen(member=Member(id=who, name=who, roles=tuple(sorted(roles)))),
    members, st.sets(st.sampled_from(ROLES)),
)  # fmt: skip
changes = st.builds(
    lambda does, role, to, ok: (does, role, sorted(to), ok),
    st.sampled_from(["grant_role", "revoke_role"]), st.sampled_from(ROLES),
    st.sets(members, min_size=1), st.sampled_from([True, True, True, False]),
)  # fmt: skip


class Unasked(Memory):
    """A memory that takes effects no process has decided: what they change is all that counts."""

    def objections(self, fact: Fact, head: str) -> list[str]:
        return []


def bodies(steps: list[Any]) -> list[Body]:
    made: list[Body] = [Founded(name="Roles", vkey="none")]
    for n, step in enumerate(steps):
        if isinstance(step, Seen):
            made.append(step)
            continue
        does, role, to, ok = step
        effect = Effect(id=f"x:{n}", does=does, arguments={"role": role, "to": to})
        made.append(Done(effect=effect, ok=ok))
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(seen | changes, max_size=14))
def test_members_are_the_same_live_restored_and_replayed(steps: list[Any]) -> None:
    async def play(folder: Path) -> None:
        key = Key.create(folder / "key", "govbot/roles")
        engine = SqliteEngine.open(folder / "ledger.db", key)
        memory, replay = Unasked(engine, Projection(folder / "memory.db")), Replay()
        rolls = []
        for n, body in enumerate(bodies(steps)):
            rolls.append(replay.community.members)
            at = START + timedelta(minutes=n)
            fact = Fact(id=f"f{n}", at=at, member=BOT, body=body)
            for each in (memory, replay) if isinstance(body, Done) else ():
                due = each.community.pending.set(body.effect.id, body.effect)
                each.community = dataclasses.replace(each.community, pending=due)
            replay.apply(memory.record(fact).entry)
        await memory.record(fact).durable()
        live, roles = memory.community, memory.projection
        assert (live.platform, live.granted, live.revoked, live.members) == (
            replay.community.platform, replay.community.granted, replay.community.revoked,
            replay.community.members,
        )  # fmt: skip
        assert [memory._roll(n) for n in range(1, len(rolls))] == rolls[1:]
        again = Memory(engine, roles).community
        assert (again.platform, again.granted, again.revoked, again.members) == (
            live.platform, live.granted, live.revoked, live.members,
        )  # fmt: skip
        await memory.close()

    with TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder)))


def roles_of(town: Town, name: str) -> tuple[str, ...]:
    return town.bot.memory.member(f"local:{name}").roles


async def carried(town: Town, phrase: str) -> None:
    reply = await town.say("alice", phrase)
    assert reply.ok, reply.text
    number = int(str(reply.process).removeprefix("process_"))
    await town.say("alice", f"I agree with {number}")
    await town.until(town.clock.now + timedelta(days=1))


def test_a_role_that_people_took_away_stays_away_though_the_platform_reports_it(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        await carried(town, "take the key from @bob")
        assert roles_of(town, "bob") == ("member",)
        town.roles["bob"] = ("member", "key", "guest")  # reported again, with something new
        await town.say("bob", "status")
        assert roles_of(town, "bob") == ("member", "guest")

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles={"bob": ("member", "key")})


def test_a_role_counts_again_once_the_platform_has_stopped_and_begun_anew(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        await carried(town, "take the key from @bob")
        town.roles["bob"] = ("member",)
        await town.say("bob", "status")
        assert roles_of(town, "bob") == ("member",)
        town.roles["bob"] = ("member", "key")
        await town.say("bob", "status")
        assert roles_of(town, "bob") == ("member", "key")

    live(tmp_path / "ours", script, gatehouse(tmp_path), roles={"bob": ("member", "key")})


def test_a_role_that_people_give_back_counts_again(tmp_path: Path) -> None:
    folder = tmp_path / "ours"

    async def script(town: Town) -> None:
        await carried(town, "take the key from @bob")
        await carried(town, "give the key to @bob")
        assert roles_of(town, "bob") == ("member", "key")
        await carried(town, "take the key from @bob")
        assert roles_of(town, "bob") == ("member",)

    live(folder, script, gatehouse(tmp_path), roles={"bob": ("member", "key")})
    assert Folder(folder).tables.is_file()
    view = open_view(folder)  # as it is restored, without the memory that lived it
    assert view.community.revoked["local:bob"] == ("key",)
    assert view.member("local:bob").roles == ("member",)
