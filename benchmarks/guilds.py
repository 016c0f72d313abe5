"""What the Discord surface takes, on a loopback Discord: `python benchmarks/guilds.py`.

The bot runs in a process of its own, as `govbot run discord` runs it, but for Discord's address;
the loopback server and the people who click run in this one. Prints Markdown.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import discord
import yarl

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fake_discord import FakeDiscord, Json, Person, text_of
from run import machine

from govbot.app import found, open_bot, undelivered, utc_now
from govbot.communities import Communities
from govbot.config import Settings
from govbot.discord_commands import serve
from govbot.records import Member
from govbot.surfaces.discord.client import keep_connected
from govbot.surfaces.discord.front import Front
from govbot.surfaces.discord.homes import Pace
from govbot.surfaces.discord.store import Store

CLICKERS, ROUNDS = 100, 5
WITHIN = (10.0, 2.0, 0.0)  # seconds in which all of them click
PER_GUILD = 10
TYPE, FIELDS = "standard_proposal", {"proposal_text": "bans need two moderators"}


# --- the bot, in a process of its own -------------------------------------------------------------


async def bot(api: str, gateway: str, home: Path) -> None:
    discord.http.Route.BASE = api
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    communities = Communities(home, clock=utc_now)
    front = Front(communities, Store(home / "discord.db"), Pace(), utc_now)
    await serve(communities, front, keep_connected(front, os.environ["DISCORD_TOKEN"]))


def begin(fake: FakeDiscord, home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--bot", fake.api, fake.gateway_address, str(home)]
    return subprocess.Popen(command, env={**os.environ, "DISCORD_TOKEN": fake.token})


def most_memory(process: subprocess.Popen[bytes]) -> int:
    """The most it has held so far, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


# --- figures --------------------------------------------------------------------------------------


async def settle(folder: Path, name: str, processes: int) -> None:
    """A community of one member with so many processes open."""
    await found(folder, Settings(name=name), "example")
    opened = await open_bot(folder, undelivered)
    member = Member(id="discord:1", name="founder", roles=("member",))
    await opened.agent.meet(member)
    for n in range(processes):
        await opened.memory.create_process(TYPE, FIELDS, member.id, at=utc_now(), id=f"open:{n}")
    await opened.close()


async def clicks(home: Path) -> list[str]:
    async with FakeDiscord() as fake:
        role = fake.add_role("Member")
        people = [fake.person(f"m{n}", [role]) for n in range(CLICKERS)]
        await found(home / fake.guild_id, Settings(name="Assembly"), "example")
        store = Store(home / "discord.db")
        store.set_guild(int(fake.guild_id), channel=int(fake.channel["id"]))
        store.map_roles(int(fake.guild_id), "member", [int(role)])
        store.close()
        running = begin(fake, home)
        try:
            await fake.until(lambda: fake.commands.get(fake.guild_id), timeout=30)
            await people[0].say(fake.channel, f"<@{fake.bot['id']}> I propose that we buy a kettle")
            card = await fake.until(
                lambda: next((p for p in fake.posts(fake.channel) if p["embeds"]), None), timeout=30
            )
            found_in: dict[float, list[float]] = {}
            for within in WITHIN:
                took = found_in[within] = []
                for _ in range(ROUNDS if within else 1):
                    await asyncio.gather(
                        *(press(each, card, n, within, took) for n, each in enumerate(people))
                    )
        finally:
            running.terminate()
            running.wait(30)
    return [line for within, took in found_in.items() for line in told(within, sorted(took))]


async def press(person: Person, card: Json, n: int, within: float, took: list[float]) -> None:
    """One member's click, in their turn, and what it took until it was acknowledged."""
    await asyncio.sleep(within * n / CLICKERS)
    started = time.perf_counter()
    reply = await person.click(card, ("Agree", "Disagree")[n % 2])
    took.append(time.perf_counter() - started)
    assert "stands" in text_of(await reply.final())


def told(within: float, took: list[float]) -> list[str]:
    how = f"within {within:g} s" if within else "in the same instant"
    p99 = took[max(0, len(took) * 99 // 100 - 1)]
    return [
        row(
            f"click to acknowledgement, {CLICKERS} members {how}, p50", ms(statistics.median(took))
        ),
        row(f"{CLICKERS} members {how}, p99", ms(p99), "< 50 ms", p99 < 0.05),
    ]


async def guilds(home: Path, count: int) -> list[str]:
    async with FakeDiscord() as fake:
        ids = [fake.guild_id, *(fake.add_guild(f"Guild {n}").id for n in range(count - 1))]
        for n, id in enumerate(ids):
            await settle(home / id, f"Guild {n}", PER_GUILD)
        started = time.perf_counter()
        running = begin(fake, home)
        try:
            await fake.until(lambda: fake.commands.get(None), timeout=60)
            person = fake.person("visitor")
            answer = await asked(person, 60 + started)
            took = time.perf_counter() - started
            assert answer
            await asyncio.sleep(timedelta(seconds=5).total_seconds())
            memory = most_memory(running)
        finally:
            running.terminate()
            running.wait(60)
    what = f"{count:,} guilds with {PER_GUILD} open processes each"
    return [
        row(f"start with {what}, to the first answer", f"{took:.1f} s", "< 10 s", took < 10),
        row("its most memory", f"{memory} MB", "< 600 MB", memory < 600),
    ]


async def asked(person: Person, until: float) -> bool:
    """Asks for the status until the bot answers."""
    while time.perf_counter() < until:
        try:
            reply = await person.slash("status", timeout=3)
            await reply.final()
            return True
        except Exception as error:  # not there yet: the loopback says so in several ways
            print(f"not yet: {error}", file=sys.stderr)
            await asyncio.sleep(0.05)
    return False


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def row(what: str, figure: str, target: str = "", met: bool | None = None) -> str:
    return f"| {what} | {figure} | {target} | {'' if met is None else 'yes' if met else '**no**'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bot", nargs=3, metavar=("API", "GATEWAY", "HOME"))
    parser.add_argument("--guilds", type=int, default=1000)
    chosen = parser.parse_args()
    if chosen.bot:
        api, gateway, home = chosen.bot
        asyncio.run(bot(api, gateway, Path(home)))
        return
    print(f"{machine()}\n\n| what | measured | target | met |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for each in asyncio.run(clicks(Path(first))):
            print(each, flush=True)
        for each in asyncio.run(guilds(Path(second), chosen.guilds)):
            print(each, flush=True)


if __name__ == "__main__":
    main()
