"""Every doubt about a decision, and about a whole ledger.

Owns `doubts` (asked before anything is recorded) and `verify` (asked by anyone, any time): chain,
tree, signatures, quotes, calculations, outcomes, tables and audits, all derived again from the
ledger with no model and no network. Changes nothing. Promises that each fault names its entry or
file.
"""

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from pysqlite3 import dbapi2 as sqlite3

from govbot.amendments import Inapplicable, applied
from govbot.audit import APART, AuditTrail, Listed, apart, file_name, index
from govbot.carrying import Adoption, adoption, amendments_in
from govbot.charter import Reading, citations_in, reading_of
from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.ledger import Chain, Tree, open_checkpoint, recheck
from govbot.memory import Replay
from govbot.process import apply
from govbot.projection import TABLES, Projection, Row, rows
from govbot.records import (
    Adopted,
    Amendment,
    Decided,
    Decision,
    Entry,
    Founded,
    Opened,
    Ratified,
    Record,
    Repaired,
)
from govbot.repairs import forced
from govbot.rulings import unfounded
from govbot.stages import rulings_in
from govbot.state import Community, Process, unopened
from govbot.tools import recompute

BATCH = 5000
MOST_FAULTS = 200
INDEX = "README.md"


def doubts(decision: Decision, constitution: Constitution) -> list[str]:
    """What is wrong with a decision: quotes that are not there, calculations that differ."""
    found = [
        f"{citation.section} does not say “{citation.quote}”"
        for citation in decision.citations
        if not constitution.holds(citation)
    ]
    again = (recompute(calculation) for calculation in decision.calculations)
    return found + [problem for problem in again if problem]


class Fault(Record):
    """One thing that is not sound: the entry or file it is in, and what it is."""

    where: str
    what: str


class Report(Record):
    """What a verification looked at and what it found."""

    entries: int
    head: str
    root: str
    checked: dict[str, int]
    faults: tuple[Fault, ...]
    notices: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        return not self.faults


