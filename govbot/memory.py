"""What has happened, and the only way to add to it.

Owns the live state (kernel state of the processes in use) over an engine and its projection, and
`record`, which doubts a fact by the kernel before the fact takes its place. Decides nothing
itself. Promises that what a failed commit lost is forgotten here too, and that `rebuild` makes the
same tables from the ledger alone.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal, TypeVar

from immutables import Map
from pysqlite3 import dbapi2 as sqlite3

from govbot.breakglass import (
    can_resume,
    held,
    off_objections,
    passed_while_off,
    set_aside,
    setting_aside_decision,
    subject_objections,
    switched,
    switching_decision,
)
from govbot.charter import Charter, Reading, reading_of
from govbot.community import apply_community, community_objections
from govbot.constitution import Constitution
from govbot.engines import Engine, Pending
from govbot.errors import MemberError, OperatorError, Refused
from govbot.ledger import read_entry
from govbot.process import apply, objections
from govbot.projection import Projection, Row, rows
from govbot.records import (
    BOT,
    Adopted,
    Citation,
    Decided,
    Decision,
    Effect,
    Entry,
    Fact,
    Founded,
    Give,
    Manage,
    Member,
    Opened,
    Ratified,
    Switched,
    digest,
    stamp,
)
from govbot.stages import (
    end_stage,
    managing,
    opening,
    receiving,
)
from govbot.state import Community, Process, Switching, effective, unopened

ROLLS = 64  # rolls of members kept, for processes opened at different times
KEPT = 4096  # processes whose state stays at hand; others are replayed when asked for
MOST_READINGS = 20  # looked through for what the one in force no longer knows
BATCH = 5000  # entries projected at a time when catching up

# Roles whose last change took them away, and which the platform has reported ever since.
_TAKEN_AWAY = """
select r.member, r.role from roles r where r.granted = 0 and r.n < ?1
and not exists (select 1 from roles later where later.member = r.member
  and later.role = r.role and later.n > r.n and later.n < ?1)
and exists (select 1 from members m where m.member = r.member and m.n < r.n)
and not exists (select 1 from members m where m.member = r.member and m.n < ?1
  and m.n >= (select max(n) from members where member = r.member and n < r.n)
  and not exists (select 1 from json_each(m.roles) where value = r.role))
order by r.n, r.role
"""

B = TypeVar("B")
Roles = Map[str, tuple[str, ...]]
log = logging.getLogger(__name__)


class Replay:
    """The kernel over a whole ledger: one community and the processes at hand."""

    def __init__(self) -> None:
        self.community = Community()
        self.processes: OrderedDict[str, Process] = OrderedDict()

    def process(self, id: str) -> Process | None:
        return self.processes.get(id)

    def _before(self, id: str) -> Process:
        return self.process(id) or unopened(self.community, self.community.next_number)

    def objections(self, fact: Fact, head: str) -> list[str]:
        """Every reason why `fact` may not follow the entry whose digest is `head`."""
        found = community_objections(self.community, fact)
        if fact.process is None or found:
            return found or off_objections(self.community, fact, None)
        process = self._before(fact.process)
        if fact.process != process.id:
            return [f"there is no {fact.process.replace('_', ' ')}; ask for the open ones"]
        return (
            off_objections(self.community, fact, process)
            or objections(process, fact, head)
            or subject_objections(fact, self.community, self.process)
        )

    def apply(self, entry: Entry, before: Process | None = None) -> Process | None:
        """The entry's process after it. Both states move together."""
        after = None
        if entry.process is not None:
            before = before or self._before(entry.process)
            after = self.processes[entry.process] = apply(before, entry)
        self.community = apply_community(self.community, entry)
        return after


