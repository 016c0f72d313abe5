"""What happens when something is pressed, picked or filled in.

Owns the verbs of `ids`: each takes a press to what its member is told, to a form, or to the next
step of a ballot. Decides nothing: whether an input may be given is the community's to say.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui
from pydantic import TypeAdapter

from govbot.parts import Reply
from govbot.records import Action, Ask, Give
from govbot.surfaces import Giveable
from govbot.surfaces.communities import Community
from govbot.surfaces.discord import ballots, opening, setup
from govbot.surfaces.discord.components import form, question
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.ids import Press, chosen
from govbot.surfaces.discord.members import cleaned, id_of
from govbot.surfaces.discord.render import content, escaped
from govbot.surfaces.discord.sending import Said, said_of

Interaction = discord.Interaction[Any]
Outcome = Said | ui.Modal | None

FORGOTTEN = "I do not know this button any more; look at the process with /status."
NOT_YOURS = "This was offered to somebody else; say it yourself, and I offer it to you."
_ACTION: TypeAdapter[Any] = TypeAdapter(Action)

# These change the message they are on: the steps of a ballot under way.
UPDATES = {"next", "undo", "over", "mark", "cast", "setup"}


@dataclass(frozen=True)
class Pressing:
    """One press, with what it takes to answer it."""

    desk: Desk
    interaction: Interaction
    press: Press
    values: list[str] = field(default_factory=list)  # picked from a menu
    answers: Mapping[str, Any] = field(default_factory=dict)  # filled into a form

    @property
    def user(self) -> int:
        return self.interaction.user.id

    async def community(self) -> Community | None:
        return await self.desk.community()

    async def asked(self) -> Giveable | None:
        """The input it is about, as its process takes it now."""
        community = await self.community()
        found = community.giveable(self.press.process) if community is not None else ()
        return next((each for each in found if each.kind == self.press.kind), None)

    async def named(self, asked: Giveable) -> ballots.Named:
        """How its choices are read: as their rule labels them, members by their names."""
        community = await self.community()
        labels = dict(zip(asked.choices, asked.labels, strict=False))
        known = community.members() if community is not None else {}

        def name(choice: str) -> str:
            if choice in labels:
                return labels[choice]
            return f"@{known[choice].name}" if choice in known else choice

        return name

    # --- a ballot under way ------------------------------------------------------------------

    @property
    def _draft_name(self) -> str:
        return f"{self.press.process}:{self.press.kind}"

    def draft(self) -> Any:
        return self.desk.store.draft(self.desk.id, self.user, self._draft_name)

    def keep(self, value: Any) -> None:
        self.desk.store.set_draft(self.desk.id, self.user, self._draft_name, value)


async def pressed(pressing: Pressing) -> Outcome:
    """What a press leads to. Whatever its age, it has an answer."""
    verb = _VERBS.get(pressing.press.verb)
    return Said(FORGOTTEN) if verb is None else await verb(pressing)


# --- giving ---------------------------------------------------------------------------------


async def give(pressing: Pressing, value: Any, reason: str = "") -> Said:
    """Gives it, and tells the member what now stands."""
    press, desk = pressing.press, pressing.desk
    action = Give(process=press.process, input=press.kind, value=value, reason=reason)
    reply = await desk.handle(pressing.interaction.user, pressing.interaction.id, action=action)
    if reply.ok:
        pressing.keep(None)
    return await confirmed(pressing, reply)


async def confirmed(pressing: Pressing, reply: Reply) -> Said:
    """What was recorded or refused, what the member has standing, and how to change it."""
    community, asked = await pressing.community(), await pressing.asked()
    lines = [content(reply)]
    if community is not None and asked is not None and not asked.many:
        lines += map(escaped, await _standing(community, asked, pressing))
    return Said("\n".join(lines), plain=False)


async def _standing(community: Community, asked: Giveable, pressing: Pressing) -> list[str]:
    value = community.standing(asked.process, asked.kind, id_of(pressing.user))
    if value is None:
        return []
    what = ballots.worded(value, await pressing.named(asked))
    how = (
        "To change it, press something else before the deadline."
        if asked.changeable
        else "It cannot be changed."
    )
    return ["", f"Your {asked.kind} on #{asked.process} stands: {what}. {how}"]


async def _choice(pressing: Pressing) -> Outcome:
    return await choose(pressing, pressing.press.rest)


async def _pick(pressing: Pressing) -> Outcome:
    return await choose(pressing, pressing.values[0]) if pressing.values else None


async def choose(pressing: Pressing, spelled: str) -> Outcome:
    """A choice is given at once, or after the reason its rule wants."""
    asked, press = await pressing.asked(), pressing.press
    choice = chosen(spelled, asked.choices if asked else ())
    if asked is None or choice not in asked.reasons:
        return await give(pressing, choice)
    return form(
        f"{choice.capitalize()} on #{press.process}",
        str(Press("reason", press.process, press.kind, spelled)),
        [question("reason", "Your reason", long=True)],
    )


async def _reason(pressing: Pressing) -> Outcome:
    asked = await pressing.asked()
    choice = chosen(pressing.press.rest, asked.choices if asked else ())
    return await give(pressing, choice, cleaned(str(pressing.answers.get("reason") or "")))


async def begin(pressing: Pressing) -> Outcome:
    """The first step of whatever takes more than one press."""
    asked = await pressing.asked()
    if asked is None:
        return await give(pressing, None)  # the rules say why it is not taken now
    step = ballots.start(asked, pressing.draft(), await pressing.named(asked))
    return await give(pressing, None) if step is None else step


async def _filled(pressing: Pressing) -> Outcome:
    value = opening.value_of(pressing.press.verb, pressing.answers.get("value") or "")
    return await give(pressing, value)


async def _form(pressing: Pressing) -> Outcome:
    asked = await pressing.asked()
    if asked is None:
        return await give(pressing, None)
    given = {**(pressing.draft() or {}), **ballots.form_of(asked, pressing.answers)}
    page = int(pressing.press.rest or 0) + 1
    if page * opening.ASKED < len(asked.blanks):
        pressing.keep(given)
        return ballots.more_of(asked, page)
    return await give(pressing, given)


async def _more(pressing: Pressing) -> Outcome:
    asked = await pressing.asked()
    if asked is None:
        return await give(pressing, None)
    return ballots.filling(asked, int(pressing.press.rest or 0), pressing.draft() or {})


async def _score(pressing: Pressing) -> Outcome:
    asked = await pressing.asked()
    if asked is None:
        return await give(pressing, None)
    named = await pressing.named(asked)
    return await give(pressing, ballots.scored(asked, pressing.answers, named))


# --- ballots step by step -----------------------------------------------------------------------


async def _step(pressing: Pressing) -> Outcome:
    """One pick more or less; the ballot is shown as it then is."""
    asked, so_far = await pressing.asked(), list(pressing.draft() or [])
    if asked is None:
        return await give(pressing, so_far)
    named, verb = await pressing.named(asked), pressing.press.verb
    if verb == "mark":
        page = int(pressing.press.rest or 0)
        so_far = ballots.marked(asked, so_far, page, pressing.values)
        pressing.keep(so_far)
        return ballots.approving(asked, so_far, named)
    if verb == "next":
        new = ballots.picked(asked, pressing.values)
        so_far += [name for name in new if name not in so_far]
    else:
        so_far = so_far[:-1] if verb == "undo" else []
    pressing.keep(so_far)
    return ballots.ranking(asked, so_far, named)


async def _cast(pressing: Pressing) -> Outcome:
    return await give(pressing, pressing.draft() or [])


# --- looking ------------------------------------------------------------------------------------


async def _mine(pressing: Pressing) -> Outcome:
    """What the member has given in the present stage, for their eyes alone."""
    community, number = await pressing.community(), pressing.press.process
    if community is None:
        return Said(FORGOTTEN)
    lines = []
    for asked in community.giveable(number):
        value = community.standing(number, asked.kind, id_of(pressing.user))
        stands = (
            "nothing yet" if value is None else ballots.worded(value, await pressing.named(asked))
        )
        lines.append(f"{asked.kind.capitalize()}: {stands}")
    given = "\n".join(lines) or "It takes nothing now."
    return Said(f"What you have given on #{number}:\n{given}")


async def _why(pressing: Pressing) -> Outcome:
    action = Ask(question="why", process=pressing.press.process)
    user, id = pressing.interaction.user, pressing.interaction.id
    reply = await pressing.desk.handle(user, id, action=action)
    return said_of(reply)


async def _audit(pressing: Pressing) -> Outcome:
    return audited(await pressing.community(), pressing.press.process)


def audited(community: Community | None, number: int) -> Said:
    """The audit as a file; not while it would tell who gives a hidden input, and when."""
    if community is not None and any(each.hidden for each in community.giveable(number)):
        return Said(f"The audit of process #{number} tells who took part; it is there at the end.")
    audit = community.audit(number) if community is not None else None
    if audit is None:
        return Said(f"There is no process {number}; /status lists the open ones.")
    return Said(f"The audit of process #{number}.", files=[(f"process-{number}.md", audit)])


# --- offers -------------------------------------------------------------------------------------


async def _offered(pressing: Pressing) -> Outcome:
    """What a reader took a message to mean is done now, in the name of whoever said it."""
    message, _, place = pressing.press.rest.partition(".")
    offer = pressing.desk.store.offer(int(message)) if message.isdigit() else None
    if offer is None or not place.isdigit() or int(place) >= len(offer[2]):
        return Said(FORGOTTEN)
    guild, member, actions = offer
    if guild != pressing.desk.id or member != pressing.user:
        return Said(NOT_YOURS)
    action = _ACTION.validate_python(actions[int(place)])
    # Of the message, not of the press: pressed twice, it is done once.
    source = f"{message}.{place}"
    reply = await pressing.desk.handle(pressing.interaction.user, source, action=action)
    return said_of(reply, await pressing.desk.homeward(reply) if reply.ok else [])


# --- opening ------------------------------------------------------------------------------------


async def _new(pressing: Pressing) -> Outcome:
    return await opening.filled(
        pressing.desk, pressing.interaction, pressing.press, pressing.answers
    )


async def _on(pressing: Pressing) -> Outcome:
    return await opening.go_on(pressing.desk, pressing.interaction, pressing.press)


async def _setup(pressing: Pressing) -> Outcome:
    return await setup.pressed(
        pressing.desk, pressing.interaction, pressing.press, pressing.values, pressing.answers
    )


async def _kind(pressing: Pressing) -> Outcome:
    picked = pressing.values[0] if pressing.values else pressing.press.kind
    return await opening.kind_picked(pressing.desk, pressing.interaction, picked)


_VERBS: Mapping[str, Callable[[Pressing], Awaitable[Outcome]]] = {
    "v": _choice, "pick": _pick, "reason": _reason, "give": begin,
    "text": _filled, "number": _filled, "member": _filled, "form": _form, "more": _more,
    "score": _score, "next": _step, "undo": _step, "over": _step, "mark": _step, "cast": _cast,
    "mine": _mine, "why": _why, "audit": _audit, "offer": _offered,
    "new": _new, "on": _on, "kind": _kind, "setup": _setup,
}  # fmt: skip