class _Check:
    """One pass over a ledger: the kernel's replay, with every doubt noted."""

    def __init__(self, projection: Projection) -> None:
        self.replay = Replay()
        self.chain = Chain()
        self.projection = projection
        self.checked: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.notices: list[str] = []
        self.roots: dict[int, str] = {}
        self.barred: set[int] = set()  # entries that the rules do not allow
        self.passed: Counter[str] = Counter()  # how many of each process they do
        self.vkey = ""
        self._adoption: Adoption | str = "no amendment was adopted ahead of it"
        self._constitutions: dict[str, Constitution] = {}
        self._readings: dict[str, Reading] = {}
        self._held: set[tuple[str, str, str]] = set()
        self._rows: list[Row] = []
        self.apart: list[Entry] = []  # decisions that belong to no process

    def fault(self, where: str, what: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(where=where, what=what))

    def entry(self, entry: Entry) -> None:
        """One entry: its decision, and whether the rules allowed it."""
        objections = [*self._objections(entry), *self._adopted(entry)]
        for objection in objections:
            self.fault(f"entry {entry.n}", objection)
        self._decision(entry)
        self._rulings(entry)
        self._proposed(entry)
        if objections:
            self.barred.add(entry.n)
            return  # what the rules do not allow has no effect, here as anywhere
        process = self.replay.apply(entry)
        if isinstance(entry.body, Decided) and entry.process is None:
            self.apart.append(entry)
        if isinstance(entry.body, Repaired):
            self.notices.append(forced(entry, self.replay.community.zone))
        if process is not None:
            self.passed[process.id] += 1
        self._rows += rows(entry, process)
        if len(self._rows) >= BATCH:
            self.flush()
        if process is not None and process.status == "ended":
            # A process that has ended takes no part in any later rule; only late tries name it.
            self.replay.processes[process.id] = process.emptied()

    def flush(self) -> None:
        """The tables as they are after the entries so far."""
        made, self._rows = self._rows, []
        try:
            if self.chain.size:
                self.projection.write(made, self.chain.size - 1, self.chain.head)
        except sqlite3.Error as error:
            self.fault("tables", f"the entries contradict each other, so none are made ({error})")

    def _objections(self, entry: Entry) -> list[str]:
        self._learn(entry)
        self.checked["permissions and outcomes"] += 1
        return self.replay.objections(entry, entry.prev)

    def _learn(self, entry: Entry) -> None:
        body = entry.body
        if isinstance(body, Founded):
            self.vkey = body.vkey
        elif isinstance(body, Adopted):
            self._constitutions[body.constitution] = Constitution(body.text)
        elif isinstance(body, Ratified):
            constitution = self._constitutions.get(body.constitution)
            try:
                self._readings[body.reading] = reading_of(body.document)
            except ValueError:
                return  # the kernel objects to it in its own words
            cited = list(citations_in(self._readings[body.reading]))
            for rule, citation in cited:
                self.checked["quotes"] += 1
                if constitution is None or not constitution.holds(citation):
                    self.fault(
                        f"entry {entry.n}",
                        f"{rule}: {citation.section} does not say “{citation.quote}”",
                    )

    def _adopted(self, entry: Entry) -> list[str]:
        """What an amendment brought into force is what its edits make of the versions it names."""
        body, community = entry.body, self.replay.community
        if not isinstance(body, Adopted | Ratified) or body.effect is None:
            return []
        effect = community.pending.get(body.effect)
        if effect is None or body.instead not in {**self._constitutions, **self._readings}:
            return []  # the kernel objects to it in its own words
        self.checked["amendments"] += 1
        if isinstance(body, Adopted):
            amendment = Amendment.model_validate(effect.arguments["amendment"])
            self._adoption = adoption(
                amendment, self.constitution(amendment.base), self.constitution(body.instead),
                self._readings[community.reading],
            )  # fmt: skip
        made = self._adoption
        if isinstance(made, str):
            return [made]
        if isinstance(body, Adopted):
            same = made.constitution.digest == body.constitution
            return [] if same else ["the amendment makes another text than the one adopted"]
        same = made.reading.digest == body.reading
        return [] if same else ["the amendment leaves another reading standing than this one"]

    def _proposed(self, entry: Entry) -> None:
        """An amendment that was put forward can be applied to the version it names."""
        body = entry.body
        charter = self.replay.community.charters.get(getattr(body, "type", ""))
        if not isinstance(body, Opened) or charter is None:
            return
        for amendment in amendments_in(charter, body.fields):
            self.checked["amendments"] += 1
            try:
                applied(self.constitution(amendment.base).text, amendment)
            except Inapplicable as error:
                self.fault(f"entry {entry.n}", str(error))

    def _rulings(self, entry: Entry) -> None:
        """What was put to people where no rule foresaw it has the ground it says it has."""
        body = entry.body
        if not isinstance(body, Opened):
            return
        charter = self.replay.community.charters.get(body.type)
        if charter is None or charter.ruling is None:
            return
        said = " ".join(value for value in body.fields.values() if isinstance(value, str))
        for ruling in rulings_in(charter, body.fields):
            self.checked["rulings"] += 1
            for problem in unfounded(ruling, said, self.constitution(body.constitution)):
                self.fault(f"entry {entry.n}", problem)

    def _decision(self, entry: Entry) -> None:
        decision = entry.decision
        if decision is None:
            return
        version = self._version(entry)
        constitution = self._constitutions.get(version)
        for citation in decision.citations:
            self.checked["quotes"] += 1
            key = (version, citation.section, citation.quote)
            if key in self._held:
                continue
            if constitution is not None and constitution.holds(citation):
                self._held.add(key)
            else:
                self.fault(
                    f"entry {entry.n}", f"{citation.section} does not say “{citation.quote}”"
                )
        for calculation in decision.calculations:
            self.checked["calculations"] += 1
            if problem := recompute(calculation):
                self.fault(f"entry {entry.n}", problem)

    def constitution(self, version: str) -> Constitution:
        return self._constitutions.get(version) or Constitution("")

    def _version(self, entry: Entry) -> str:
        process = self.replay.process(entry.process or "")
        if process is not None and process.constitution:
            return process.constitution
        return self.replay.community.constitution


