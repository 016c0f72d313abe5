"""A message's way through the house: eight steps, a function each.

Owns the order of the steps and nothing else: a reader reads, the kernel rules, memory records. A
model can be asked in the first step and for an answer's wording, never later. Promises a reply to
every request, sent only after what it says is durable, and the same reply's effect at most once
for one request id.
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from govbot.balloting import candidates
from govbot.breakglass import held, told_off
from govbot.cards import choices
from govbot.carrying import amendments_in, coming
from govbot.charter import Stage
from govbot.errors import MemberError, OperatorError, Refused
from govbot.lockout import stuck, told
from govbot.memory import Memory
from govbot.parts import Choice, Reply, Says
from govbot.process import MAX_TEXT
from govbot.proposing import Drafted, said, with_amendment
from govbot.readers import Reader, Standing, Vocabulary
from govbot.records import (
    BOT,
    Amendment,
    Ask,
    Decision,
    Entry,
    Fact,
    Give,
    Intent,
    Manage,
    Managed,
    Member,
    Offer,
    Open,
    Opened,
    Rehearse,
    Rehearsed,
    Request,
    Ruling,
    Seen,
    SetAside,
    Show,
    StageEnded,
    Turned,
    Unclear,
    Want,
    canonical,
    digest,
)
from govbot.replies import (
    OFFERED,
    explained,
    listing,
    meant,
    proposed,
    recorded,
    refusal,
    sentence,
    spoken,
    status,
    uncovered,
)
from govbot.rulings import ruling_objections, unfounded
from govbot.stages import ends_early
from govbot.state import Process
from govbot.verify import doubts

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
# What people should know of an amendment; with False, not if another is being looked at.
Foresee = Callable[[Amendment, bool], Awaitable[tuple[str, ...]]]
_NUMBER = re.compile(r"(?<!\d)\d{1,9}(?!\d)")
ACTS = ("pause", "resume", "extend", "cancel")
SHOWN = 20  # open processes listed in one reply
FORGOTTEN = timedelta(minutes=10)  # after which an unclear message is not gone on with
REMEMBERED = 1000  # members whose last message was unclear


class Agent:
    """One community's bot. `clock` gives the present in UTC."""

    def __init__(
        self, memory: Memory, reader: Reader, clock: Clock, drafted: Drafted | None = None,
        foresee: Foresee | None = None,
    ) -> None:  # fmt: skip
        self.memory, self.reader, self.clock, self.drafted = memory, reader, clock, drafted
        self.foresee = foresee
        self._spelled: tuple[object, Mapping[str, str]] = None, {}
        self._unclear_before: OrderedDict[str, tuple[str, datetime]] = OrderedDict()
        self._proposed: OrderedDict[str, None] = OrderedDict()  # rulings that were doubted here

    async def handle(self, request: Request) -> Reply:
        """Answers one request. An OperatorError is for the log, not for the member."""
        reply = await self._handled(request)
        if off := told_off(self.memory.community):
            parts = (*reply.parts, Says(text=f"\n{off}")) if reply.parts else ()
            return reply.model_copy(update={"text": f"{reply.text}\n\n{off}", "parts": parts})
        return reply

    async def _handled(self, request: Request) -> Reply:
        try:
            await self.meet(request.member)
            if (kept := self.memory.engine.find(f"request:{request.id}")) is not None:
                return self._reply_to(kept)
            intent = request.action or await self._intent(request)
            return await self._do(intent, request)
        except MemberError as error:
            return Reply(text=refusal([str(error)]), ok=False)

    async def check_deadlines(self, now: datetime | None = None) -> list[Entry]:
        """Ends every stage that fell due, earliest first, each once; returns what was recorded."""
        ended: list[Entry] = []
        moment = self._now() if now is None else max(now, self.memory.engine.last_at or now)
        tried: set[tuple[str, int]] = set()
        while due := [
            process
            for process in self.memory.get_overdue_processes(moment)
            if (process.id, process.turn) not in tried
        ]:
            for process in due:
                tried.add((process.id, process.turn))
                ended += await self._end_if_due(process.id, moment)
        return ended

    # --- 1 intent -----------------------------------------------------------------------

    async def _intent(self, request: Request) -> Intent:
        if len(request.text) > MAX_TEXT:
            over = len(request.text) - MAX_TEXT
            raise MemberError(f"your message is {over} characters too long; at most {MAX_TEXT} fit")
        now, who = self._now(), request.member.id
        earlier, said_at = self._unclear_before.pop(who, ("", now))
        vocabulary = self._vocabulary(request)
        if earlier and now - said_at <= FORGOTTEN:
            vocabulary = vocabulary.model_copy(update={"earlier": earlier})
        intent = await self.reader.intent(request.text, vocabulary)
        if isinstance(intent, Unclear):
            self._unclear_before[who] = request.text, now
            while len(self._unclear_before) > REMEMBERED:
                self._unclear_before.popitem(last=False)
        return intent

    def _vocabulary(self, request: Request) -> Vocabulary:
        # What a message names by number is read too, so that a late vote gets a late vote's answer.
        numbers = _NUMBER.findall(request.text)[:10]
        named = [found for n in numbers if (found := self.memory.process(f"process_{n}"))]
        meant = [*self.memory.get_active_processes(), *named]
        open = tuple(
            Standing(
                number=process.number,
                title=process.title,
                stage=process.now,
                manage={act: process.rules.manage.rule(act) is not None for act in ACTS},
                others=_other_stages(process) if process in named else (),
                choices=_made_choices(process),
            )  # fmt: skip
            for process in {process.id: process for process in meant}.values()
        )
        charters = self.memory.community.charters
        return Vocabulary(
            charters=charters, lost=self.memory.lost(), open=open, members=self._spellings(),
            about=request.about,
        )  # fmt: skip

    def _spellings(self) -> Mapping[str, str]:
        """How each member may be written. What could mean two of them means neither."""
        members = self.memory.community.members
        if self._spelled[0] is not members:
            meant: dict[str, set[str]] = {}
            for id, member in members.items():
                for spelling in (member.name, id.rpartition(":")[2], id):
                    meant.setdefault(spelling.casefold(), set()).add(id)
            sure = {spelling: min(ids) for spelling, ids in meant.items() if len(ids) == 1}
            self._spelled = members, sure
        return self._spelled[1]

    # --- 2 query, 3 recall, 4 decide -------------------------------------------------------

    async def _do(self, intent: Intent, request: Request) -> Reply:
        match intent:
            case Open() | Give() | Manage():
                return await self._act(intent, request)
            case Ask():
                return await self._answer(intent)
            case Show():
                return self._show(intent)
            case Rehearse():
                return await self._rehearse(intent)
            case Want():
                return await self._unforeseen(intent, request)
            case Unclear():
                return self._unclear(intent)
            case Offer():
                return self._offer(intent)

    async def _act(self, intent: Open | Give | Manage, request: Request) -> Reply:
        if isinstance(intent, Give | Manage):
            await self._close_if_due(intent.process)
        if isinstance(intent, Manage) and self._unprovided(intent):
            return await self._unforeseen(Want(what=request.text), request)
        fact, foreseen = await self._decided(intent, request)
        if foreseen and (kept := self.memory.engine.find(fact.id)) is not None:
            return self._reply_to(kept)  # the same was heard once more meanwhile
        self._verify(fact)
        try:
            return await self._record(fact, foreseen)
        except Refused as refused:
            return await self._turn_away(intent, request, refused)

    async def _decided(
        self, intent: Open | Give | Manage, request: Request
    ) -> tuple[Fact, tuple[str, ...]]:
        """The fact, and what is told with it of the very amendment that it holds."""
        fact = self._decide(intent, request)
        while foreseen := await self._foreseen(fact):
            # Others may have been heard meanwhile, and the constitution may be another one.
            before, fact = fact, self._decide(intent, request)
            if _rules_of(before) == _rules_of(fact):
                return fact, foreseen
        return fact, ()

    def _decide(self, intent: Open | Give | Manage, request: Request) -> Fact:
        """What the charter makes of an intent: a fact with its decision, not yet recorded."""
        memory, at, id = self.memory, self._now(), f"request:{request.id}"
        match intent:
            case Open():
                self._only_doubted(intent)
                return memory.opening(intent.type, self._fields(intent), request.member.id, at, id)
            case Give():
                return memory.giving(intent, memory.member(request.member.id), at, id)
            case Manage():
                return memory.managing(intent, memory.member(request.member.id).id, at, id)

    def _fields(self, intent: Open) -> Mapping[str, Any]:
        """What an opening is given; a change said in words becomes the amendment it makes."""
        charter = self.memory.community.charters.get(intent.type)
        if charter is None or not any(r.type == "amendment" for r in charter.fields.values()):
            return intent.fields
        return with_amendment(charter, intent.fields, self.memory.constitution(), self.drafted)

    def _only_doubted(self, intent: Open) -> None:
        """A ruling comes from a reader and has been doubted; nobody brings one of their own."""
        charter = self.memory.community.charters.get(intent.type)
        field = charter.ruling if charter is not None else None
        if field in intent.fields and _named(intent) not in self._proposed:
            raise MemberError("say in your own words what should be decided; I will look it up")

    async def _foreseen(self, fact: Fact) -> tuple[str, ...]:
        """What is told of an amendment to whoever proposes it and whoever votes on it."""
        body, community = fact.body, self.memory.community
        if self.foresee is None or not isinstance(body, Opened):
            return ()
        amendments = amendments_in(community.charters[body.type], body.fields)
        if not amendments or self.memory.objections(fact, self.memory.engine.head):
            return ()
        told = [await self.foresee(amendment, True) for amendment in amendments]
        return tuple(line for lines in told for line in lines)

    async def _rehearse(self, asked: Rehearse) -> Reply:
        """What somebody's change would do, before it is proposed."""
        constitution, community = self.memory.constitution(), self.memory.community
        amendment = said(asked.words, constitution, self.drafted)
        told = await self.foresee(amendment, False) if self.foresee is not None else ()
        lines = *coming(amendment, constitution, community), *told
        return Reply(text="\n".join([*lines, "", "Nothing is recorded; this is a rehearsal."]))

    # --- 5 verify ---------------------------------------------------------------------------

    def _verify(self, fact: Fact) -> None:
        """What the bot is about to say and do is doubted before anyone hears it."""
        if fact.decision is None:
            return
        version = self._version(fact)
        if found := doubts(fact.decision, self.memory.constitution(version)):
            raise OperatorError(
                f"the charter behind {fact.process} is not grounded ({found[0]});"
                " run `govbot constitution lint` and correct the reading"
            )

    def _version(self, fact: Fact) -> str:
        if isinstance(fact.body, Opened) or fact.process is None:
            return self.memory.community.constitution
        return self.memory.get_process(fact.process).constitution

    # --- 6 record ---------------------------------------------------------------------------

    async def _record(self, fact: Fact, foreseen: tuple[str, ...] = ()) -> Reply:
        """The fact, and the end of its stage where it brings that about, in one commit."""
        pending = self.memory.record(fact)
        process = self.memory.get_process(str(fact.process))
        if foreseen and not process.foreseen:
            body = Rehearsed(entries=pending.entry.n, told=foreseen)
            id = f"{process.id}:rehearsed"
            self.memory.record(Fact(id=id, at=fact.at, member=BOT, process=process.id, body=body))
        if ends_early(process, fact.at) is not None:
            ending = self.memory.ending(process, "early", fact.at)
            self._verify(ending)
            self.memory.record(ending)
        return self._reply_to(await pending.durable())

    async def _end(self, process: Process, at: datetime) -> Entry:
        fact = self.memory.ending(process, "due", at)
        self._verify(fact)
        return await self.memory.record(fact).durable()

    async def _end_if_due(self, id: str, moment: datetime) -> list[Entry]:
        """Ends a stage if it still is due; a charter that is not grounded holds up only its own."""
        process = self.memory.get_process(id)
        if not _is_due(process, moment):
            return []
        try:
            return [await self._end(process, moment)]
        except OperatorError as error:
            log.error("%s could not be ended: %s", id, error)
            return []

    async def _close_if_due(self, number: int) -> None:
        """A stage past its time is ended before anything else is tried on it."""
        process, now = self.memory.get_process(number), self._now()
        while _is_due(process, now) and not held(self.memory.community, process.charter):
            await self._end(process, now)
            process = self.memory.get_process(number)

    async def meet(self, member: Member) -> None:
        """Records what the platform says of a member when it is new."""
        if self.memory.community.platform.get(member.id) == member:
            return
        now = self._now()
        id = f"seen:{self.memory.engine.size}"
        await self.memory.record(
            Fact(id=id, at=now, member=BOT, body=Seen(member=member))
        ).durable()

    async def _turn_away(
        self, intent: Open | Give | Manage, request: Request, refused: Refused
    ) -> Reply:
        """A refusal is put on the process's record, so that a moderator can see it."""
        id = f"process_{intent.process}" if not isinstance(intent, Open) else ""
        process = self.memory.process(id)
        if process is None or held(self.memory.community, process.charter):
            why = [*refused.objections, *self._locked(intent)]
            return Reply(text=refusal(why), ok=False)
        body = Turned(
            tried=intent.input if isinstance(intent, Give) else intent.kind,
            said=" ".join(request.text.split())[:500],
            objections=tuple(refused.objections),
        )
        decision = Decision(reasoning=refusal(refused.objections), result="refused")
        fact = Fact(
            id=f"request:{request.id}",
            at=self._now(),
            member=request.member.id,
            process=id,
            body=body,
            decision=decision,
        )
        return self._reply_to(await self.memory.record(fact).durable())

    def _locked(self, intent: Open | Give | Manage) -> list[str]:
        """Where nobody at all could have opened it: that, and which sections could help."""
        if not isinstance(intent, Open):
            return []
        found = stuck(
            self.memory.community.charters, self.memory.community.members.values(), self._now()
        )
        return [told(each) for each in found if each.type == intent.type and not each.input]

    # --- 7 audit happens where `memory.on_change` leads, 8 reply ------------------------------

    def _reply_to(self, entry: Entry) -> Reply:
        """What a recorded entry is worth saying to whoever asked for it."""
        process = self.memory.get_process(str(entry.process))
        constitution = self.memory.constitution(process.constitution)
        parts = recorded(entry, process, constitution, self.memory.community)
        return Reply(
            text=spoken(parts),
            ok=not isinstance(entry.body, Turned),
            process=process.id,
            entry=entry.n,
            parts=parts,
            choices=choices(process),
        )

    async def _answer(self, ask: Ask) -> Reply:
        if ask.process is not None and self.memory.process(f"process_{ask.process}") is not None:
            return self._why(self.memory.get_process(ask.process))
        guidance = await self.reader.answer(ask.question, self.memory.constitution())
        return Reply(text=guidance.answer, ok=guidance.confidence != "none")

    def _why(self, process: Process) -> Reply:
        """Why a process stands as it does: its last decision by rule, quoted, and its tally."""
        ruled = (
            entry
            for entry in reversed(self.memory.history(process.id))
            if isinstance(entry.body, StageEnded | Opened | Managed | SetAside)
        )
        constitution = self.memory.constitution(process.constitution)
        parts = explained(next(ruled), process, constitution, self.memory.community)
        return Reply(text=spoken(parts), process=process.id, parts=parts)

    def _show(self, show: Show) -> Reply:
        if show.process is not None:
            return self._stands(self.memory.get_process(show.process))
        active = self.memory.get_active_processes(SHOWN + 1)
        return Reply(text=listing(active[:SHOWN], len(active) > SHOWN, self.memory.community))

    def _stands(self, process: Process) -> Reply:
        constitution = self.memory.constitution(process.constitution)
        parts = status(process, constitution, self.memory.community)
        return Reply(text=spoken(parts), process=process.id, parts=parts, choices=choices(process))

    def _unclear(self, unclear: Unclear) -> Reply:
        understood = f" I understood {unclear.understood}." if unclear.understood else ""
        text = f"I did not understand that, so nothing was recorded.{understood}"
        return Reply(text=f"{text} {sentence(unclear.missing)}", ok=False)

    def _offer(self, offer: Offer) -> Reply:
        """What a reader thinks is meant, as buttons: the member's own press does it."""
        known = self.memory.community.charters
        named = [action for action in offer.actions if self._would_fit(action)]
        picks = tuple(Choice(label=meant(action, known), action=action) for action in named)
        if not picks:
            return self._unclear(Unclear(missing="say which process and what you want of it"))
        lines = [f"- {pick.label}" for pick in picks]
        text = "\n".join([OFFERED, *lines, "Nothing is recorded until you confirm it."])
        return Reply(text=text, ok=False, choices=picks)

    def _unprovided(self, manage: Manage) -> bool:
        """Whether no charter lets anybody do this, and people may decide what none foresees."""
        rules = self.memory.get_process(manage.process).rules
        charters = self.memory.community.charters.values()
        return rules.manage.rule(manage.act) is None and any(c.ruling for c in charters)

    async def _unforeseen(self, want: Want, request: Request) -> Reply:
        """A request that no rule foresees: what people could decide, for them to decide.

        The member sees it first and says whether it is put to those who may.
        """
        if self.memory.community.off:
            return Reply(text="That is no use while the bot is off.", ok=False)
        constitution = self.memory.constitution()
        found = await self.reader.propose(
            want.what, constitution, self._vocabulary(request),
            lambda ruling: self._ruling_doubts(ruling, want.what),
        )  # fmt: skip
        rulings = [proposal.ruling for proposal in found if proposal.ruling is not None]
        if not rulings:
            await self._note_refused(request, [why for each in found for why in each.refused])
            near = constitution.query(want.what).sections
            return Reply(text=uncovered(want.what, near), ok=False)
        actions = [self._put(ruling, want.what) for ruling in rulings]
        self._proposed.update({_named(action): None for action in actions})
        while len(self._proposed) > REMEMBERED:
            self._proposed.popitem(last=False)
        charters = self.memory.community.charters
        picks = tuple(Choice(label=meant(action, charters), action=action) for action in actions)
        text = proposed(rulings, want.what, constitution, self.memory.community)
        return Reply(text=text, ok=False, choices=picks)

    def _put(self, ruling: Ruling, wanted: str) -> Open:
        """The opening that puts a ruling to the people its charter names."""
        for type, charter in self.memory.community.charters.items():
            if charter.ruling is not None and ruling.does in charter.may_rule(charter.ruling):
                texts = {
                    name: wanted
                    for name, rule in charter.fields.items()
                    if rule.type == "text" and rule.required
                }
                held = ruling.model_dump(mode="json", exclude_defaults=True)
                return Open(type=type, fields={**texts, charter.ruling: held})
        raise MemberError(f"the constitution lets nobody decide to {ruling.does.replace('_', ' ')}")

    def _ruling_doubts(self, ruling: Ruling, wanted: str) -> list[str]:
        try:
            action = self._put(ruling, wanted)
            if ruling.process is not None:
                self.memory.get_process(ruling.process)
        except MemberError as error:
            return [str(error)]
        community = self.memory.community
        held = action.fields[str(community.charters[action.type].ruling)]
        may = community.charters[action.type].may_rule(str(community.charters[action.type].ruling))
        return ruling_objections(held, may, community) or unfounded(
            ruling, wanted, self.memory.constitution()
        )

    async def _note_refused(self, request: Request, why: list[str]) -> None:
        """What a reader proposed without ground is on record, with the reasons."""
        if not why:
            return
        decision = Decision(reasoning=refusal(why), result="refused", reader=self.reader.name)
        await self.memory.add_decision(
            None, " ".join(request.text.split())[:500], decision, request.member.id,
            at=self._now(), id=f"request:{request.id}:ruling",
        )  # fmt: skip

    def _would_fit(self, action: Open | Give | Manage) -> bool:
        """Whether there is such a type or process at all; the rules are asked on confirmation."""
        if isinstance(action, Open):
            return action.type in self.memory.community.charters
        return self.memory.process(f"process_{action.process}") is not None

    # --- time ---------------------------------------------------------------------------------

    def _now(self) -> datetime:
        """The present, never before the last entry: a clock set back cannot reorder anything."""
        return max(self.clock(), self.memory.engine.last_at or self.clock())


def _rules_of(fact: Fact) -> tuple[str, str] | None:
    """The text and the reading that an opening is decided by."""
    body = fact.body
    return (body.constitution, body.reading) if isinstance(body, Opened) else None


def _named(action: Open) -> str:
    return digest(canonical(action.model_dump(mode="json")))


def _other_stages(process: Process) -> tuple[Stage, ...]:
    return tuple(stage for stage in process.rules.stages if stage.name != process.stage)


def _made_choices(process: Process) -> dict[str, tuple[str, ...]]:
    """What may be chosen where members say it themselves, as in a nomination."""
    rules = [rule for rule in process.now.inputs if rule.choices_from is not None]
    return {rule.kind: candidates(rule, process.inputs) for rule in rules}


def _is_due(process: Process, moment: datetime) -> bool:
    return process.status == "open" and process.due is not None and process.due <= moment
