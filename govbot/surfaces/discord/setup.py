"""Setting a guild up: which constitution, where cards hang, who holds which role; and the check of
what the bot may do there.

Owns the guided steps of `/govbot setup` and the list of permissions with what each is for. Nothing
is founded or changed before the last step.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import available_timezones

import discord
from discord import ui

from govbot.errors import GovbotError, OperatorError
from govbot.surfaces.discord.components import button, form, menu, question, row
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.invitation import NEEDED, permission_named
from govbot.surfaces.discord.sending import Said

Interaction = discord.Interaction[Any]
Outcome = Said | ui.Modal | None

NOT_ALLOWED = "This is for those with the permission “Manage Server”; ask one of them."
DRAFT = "setup"
ROLES = 3  # asked for on one screen
ROLE_SELECT, CHANNEL_SELECT = 6, 8


def manages(interaction: Interaction) -> bool:
    may = interaction.permissions
    return may.administrator or may.manage_guild


# --- the steps ------------------------------------------------------------------------------------


async def begin(desk: Desk, interaction: Interaction) -> Outcome:
    """The first screen, with what was chosen before."""
    if not manages(interaction):
        return Said(NOT_ALLOWED)
    kept, community = desk.store.guild(desk.id), await desk.community()
    roles: dict[str, list[int]] = {}
    for role, named in desk.store.mapped(desk.id).items():
        for each in named:
            roles.setdefault(each, []).append(role)
    draft = {
        "founded": community is not None,
        "template": "",
        "zone": community.zone if community is not None else "UTC",
        "channel": kept.channel or interaction.channel_id or 0,
        "moderators": kept.moderators,
        "roles": roles,
    }
    _keep(desk, interaction, draft)
    return await _places(desk, draft) if draft["founded"] else _constitution(desk, draft)


async def pressed(
    desk: Desk, interaction: Interaction, press: Press, values: list[str],
    answers: Mapping[str, Any],
) -> Outcome:  # fmt: skip
    """One step of it. What is chosen is kept until the last."""
    draft = desk.store.draft(desk.id, interaction.user.id, DRAFT)
    if not manages(interaction) or not isinstance(draft, dict):
        return Said(NOT_ALLOWED if not manages(interaction) else "Begin with /govbot setup.")
    if press.kind == "finish":
        return await _finish(desk, interaction, draft)
    if press.kind == "zone" and not answers:
        return _zone_form(draft)
    if press.kind == "everybody":
        press, values = Press("setup", 0, "role", press.rest), [str(desk.id)]
    problem = _take(draft, press, values, answers)
    said = await _screen(desk, draft, press)
    _keep(desk, interaction, draft)
    return Said(f"{problem}\n\n{said.text}", rows=said.rows) if problem else said


def _take(
    draft: dict[str, Any], press: Press, values: list[str], answers: Mapping[str, Any]
) -> str:
    """Puts a choice into the draft; what is wrong with it, if anything is."""
    match press.kind:
        case "template":
            draft["template"] = values[0] if values else ""
        case "zone":
            zone = str(answers.get("zone") or "").strip()
            if zone not in available_timezones():
                return f"I know no time zone {zone!r}; write one such as Europe/Berlin."
            draft["zone"] = zone
        case "channel" | "moderators":
            draft[press.kind] = int(values[0]) if values else 0
        case "role":
            draft["roles"][press.rest] = [int(value) for value in values]
    return ""


async def _screen(desk: Desk, draft: dict[str, Any], press: Press) -> Said:
    if press.kind in ("template", "zone"):
        return _constitution(desk, draft)
    if press.kind in ("channel", "moderators", "places"):
        return await _places(desk, draft)
    roles = list(await _spoken_of(desk, draft))
    if press.kind == "roles":
        return await _roles(desk, draft, int(press.rest or 0))
    return await _roles(desk, draft, roles.index(press.rest) // ROLES if press.rest in roles else 0)


def _keep(desk: Desk, interaction: Interaction, draft: dict[str, Any] | None) -> None:
    desk.store.set_draft(desk.id, interaction.user.id, DRAFT, draft)


def _step(kind: str, rest: str = "") -> str:
    return str(Press("setup", 0, kind, rest))


def _constitution(desk: Desk, draft: dict[str, Any]) -> Said:
    known = sorted(desk.communities.templates())
    options = [(name, name.capitalize()) for name in known]
    chosen = [draft["template"]] if draft["template"] else []
    nav = [button(f"Time zone: {draft['zone']} …", _step("zone"))]
    if chosen:
        nav.append(button("Next", _step("places"), 1))
    return Said(
        "Setting up, 1 of 3: the constitution to start from. Read it before you found a community"
        " on it: from then on it changes only as it says itself.",
        rows=[menu(_step("template"), options, "Constitution", picked=chosen), row(*nav)],
    )


def _zone_form(draft: dict[str, Any]) -> ui.Modal:
    hint = "As in Europe/Berlin or America/New_York"
    field = question("zone", "Time zone of deadlines", most=60, given=draft["zone"], hint=hint)
    return form("Time zone", _step("zone"), [field])


async def _places(desk: Desk, draft: dict[str, Any]) -> Said:
    return Said(
        "Setting up, 2 of 3: places. In which channel do processes get their cards and threads? And"
        " where are appeals brought to people (if you leave it out, to the same channel)?",
        rows=[
            _select(CHANNEL_SELECT, _step("channel"), "Cards", [draft["channel"]]),
            _select(CHANNEL_SELECT, _step("moderators"), "Appeals", [draft["moderators"]], least=0),
            row(button("Next", _step("roles", "0"), 1)),
        ],
    )


async def _roles(desk: Desk, draft: dict[str, Any], page: int) -> Said:
    spoken = await _spoken_of(desk, draft)
    names = list(spoken)[page * ROLES : (page + 1) * ROLES]
    for name in names:
        draft["roles"].setdefault(name, _alike(desk, name))
    lines = [
        f"{name}: “{' '.join(spoken[name].split())}” {_holders(desk, draft, name)}"
        for name in names
    ]
    menus = [
        _select(
            ROLE_SELECT, _step("role", name), f"Who is {name!r}?", draft["roles"].get(name, []),
            least=0, most=10,
        )
        for name in names
    ]  # fmt: skip
    everybody = [button(f"Everybody is {name!r}"[:80], _step("everybody", name)) for name in names]
    more = (page + 1) * ROLES < len(spoken)
    last = button("Next", _step("roles", str(page + 1)), 1) if more else _last(draft)
    back = button("Back", _step("places") if not page else _step("roles", str(page - 1)))
    told = "\n".join(lines) or "The constitution speaks of no roles."
    return Said(
        "Setting up, 3 of 3: roles. The constitution speaks of them; which roles of this server are"
        f" they?\n{told}",
        rows=[*menus, *([row(*everybody)] if everybody else []), row(back, last)],
    )


def _alike(desk: Desk, name: str) -> list[int]:
    """The guild's roles of that name, to begin with."""
    roles = desk.guild.roles if desk.guild is not None else []
    return [role.id for role in roles if role.name.casefold() in (name, f"{name}s")]


