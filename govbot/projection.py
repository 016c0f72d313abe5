"""The tables made from the ledger, for questions and searches.

Owns the SQLite schema and the rows each entry adds to it. Knows no rules: it writes down what the
kernel says. Promises that the same entries make the same tables, bit for bit, so that the file can
be deleted at any time.
"""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

from pysqlite3 import dbapi2 as sqlite3
from sqlite_utils import Database, Migrations

from govbot.errors import OperatorError
from govbot.records import (
    Adopted,
    Citation,
    Decision,
    Done,
    Entry,
    Given,
    Managed,
    Opened,
    Ratified,
    Repaired,
    Seen,
    SetAside,
    StageEnded,
    Switched,
    stamp,
)
from govbot.state import Process

migrations = Migrations("govbot.memory")


@migrations()
def m001_position(db: Database) -> None:
    db.table("position").create({"id": int, "n": int, "head": str}, pk="id", strict=True)
    db.table("position").insert({"id": 0, "n": -1, "head": ""})


@migrations()
def m002_processes(db: Database) -> None:
    db.table("processes").create(
        {
            "id": str, "number": int, "type": str, "title": str, "status": str, "stage": str,
            "outcome": str, "opened_by": str, "opened_at": str, "due": str, "ended_at": str,
            "fields": str, "reading": str, "constitution": str, "opened_n": int,
        },
        pk="id", strict=True,
    )  # fmt: skip
    db.table("processes").create_index(["number"], unique=True)
    db.table("processes").create_index(["status", "number"])
    db.table("deadlines").create({"process": str, "due": str}, pk="process", strict=True)
    db.table("deadlines").create_index(["due"])


@migrations()
def m003_happenings(db: Database) -> None:
    db.table("events").create(
        {"n": int, "at": str, "kind": str, "member": str, "process": str}, pk="n", strict=True
    )
    db.execute("create index events_of on events(process, n) where process is not null")
    db.table("inputs").create(
        {"n": int, "process": str, "stage": str, "kind": str, "member": str, "value": str,
         "reason": str},
        pk="n", strict=True,
    )  # fmt: skip
    db.table("decisions").create(
        {"n": int, "process": str, "result": str, "reader": str, "reasoning": str,
         "citations": str, "calculations": str},
        pk="n", strict=True,
    )  # fmt: skip


@migrations()
def m004_members(db: Database) -> None:
    db.table("members").create(
        {"member": str, "n": int, "name": str, "roles": str, "facts": str},
        pk=("member", "n"), strict=True,
    )  # fmt: skip
    db.table("roles").create(
        {"member": str, "role": str, "n": int, "granted": int},
        pk=("member", "role", "n"), strict=True,
    )  # fmt: skip
    db.table("rules").create({"n": int, "kind": str, "digest": str}, pk="n", strict=True)


@migrations()
def m005_outbox(db: Database) -> None:
    db.table("outbox").create(
        {"id": str, "process": str, "does": str, "arguments": str, "n": int, "done": int,
         "note": str},
        pk="id", strict=True,
    )  # fmt: skip
    db.execute("create index outbox_due on outbox(n) where done is null")


@migrations()
def m006_search(db: Database) -> None:
    db.execute("create virtual table words using fts5(process, text, tokenize='porter unicode61')")


@migrations()
def m007_when(db: Database) -> None:
    db.table("members").create_index(["n"])
    db.table("roles").create_index(["n"])


@migrations()
def m008_apart(db: Database) -> None:
    db.execute("create index decisions_apart on decisions(n) where process is null")


TABLES = ("position", "processes", "deadlines", "events", "inputs", "decisions", "members",
          "roles", "rules", "outbox", "words")  # fmt: skip

_SQL = {
    "events": "insert into events values (?,?,?,?,?)",
    "inputs": "insert into inputs values (?,?,?,?,?,?,?)",
    "decisions": "insert into decisions values (?,?,?,?,?,?,?)",
    "members": "insert into members values (?,?,?,?,?)",
    "roles": "insert into roles values (?,?,?,?)",
    "rules": "insert into rules values (?,?,?)",
    "outbox": "insert into outbox values (?,?,?,?,?,null,null)",
    "done": "update outbox set done = ?, note = ? where id = ?",
    "processes": "replace into processes values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "deadlines": "replace into deadlines values (?,?)",
    "undue": "delete from deadlines where process = ?",
    "words": "insert into words(process, text) values (?,?)",
}

_SHOWN = Opened | StageEnded | Managed | SetAside | Switched  # what a process's own row shows
Row = tuple[str, tuple[Any, ...]]


def _at_once(row: Row) -> int:
    """Rows that are only ever added, under a key of their own, may come first, table by table."""
    return _ADDED.get(row[0], len(_ADDED))


_ADDED = {"events": 0, "inputs": 1, "decisions": 2}


_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


@lru_cache(maxsize=1024)
def _cited(citations: tuple[Citation, ...]) -> str:
    return _json([citation.model_dump() for citation in citations])


