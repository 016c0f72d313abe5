"""Reminders of votes not given, and the weekly digest.

Owns when whom is reminded: once a stage, late enough to matter, never in quiet hours, never who
has given it or does not want to be reminded. Who is waited for tells who has voted, so nobody is
named before others but those who asked for it, and of a hidden vote nobody at all.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import discord

from govbot.parts import Card
from govbot.records import moment
from govbot.surfaces.communities import Community
from govbot.surfaces.discord.components import link, row
from govbot.surfaces.discord.desk import Desk
from govbot.surfaces.discord.members import snowflake
from govbot.surfaces.discord.render import escaped
from govbot.surfaces.discord.sending import AWAY, Said, in_person, post
from govbot.surfaces.discord.store import Store, Wish

log = logging.getLogger(__name__)

LONGEST = 3600.0  # seconds slept at most
DIRECT = 200  # direct messages for one stage; Discord takes more for spam
CROWD = 0  # stands for all those beyond that number
NAMED = 50  # members named in one message
MORNING = 9  # the hour at which a digest is posted
SETTLE = timedelta(seconds=5)  # in which many changes are one
LAST = datetime.max.replace(tzinfo=UTC)
LATER = timedelta(minutes=15)  # when those in their quiet hours are looked at again


@dataclass(frozen=True)
class Waited:
    """A stage whose reminders are due, and who is to have one how."""

    card: Card
    hidden: bool
    direct: tuple[int, ...]
    named: tuple[int, ...]
    quiet: bool  # whether somebody is left out for now
    crowd: bool  # whether there are more than can be told one by one


class Reminders:
    """Every guild's reminders. `pause` is the seconds between two direct messages."""

    def __init__(
        self, desk: Callable[[int], Desk], store: Store, clock: Callable[[], datetime],
        pause: float = 1.0,
    ) -> None:  # fmt: skip
        self.desk, self.store, self.clock, self.pause = desk, store, clock, pause
        self._next: dict[int, datetime] = {}
        self._done: set[tuple[int, int, datetime]] = set()
        self._woken = asyncio.Event()

    def changed(self, guild: int) -> None:
        """A deadline may have moved: look again, once for many changes."""
        soon = self.clock() + SETTLE
        if self._next.get(guild, LAST) > soon:
            self._next[guild] = soon
            self._woken.set()

    async def run(self) -> None:
        """Reminds when it is time, until it is cancelled."""
        while True:
            self._woken.clear()
            for guild in [g for g, at in self._next.items() if at <= self.clock()]:
                await self._attempt(guild)
                await asyncio.sleep(0)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds()):
                    await self._woken.wait()

    def _seconds(self) -> float:
        if not self._next:
            return LONGEST
        left = (min(self._next.values()) - self.clock()).total_seconds()
        return min(max(left, 0.05), LONGEST)

    async def _attempt(self, guild: int) -> None:
        try:
            self._next[guild] = await self.look(guild)
        except AWAY as error:
            log.warning("reminders in guild %s come later: %s", guild, error)
            self._next[guild] = self.clock() + LATER

    async def look(self, guild: int) -> datetime:
        """Does what is due in a guild; when to look again."""
        desk, now = self.desk(guild), self.clock()
        times = []
        for process, (ends, at) in self._due(desk).items():
            if at > now:
                times.append(at)
            elif (guild, process, ends) not in self._done:
                if await self._remind(desk, process):
                    times.append(now + LATER)
                else:
                    self._done.add((guild, process, ends))
        if (digest := await self._digest(desk, now)) is not None:
            times.append(digest)
        return min(times, default=now + timedelta(days=1))

    def _due(self, desk: Desk) -> Mapping[int, tuple[datetime, datetime]]:
        """When each open stage ends and when its reminders are due: late, but not before half."""
        lead = timedelta(hours=self.store.guild(desk.id).lead)
        made = {}
        for process, stamp in desk.communities.due(str(desk.id)).items():
            ends, home = moment(stamp), self.store.home(desk.id, process)
            late = ends - lead
            if home is not None and home.message:
                began = discord.utils.snowflake_time(home.message)
                late = max(late, began + (ends - began) / 2)
            if ends > self.clock():
                made[process] = ends, late
        return made

    # --- one stage ----------------------------------------------------------------------------

    async def _remind(self, desk: Desk, process: int) -> bool:
        """Reminds whom it is due to; whether somebody's quiet hours keep it open."""
        community = await desk.community()
        card = community.card(process) if community is not None else None
        if desk.guild is None:
            return True  # Discord does not show it just now
        if community is None or card is None or card.status != "open":
            return False
        await desk.meet(community)  # who has left is not reminded
        waited = self._waited(desk, community, card)
        for number, member in enumerate(waited.direct):
            await asyncio.sleep(self.pause if number else 0)
            await self._directly(desk, waited, member)
        await self._in_thread(desk, waited)
        return waited.quiet

    def _waited(self, desk: Desk, community: Community, card: Card) -> Waited:
        had = self.store.was_reminded(desk.id, card.process, card.stage)
        hour = self.clock().astimezone(ZoneInfo(community.zone)).hour
        direct, named, quiet, crowd = list[int](), list[int](), False, False
        for id in community.waiting(card.process):
            member = snowflake(id)
            wish = self.store.wish(desk.id, member)
            if not member or member in had or wish.how == "never":
                continue
            if is_quiet(wish, hour):
                quiet = True
            elif wish.how == "thread":
                named.append(member)
            elif len(direct) < DIRECT:
                direct.append(member)
            else:
                crowd = CROWD not in had
        hidden = any(each.hidden for each in community.giveable(card.process))
        return Waited(card, hidden, tuple(direct), tuple(named), quiet, crowd)

    async def _directly(self, desk: Desk, waited: Waited, member: int) -> None:
        user = desk.guild.get_member(member) if desk.guild is not None else None
        card, address = waited.card, desk.homes.link(desk.id, waited.card.process)
        rows = [row(link(f"Process #{card.process}", address))] if address else []
        said = Said(
            f"Process #{card.process} still waits for you: {escaped(card.title)}\nIt closes"
            f" {_ends(card)}. /reminders in your server changes how I remind you, or stops it.",
            rows=rows,
            plain=False,
        )
        if user is not None and await in_person(user, said) is None:
            log.info("member %s takes no direct messages and is not reminded", member)
        self.store.remind(desk.id, card.process, card.stage, member)

    async def _in_thread(self, desk: Desk, waited: Waited) -> None:
        home = self.store.home(desk.id, waited.card.process)
        if not (waited.named or waited.crowd) or home is None or desk.guild is None:
            return
        place = desk.guild.get_channel_or_thread(home.thread or home.channel)
        if isinstance(place, discord.TextChannel | discord.Thread):
            await post(place, _thread_words(waited))
        for member in (*waited.named, *([CROWD] if waited.crowd else [])):
            self.store.remind(desk.id, waited.card.process, waited.card.stage, member)

    # --- the digest -----------------------------------------------------------------------------

    async def _digest(self, desk: Desk, now: datetime) -> datetime | None:
        """Posts the week's digest if it is due; when the next one is."""
        kept = self.store.guild(desk.id)
        if not kept.digest:
            return None
        community = await desk.community()
        if community is None or desk.guild is None:
            return now + LATER
        here = now.astimezone(ZoneInfo(community.zone))
        today = here.replace(hour=MORNING, minute=0, second=0, microsecond=0)
        at = today + timedelta(days=(kept.digest - here.isoweekday()) % 7)
        if at <= here and not self.store.was_told(desk.id, f"digest:{at.date()}"):
            place = desk.homes.place(desk.guild)
            if place is not None:
                await post(place, digest(desk, community))
            self.store.tell(desk.id, f"digest:{at.date()}")
        return at if at > here else at + timedelta(days=7)


