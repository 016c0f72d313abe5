"""What an outcome does in a guild: roles, locks, pins, names, channels, time-outs.

Owns the step from an errand to Discord's own acts. Promises to do nothing beyond the errand, that
doing it again changes nothing more, and that what the bot may not do is told with its reason.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import discord

from govbot.errors import GovbotError
from govbot.parts import Acted, Errand
from govbot.surfaces.discord.homes import AWAY, passing
from govbot.surfaces.discord.members import Mapped, snowflake
from govbot.surfaces.discord.store import Home
from govbot.tools.dates import datetime_add, parse_duration

log = logging.getLogger(__name__)

WHY = "govbot, process {}: {}"
LONGEST = timedelta(days=28)  # that Discord lets a time-out be


class _CannotBe(Exception):
    """Why an errand is not done, in a sentence."""


async def carry_out(
    guild: discord.Guild, errand: Errand, home: Home | None, mapped: Mapped,
    place: discord.TextChannel | None,
) -> Acted:  # fmt: skip
    """Does it, or says why not; OSError where trying again later may help."""
    here = _Here(guild, errand, home, mapped, place)
    try:
        return await _ACTS[errand.does](here)
    except (_CannotBe, GovbotError) as error:
        return Acted(ok=False, note=str(error))
    except discord.Forbidden as error:
        return Acted(ok=False, note=f"Discord does not let me: {error.text or 'forbidden'}")
    except AWAY as error:
        if passing(error):
            raise OSError(str(error)) from None
        return Acted(ok=False, note=f"Discord refused it: {error}")


class _Here:
    """An errand and where it is done."""

    def __init__(
        self, guild: discord.Guild, errand: Errand, home: Home | None, mapped: Mapped,
        place: discord.TextChannel | None,
    ) -> None:  # fmt: skip
        self.guild, self.errand, self.home = guild, errand, home
        self.mapped, self.place = mapped, place

    @property
    def said(self) -> Mapping[str, Any]:
        return self.errand.arguments

    @property
    def why(self) -> str:
        number = self.errand.process.rpartition("_")[2]
        return WHY.format(number, self.errand.does.replace("_", " "))

    @property
    def name(self) -> str:
        return " ".join(str(self.said.get("name", "")).split())[:100]

    def needs(self, permission: str) -> None:
        if not getattr(self.guild.me.guild_permissions, permission):
            asked = permission.replace("_", " ").title()
            raise _CannotBe(f"I lack the permission “{asked}” in this server")

    async def spot(self) -> discord.TextChannel | discord.Thread:
        """The channel that is named, or the process's own thread."""
        wanted = str(self.said.get("channel", "")).lstrip("#")
        if wanted:
            for channel in self.guild.text_channels:
                if wanted in (channel.name, str(channel.id)):
                    return channel
            raise _CannotBe(f"there is no channel {wanted!r} in this server")
        thread = self.home.thread if self.home else 0
        found = self.guild.get_channel_or_thread(thread) if thread else None
        if found is None and thread:
            found = await self.guild.fetch_channel(thread)
        if not isinstance(found, discord.Thread):
            raise _CannotBe("the process has no thread here")
        return found

    async def people(self) -> list[discord.Member]:
        """Those it is about who are here."""
        found = []
        for id in self.said.get("to", ()):
            number = snowflake(id)
            member = self.guild.get_member(number)
            if member is None and number:
                try:
                    member = await self.guild.fetch_member(number)
                except discord.NotFound:
                    member = None
            found += [member] if member is not None else []
        return found


# --- roles ----------------------------------------------------------------------------------------


async def _grant(here: _Here) -> Acted:
    given, missing = await _roles(here), "nobody it is about is in this server"
    people = await here.people()
    for member in people:
        await member.add_roles(*given, reason=here.why)
    return Acted(note=_named(given), undo={"do": "revoke_role"}) if people else _not(missing)


async def _revoke(here: _Here) -> Acted:
    taken, people = await _roles(here), await here.people()
    for member in people:
        await member.remove_roles(*taken, reason=here.why)
    return Acted(note=_named(taken), undo={"do": "grant_role"})


def _not(why: str) -> Acted:
    return Acted(ok=False, note=why)


def _named(roles: list[discord.Role]) -> str:
    return f"the role {', '.join(role.name for role in roles)} in Discord"


