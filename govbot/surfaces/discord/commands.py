"""What each command does once somebody has used it.

Owns the reading of what comes back from Discord, and what is offered while somebody is typing. A
command is a structured request: no model is asked, unless it asks a question.
"""

import datetime
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import discord
from discord import ui

from govbot.errors import GovbotError
from govbot.parts import Card, Reply
from govbot.records import Ask, Intent, Show
from govbot.surfaces import Giveable, Openable
from govbot.surfaces.discord import buttons, opening, setup
from govbot.surfaces.discord.buttons import Pressing
from govbot.surfaces.discord.cards import controls, labelled, looked_up
from govbot.surfaces.discord.components import menu
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.ids import Press
from govbot.surfaces.discord.members import cleaned
from govbot.surfaces.discord.registry import DAYS, MENU, MOST, OTHER, shortened
from govbot.surfaces.discord.render import content, embeds, escaped
from govbot.surfaces.discord.sending import NOBODY, Said, post, said_of
from govbot.surfaces.discord.store import Wish
from govbot.surfaces.discord.words import spoken

log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]
Outcome = Said | ui.Modal | None
MOST_DIGITS = 10
Completions = list[tuple[str, str | int]]

# --- what comes back ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Called:
    """A command as somebody used it."""

    desk: Desk
    interaction: Interaction
    path: tuple[str, ...]
    given: Mapping[str, Any]
    focused: str = ""  # the option that is being typed
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def process(self) -> int:
        said = str(self.given.get("process") or "")
        return int(said) if said.isdigit() and len(said) < MOST_DIGITS else 0

    async def ask(self, action: Intent) -> Reply:
        return await self.desk.handle(self.interaction.user, self.interaction.id, action=action)

    def pressing(self, kind: str = "", rest: str = "") -> Pressing:
        """The same as if a button had been pressed."""
        press = Press("v", self.process, kind, rest)
        return Pressing(self.desk, self.interaction, press)


def called(desk: Desk, interaction: Interaction) -> Called:
    """What a command's interaction says, its subcommands as a path."""
    data: Any = interaction.data or {}
    path, options = [str(data.get("name", ""))], data.get("options") or []
    while options and options[0]["type"] in (1, 2):
        path.append(options[0]["name"])
        options = options[0].get("options") or []
    focused = next((each["name"] for each in options if each.get("focused")), "")
    given = {each["name"]: each.get("value") for each in options}
    return Called(desk, interaction, tuple(path), given, focused, data)


async def run(call: Called) -> Outcome:
    """What a command leads to; one that is no longer known says so."""
    handler = _COMMANDS.get(call.path) or _COMMANDS.get(call.path[:1])
    if handler is None:
        return Said("I do not know this command any more; reload Discord to see those I know.")
    return await handler(call)


async def _status(call: Called) -> Outcome:
    reply = await call.ask(Show(process=call.process or None))
    community = await call.desk.community()
    card = community.card(call.process) if community is not None and call.process else None
    if community is None or card is None:
        return said_of(reply)
    return looked_up(card, community.giveable(card.process))


async def _vote(call: Called) -> Outcome:
    community = await call.desk.community()
    taken = community.giveable(call.process) if community is not None else ()
    said = str(call.given.get("choice") or "").strip()
    if not said:
        return await _ballot(call, taken)
    asked, choice = meant(said, taken)
    reason = cleaned(str(call.given.get("reason") or ""))
    if asked is None:  # the rules say what can be chosen, or why nothing can
        first = next((each.kind for each in taken if each.choices), "vote")
        return await buttons.give(call.pressing(first), said, reason)
    pressing = call.pressing(asked.kind, choice)
    if not choice:
        return await buttons.begin(pressing)
    if reason:
        return await buttons.give(pressing, choice, reason)
    return await buttons.choose(pressing, choice)


async def _ballot(call: Called, taken: tuple[Giveable, ...]) -> Outcome:
    """Everything a process takes now, to press."""
    rows = [*controls(taken)][:5]
    if not rows:
        reply = await call.ask(Show(process=call.process))
        return said_of(reply)
    return Said(f"What process #{call.process} takes now:", rows=rows)


def meant(said: str, taken: Iterable[Giveable]) -> tuple[Giveable | None, str]:
    """The input and the choice that somebody's words stand for."""
    folded = said.casefold()
    for each in taken:
        for choice, label in labelled(each) if each.takes == "choice" else ():
            if folded in (choice.casefold(), label.casefold(), choice[:100].casefold()):
                return each, choice
    for each in taken:
        if folded == each.kind.casefold():
            return each, ""
    return None, ""


async def _rules(call: Called) -> Outcome:
    question = cleaned(str(call.given.get("question") or "")).strip()
    if question:
        return said_of(await call.ask(Ask(question=question)))
    community = await call.desk.community()
    if community is None:
        return said_of(await call.ask(Show()))
    lines = [f"{each.title}: “{' '.join(each.says.split())}”" for each in community.openable()]
    return Said("\n".join(["What can be opened here, and the words that allow it:", *lines]))