def verify(
    read: Iterable[tuple[int, bytes]],
    *,
    checkpoint: str | None = None,
    misfiled: Iterable[tuple[int, str]] = (),
    vkey: str = "",
    kept: Iterable[tuple[str, str]] = (),
    projection: Projection | OperatorError | None = None,
    audits: Path | None = None,
    history: Callable[[str], Iterable[bytes]] | None = None,
    progress: Callable[[int], None] = lambda n: None,
) -> Report:
    """Checks a whole ledger and what was made from it.

    `read` gives the stored rows in order, `checkpoint` the ledger's own signed checkpoint (empty
    where it has none), `misfiled` the rows that its store keeps under a wrong name, `vkey` the
    key that is known to sign it, `kept` other checkpoints as (name, note), `projection` the
    tables (closed when done) or why they cannot be opened, `audits` the folder of audits and
    `history` a process's rows. What is not given is not checked.
    """
    notes = [(name, note, _size(note)) for name, note in kept]
    wanted = {size for _, _, size in notes}
    with TemporaryDirectory(prefix="govbot-verify-") as folder:
        again = Path(folder) / "memory.db"
        check = _Check(Projection(again))
        tables = _Tables(check, projection, again)
        for entry, faults in recheck(read, check.chain):
            size = check.chain.size
            for fault in faults:
                check.fault(f"entry {size - 1}", fault)
            if entry is not None:
                check.entry(entry)
            if size in wanted:
                check.roots[size] = _root(check.chain.tree)
            tables.reached(size - 1)
            if size % 1000 == 0:
                progress(size)
        tables.close()
        check.projection.close()
        for n, problem in misfiled:
            check.fault(f"entry {n}", problem)
        if vkey and check.vkey != vkey:
            check.fault("entry 0", f"it names the key {check.vkey!r}; this ledger's is {vkey!r}")
        _checkpoints(check, checkpoint, notes)
        if audits is not None and history is not None:
            _audits(check, audits, history)
    return Report(
        entries=check.chain.size,
        head=check.chain.head,
        root=_root(check.chain.tree),
        checked=dict(check.checked),
        faults=tuple(check.faults),
        notices=tuple(check.notices),
    )


def _root(tree: Tree) -> str:
    return base64.b64encode(tree.root()).decode()


def _size(note: str) -> int:
    lines = note.split("\n")
    return int(lines[1]) if len(lines) > 1 and lines[1].isdigit() else -1


def _checkpoints(check: _Check, own: str | None, kept: list[tuple[str, str, int]]) -> None:
    notes = [] if own is None else [("the ledger's checkpoint", own, check.chain.size)]
    check.roots[check.chain.size] = _root(check.chain.tree)
    for name, note, size in [*notes, *kept]:
        check.checked["signatures"] += 1
        try:
            checkpoint = open_checkpoint(note, check.vkey)
        except OperatorError as error:
            check.fault(name, str(error))
            continue
        if checkpoint.size > check.chain.size or checkpoint.size != size:
            check.fault(
                name,
                f"it covers {checkpoint.size} entries and the ledger has {check.chain.size}:"
                " entries were removed or added without it",
            )
        elif check.roots.get(size) != checkpoint.root:
            check.fault(name, f"the root of the first {size} entries is not the one it signs")


class _Tables:
    """The stored tables, compared when the replay is where they say they are."""

    def __init__(
        self, check: _Check, stored: Projection | OperatorError | None, again: Path
    ) -> None:
        self.check, self.again = check, again
        self.stored = stored if isinstance(stored, Projection) else None
        self.position: int | None = None  # where they were compared
        if isinstance(stored, OperatorError):
            check.fault("tables", str(stored))
        self.reached(-1)

    def reached(self, n: int) -> None:
        if self.stored is not None and self.stored.position == n:
            self._compare(self.stored)

    def close(self) -> None:
        """Compares tables that the replay never came to; says how far others are behind."""
        if self.stored is not None:
            self._compare(self.stored)
        elif self.position is not None and (late := self.check.chain.size - 1 - self.position):
            self.check.notices.append(
                f"the tables are {late} entries behind the ledger; the bot makes up for it when it"
                " starts"
            )

    def _compare(self, stored: Projection) -> None:
        """Every row of the tables, both ways, against those made from the ledger just now."""
        self.check.flush()
        try:
            _rows_differ(self.check, stored, self.again)
        except sqlite3.Error as error:
            self.check.fault("tables", f"they cannot be read ({error}); run `govbot rebuild`")
        stored.close()
        self.stored, self.position = None, stored.position


