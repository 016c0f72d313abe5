"""What happens when something on a card is pressed, picked or filled in.

Owns the verbs of `ids`: each takes a press to what its member is told, to a form, or to the next
step of a ballot. Decides nothing: whether an input may be given is the community's to say.
"""

from typing import Any

import discord

from govbot.records import Ask, Give, Reply
from govbot.surfaces import Giveable
from govbot.surfaces.discord.components import form, question
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.ids import Press, chosen
from govbot.surfaces.discord.members import id_of
from govbot.surfaces.discord.sending import Said
from discord import ui

Interaction = discord.Interaction[Any]


async def pressed(desk: Desk, interaction: Interaction, press: Press) -> Said | ui.Modal | None:
    match press.verb:
        case "v":
            return await _choice(desk, interaction, press)
        case "why":
            return await _why(desk, interaction, press)
    return Said("I do not know this button any more; look at the process with /status.")


async def _taken(desk: Desk, press: Press) -> Giveable | None:
    """The input a press is about, as its process takes it now."""
    community = await desk.community()
    found = community.giveable(press.process) if community is not None else ()
    return next((each for each in found if each.kind == press.kind), None)


async def _choice(desk: Desk, interaction: Interaction, press: Press) -> Said | ui.Modal | None:
    asked = await _taken(desk, press)
    choice = chosen(press.rest, asked.choices if asked else ())
    if asked is not None and choice in asked.reasons:
        return form(
            f"{choice.capitalize()} on #{press.process}",
            str(Press("m", press.process, press.kind, press.rest)),
            [question("reason", "Your reason", long=True)],
        )
    return await give(desk, interaction, press, choice)


async def give(
    desk: Desk, interaction: Interaction, press: Press, value: Any, reason: str = ""
) -> Said:
    action = Give(process=press.process, input=press.kind, value=value, reason=reason)
    reply = await desk.handle(interaction.user, interaction.id, action=action)
    return await confirmed(desk, interaction, press, reply)


async def confirmed(desk: Desk, interaction: Interaction, press: Press, reply: Reply) -> Said:
    """What was recorded, what stands now, and how to change it."""
    community, asked = await desk.community(), await _taken(desk, press)
    if community is None or asked is None:
        return Said(reply.text)
    standing = community.standing(press.process, press.kind, id_of(interaction.user.id))
    lines = [reply.text, ""]
    if standing is not None:
        lines.append(f"You have standing: {standing}.")
        if asked.changeable:
            lines.append("To change it, press another button before the deadline.")
    return Said("\n".join(lines))


async def _why(desk: Desk, interaction: Interaction, press: Press) -> Said:
    action = Ask(question="why", process=press.process)
    reply = await desk.handle(interaction.user, interaction.id, action=action)
    return Said(reply.text)