def _last(draft: dict[str, Any]) -> dict[str, Any]:
    return button("Save" if draft["founded"] else "Found the community", _step("finish"), 3)


def _holders(desk: Desk, draft: dict[str, Any], name: str) -> str:
    guild, chosen = desk.guild, draft["roles"].get(name)
    if not chosen or guild is None:
        return "(nobody yet)"
    named = [role.name for id in chosen if (role := guild.get_role(id)) is not None]
    return f"({', '.join(named)})"


async def _spoken_of(desk: Desk, draft: dict[str, Any]) -> Mapping[str, str]:
    """The roles of the constitution in force, or of the one that was picked."""
    community = await desk.community()
    if community is not None:
        return community.roles()
    return desk.communities.templates().get(draft["template"], {})


def _select(
    type: int, custom_id: str, placeholder: str, held: list[int], least: int = 1, most: int = 1
) -> dict[str, Any]:
    return row(
        {
            "type": type, "custom_id": custom_id, "placeholder": placeholder[:150],
            "min_values": least, "max_values": most, "defaults": [id for id in held if id][:most],
        }
    )  # fmt: skip


async def _finish(desk: Desk, interaction: Interaction, draft: dict[str, Any]) -> Outcome:
    """Founds what is to be founded, keeps what was chosen, and says how it stands."""
    community, guild = await desk.community(), desk.guild
    if guild is None:
        return Said("Discord does not show me this server just now; try again in a minute.")
    if community is None and not draft["template"]:
        return _constitution(desk, draft)
    store = desk.store
    store.set_guild(
        desk.id, channel=draft["channel"], moderators=draft["moderators"], by=interaction.user.id
    )
    for name in await _spoken_of(desk, draft):
        store.map_roles(desk.id, name, draft["roles"].get(name, []))
    if community is None:
        try:
            community = await desk.communities.found(
                str(desk.id), guild.name, draft["template"], draft["zone"]
            )
        except OperatorError as error:
            return Said(f"The community could not be founded: {error}.")
    desk.met = False
    await desk.meet(community)
    _keep(desk, interaction, None)
    said = await checked(desk)
    return Said(f"{guild.name} is set up.\n\n{said.text}")


# --- the check ------------------------------------------------------------------------------------


async def checked(desk: Desk) -> Said:
    """What I may do here and what I miss, with what does not work without it."""
    guild, community = desk.guild, await desk.community()
    if guild is None:
        return Said("Discord does not show me this server just now; try again in a minute.")
    if community is None:
        return Said("This server has no constitution yet; found a community with /govbot setup.")
    lines = [*missing(guild.me, desk.homes.place(guild)), *_unheld(desk, guild, community.roles())]
    known = [each.title for each in community.openable()]
    told = "\n".join(f"- {line}" for line in lines) or "Nothing is missing."
    return Said(f"{told}\n\nMembers can open: {', '.join(known)}. They begin with /propose.")


def missing(me: discord.Member, channel: discord.TextChannel | None) -> Iterator[str]:
    """The permissions that are missing, and why they matter."""
    if channel is None:
        yield "There is no channel I may post in; give me one and choose it with /govbot setup"
        return
    may = channel.permissions_for(me)
    for name, without in NEEDED.items():
        if not getattr(may, name):
            yield f"In #{channel.name} I lack “{permission_named(name)}”: without it {without}"


def _unheld(desk: Desk, guild: discord.Guild, spoken_of: Mapping[str, str]) -> Iterator[str]:
    """Roles of the constitution that nobody can hold as things are."""
    mapped = desk.store.mapped(desk.id)
    for name in spoken_of:
        held = [role for role, named in mapped.items() if name in named]
        if not held:
            yield f"No role of this server is {name!r}; choose one with /govbot setup"
        for role in held:
            if guild.get_role(role) is None:
                yield f"The role that was {name!r} is gone; choose another with /govbot setup"


async def fetched(interaction: Interaction, attachment: Mapping[str, Any]) -> bytes:
    """What somebody attached to a command."""
    try:
        data: bytes = await interaction.client.http.get_from_cdn(str(attachment["url"]))
    except discord.HTTPException as error:
        raise GovbotError(f"the file could not be fetched ({error}); attach it again") from None
    return data
