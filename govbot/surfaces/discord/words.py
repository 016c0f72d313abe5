"""Discord's markup as words: whom and what a message names, so that it can be read and kept.

Owns the step from `<@42>` to a name. A name two members share is not used: their number is.
"""

import re
from collections.abc import Mapping

import discord

from govbot.records import Member
from govbot.surfaces.discord.members import cleaned, id_of

_MARKUP = re.compile(r"<(?P<mark>@!?|@&|#|a?:\w{1,32}:)(?P<id>\d{1,20})>")


def spoken(text: str, guild: discord.Guild | None, bot: int, known: Mapping[str, Member]) -> str:
    """The words of a message, without the bot's own mention."""

    def said(found: re.Match[str]) -> str:
        mark, id = found["mark"], int(found["id"])
        if id == bot or (
            guild is not None and guild.self_role is not None and id == guild.self_role.id
        ):
            return ""
        return _named(mark, id, guild, known) or found[0]

    return cleaned(_MARKUP.sub(said, text)).strip()


def _named(mark: str, id: int, guild: discord.Guild | None, known: Mapping[str, Member]) -> str:
    if mark in ("@", "@!"):
        return _person(id, guild, known)
    if mark == "#":
        channel = guild.get_channel_or_thread(id) if guild else None
        return f"#{channel.name}" if channel else ""
    if mark == "@&":
        role = guild.get_role(id) if guild else None
        return f"@{role.name.lstrip('@')}" if role else ""
    return mark.removeprefix("a")


def _person(id: int, guild: discord.Guild | None, known: Mapping[str, Member]) -> str:
    member = known.get(id_of(id))
    if member is None:
        user = guild.get_member(id) if guild else None
        return f"@{user.display_name}" if user else ""
    folded = member.name.casefold()
    alike = sum(each.name.casefold() == folded for each in known.values())
    return f"@{member.name}" if alike == 1 else f"@{id}"
