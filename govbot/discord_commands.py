"""The commands around Discord: inviting the bot, running it, checking what would keep it from it.

`discord` takes half a second to import, so each command imports it inside.
"""

import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from govbot.options import UNSOUND, model_option, run

if TYPE_CHECKING:
    from govbot.communities import Communities
    from govbot.surfaces.discord.front import Front

TOKEN = "DISCORD_TOKEN"  # the name of the variable, not its value
STORE = "discord.db"

home_option = click.option(
    "--dir", "home", type=click.Path(path_type=Path), default=Path(), show_default="here",
    help="The folder with a community's folder a server; with --guild the one community's own.",
)  # fmt: skip
guild_option = click.option(
    "--guild", default="", metavar="ID", help="Serve only this server, from one community's folder."
)


def token() -> str:
    from govbot.errors import OperatorError

    found = os.environ.get(TOKEN, "").strip()
    if not found:
        raise OperatorError(
            f"{TOKEN} is not set; copy the token from your application's page, Bot, into it"
        )
    return found


@click.group("run")
def run_group() -> None:
    """Run the bot in a chat."""


@click.group("discord")
def discord_group() -> None:
    """Prepare the bot for Discord."""


@discord_group.command()
@click.option("--application", type=int, help="The application's id; else the token's own.")
def invite(application: int | None) -> None:
    """Print the link that brings the bot into a server.

    \b
    Example:  DISCORD_TOKEN=… govbot discord invite
    """
    import discord

    from govbot.surfaces.discord.invitation import application_of, needed

    link = discord.utils.oauth_url(application or application_of(token()), permissions=needed())
    click.echo(link)
    click.echo(f"It asks for the permissions {needed().value}.", err=True)


@discord_group.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--within", default=60, show_default=True, help="Seconds since it was fresh.")
def health(file: Path, within: int) -> None:
    """Whether a running bot is well, by the file its --health names; for a container's check.

    \b
    Example:  govbot discord health health
    """
    import time

    from govbot.errors import OperatorError

    try:
        age = time.time() - file.stat().st_mtime
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}") from None
    click.echo(f"Discord answered {age:.0f} seconds ago.")
    sys.exit(0 if age <= within else UNSOUND)


@run_group.command("discord")
@home_option
@guild_option
@model_option
@click.option("--check", is_flag=True, help="Say what would fail, and end.")
@click.option("--log-json", is_flag=True, help="Log one JSON object a line.")
@click.option(
    "--health", type=click.Path(path_type=Path), help="A file kept fresh while all is well."
)
def run_discord(
    home: Path, guild: str, model: str, check: bool, log_json: bool, health: Path | None
) -> None:
    """Serve communities on Discord, with the token in DISCORD_TOKEN.

    \b
    Example:  govbot run discord --dir communities
              govbot run discord --dir ours --guild 81384788765712384 --check
    """
    from govbot.logs import log_to_stderr

    secret = token()
    log_to_stderr(log_json, [secret])
    if check:
        found = run(_checked(home, guild, secret))
        for line in found:
            click.echo(line)
        click.echo("Everything is as it should be." if not found else f"{len(found)} to mend.")
        sys.exit(UNSOUND if found else 0)
    run(_stopping_well(_run(home, guild, model, secret, health)))


def _opened(home: Path, guild: str, model: str = "") -> "tuple[Communities, Front]":
    from govbot.communities import Communities
    from govbot.config import Folder
    from govbot.errors import OperatorError
    from govbot.surfaces.discord.front import Front
    from govbot.surfaces.discord.homes import Pace
    from govbot.surfaces.discord.store import Store

    if guild:
        Folder(home).settings()
        if not guild.isdigit():
            raise OperatorError(f"{guild!r} is no server's id; copy it from Discord")
        place = Folder(home).private / STORE
    else:
        place = home / STORE
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"{home} cannot be written: {error.strerror}") from None
    communities = Communities(home, only=guild, model=model)
    return communities, Front(communities, Store(place), Pace())


async def _run(home: Path, guild: str, model: str, secret: str, health: Path | None) -> None:
    from govbot.surfaces.discord.client import keep_connected

    communities, front = _opened(home, guild, model)
    await serve(communities, front, keep_connected(front, secret, health))


async def serve(
    communities: "Communities", front: "Front", connection: Coroutine[Any, Any, None]
) -> None:
    """Keeps the connection and everybody's time until one of them fails or it is cancelled."""
    import asyncio

    work = (connection, front.keep_time(communities.run()), front.reminders.run())
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await front.close()
        await communities.close()


async def _stopping_well(work: Coroutine[Any, Any, None]) -> None:
    """A service's stop signal ends it as Ctrl-C does: what is under way is answered first."""
    import asyncio
    import contextlib
    import signal

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has no signal handlers of a loop
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _checked(home: Path, guild: str, secret: str) -> list[str]:
    from govbot.surfaces.discord.checks import doubts

    communities, front = _opened(home, guild)
    try:
        found = [f"{name}: {what}" for name, what in await communities.doubts()]
        return [*found, *await doubts(secret, front.store)]
    finally:
        front.store.close()