async def _why(call: Called) -> Outcome:
    return said_of(await call.ask(Ask(question="why", process=call.process)))


async def _audit(call: Called) -> Outcome:
    return buttons.audited(await call.desk.community(), call.process)


async def _propose(call: Called) -> Outcome:
    community = await call.desk.community()
    known = community.openable() if community is not None else ()
    wanted = call.given.get("type") if call.path[1:] == (OTHER,) else None
    asked = _of_path(call, known) or next((e for e in known if e.type == wanted), None)
    if asked is None:
        return Said("The rules have changed meanwhile; this can no longer be opened.")
    names = shortened([blank.name for blank in asked.blanks])
    given = {
        blank.name: opening.value_of(blank.type, call.given[name])
        for name, blank in zip(names, asked.blanks, strict=True)
        if call.given.get(name) is not None
    }
    return await opening.begin(call.desk, call.interaction, asked, given)


def _of_path(call: Called, known: tuple[Openable, ...]) -> Openable | None:
    names = shortened([each.type for each in known])
    return next((each for n, each in zip(names, known, strict=True) if (n,) == call.path[1:]), None)


async def _menu(call: Called) -> Outcome:
    messages = (call.data.get("resolved") or {}).get("messages") or {}
    target = messages.get(str(call.data.get("target_id")), {})
    community, guild = await call.desk.community(), call.desk.guild
    known = community.members() if community is not None else {}
    me = guild.me.id if guild is not None else 0
    words = spoken(str(target.get("content") or ""), guild, me, known)
    return await opening.of_message(call.desk, call.interaction, words)


async def _appeal(call: Called) -> Outcome:
    """What the constitution says of objecting, people who are told, and what can be opened."""
    why = await call.ask(Ask(question="why", process=call.process))
    reason = cleaned(str(call.given.get("reason") or "")).strip()
    community = await call.desk.community()
    if community is None or not why.ok:
        return said_of(why)
    brought = await _brought(call, reason) if reason else ""
    call.desk.store.set_draft(
        call.desk.id, call.interaction.user.id, opening.QUOTED, reason or None
    )
    options = [(each.type, each.title) for each in community.openable()]
    rows = [menu(str(Press("kind")), options, "Open a process about it")] if options else []
    words = [part for part in (content(why), escaped(brought)) if part]
    return Said("\n\n".join(words), embeds(why), rows, plain=False)


async def _brought(call: Called, reason: str) -> str:
    """Brings an appeal before people; whether it got there."""
    desk, user = call.desk, call.interaction.user
    guild = desk.guild
    chosen = guild.get_channel(desk.store.guild(desk.id).moderators) if guild else None
    place = chosen if isinstance(chosen, discord.TextChannel) else None
    place = place or (desk.homes.place(guild) if guild else None)
    if place is None:
        return "I found no channel to bring your appeal to; speak to a moderator."
    address = desk.homes.link(desk.id, call.process)
    said = f"@{user.display_name} appeals process #{call.process}: {reason}\n{address}"
    try:
        await post(place, Said(said.strip()))
    except discord.HTTPException as error:
        log.error("an appeal in guild %s could not be posted: %s", desk.id, error)
        return "I could not bring your appeal to anybody; speak to a moderator."
    return f"I have brought your appeal to #{place.name}. It changes nothing by itself."


async def _poll(call: Called) -> Outcome:
    """One of Discord's own polls, marked as what it is."""
    answers = [each.strip() for each in str(call.given.get("answers") or "").split(";")]
    answers = [each[:55] for each in answers if each][:10]
    channel = call.interaction.channel
    if len(answers) < 2 or not isinstance(channel, discord.abc.Messageable):
        return Said("A poll needs at least two answers, with ; between them.")
    hours = int(call.given.get("hours") or 24)
    poll = discord.Poll(
        str(call.given.get("question") or "?")[:300], datetime.timedelta(hours=hours)
    )
    for answer in answers:
        poll.add_answer(text=answer)
    try:
        await channel.send(STRAW, poll=poll, allowed_mentions=NOBODY)
    except discord.Forbidden:
        return Said("I may not create polls here; somebody must give me “Create Polls”.")
    return Said("It is posted. It is not kept in the ledger.")


STRAW = "**Straw poll, not binding.** It decides nothing; decisions are made in processes."


async def _reminders(call: Called) -> Outcome:
    store, user = call.desk.store, call.interaction.user.id
    was = store.wish(call.desk.id, user)
    wish = Wish(
        str(call.given.get("how") or was.how),
        int(call.given.get("quiet_from", was.quiet_from)),
        int(call.given.get("quiet_to", was.quiet_to)),
    )
    store.set_wish(call.desk.id, user, wish)
    if wish.how == "never":
        return Said("I do not remind you any more.")
    where = "by direct message" if wish.how == "direct" else "in the thread"
    return Said(
        f"I remind you {where} of votes you have not given, but not between"
        f" {wish.quiet_from}:00 and {wish.quiet_to}:00."
    )


