"""Time and the outbox: deadlines that fire once, effects that are carried out.

Owns the waiting and the carrying out; what a deadline means is the kernel's, and what is due is
memory's. Promises that what fell due while nobody was there is ended at the next start, in order,
once; and that an effect is tried until it is confirmed, each time under the same id.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from govbot.adopting import amend
from govbot.agent import Agent
from govbot.breakglass import waits
from govbot.cards import with_names
from govbot.community import touched
from govbot.errors import MemberError, OperatorError, Refused
from govbot.parts import Acted, Announcement, Errand, Part
from govbot.records import (
    BOT,
    Citation,
    Done,
    Effect,
    Entry,
    Fact,
    Manage,
    Opened,
    StageEnded,
    moment,
)
from govbot.replies import announcement, recorded, sentence, spoken
from govbot.state import Process, a

LONGEST = 3600.0  # seconds slept at most, so that a changed clock is noticed
log = logging.getLogger(__name__)


Deliver = Callable[[Announcement], Awaitable[None]]
Act = Callable[[Errand], Awaitable[Acted]]


async def nobody_acts(errand: Errand) -> Acted:
    """Where there is no platform with roles and channels of its own."""
    if errand.does in ("grant_role", "revoke_role"):
        return Acted()
    return Acted(ok=False, note=f"this chat cannot {errand.does.replace('_', ' ')} anything")


class Scheduler:
    """Keeps one agent's time. `deliver` hands an announcement to the surface, `act` an errand."""

    def __init__(self, agent: Agent, deliver: Deliver, act: Act | None = None) -> None:
        self.agent, self.memory, self.deliver = agent, agent.memory, deliver
        self.act = act or nobody_acts
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something changed: look again at what is due."""
        self._woken.set()

    async def settle(self) -> list[Entry]:
        """Ends what is due and carries out what is pending, until nothing is left to do."""
        ended = await self.agent.check_deadlines()
        while await self._carry_out_pending():
            ended += await self.agent.check_deadlines()
        return ended

    async def run(self) -> None:
        """Settles, then sleeps to the earliest due time; ends when it is cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.settle()
            except OperatorError as error:
                log.error("%s", error)
            with suppress(TimeoutError):
                # `wait_for` would lose a cancellation that comes as it is woken.
                async with asyncio.timeout(self._seconds()):
                    await self._woken.wait()

    def _seconds(self) -> float:
        due = self.memory.next_due()
        community = self.memory.community
        if any(not waits(community, effect) for effect in community.pending.values()):
            return 5.0
        if due is None:
            return LONGEST
        left = (moment(due) - self.agent.clock()).total_seconds()
        return min(max(left, 0.01), LONGEST)

    # --- the outbox -------------------------------------------------------------------------

    async def _carry_out_pending(self) -> int:
        """Tries every pending effect once; returns how many are confirmed."""
        rows = self.memory.projection.query(
            "select id, n from outbox where done is null order by n, id"
        )
        confirmed = 0
        for row in rows:
            effect = self.memory.community.pending.get(row["id"])
            entry = self.memory.engine.entry(row["n"])
            if effect is None or entry is None or waits(self.memory.community, effect):
                continue
            done = await self._carry_out(effect, entry)
            if done is not None:
                await self.memory.record(done).durable()
                confirmed += 1
        return confirmed

    async def _carry_out(self, effect: Effect, entry: Entry) -> Fact | None:
        """The fact that confirms an effect; None while it could not be carried out."""
        if entry.process is None:  # what concerns the community, such as a forced repair
            return await self._tell_all(effect)
        process = self.memory.get_process(str(entry.process))
        acted: Acted | None = Acted()
        match effect.does:
            case "announce":
                acted = acted if await self._announce(effect, entry, process) else None
            case "start_process":
                acted = await self._start(effect, process)
            case "manage":
                acted = await self._manage(effect)
            case "grant_role" | "revoke_role" | "platform":
                acted = await self._on_platform(effect, process)
            case "amend":
                acted = await self._amend(effect, process)
            case "set_aside":
                acted = await self._record(
                    f"{effect.id}:aside",
                    lambda id: self.memory.setting_aside(effect, self._now(), id),
                )
            case "suspend" | "resume_bot":
                cited = _rule_behind(entry, process)
                acted = await self._record(
                    f"{effect.id}:switched",
                    lambda id: self.memory.switching(effect, cited, self._now(), id),
                )
        if acted is None:
            return None
        changed = touched(self.memory.community, effect) if acted.ok else None
        return Fact(
            id=f"{effect.id}:done", at=self._now(), member=BOT, process=process.id,
            body=Done(
                effect=effect, ok=acted.ok, note=acted.note, undo=acted.undo, changed=changed
            ),
        )  # fmt: skip

    async def _tell_all(self, effect: Effect) -> Fact | None:
        text = str(effect.arguments["text"])
        if not await self._deliver(Announcement(id=effect.id, process="", text=text)):
            return None
        id = f"{effect.id}:done"
        return Fact(id=id, at=self._now(), member=BOT, body=Done(effect=effect))

    async def _amend(self, effect: Effect, process: Process) -> Acted | None:
        """The constitution as the amendment has it, or why people must look at it again."""
        told = await amend(self.memory, effect, process, self._now())
        news = Announcement(id=f"{effect.id}:told", process=process.id, text=told.text)
        return Acted(ok=told.ok, note=told.note) if await self._deliver(news) else None

    async def _on_platform(self, effect: Effect, process: Process) -> Acted | None:
        """What the chat makes of it. A role is the community's to give, whatever the chat can."""
        does = str(effect.arguments["do"]) if effect.does == "platform" else effect.does
        try:
            acted = await self.act(
                Errand(id=effect.id, process=process.id, does=does, arguments=effect.arguments)
            )
        except OSError as error:
            log.warning(
                "effect %s could not be carried out (%s); it is tried again", effect.id, error
            )
            return None
        return acted if effect.does == "platform" else acted.model_copy(update={"ok": True})

    async def _announce(self, effect: Effect, entry: Entry, process: Process) -> bool:
        constitution = self.memory.constitution(process.constitution)
        parts = announcement(effect, entry, process, constitution, self.memory.community)
        return await self._tell(effect.id, process, parts)

    async def _tell(self, id: str, process: Process, parts: tuple[Part, ...]) -> bool:
        text = spoken(parts)
        return await self._deliver(Announcement(id=id, process=process.id, text=text, parts=parts))

    async def _deliver(self, told: Announcement) -> bool:
        try:
            await self.deliver(told)
        except OSError as error:
            log.warning(
                "announcement %s could not be delivered (%s); it is tried again", told.id, error
            )
            return False
        return True

    async def _start(self, effect: Effect, by: Process) -> Acted | None:
        """Opens the process an outcome calls for, once, and tells of it."""
        id = f"{effect.id}:opened"
        kept = self.memory.engine.find(id)
        if kept is None:
            type, fields = effect.arguments["type"], effect.arguments["fields"]
            try:
                fact = self.memory.opening(type, fields, BOT, self._now(), id, effect.id)
                kept = await self.memory.record(fact).durable()
            except (Refused, MemberError) as error:
                return await self._not_started(effect, by, str(error))
        process = self.memory.get_process(str(kept.process))
        if isinstance(kept.body, Opened):
            constitution = self.memory.constitution(process.constitution)
            parts = recorded(kept, process, constitution, self.memory.community)
            await self._tell(id, process, parts)
        return Acted(note=process.id)

    async def _not_started(self, effect: Effect, by: Process, why: str) -> Acted | None:
        """People count on what an outcome starts, so they are told where it does not."""
        charter = self.memory.community.charters.get(effect.arguments["type"])
        what = a(charter.title.lower()) if charter else repr(effect.arguments["type"])
        said = f"Process #{by.number} calls for {what}, which could not be opened: {sentence(why)}"
        text = with_names(said, self.memory.community)
        news = Announcement(id=f"{effect.id}:failed", process=by.id, text=text)
        return Acted(ok=False, note=why) if await self._deliver(news) else None

    async def _manage(self, effect: Effect) -> Acted:
        """Does to a process what a ruling says, once."""
        manage = Manage.model_validate(effect.arguments)
        return await self._record(
            f"{effect.id}:managed",
            lambda id: self.memory.managing(manage, BOT, self._now(), id, effect.id),
        )

    async def _record(self, id: str, drawn_up: Callable[[str], Fact]) -> Acted:
        """Records what an effect calls for under `id`, once; which process, or why not."""
        if (kept := self.memory.engine.find(id)) is None:
            try:
                kept = await self.memory.record(drawn_up(id)).durable()
            except (Refused, MemberError) as error:
                return Acted(ok=False, note=str(error))
        return Acted(note=str(kept.process))

    def _now(self) -> datetime:
        return max(self.agent.clock(), self.memory.engine.last_at or self.agent.clock())


def _rule_behind(entry: Entry, process: Process) -> Citation | None:
    """The rule of the outcome that an effect belongs to."""
    if not isinstance(entry.body, StageEnded) or entry.body.rule < 0:
        return None
    return process.rules.stage(entry.body.stage).outcomes[entry.body.rule].cite