async def _roles(here: _Here) -> list[discord.Role]:
    """The guild's roles that stand for the community's, and for nothing else."""
    role = here.said["role"]
    ids = [id for id, governs in here.mapped.items() if governs == (role,)]
    found = [r for id in ids if (r := here.guild.get_role(id)) and not r.is_default()]
    if not found:
        raise _CannotBe(f"no role of this server stands for {role!r} alone; see /govbot setup")
    here.needs("manage_roles")
    for each in found:
        if each.managed or each >= here.guild.me.top_role:
            raise _CannotBe(f"the role {each.name} stands above mine; move mine above it")
    return found


# --- threads and channels -------------------------------------------------------------------------


async def _lock(here: _Here) -> Acted:
    return await _locked(here, True)


async def _unlock(here: _Here) -> Acted:
    return await _locked(here, False)


async def _locked(here: _Here, locked: bool) -> Acted:
    spot, undo = await here.spot(), {"do": "unlock" if locked else "lock"}
    if isinstance(spot, discord.Thread):
        here.needs("manage_threads")
        await spot.edit(locked=locked, reason=here.why)
        return Acted(undo=undo)
    here.needs("manage_roles")  # what channels ask for where they let somebody do less
    everyone = here.guild.default_role
    may = spot.overwrites_for(everyone)
    may.update(send_messages=False if locked else None)
    await spot.set_permissions(everyone, overwrite=may, reason=here.why)
    return Acted(undo={**undo, "channel": str(spot.id)})


async def _pin(here: _Here) -> Acted:
    await _card(here).pin(reason=here.why)
    return Acted(undo={"do": "unpin"})


async def _unpin(here: _Here) -> Acted:
    await _card(here).unpin(reason=here.why)
    return Acted(undo={"do": "pin"})


def _card(here: _Here) -> discord.PartialMessage:
    channel = here.guild.get_channel(here.home.channel) if here.home else None
    if here.home is None or not here.home.message or not isinstance(channel, discord.TextChannel):
        raise _CannotBe("the process has no card here")
    return channel.get_partial_message(here.home.message)


async def _rename(here: _Here) -> Acted:
    spot = await here.spot()
    before = spot.name
    if before != here.name:
        await spot.edit(name=here.name, reason=here.why)
    where = {"channel": str(spot.id)} if isinstance(spot, discord.TextChannel) else {}
    return Acted(undo={"do": "rename", "name": before, **where})


async def _create_channel(here: _Here) -> Acted:
    here.needs("manage_channels")
    wanted = here.name.lower().replace(" ", "-")
    made = discord.utils.get(here.guild.text_channels, name=wanted)
    if made is None:
        made = await here.guild.create_text_channel(wanted, reason=here.why)
    return Acted(note=f"#{made.name}", undo={"do": "delete_channel", "channel": str(made.id)})


async def _create_thread(here: _Here) -> Acted:
    spot = await here.spot() if here.said.get("channel") else here.place
    if not isinstance(spot, discord.TextChannel):
        raise _CannotBe("there is no channel for a thread here")
    made = discord.utils.get(spot.threads, name=here.name)
    if made is None:
        kind = discord.ChannelType.public_thread
        made = await spot.create_thread(name=here.name, type=kind, reason=here.why)
    return Acted(note=made.name, undo={"do": "delete_channel", "channel": str(made.id)})


# --- time-outs ------------------------------------------------------------------------------------


async def _time_out(here: _Here) -> Acted:
    now = discord.utils.utcnow()
    until = datetime_add(now, **parse_duration(str(here.said["lasts"])))
    if until - now > LONGEST:
        raise _CannotBe(f"Discord lets a time-out last {LONGEST.days} days at most")
    return await _until(here, until, "end_time_out")


async def _end_time_out(here: _Here) -> Acted:
    return await _until(here, None, "")


async def _until(here: _Here, until: datetime | None, undo: str) -> Acted:
    here.needs("moderate_members")
    people = await here.people()
    for member in people:
        if member.id == here.guild.owner_id or member.top_role >= here.guild.me.top_role:
            raise _CannotBe(f"{member.name} stands above me in this server")
        await member.timeout(until, reason=here.why)
    if not people:
        return _not("nobody it is about is in this server")
    return Acted(undo={"do": undo, "to": list(here.said["to"])} if undo else {})


_ACTS: Mapping[str, Callable[[_Here], Awaitable[Acted]]] = {
    "grant_role": _grant, "revoke_role": _revoke, "lock": _lock, "unlock": _unlock, "pin": _pin,
    "unpin": _unpin, "rename": _rename, "create_channel": _create_channel,
    "create_thread": _create_thread, "time_out": _time_out, "end_time_out": _end_time_out,
}  # fmt: skip
