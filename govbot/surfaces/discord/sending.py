"""Saying things in Discord: replies to messages, answers to interactions, and what to do when they
do not get through.

Owns the manners: nobody is mentioned by what the bot repeats, long text is split, an interaction
is acknowledged within a second, and what cannot be answered is told some other way.
"""

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import discord
from discord import ui

from govbot.parts import Announcement, Reply
from govbot.surfaces import SORRY
from govbot.surfaces.discord.components import button, reopening, row, view_of
from govbot.surfaces.discord.render import content, embeds, escaped, split

log = logging.getLogger(__name__)

NOBODY = discord.AllowedMentions.none()
PATIENCE = 0.7  # seconds after which an interaction is told that its answer takes longer
MOST = 2000
LOST = (
    "Discord did not let me answer you in time, so you may have seen “This interaction failed”. {}"
)
LOOK = "Press “What I have given” on the card to see what stands."
READY = "I am ready now."
UNTOUCHED = "Nothing was recorded; please try again."

AWAY = (discord.HTTPException, aiohttp.ClientError, OSError)


def passing(error: BaseException) -> bool:
    """Whether trying again later may help."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.status == 429
    return True


@dataclass(frozen=True)
class Said:
    """Something to say: text of any length, a card, buttons, files."""

    text: str = ""
    embeds: Sequence[dict[str, Any]] = ()
    rows: Sequence[dict[str, Any]] = ()
    files: Sequence[tuple[str, bytes]] = ()
    plain: bool = True  # whether the text is to be shown as it is, not as Markdown
    pinged: Sequence[int] = ()  # members who are to notice; only ever with words of the bot's own

    def pieces(self) -> list[str]:
        text = escaped(self.text) if self.plain else self.text
        return split(text, MOST) if text else []

    def last(self) -> dict[str, Any]:
        """What goes with the last piece, as discord.py takes it."""
        more: dict[str, Any] = {"allowed_mentions": NOBODY}
        if self.pinged:
            only = [discord.Object(member) for member in self.pinged]
            more["allowed_mentions"] = discord.AllowedMentions(
                everyone=False, roles=False, replied_user=False, users=only
            )
        if self.embeds:
            more["embeds"] = [discord.Embed.from_dict(each) for each in self.embeds]
        if self.rows:
            more["view"] = view_of(self.rows)
        if self.files:
            more["files"] = [discord.File(io.BytesIO(data), name) for name, data in self.files]
        return more


def said_of(shown: Reply | Announcement, rows: Sequence[dict[str, Any]] = ()) -> Said:
    """A reply or announcement as Discord shows it."""
    return Said(content(shown), embeds(shown), rows, plain=False)


async def post(place: discord.abc.Messageable, said: Said) -> discord.Message:
    """Sends it to a channel, in as many messages as it needs; returns the last one."""
    *before, last = said.pieces() or [""]
    for piece in before:
        await place.send(piece, allowed_mentions=NOBODY)
    return await place.send(last or None, **said.last())


async def answer(message: discord.Message | discord.PartialMessage, said: Said) -> discord.Message:
    """Sends it as a reply to a message, or beside where that message was."""
    *before, last = said.pieces() or [""]
    to: Any = message.to_reference(fail_if_not_exists=False)
    for piece in before:
        await message.channel.send(
            piece, reference=to, mention_author=False, allowed_mentions=NOBODY
        )
        to = None
    return await message.channel.send(
        last or None, reference=to, mention_author=False, **said.last()
    )


async def reply(message: discord.Message, said: Said) -> discord.Message | None:
    """Answers a message where it was said; where that is not allowed, its author in person."""
    try:
        return await answer(message, said)
    except (discord.Forbidden, discord.NotFound) as error:
        log.warning("message %s could not be answered in its channel: %s", message.id, error)
        return await in_person(message.author, said)


async def typing(place: discord.abc.Messageable) -> None:
    """Shows that an answer is under way, where that is allowed."""
    try:
        await place.typing()
    except discord.HTTPException as error:
        log.info("typing could not be shown: %s", error)


async def in_person(user: discord.abc.User, said: Said) -> discord.Message | None:
    """A direct message; None where the member takes none."""
    if not isinstance(user, discord.Member | discord.User):
        return None
    try:
        return await post(user, said)
    except discord.HTTPException as error:
        log.info("no direct message to %s: %s", user.id, error)
        return None


class Ages:
    """How old interactions are, though this machine's clock may not be Discord's.

    The youngest one seen is taken to have come at once; others are older by what they came later.
    """

    STALE = timedelta(seconds=2.5)  # after three seconds Discord waits no longer

    def __init__(self) -> None:
        self._least = timedelta.max

    def fresh(self, created: datetime, now: datetime) -> bool:
        self._least = min(self._least, now - created)
        return now - created - self._least < self.STALE


@dataclass
class Answer:
    """The one answer to an interaction, seen by its member alone."""

    interaction: discord.Interaction[Any]
    update: bool = False  # whether it changes the message whose button was pressed
    fresh: bool = True  # whether Discord surely waits for it still
    elsewhere: Callable[[str], Awaitable[None]] | None = None  # who takes no messages is told here
    deferred: bool = field(default=False, init=False)

    async def asked_in_time(self) -> bool:
        """Whether it can still be answered. One that is fresh is taken to be."""
        return self.fresh or await self.defer()

    async def defer(self) -> bool:
        """Tells Discord that the answer comes; whether Discord still waits for it."""
        try:
            await self.interaction.response.defer(ephemeral=True, thinking=not self.update)
        except AWAY as error:
            log.warning("interaction %s was not acknowledged: %s", self.interaction.id, error)
            return False
        self.deferred = True
        return True

    async def give(self, work: Coroutine[Any, Any, "Said | ui.Modal | None"]) -> None:
        """Answers with what the work comes to; with an apology where that fails."""
        if not await self.asked_in_time():
            work.close()
            await self._tell_of_loss(UNTOUCHED)
            return
        task = asyncio.ensure_future(work)
        await asyncio.wait({task}, timeout=PATIENCE)
        if not task.done():
            await self.defer()
            await asyncio.wait({task})
        error = task.exception()
        if error is not None:
            log.error("interaction %s failed", self.interaction.id, exc_info=error)
        said = Said(SORRY) if error is not None else task.result()
        await self._send(said)

    async def _send(self, said: "Said | ui.Modal | None") -> None:
        if isinstance(said, ui.Modal) and self.interaction.response.is_done():
            said = Said(READY, rows=[row(button("Go on", reopening(said.custom_id), 1))])
        try:
            if isinstance(said, ui.Modal):
                await self.interaction.response.send_modal(said)
            elif said is not None:
                await self._say(said)
            elif not self.interaction.response.is_done():
                await self.defer()
        except AWAY as error:
            log.error("interaction %s could not be answered: %s", self.interaction.id, error)
            await self._tell_of_loss(LOOK)

    async def _say(self, said: Said) -> None:
        first, *rest = said.pieces() or [""]
        last = said.last()
        alone: dict[str, Any] = last if not rest else {"allowed_mentions": NOBODY}
        if self.update and not rest:
            await self._change(first, said, last)
        elif self.deferred:
            await self._fill(first, alone)
        else:
            await self.interaction.response.send_message(first or None, ephemeral=True, **alone)
        for n, piece in enumerate(rest, 1):
            more = last if n == len(rest) else {"allowed_mentions": NOBODY}
            await self.interaction.followup.send(piece, ephemeral=True, **more)

    async def _fill(self, text: str, more: dict[str, Any]) -> None:
        if "files" in more:
            more = {**more, "attachments": more["files"]}
            del more["files"]
        await self.interaction.edit_original_response(content=text or None, **more)

    async def _change(self, text: str, said: Said, last: dict[str, Any]) -> None:
        """The message whose button was pressed becomes this one."""
        changed = {"content": text or None, "view": None, "embeds": [], **last}
        if self.interaction.response.is_done():
            await self.interaction.edit_original_response(**changed)
        else:
            await self.interaction.response.edit_message(**changed)

    async def _tell_of_loss(self, what: str) -> None:
        """What Discord would not show as an answer is told in person, else where others see it."""
        words = LOST.format(what)
        if await in_person(self.interaction.user, Said(words)) is None and self.elsewhere:
            await self.elsewhere(words)
