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

from govbot.agent import Agent
from govbot.errors import MemberError, OperatorError, Refused
from govbot.records import BOT, Announcement, Done, Effect, Entry, Fact, Opened, Part, moment
from govbot.replies import announcement, recorded, spoken
from govbot.state import Process

LONGEST = 3600.0  # seconds slept at most, so that a changed clock is noticed
log = logging.getLogger(__name__)


Deliver = Callable[[Announcement], Awaitable[None]]


class Scheduler:
    """Keeps one agent's time. `deliver` hands an announcement to the surface."""

    def __init__(self, agent: Agent, deliver: Deliver) -> None:
        self.agent, self.memory, self.deliver = agent, agent.memory, deliver
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
        if self.memory.community.pending:
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
            if effect is None or entry is None:
                continue
            done = await self._carry_out(effect, entry)
            if done is not None:
                await self.memory.record(done).durable()
                confirmed += 1
        return confirmed

    async def _carry_out(self, effect: Effect, entry: Entry) -> Fact | None:
        """The fact that confirms an effect; None while it could not be carried out."""
        process = self.memory.get_process(str(entry.process))
        note, ok = "", True
        if effect.does == "announce" and not await self._announce(effect, entry, process):
            return None
        if effect.does == "start_process":
            ok, note = await self._start(effect)
        return Fact(
            id=f"{effect.id}:done", at=self._now(), member=BOT, process=process.id,
            body=Done(effect=effect, ok=ok, note=note),
        )  # fmt: skip

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

    async def _start(self, effect: Effect) -> tuple[bool, str]:
        """Opens the process an outcome calls for, once, and tells of it."""
        id = f"{effect.id}:opened"
        kept = self.memory.engine.find(id)
        if kept is None:
            type, fields = effect.arguments["type"], effect.arguments["fields"]
            try:
                fact = self.memory.opening(type, fields, BOT, self._now(), id, effect.id)
                kept = await self.memory.record(fact).durable()
            except (Refused, MemberError) as error:
                return False, str(error)
        process = self.memory.get_process(str(kept.process))
        if isinstance(kept.body, Opened):
            constitution = self.memory.constitution(process.constitution)
            parts = recorded(kept, process, constitution, self.memory.community)
            await self._tell(id, process, parts)
        return True, process.id

    def _now(self) -> datetime:
        return max(self.agent.clock(), self.memory.engine.last_at or self.agent.clock())