def _rows_differ(check: _Check, stored: Projection, again: Path) -> None:
    stored.db.execute("attach ? as again", [f"file:{again}?mode=ro"])
    for table in TABLES:
        held, made = (
            stored.db.execute(f"select count(*) from {side}.{table}").fetchone()[0]
            for side in ("main", "again")
        )
        check.checked["table rows"] += held
        # No row is there twice: if all are right and as many, none is missing.
        if _beyond(check, stored, table, ("main", "again", "not in the ledger")) or held != made:
            _beyond(check, stored, table, ("again", "main", "missing"))


def _beyond(check: _Check, stored: Projection, table: str, sides: tuple[str, str, str]) -> bool:
    """Names the first rows that one side has and the other has not; whether there are any."""
    columns = "rowid, *" if table == "words" else "*"
    first, second, what = sides
    sql = f"select {columns} from {first}.{table} except select {columns} from {second}.{table}"
    found = list(stored.db.execute(f"{sql} limit 5"))
    for row in found:
        check.fault(f"table {table}", f"the row {row!r} is {what}; run `govbot rebuild`")
    return bool(found)


def _audits(check: _Check, folder: Path, history: Callable[[str], Iterable[bytes]]) -> None:
    """Every audit file, line by line, against one rendered from the ledger just now."""
    expected, listed, behind = {INDEX}, [], False
    for process in sorted(check.replay.processes.values(), key=lambda process: process.number):
        name = file_name(process)
        expected.add(name)
        listed.append(Listed.of(process))
        if entries := _entries(check, process, history):
            behind |= not _audit(check, folder / name, process, entries)
        else:
            problem = "it cannot be compared: the ledger does not give all entries of its process"
            check.fault(f"audits/{name}", problem)
    if not behind:
        _compare(check, folder / INDEX, index(listed))
    if check.apart:
        expected.add(APART)
        _compare(check, folder / APART, apart(check.apart, check.replay.community.zone))
    for path in sorted(folder.glob("*.md")):
        if path.name not in expected:
            check.fault(f"audits/{path.name}", "no process in the ledger has this audit")


def _entries(
    check: _Check, process: Process, history: Callable[[str], Iterable[bytes]]
) -> list[Entry]:
    """A process's entries that the rules allow; none if its history lacks one of them.

    That their bytes are in canonical form was asked in the first pass.
    """
    try:
        found = [Entry.model_validate_json(data) for data in history(process.id)]
    except ValueError:
        return []  # the entry that cannot be read is named already
    filed = [entry for entry in found if entry.process == process.id]
    allowed = [entry for entry in filed if entry.n not in check.barred]
    return allowed if len(allowed) == check.passed[process.id] else []


def _audit(check: _Check, path: Path, process: Process, entries: list[Entry]) -> bool:
    """Compares one audit; False if it is a true one of an earlier time."""
    trail = AuditTrail(check.constitution(process.constitution), check.replay.community.repairs)
    written = _read(path)
    until = re.search(r"^- Record: entries \d+ to (\d+) of", written or "", re.MULTILINE)
    if until is not None and int(until[1]) < entries[-1].n:
        earlier = [entry for entry in entries if entry.n <= int(until[1])]
        then = _again(process, earlier)
        if written == trail.generate_process_audit_file(then, earlier):
            late = len(entries) - len(earlier)
            check.notices.append(
                f"audits/{path.name} is {late} entries behind the ledger; run `govbot audit`"
            )
            return False
    _compare(check, path, trail.generate_process_audit_file(_again(process, entries), entries))
    return True


def _again(process: Process, entries: list[Entry]) -> Process:
    """The process replayed from its own entries, on the roll it opened with."""
    community = Community(
        zone=process.zone, charters={process.type: process.rules}, members=process.roll
    )
    state = unopened(community, process.number)
    for entry in entries:
        state = apply(state, entry)
    return state


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None


def _compare(check: _Check, path: Path, expected: str) -> None:
    check.checked["audit files"] += 1
    written = _read(path)
    if written is None:
        check.fault(f"audits/{path.name}", "the audit is missing; run `govbot audit`")
    elif written != expected:
        pairs = enumerate(zip_longest(written.split("\n"), expected.split("\n")), 1)
        line, (found, wanted) = next(each for each in pairs if each[1][0] != each[1][1])
        check.fault(
            f"audits/{path.name}", f"line {line} says {found!r}; the ledger gives {wanted!r}"
        )
