"""What the bot takes on Discord: `python benchmarks/chat.py`, in a checkout.

The bot runs as its command does, in a process of its own, against the loopback Discord of the
tests in this one; a click counts from its event leaving to its acknowledgement arriving, which
comes after the vote is on disk. Prints Markdown.
"""

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from discord_bot import TimedDiscord

from govbot.communities import Communities
from govbot.records import Member, Open, Request
from govbot.surfaces.discord.registry import fingerprint, proposing
from govbot.surfaces.discord.store import Store

MEMBERS = 100
OPEN = 10  # processes in each server
EDITS = ("PATCH", "/channels/{channel}/messages/{message}")


def bot(api: str, gateway: str, home: str) -> None:
    """The bot, told where its Discord is."""
    import discord
    import yarl

    from govbot.cli import main

    discord.http.Route.BASE = api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    main(["run", "discord", "--dir", home])


@asynccontextmanager
async def running(fake: TimedDiscord, home: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    words = [sys.executable, __file__, "--bot", fake.api, fake.gateway_address, str(home)]
    environment = {**os.environ, "DISCORD_TOKEN": fake.token}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(words, env=environment, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def row(what: str, figure: str, target: str = "", met: bool | None = None) -> None:
    answer = {None: "", True: "yes", False: "**no**"}[met]
    print(f"| {what} | {figure} | {target} | {answer} |", flush=True)


async def community(home: Path, guild: str, members: list[Member], processes: int) -> str:
    """A community in its folder; what its commands are known by."""
    many = Communities(home)
    hall = await many.found(guild, "Assembly", "example", "UTC")
    await hall.meet(members)
    for n in range(processes):
        action = Open(type="standard_proposal", fields={"proposal_text": f"thing {n}"})
        reply = await hall.handle(Request(id=f"m{n}", member=members[0], action=action))
        assert reply.ok, reply.text
    known = fingerprint(proposing(hall.openable()))
    await many.close()
    return known


# --- clicks -----------------------------------------------------------------------------------


async def clicks(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with TimedDiscord() as fake:
            role = fake.add_role("Member")
            people = [fake.person(f"m{n}", [role]) for n in range(MEMBERS)]
            await community(home, fake.guild_id, [Member(id="discord:1", name="x")], 0)
            store = Store(home / "discord.db")
            store.set_guild(int(fake.guild_id), channel=int(fake.channel["id"]))
            store.map_roles(int(fake.guild_id), "member", [int(role)])
            store.close()
            async with running(fake, home):
                await fake.until(lambda: fake.commands.get(fake.guild_id), 30)
                await people[0].say(fake.channel, f"<@{fake.bot['id']}> I propose that we vote")
                posts = await fake.until(
                    lambda: [m for m in fake.posts(fake.channel) if m["embeds"]]
                )
                await asyncio.sleep(1)
                for rate in (20, 50, 100):
                    await timed(people, posts[0], rate, seconds)
                await asyncio.sleep(1)
                began = time.perf_counter()
                await asyncio.gather(*(p.click(posts[0], "Agree") for p in people for _ in (0, 1)))
                row(f"{MEMBERS} members click twice in the same instant: all answered",
                    f"{(time.perf_counter() - began) * 1000:.0f} ms")  # fmt: skip
            most = fake.traffic.most_within(5.0, *EDITS)
            row("most edits of a card within 5 s of all that", str(most), "<= 5", most <= 5)


async def timed(people: list[Any], card: Any, rate: int, seconds: int) -> None:
    async def click(n: int) -> float:
        await asyncio.sleep(n / rate)
        choice = ("Agree", "Disagree")[n // len(people) % 2]
        waited: float = (await people[n % len(people)].click(card, choice)).waited
        return waited * 1000

    waits = sorted(await asyncio.gather(*map(click, range(rate * seconds))))
    middle, late = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
    what = f"click to durable vote and acknowledgement, {rate} a second"
    row(f"{what}, p50", f"{middle:.1f} ms")
    row(f"{what}, p99", f"{late:.1f} ms", "< 50 ms", late < 50)


# --- servers -----------------------------------------------------------------------------------


async def servers(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with TimedDiscord() as fake:
            ids = [fake.guild_id, *(fake.add_guild(f"G{n}").id for n in range(count - 1))]
            ana = Member(id="discord:1", name="ana", roles=("member",))
            known = await community(home, ids[0], [ana], OPEN)
            for id in ids[1:]:  # what is measured is opening; one ledger does for all
                shutil.copytree(home / ids[0], home / id)
            store = Store(home / "discord.db")
            for id in ids:
                channel = int(fake.guilds[id].channel["id"])
                store.set_guild(int(id), channel=channel, commands=known)
            store.close()
            began = time.perf_counter()
            async with running(fake, home) as process:
                await fake.until(lambda: fake.commands.get(None), 120)
                took = time.perf_counter() - began
                what = f"start with {count:,} servers of {OPEN} open processes each"
                row(f"{what}, until commands are answered", f"{took:.1f} s", "< 10 s", took < 10)
                await asyncio.sleep(10)
                memory = resident(process.pid)
                row(f"{what}, memory after 10 s", f"{memory} MB", "< 600 MB", memory < 600)
                guild = fake.guilds[ids[count // 2]]
                zoe = fake.person("zoe", guild=guild)
                began = time.perf_counter()
                await (await zoe.slash("status", channel=guild.channel)).final()
                row("first use of one of them", f"{(time.perf_counter() - began) * 1000:.0f} ms")


def resident(pid: int) -> int:
    """Megabytes of memory a process has."""
    with open(f"/proc/{pid}/statm") as file:
        pages = int(file.read().split()[1])
    return pages * resource.getpagesize() // 2**20


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bot", nargs=3, help=argparse.SUPPRESS)
    options.add_argument("--servers", type=int, default=1000)
    options.add_argument("--seconds", type=int, default=5)
    chosen = options.parse_args()
    if chosen.bot:
        bot(*chosen.bot)
        return
    print("| what | measured | target | met |\n| --- | --- | --- | --- |")
    asyncio.run(clicks(chosen.seconds))
    asyncio.run(servers(chosen.servers))


if __name__ == "__main__":
    main()