class Memory(Replay):
    """The live state of one community. Entries come in through `record` and the calls over it."""

    def __init__(self, engine: Engine, projection: Projection) -> None:
        super().__init__()
        self.engine, self.projection = engine, projection
        self._waiting: list[tuple[Entry, list[Row]]] = []
        self._constitutions: dict[str, Constitution] = {}
        self._readings: dict[str, Reading] = {}
        self._lost: tuple[str, Mapping[str, Charter]] = "", {}
        self._rolls: OrderedDict[int, Map[str, Member]] = OrderedDict()
        self.on_change: Callable[[Entry], None] = lambda entry: None
        engine.on_durable, engine.on_lost = self._project, self._forget
        last = engine.entry(projection.position)
        if projection.position >= 0 and (last is None or digest(last.bytes()) != projection.head):
            raise OperatorError(
                "the tables are not those of this ledger or are ahead of it;"
                " run `govbot verify`, then `govbot rebuild`"
            )
        self._restore()
        self._catch_up()

    # --- coming back ------------------------------------------------------------------

    def _restore(self) -> None:
        """The durable state from the tables, without replaying the ledger."""
        self.processes.clear()
        self._waiting.clear()
        founded = self._body(0, Founded) if self.projection.position >= 0 else None
        if founded is None:
            self.community = Community()
            return
        query = self.projection.query
        latest = {
            r["kind"]: r["n"] for r in query("select kind, max(n) n from rules group by kind")
        }
        adopted = self._body(latest.get("adopted"), Adopted)
        ratified = self._body(latest.get("ratified"), Ratified)
        highest = query("select max(number) n from processes")[0]["n"]
        due = query("select id, does, arguments from outbox where done is null order by n, id")
        pending = {
            row["id"]: Effect(**{**row, "arguments": json.loads(row["arguments"])}) for row in due
        }
        platform, granted, revoked = self._people(self.projection.position + 1)
        self.community = Community(
            name=founded.name,
            zone=founded.zone,
            constitution=adopted.constitution if adopted else "",
            reading=ratified.reading if ratified else "",
            provisional=ratified.provisional if ratified else False,
            charters=reading_of(ratified.document).processes if ratified else {},
            platform=platform,
            granted=granted,
            revoked=revoked,
            members=_effective(platform, granted, revoked),
            pending=Map(pending),
            next_number=founded.first_number if highest is None else highest + 1,
            switching=self._switching(),
            repairs=self._repairs(),
        )

    def _switching(self) -> Switching | None:
        """When the bot was last switched off, and on again since."""
        sql = (
            "select case digest when 'resume' then 'on' else digest end state, max(n) n from rules"
            " where kind = 'switched' or (kind = 'repaired' and digest = 'resume') group by state"
        )
        last = {row["state"]: row["n"] for row in self.projection.query(sql)}
        off, on = (self.engine.entry(last.get(state, -1)) for state in ("off", "on"))
        if off is None or not isinstance(off.body, Switched):
            return None
        on_at = on.at if on is not None and on.n > off.n else None
        return Switching(off_at=off.at, by=off.body.by, on_at=on_at)

    def _repairs(self) -> tuple[Entry, ...]:
        """What whoever runs the bot has forced, in order."""
        rows = self.projection.query("select n from rules where kind = 'repaired' order by n")
        return tuple(e for row in rows if (e := self.engine.entry(row["n"])) is not None)

    def _body(self, n: int | None, kind: type[B]) -> B | None:
        entry = self.engine.entry(n) if n is not None else None
        return entry.body if entry is not None and isinstance(entry.body, kind) else None

    def _people(self, n: int) -> tuple[Map[str, Member], Roles, Roles]:
        """Members, and the roles granted and taken away, as they stood just before entry `n`."""
        query = self.projection.query
        seen = query(
            "select member, name, roles, facts, max(n) from members where n < ? group by member", n
        )
        platform = {
            row["member"]: Member(
                id=row["member"],
                name=row["name"],
                roles=json.loads(row["roles"]),
                facts=json.loads(row["facts"]),
            )
            for row in seen
        }
        granted: dict[str, tuple[str, ...]] = {}
        for row in query("select * from roles where n < ? order by n, member", n):
            kept = tuple(r for r in granted.get(row["member"], ()) if r != row["role"])
            granted[row["member"]] = (*kept, row["role"]) if row["granted"] else kept
        revoked: dict[str, tuple[str, ...]] = {}
        for row in query(_TAKEN_AWAY, n):
            revoked[row["member"]] = (*revoked.get(row["member"], ()), row["role"])
        held = {id: roles for id, roles in granted.items() if roles}
        return Map(platform), Map(held), Map(revoked)

    def _catch_up(self) -> None:
        """Projects what the ledger has and the tables lack, as after a crash."""
        if self.projection.read_only:
            return  # a reader beside a running bot sees what that bot has projected
        batch: list[tuple[Entry, list[Row]]] = []
        for made in self._unprojected():
            batch.append(made)
            if len(batch) == BATCH:
                self._write(batch)
                batch = []
        if batch:
            self._write(batch)

    def _unprojected(self) -> Iterator[tuple[Entry, list[Row]]]:
        """Applies what the ledger has and the tables lack; each entry with its rows."""
        for _, data in self.engine.read(self.projection.position):
            entry = read_entry(data)
            yield entry, rows(entry, self.apply(entry, self._ahead_of(entry)))

    def _forget(self) -> None:
        """A commit has failed: the state is that of the ledger again, wherever the tables are."""
        self._restore()
        self._waiting.extend(self._unprojected())

    def _ahead_of(self, entry: Entry) -> Process | None:
        """An entry's process as it stood before it, though the ledger already goes further."""
        if entry.process is None:
            return None
        if (found := self.processes.get(entry.process)) is None:
            found = self._replayed(entry.process, entry.n)
        return found or unopened(self.community, self.community.next_number)

    def _write(self, batch: Iterable[tuple[Entry, list[Row]]]) -> None:
        batch = list(batch)
        last = batch[-1][0]
        made = (row for _, each in batch for row in each)
        self.projection.write(made, last.n, digest(last.bytes()))

    def _project(self, entries: list[Entry]) -> None:
        """Called with what has become durable, before anyone is told."""
        last = entries[-1].n
        done = [waited for waited in self._waiting if waited[0].n <= last]
        try:
            self._write(done)
        except (OperatorError, sqlite3.Error) as error:
            # What is durable stays so; the tables catch up with the next commit or opening.
            log.error("the tables could not be written (%s); free some space", error)
            return
        del self._waiting[: len(done)]
        self._trim()

    def _trim(self) -> None:
        """Lets go of what was asked for longest ago, once the tables can bring it back."""
        while len(self.processes) > KEPT and not self._waiting:
            self.processes.popitem(last=False)

    # --- the one way in ---------------------------------------------------------------

    def record(self, fact: Fact) -> Pending:
        """Gives a fact its place; raises Refused if the rules do not let it.

        What is returned becomes durable when its `durable()` returns. An id already kept gives
        that entry back and changes nothing.
        """
        if self.engine.find(fact.id) is None:
            if found := self.objections(fact, self.engine.head):
                raise Refused(found)
            # Asked for first: once appended, the fact is part of its process's history.
            before = self._before(fact.process) if fact.process is not None else None
            pending = self.engine.append(fact)
            after = self.apply(pending.entry, before)
            self._waiting.append((pending.entry, rows(pending.entry, after)))
            self.on_change(pending.entry)
            return pending
        return self.engine.append(fact)

    def process(self, id: str) -> Process | None:
        """A process by its id, from its own entries if it is not at hand."""
        if (found := self.processes.get(id)) is not None:
            self.processes.move_to_end(id)
            return found
        found = self._replayed(id, self.engine.size)
        if found is not None:
            self.processes[id] = found
            self._trim()
        return found

    def _replayed(self, id: str, before: int) -> Process | None:
        """A process from its own entries, of those ahead of the one numbered `before`."""
        found: Process | None = None
        for entry in takewhile(lambda entry: entry.n < before, self.engine.history(id)):
            if isinstance(entry.body, Opened):
                found = unopened(self._at_opening(entry, entry.body), entry.body.number)
            assert found is not None, f"{id} has entries before its opening"
            found = apply(found, entry)
        return found

    def _at_opening(self, entry: Entry, body: Opened) -> Community:
        return Community(
            zone=self.community.zone,
            constitution=body.constitution,
            reading=body.reading,
            provisional=body.provisional,
            charters=self.reading(body.reading).processes,
            members=self._roll(entry.n),
        )

    def _roll(self, n: int) -> Map[str, Member]:
        """The members just before entry `n`; one map for all processes opened between changes."""
        sql = (
            "select coalesce(max(n), 0) n from (select max(n) n from members where n < ?1"
            " union all select max(n) from roles where n < ?1)"
        )
        last: int = self.projection.query(sql, n)[0]["n"]
        if last not in self._rolls:
            self._rolls[last] = _effective(*self._people(n))
            if len(self._rolls) > ROLLS:
                self._rolls.popitem(last=False)
        return self._rolls[last]

    # --- the rules --------------------------------------------------------------------

    def constitution(self, version: str = "") -> Constitution:
        """A constitution by its digest; the one in force if none is named."""
        version = version or self.community.constitution
        if version not in self._constitutions:
            body = self._body(self._rule("adopted", version), Adopted)
            if body is None:
                raise OperatorError("no constitution is in force; run `govbot init` first")
            self._constitutions[version] = Constitution(body.text)
        return self._constitutions[version]

    def reading(self, version: str = "") -> Reading:
        """A ratified reading by its digest; the one in force if none is named."""
        version = version or self.community.reading
        if version not in self._readings:
            body = self._body(self._rule("ratified", version), Ratified)
            if body is None:
                raise OperatorError("no reading is in force; run `govbot init` first")
            self._readings[version] = reading_of(body.document)
        return self._readings[version]

    def lost(self) -> Mapping[str, Charter]:
        """What earlier readings knew and the one in force does not: the last rules of each kind."""
        community = self.community
        if self._lost[0] != community.reading:
            sql = "select digest from rules where kind = 'ratified' order by n desc limit ?"
            rows = self.projection.query(sql, MOST_READINGS)
            earlier = [self.reading(row["digest"]).processes for row in reversed(rows)]
            known = {type: rules for each in earlier for type, rules in each.items()}
            gone = {type: c for type, c in known.items() if type not in community.charters}
            self._lost = community.reading, gone
        return self._lost[1]

    def _rule(self, kind: str, version: str) -> int | None:
        sql = "select max(n) n from rules where kind = ? and digest = ?"
        n: int | None = self.projection.query(sql, kind, version)[0]["n"]
        return n

    # --- facts, drawn up by the rules ---------------------------------------------------

    def opening(
        self,
        type: str,
        fields: Mapping[str, Any],
        member: str,
        at: datetime,
        id: str,
        effect: str | None = None,
    ) -> Fact:
        """The fact that would open a process of this type."""
        if (gone := self.lost().get(type)) is not None:
            raise MemberError(
                f"since the constitution changed, no rule in force says how “{gone.title}” goes; if"
                " its text still does, whoever runs the bot can have it read again and ratified"
            )
        if type not in self.community.charters:
            known = ", ".join(sorted(self.community.charters)) or "none yet"
            raise MemberError(f"the constitution knows no process type {type!r}; it knows {known}")
        process = unopened(self.community, self.community.next_number)
        body, decision = opening(process, type, fields, member, at, self.engine.head, effect)
        return Fact(id=id, at=at, member=member, process=process.id, body=body, decision=decision)

    def giving(self, give: Give, member: Member, at: datetime, id: str) -> Fact:
        """The fact that would record a member's input."""
        process = self.get_process(give.process)
        body, decision = receiving(process, give, member)
        return Fact(
            id=id, at=at, member=member.id, process=process.id, body=body, decision=decision
        )

    def managing(
        self, manage: Manage, member: str, at: datetime, id: str, effect: str | None = None
    ) -> Fact:
        """The fact that would pause, resume, extend or cancel a process."""
        process = self.get_process(manage.process)
        body, decision = managing(process, manage, effect)
        return Fact(id=id, at=at, member=member, process=process.id, body=body, decision=decision)

    def ending(self, process: Process, why: Literal["due", "early"], at: datetime) -> Fact:
        """The fact that ends a process's present stage."""
        body, decision = end_stage(process, why, at, self.engine.head)
        if why == "due" and (told := passed_while_off(self.community, process.due)):
            reasoning = f"{decision.reasoning} {told}"
            decision = decision.model_copy(update={"reasoning": reasoning})
        id = f"{process.id}:{process.turn}:ended"
        return Fact(id=id, at=at, member=BOT, process=process.id, body=body, decision=decision)

    def setting_aside(self, effect: Effect, at: datetime, id: str) -> Fact:
        """The fact that sets a process's outcome aside, as another's outcome says."""
        process = self.get_process(effect.arguments["process"])
        body = set_aside(process, effect)
        decision = setting_aside_decision(process, body, effect.arguments["constitution"])
        return Fact(id=id, at=at, member=BOT, process=process.id, body=body, decision=decision)

    def switching(self, effect: Effect, cited: Citation | None, at: datetime, id: str) -> Fact:
        """The fact that switches the bot, as an outcome says; `cited` is the outcome's rule."""
        body = switched(effect)
        decision = switching_decision(body, cited)
        process = f"process_{body.by}"
        return Fact(id=id, at=at, member=BOT, process=process, body=body, decision=decision)

    # --- the calls others rely on -------------------------------------------------------

    async def create_process(
        self, type: str, fields: Mapping[str, Any], member: str, *, at: datetime, id: str
    ) -> Process:
        """Opens a process of a type the constitution knows."""
        entry = await self.record(self.opening(type, fields, member, at, id)).durable()
        return self.get_process(str(entry.process))

    async def add_event(
        self,
        process: int,
        kind: str,
        value: Any,
        member: str,
        *,
        at: datetime,
        id: str,
        reason: str = "",
    ) -> Process:
        """Records an input, such as a vote, of a member known here."""
        give = Give(process=process, input=kind, value=value, reason=reason)
        entry = await self.record(self.giving(give, self.member(member), at, id)).durable()
        return self.get_process(str(entry.process))

    async def update_process(
        self,
        process: int,
        act: Literal["pause", "resume", "extend", "cancel"],
        member: str,
        *,
        at: datetime,
        id: str,
        reason: str,
        by: str = "",
    ) -> Process:
        """Pauses, resumes, extends or cancels a process where its charter lets the member."""
        manage = Manage(process=process, act=act, reason=reason, by=by)
        entry = await self.record(self.managing(manage, self.member(member).id, at, id)).durable()
        return self.get_process(str(entry.process))

    async def add_decision(
        self,
        process: str | None,
        about: str,
        decision: Decision,
        member: str,
        *,
        at: datetime,
        id: str,
    ) -> Entry:
        """Puts a decision on record that changes no state."""
        body = Decided(about=about)
        fact = Fact(id=id, at=at, member=member, process=process, body=body, decision=decision)
        return await self.record(fact).durable()

    def member(self, id: str) -> Member:
        found = self.community.members.get(id)
        if found is None:
            raise MemberError(f"{id!r} is not known here; they must say something first")
        return found

    def get_process(self, which: int | str) -> Process:
        """A process by number (125) or id ('process_125')."""
        id = f"process_{which}" if isinstance(which, int) else which
        found = self.process(id)
        if found is None:
            raise MemberError(f"there is no {id.replace('_', ' ')}; ask for the open ones")
        return found

    def get_active_processes(self, limit: int = 200) -> list[Process]:
        """Processes that have not ended, oldest first."""
        sql = "select id from processes where status in ('open', 'paused') order by number limit ?"
        return [self.get_process(row["id"]) for row in self.projection.query(sql, limit)]

    def get_overdue_processes(self, now: datetime) -> list[Process]:
        """Open processes whose stage fell due at or before `now`, earliest first."""
        sql = "select process from deadlines where due <= ? order by due, process"
        due = [self.get_process(r["process"]) for r in self.projection.query(sql, stamp(now))]
        return [process for process in due if not held(self.community, process.charter)]

    def next_due(self) -> str | None:
        """The stamp of the earliest deadline; of those that can end where the bot is off."""
        if self.community.off:
            return self._next_not_held()
        found: str | None = self.projection.query("select min(due) due from deadlines")[0]["due"]
        return found

    def _next_not_held(self) -> str | None:
        sql = (
            "select type, reading, min(deadlines.due) due from deadlines"
            " join processes on id = process group by type, reading"
        )
        due = (
            row["due"]
            for row in self.projection.query(sql)
            if can_resume(self.reading(row["reading"]).processes[row["type"]])
        )
        return min(due, default=None)

    def search(self, text: str, limit: int = 10) -> list[Process]:
        """Processes whose title, fields or comments have these words, best first."""
        plain = "".join(c if c.isprintable() and c != '"' else " " for c in text)
        words = " ".join(f'"{word}"' for word in plain.split()[:20])
        if not words:
            return []
        sql = (
            "select process, min(rank) from words where words match ?"
            " group by process order by 2 limit ?"
        )
        return [self.get_process(r["process"]) for r in self.projection.query(sql, words, limit)]

    def history(self, id: str) -> list[Entry]:
        """Every entry of a process, in order."""
        return list(self.engine.history(id))

    async def close(self) -> None:
        await self.engine.close()
        self.projection.close()


def _effective(platform: Map[str, Member], granted: Roles, revoked: Roles) -> Map[str, Member]:
    """Members with the roles that count, by the platform and by what the community decided."""
    return Map(
        {
            id: effective(member, granted.get(id, ()), revoked.get(id, ()))
            for id, member in platform.items()
        }
    )


def rebuild(engine: Engine, projection: Projection) -> int:
    """Fills an empty projection from the ledger alone; returns how many entries it read."""
    Memory(engine, projection)
    done: int = projection.position
    return done + 1