def is_quiet(wish: Wish, hour: int) -> bool:
    """Whether this hour is one of those in which somebody wants to be left alone."""
    if wish.quiet_from <= wish.quiet_to:
        return wish.quiet_from <= hour < wish.quiet_to
    return hour >= wish.quiet_from or hour < wish.quiet_to


def _ends(card: Card) -> str:
    return f"<t:{int(card.deadline.at.timestamp())}:R>" if card.deadline.at else "when all have"


def _thread_words(waited: Waited) -> Said:
    """Who is still waited for; of a hidden vote only that it ends."""
    if waited.hidden or not waited.named:
        told = f"This closes {_ends(waited.card)}. If you may give it, see the card above."
        return Said(told, plain=False)
    named = [f"<@{member}>" for member in waited.named[:NAMED]]
    more = f" and {len(waited.named) - NAMED} more" if len(waited.named) > NAMED else ""
    return Said(
        f"{' '.join(named)}{more}: this still waits for you, and closes {_ends(waited.card)}.",
        plain=False,
        pinged=waited.named[:NAMED],
    )


def digest(desk: Desk, community: Community) -> Said:
    """What is open, a line each."""
    lines = []
    for card in community.open():
        address = desk.homes.link(desk.id, card.process)
        until = f"closes {_ends(card)}" if card.deadline.at else "no deadline"
        lines.append(f"- Process {card.process}: {escaped(card.title)} ({until}) {address}".strip())
    told = ["This week is open:", *lines] if lines else ["Nothing is open this week."]
    return Said("\n".join(told), plain=False)
