"""A guild's member as a member of its community.

Owns who counts as one and with which roles: roles come from the guild's own, by the mapping an
admin set. Bots, webhooks and those who have not passed the guild's screening have none.
"""

from collections.abc import Iterable, Iterator, Mapping

import discord

from govbot.records import Member, stamp

PLATFORM = "discord"
Mapped = Mapping[int, tuple[str, ...]]  # a guild's role -> the roles its constitution speaks of


def id_of(user: int | str) -> str:
    return f"{PLATFORM}:{user}"


def snowflake(id: str) -> int:
    """The number in a member's id; 0 for one of another platform."""
    platform, _, number = id.partition(":")
    return int(number) if platform == PLATFORM and number.isdigit() else 0


def cleaned(text: str) -> str:
    """Text that can be kept: a lone half of a surrogate pair has no bytes."""
    return text.encode("utf-8", "replace").decode()


def is_person(user: discord.abc.User | discord.Object) -> bool:
    return isinstance(user, discord.Member | discord.User) and not (user.bot or user.system)


def member_of(user: discord.Member, mapped: Mapped) -> Member:
    """What the guild says of somebody now."""
    facts: dict[str, str | int | bool] = {}
    if user.joined_at is not None:
        facts["joined_at"] = stamp(user.joined_at)
    roles = () if user.pending or user.bot else tuple(_roles(user, mapped))
    return Member(id=id_of(user.id), name=_name(user), roles=roles, facts=facts)


def _roles(user: discord.Member, mapped: Mapped) -> Iterator[str]:
    held = {role.id for role in user.roles} | {user.guild.id}
    named = (mapped[role] for role in sorted(held & mapped.keys()))
    yield from sorted({role for roles in named for role in roles})


def _name(user: discord.Member | discord.User) -> str:
    return cleaned(user.display_name or user.name)[:200]


def gone(known: Member) -> Member:
    """A member who has left: known by name, with no role."""
    return known.model_copy(update={"roles": (), "facts": {}})


def differing(
    guild: Iterable[discord.Member], mapped: Mapped, known: Mapping[str, Member]
) -> Iterator[Member]:
    """What a community does not know yet: who came, changed or left. Of strangers only those
    with a role matter."""
    here = {id_of(user.id): user for user in guild if is_person(user)}
    for id, user in here.items():
        member = member_of(user, mapped)
        if member != known.get(id) and (member.roles or id in known):
            yield member
    for id, member in known.items():
        if snowflake(id) and id not in here and (member.roles or member.facts):
            yield gone(member)