async def _admin_reminders(call: Called) -> Outcome:
    """When everybody is reminded, and whether there is a digest."""
    if not setup.manages(call.interaction):
        return Said(setup.NOT_ALLOWED)
    kept = call.desk.store.guild(call.desk.id)
    hours = int(call.given.get("hours", kept.lead))
    day = int(call.given.get("digest", kept.digest))
    call.desk.store.set_guild(call.desk.id, lead=hours, digest=day)
    call.desk.rescheduled()
    digest = f"A digest comes every {DAYS[day]['name']}." if day else "There is no digest."
    return Said(f"I remind members {hours} hours before a deadline. {digest}")


async def _setup(call: Called) -> Outcome:
    return await setup.begin(call.desk, call.interaction)


async def _check(call: Called) -> Outcome:
    return await setup.checked(call.desk)


async def _show_rules(call: Called) -> Outcome:
    community = await call.desk.community()
    if community is None:
        return said_of(await call.ask(Show()))
    text, reading = community.rules()
    return Said(
        "The constitution in force, and its reading.",
        files=[("constitution.md", text), ("constitution.reading.yaml", reading)],
    )


async def _check_rules(call: Called) -> Outcome:
    community = await call.desk.community()
    if community is None:
        return said_of(await call.ask(Show()))
    found = community.doubts()
    return Said("\n".join(found) or "There is nothing to object to in the reading in force.")


async def _ratify(call: Called) -> Outcome:
    """Another reading from a file, in the name of whoever sent it, and before everybody."""
    community, user = await call.desk.community(), call.interaction.user
    if community is None or not isinstance(user, discord.Member):
        return said_of(await call.ask(Show()))
    if not setup.manages(call.interaction):
        return Said(setup.NOT_ALLOWED)
    files = (call.data.get("resolved") or {}).get("attachments") or {}
    sent = files.get(str(call.given.get("reading")), {})
    if int(sent.get("size", MOST_BYTES + 1)) > MOST_BYTES:
        return Said(f"A reading may have {MOST_BYTES} bytes at most.")
    try:
        reading = await setup.fetched(call.interaction, sent)
        what = await community.ratify(reading, call.desk.member(user))
    except GovbotError as error:
        return Said(f"Nothing was changed: {error}.")
    await _told_to_all(call.desk, Said(f"@{user.display_name} has ratified a reading. {what}"))
    return Said(what)


async def _told_to_all(desk: Desk, said: Said) -> None:
    place = desk.homes.place(desk.guild) if desk.guild is not None else None
    if place is not None:
        try:
            await post(place, said)
        except discord.HTTPException as error:
            log.error("guild %s could not be told: %s", desk.id, error)


MOST_BYTES = 1_000_000

_COMMANDS: Mapping[tuple[str, ...], Callable[[Called], Awaitable[Outcome]]] = {
    ("status",): _status, ("vote",): _vote, ("rules",): _rules, ("why",): _why,
    ("appeal",): _appeal, ("audit",): _audit, ("propose",): _propose, ("poll",): _poll,
    ("reminders",): _reminders, (MENU,): _menu,
    ("govbot", "setup"): _setup, ("govbot", "check"): _check,
    ("govbot", "reminders"): _admin_reminders,
    ("constitution", "show"): _show_rules, ("constitution", "check"): _check_rules,
    ("constitution", "ratify"): _ratify,
}  # fmt: skip


# --- while somebody is typing ---------------------------------------------------------------------


async def completions(call: Called) -> Completions:
    """What could be meant, as far as it is typed: a label each, and what it stands for."""
    community = await call.desk.community()
    if community is None:
        return []
    typed = str(call.given.get(call.focused) or "").strip().casefold().lstrip("#")
    if call.focused == "process":
        found = [_listed(card) for card in community.open() if _fits(card, typed)]
    elif call.focused == "choice":
        found = [
            (n, v) for n, v in _choices(community.giveable(call.process)) if typed in n.casefold()
        ]
    else:
        found = [
            (each.title, each.type)
            for each in community.openable()
            if typed in each.title.casefold()
        ]
    return found[:MOST]


def _listed(card: Card) -> tuple[str, str | int]:
    return f"#{card.process} {' '.join(card.title.split())}"[:100], card.process


def _fits(card: Card, typed: str) -> bool:
    return str(card.process).startswith(typed) or typed in card.title.casefold()


def _choices(taken: Iterable[Giveable]) -> Completions:
    """What can be voted first, then whatever else can be given, by its kind."""
    voted, others = list[tuple[str, str]](), list[tuple[str, str]]()
    for each in taken:
        if each.takes == "choice":
            voted += [(label, choice) for choice, label in labelled(each)]
        else:
            others.append((each.kind, each.kind))
    return [(said[:100], value[:100]) for said, value in (*voted, *others)]