def rows(entry: Entry, process: Process | None) -> list[Row]:
    """The rows an entry adds to the projection, given its process after it."""
    made: list[Row] = [
        ("events", (entry.n, stamp(entry.at), entry.body.kind, entry.member, entry.process))
    ]
    if entry.decision is not None:
        made.append(("decisions", _decision_row(entry, entry.decision)))
    match entry.body:
        case Given() as body:
            value = None if body.value is None else _json(body.value)
            row = (entry.n, entry.process, body.stage, body.input, entry.member, value, body.reason)
            made.append(("inputs", row))
            text = " ".join(t for t in (body.value, body.reason) if isinstance(t, str) and " " in t)
            made += [("words", (entry.process, text))] if text else []
        case Opened() as body:
            words = [body.title, *(v for v in body.fields.values() if isinstance(v, str))]
            made.append(("words", (entry.process, " ".join(words))))
        case Seen(member=member):
            roles, known = _json(list(member.roles)), _json(member.facts)
            made.append(("members", (member.id, entry.n, member.name, roles, known)))
        case Adopted() | Ratified() | Switched() | Repaired() as body:
            made += _rules_rows(entry.n, body)
            if entry.process is None:
                effects = ((e.id, "", e.does, _json(e.arguments), entry.n) for e in body.effects)
                made += [("outbox", row) for row in effects]
        case Done() as body:
            made += _done_rows(entry.n, body)
    if process is not None and isinstance(entry.body, _SHOWN):
        made += _process_rows(entry, process)
    return made


def _decision_row(entry: Entry, decision: Decision) -> tuple[Any, ...]:
    return (
        entry.n, entry.process, decision.result, decision.reader, decision.reasoning,
        _cited(decision.citations),
        _json([each.model_dump() for each in decision.calculations])
        if decision.calculations
        else "[]",
    )  # fmt: skip


def _rules_rows(n: int, body: Adopted | Ratified | Switched | Repaired) -> list[Row]:
    """What changes for the whole community: the kind of change and which one."""
    match body:
        case Adopted():
            return [("rules", (n, "adopted", body.constitution))]
        case Ratified():
            return [("rules", (n, "ratified", body.reading))]
        case Switched():
            return [("rules", (n, "switched", "on" if body.on else "off"))]
    granted: list[Row] = [("roles", (body.to, body.role, n, 1))]
    return [("rules", (n, "repaired", body.act)), *(granted if body.act == "grant_role" else [])]


def _done_rows(n: int, body: Done) -> list[Row]:
    made: list[Row] = [("done", (n, body.note, body.effect.id))]
    if body.ok and body.effect.does in ("grant_role", "revoke_role"):
        granted = int(body.effect.does == "grant_role")
        role = body.effect.arguments["role"]
        made += [("roles", (member, role, n, granted)) for member in body.effect.arguments["to"]]
    return made


def _process_rows(entry: Entry, process: Process) -> list[Row]:
    due = stamp(process.due) if process.due and process.status == "open" else None
    made: list[Row] = [
        ("processes", (
            process.id, process.number, process.type, process.title, process.status,
            process.stage, process.result or None, process.opener,
            stamp(cast(datetime, process.opened_at)),
            stamp(process.due) if process.due else None,
            stamp(process.ended_at) if process.ended_at else None,
            _json(dict(process.fields)), process.reading, process.constitution, process.opened_n,
        )),
        ("deadlines", (process.id, due)) if due else ("undue", (process.id,)),
    ]  # fmt: skip
    effects = getattr(entry.body, "effects", ())
    made += [("outbox", (e.id, process.id, e.does, _json(e.arguments), entry.n)) for e in effects]
    return made


def _for_reading(path: Path) -> str:
    # On a disk it cannot write SQLite finds no place for a WAL's index. Nobody writes there.
    unwritable = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if unwritable else "")


class Projection:
    """The tables, in one SQLite file that may be deleted at any time. `:memory:` is allowed.

    Opened for reading only they stay as they are at that moment, though a bot may write them.
    """

    def __init__(self, path: Path | str, *, read_only: bool = False) -> None:
        self.read_only = read_only
        try:
            uri = _for_reading(Path(path)) if read_only else str(path)
            self.db = Database(sqlite3.connect(uri, isolation_level=None, uri=read_only))
            if read_only:
                self.db.conn.execute("begin")
            else:
                self.db.execute("pragma journal_mode=wal")
                self.db.execute("pragma synchronous=normal")
                migrations.apply(self.db)
            self.position, self.head = self.db.execute("select n, head from position").fetchone()
        except sqlite3.Error as error:
            raise OperatorError(
                f"{path} cannot be opened ({error}); delete it and run `govbot rebuild`"
            ) from None

    def write(self, made: Iterable[Row], n: int, head: str) -> None:
        """Rows in order and the position they lead to, all or nothing."""
        execute = self.db.conn.execute
        execute("begin immediate")
        try:
            for table, values in groupby(sorted(made, key=_at_once), key=itemgetter(0)):
                self.db.conn.executemany(_SQL[table], [row for _, row in values])
            execute("update position set n = ?, head = ? where id = 0", (n, head))
            execute("commit")
        except BaseException:
            if self.db.conn.in_transaction:  # a full disk has ended it already
                execute("rollback")
            raise
        self.position, self.head = n, head

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        return list(self.db.query(sql, values))

    def close(self) -> None:
        self.db.close()
