"""Opening a process: from a command, from somebody's message, from a form.

Owns the way from what a charter asks an opener for to the request that opens it. What was filled
in is kept until it is open, so that a refusal or a restart loses nobody's words.
"""

from collections.abc import Mapping
from typing import Any

import discord
from discord import ui

from govbot.records import Open
from govbot.surfaces import Blank, Openable
from govbot.surfaces.discord.components import button, form, menu, person, question, row
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.members import cleaned, id_of, snowflake
from govbot.surfaces.discord.render import content
from govbot.surfaces.discord.sending import Said, said_of

Interaction = discord.Interaction[Any]

ASKED = 5  # questions in one form
LONG = 200  # characters from which a text is asked for in a large field
QUOTED = "quoted"
NONE = "The constitution provides for nothing that could be opened."


async def openable(desk: Desk, type: str) -> Openable | None:
    community = await desk.community()
    known = community.openable() if community is not None else ()
    return next((each for each in known if each.type == type), None)


async def begin(
    desk: Desk, interaction: Interaction, asked: Openable, given: Mapping[str, Any]
) -> Said | ui.Modal:
    """Opens a process if all it needs is there, and asks for the rest if not."""
    missing = [blank for blank in asked.blanks if blank.required and not given.get(blank.name)]
    if not asked.blanks or (given and not missing):
        return await _open(desk, interaction, asked, given)
    kept = {**_draft(desk, interaction, asked), **given}
    _keep(desk, interaction, asked, kept)  # should the form have to be opened again
    return page(asked, 0, kept)


def page(asked: Openable, number: int, given: Mapping[str, Any]) -> ui.Modal:
    """One form of what is asked for, five questions at a time."""
    blanks = asked.blanks[number * ASKED : (number + 1) * ASKED]
    id = str(Press("new", 0, asked.type, str(number)))
    return form(asked.title, id, [_question(each, given.get(each.name)) for each in blanks])


def _question(blank: Blank, given: Any) -> ui.Label[Any]:
    label = blank.label.capitalize()
    if blank.type == "member":
        held = snowflake(str(given)) if given else 0
        return person(blank.name, label, required=blank.required, given=held)
    long = blank.type == "text" and blank.most > LONG
    most = blank.most if blank.type == "text" else 20
    return question(
        blank.name, label, long=long, required=blank.required, most=most,
        given="" if given is None else str(given),
    )  # fmt: skip


async def filled(
    desk: Desk, interaction: Interaction, press: Press, answers: Mapping[str, Any]
) -> Said | ui.Modal:
    """A form came back: the next one, or the process."""
    asked = await openable(desk, press.kind)
    if asked is None:
        return Said("The rules have changed meanwhile; this can no longer be opened.")
    given = {**_draft(desk, interaction, asked), **read(asked.blanks, answers)}
    number = int(press.rest or 0) + 1
    if number * ASKED < len(asked.blanks):
        _keep(desk, interaction, asked, given)
        left = button("Go on", str(Press("on", 0, asked.type, str(number))), 1)
        return Said(f"{asked.title}: a few questions more.", rows=[row(left)])
    return await _open(desk, interaction, asked, given)


async def go_on(desk: Desk, interaction: Interaction, press: Press) -> Said | ui.Modal:
    asked = await openable(desk, press.kind)
    if asked is None:
        return Said("The rules have changed meanwhile; this can no longer be opened.")
    return page(asked, int(press.rest or 0), _draft(desk, interaction, asked))


def read(blanks: tuple[Blank, ...], answers: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in, in the shape it is asked for; the community says what is wrong."""
    made = ((blank, answers[blank.name]) for blank in blanks if blank.name in answers)
    return {blank.name: value_of(blank.type, given) for blank, given in made if given}


def value_of(type: str, given: Any) -> Any:
    if type == "member":
        picked = given[0] if isinstance(given, list) else given
        return id_of(picked)
    text = cleaned(str(given)).strip()
    if type == "number":
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 16 else text
    return text


async def _open(
    desk: Desk, interaction: Interaction, asked: Openable, fields: Mapping[str, Any]
) -> Said:
    _keep(desk, interaction, asked, fields)
    action = Open(type=asked.type, fields=dict(fields))
    reply = await desk.handle(interaction.user, interaction.id, action=action)
    if not reply.ok or reply.process is None:
        kept = "What you wrote is kept: ask for the form again to go on."
        return Said(f"{content(reply)}\n\n{kept}", plain=False)
    _keep(desk, interaction, asked, None)
    return said_of(reply, await desk.homeward(reply))


def _draft(desk: Desk, interaction: Interaction, asked: Openable) -> dict[str, Any]:
    kept = desk.store.draft(desk.id, interaction.user.id, f"new:{asked.type}")
    return kept if isinstance(kept, dict) else {}


def _keep(
    desk: Desk, interaction: Interaction, asked: Openable, fields: Mapping[str, Any] | None
) -> None:
    kept = None if fields is None else dict(fields)
    desk.store.set_draft(desk.id, interaction.user.id, f"new:{asked.type}", kept)


# --- from somebody's message -------------------------------------------------------------------


async def of_message(desk: Desk, interaction: Interaction, words: str) -> Said | ui.Modal:
    """Makes a message a proposal: of the one type there is, or of the one the member picks."""
    community = await desk.community()
    known = community.openable() if community is not None else ()
    fitting = [each for each in known if _first_text(each)]
    if not words.strip():
        return Said("There are no words in that message that could be proposed.")
    if not fitting:
        return Said(NONE)
    desk.store.set_draft(desk.id, interaction.user.id, QUOTED, cleaned(words)[:4000])
    if len(fitting) == 1:
        return await _from_quoted(desk, interaction, fitting[0])
    options = [(each.type, each.title) for each in fitting]
    return Said("What is it to be?", rows=[menu(str(Press("kind")), options, "Choose")])


async def kind_picked(desk: Desk, interaction: Interaction, type: str) -> Said | ui.Modal:
    asked = await openable(desk, type)
    return Said(NONE) if asked is None else await _from_quoted(desk, interaction, asked)


async def _from_quoted(desk: Desk, interaction: Interaction, asked: Openable) -> Said | ui.Modal:
    words = desk.store.draft(desk.id, interaction.user.id, QUOTED)
    given = {_first_text(asked): words} if words else {}
    kept = {**_draft(desk, interaction, asked), **given}
    _keep(desk, interaction, asked, kept)
    return page(asked, 0, kept)


def _first_text(asked: Openable) -> str:
    return next((blank.name for blank in asked.blanks if blank.type == "text"), "")
