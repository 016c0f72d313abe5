"""The embedded engine: one SQLite file, one process that writes it.

Owns the ledger file and its lock. Facts get their place in memory at once; all that arrive in one
turn of the event loop are committed together, with a checkpoint over them. Promises that what
was reported durable survives a crash at any point, that stored rows cannot be changed through
SQL, and that after a failed write the engine stands where the disk does. No threads.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from pysqlite3 import dbapi2 as sqlite3
from sqlite_utils import Database, Migrations

from govbot.engines import Pending
from govbot.errors import OperatorError
from govbot.ledger import (
    Chain,
    Checkpoint,
    Key,
    leaf_hash,
    open_checkpoint,
    read_entry,
    seal,
    sign_checkpoint,
)
from govbot.records import FORMAT, Entry, Fact, digest, stamp

# Before it a checkpoint beside a commit could damage the file: https://sqlite.org/wal.html#walresetbug
_OLDEST = (3, 51, 3)
_APPLICATION = int.from_bytes(b"gvbt", "big")
_CHUNK = 256

migrations = Migrations("ledger")


@migrations()
def m001_entries(db: Database) -> None:
    """The insert trigger is what stops INSERT OR REPLACE, which need not fire delete triggers."""
    for statement in (
        "create table entries (n integer primary key, id text unique not null, process text,"
        " leaf blob not null, bytes blob not null) strict",
        "create index entries_of_process on entries (process, n) where process is not null",
        "create trigger entries_follow before insert on entries"
        " when new.n is not (select coalesce(max(n) + 1, 0) from entries)"
        " or exists (select 1 from entries where id = new.id)"
        " begin select raise(abort, 'an entry goes to the end of the ledger, once'); end",
        "create trigger entries_stay before delete on entries"
        " begin select raise(abort, 'an entry cannot be removed'); end",
        "create trigger entries_hold before update on entries"
        " begin select raise(abort, 'an entry cannot be changed'); end",
        "create table checkpoint (one integer primary key check (one = 1),"
        " size integer not null, root text not null, note text) strict",
        f"pragma application_id = {_APPLICATION}",
        f"pragma user_version = {FORMAT}",
    ):
        db.execute(statement)


class _Batch:
    """What is committed together. Its waiters wake once it is settled, one way or the other."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: list[tuple[int, str, str | None, bytes, bytes]] = []
        self.pending: dict[str, _Placed] = {}
        self.settled = asyncio.Event()
        self.error = ""


class _Placed:
    """An entry in a batch that is still to be committed."""

    def __init__(self, entry: Entry, batch: _Batch, schedule: Callable[[], None]) -> None:
        self.entry, self._batch, self._schedule = entry, batch, schedule

    async def durable(self) -> Entry:
        if not self._batch.settled.is_set():
            self._schedule()
            await self._batch.settled.wait()
        if self._batch.error:
            raise OperatorError(self._batch.error)
        return self.entry


class _Kept:
    """An entry that was durable before it was asked for."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    async def durable(self) -> Entry:
        return self.entry


class SqliteEngine:
    """A ledger in a file. `open` it to write, alone; `reading` shows it as it stood just then."""

    def __init__(
        self, db: sqlite3.Connection, path: Path, key: Key | None, lock: FileLock | None
    ) -> None:
        self.on_durable: Callable[[list[Entry]], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self._db, self._path, self._key, self._lock = db, path, key, lock
        self._batch = _Batch()
        self._unknown = ""  # the id last asked for and not found: nobody else adds any
        self._scheduled: asyncio.AbstractEventLoop | None = None
        self._durable = self._standing()
        self._chain = self._durable.copy()
        found = self._query("select note from checkpoint")
        self._note: str | None = found[0][0] if found else None

    @classmethod
    def open(cls, path: Path, key: Key | None) -> Self:
        """For writing. Without a key the checkpoints are not signed."""
        path = path.resolve()
        _new_enough()
        lock = _locked(path)
        try:
            db = _connected(path, "rwc")
            with _closing_on_error(db, path):
                _prepared(db, path)
                engine = cls(db, path, key, lock)
                engine._check()
                return engine
        except BaseException:
            lock.release()
            raise

    @classmethod
    def reading(cls, path: Path) -> Self:
        """One moment of the ledger, which may be open elsewhere. Nothing is checked or written."""
        path = path.resolve()
        _new_enough()
        if not path.is_file():
            raise OperatorError(f"there is no ledger at {path}; run `govbot init` to begin one")
        db = _snapshot(path)
        with _closing_on_error(db, path):
            return cls(db, path, None, None)

    # --- where the ledger stands ---------------------------------------------------------

    @property
    def size(self) -> int:
        return self._chain.size

    @property
    def head(self) -> str:
        return self._chain.head

    @property
    def last_at(self) -> datetime | None:
        return self._chain.last_at

    def checkpoint(self) -> str:
        if self._note is None and self._key is not None:
            self._note = self._signed(Checkpoint.of(self._key.name, self._durable.tree))
        if self._note is None:
            raise OperatorError(
                f"{self._path} has no signed checkpoint; open it with its key, then ask again"
            )
        return self._note

    def _standing(self) -> Chain:
        """The chain by the stored leaf hashes. What is wrong with it is for `_check` to say."""
        chain, last = Chain(), -1
        for n, leaf in self._chunks("select n, leaf from entries where n > ?", -1):
            chain.tree.append(leaf)
            last = n
        for _, data in self.read(last - 1):
            chain.head = digest(data)
            with contextlib.suppress(OperatorError):
                chain.last_at = read_entry(data).at
        return chain

    def _check(self) -> None:
        """That no row is missing, the last can be read and the checkpoint is of these rows."""
        stands = Checkpoint.of(self._key.name if self._key else "", self._durable.tree)
        (last,) = self._query("select coalesce(max(n), -1) from entries")[0]
        if last != stands.size - 1:
            raise self._unsound("an entry is missing")
        self.entry(last)
        found = self._query("select size, root, note from checkpoint")
        size, root, note = found[0] if found else (0, stands.root, None)
        if (size, root) != (stands.size, stands.root):
            raise self._unsound(f"its checkpoint of {size} entries is not of what it holds")
        if self._key and note and open_checkpoint(note, self._key.vkey) != stands:
            raise self._unsound("its signed checkpoint is not of what it holds")

    def _unsound(self, why: str) -> OperatorError:
        return OperatorError(f"the ledger {self._path} is not sound ({why}); run `govbot verify`")

    # --- reading -------------------------------------------------------------------------

    def find(self, id: str) -> Entry | None:
        if (placed := self._batch.pending.get(id)) is not None:
            return placed.entry
        if id == self._unknown and self._lock is not None:
            return None
        found = self._one("select bytes from entries where id = ?", id)
        self._unknown = "" if found else id
        return found

    def entry(self, n: int) -> Entry | None:
        if not 0 <= n < self._chain.size:
            return None
        if n >= self._durable.size:
            return self._batch.entries[n - self._durable.size]
        return self._one("select bytes from entries where n = ?", n)

    def read(self, after: int = -1, process: str | None = None) -> Iterator[tuple[int, bytes]]:
        if process is None:
            return self._chunks("select n, bytes from entries where n > ?", after)
        sql = "select n, bytes from entries where process = ?2 and n > ?1"
        return self._chunks(sql, after, process)

    def history(self, process: str) -> Iterator[Entry]:
        last = -1
        for n, data in self.read(last, process):
            yield read_entry(data)
            last = n
        for entry in tuple(self._batch.entries):
            if entry.process == process and entry.n > last:
                yield entry

    def misfiled(self) -> Iterator[tuple[int, str]]:
        """Rows whose columns do not follow from their bytes, and which column it is."""
        for n, id, process in self._query(
            "select n, json_extract(text, '$.id') is not id,"
            " json_extract(text, '$.process') is not process"
            " from (select n, id, process, cast(bytes as text) text from entries)"
            " where case when json_valid(text) then json_extract(text, '$.id') is not id"
            " or json_extract(text, '$.process') is not process end"
        ):
            for column, wrong in (("id", id), ("process", process)):
                if wrong:
                    yield n, f"it is filed under another {column} than it has"
        for n, leaf, data in self._chunks("select n, leaf, bytes from entries where n > ?", -1):
            if leaf != leaf_hash(data):
                yield n, "the leaf hash beside it is not that of its bytes"

    def _one(self, sql: str, key: str | int) -> Entry | None:
        found = self._query(sql, key)
        return read_entry(found[0][0]) if found else None

    def _chunks(self, sql: str, after: int, *rest: str) -> Iterator[Any]:
        """By chunks, so that no cursor stays open while others write."""
        while rows := self._query(f"{sql} order by n limit {_CHUNK}", after, *rest):
            yield from rows
            after = rows[-1][0]

    def _query(self, sql: str, *values: str | int) -> list[Any]:
        try:
            return self._db.execute(sql, values).fetchall()  # type: ignore[no-any-return]
        except sqlite3.Error as error:
            raise OperatorError(_trouble(self._path, error)) from None

    # --- writing -------------------------------------------------------------------------

    def append(self, fact: Fact) -> Pending:
        if (placed := self._batch.pending.get(fact.id)) is not None:
            return placed
        if (kept := self.find(fact.id)) is not None:
            return _Kept(kept)
        self._refuse(fact)
        entry, data = seal(fact, self._chain.size, self._chain.head)
        batch = self._batch
        leaf = self._chain.extend(data, entry.at)
        batch.entries.append(entry)
        batch.rows.append((entry.n, entry.id, entry.process, leaf, data))
        self._unknown = ""
        placed = batch.pending[entry.id] = _Placed(entry, batch, self._schedule)
        self._schedule()
        return placed

    def _refuse(self, fact: Fact) -> None:
        if self._lock is None:
            raise OperatorError(f"{self._path} is open for reading only; let the bot record it")
        if self.last_at is not None and fact.at < self.last_at:
            raise OperatorError(
                f"the clock says {stamp(fact.at)} but the last entry is of {stamp(self.last_at)}; "
                "set the clock right and try again"
            )

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # outside a loop `flush` is called by hand
        if self._scheduled is not loop:
            self._scheduled = loop
            loop.call_soon(self._settle)

    def flush(self) -> None:
        """Commits what is pending now; OperatorError if it could not be stored."""
        if error := self._settle():
            raise OperatorError(error)

    def _settle(self) -> str:
        """Commits what is pending; why it could not be, or nothing. Those who wait are told."""
        self._scheduled = None
        batch = self._batch
        if not batch.rows:
            return ""
        try:
            note = self._commit(batch)
        except sqlite3.Error as error:
            batch.error = f"nothing was recorded: {_trouble(self._path, error)}"
            self._batch, self._chain = _Batch(), self._durable.copy()
        else:
            self._batch, self._durable, self._note = _Batch(), self._chain.copy(), note
        try:
            self._tell(batch)
        finally:
            batch.settled.set()
        return batch.error

    def _tell(self, batch: _Batch) -> None:
        if batch.error and self.on_lost is not None:
            self.on_lost()
        if not batch.error and self.on_durable is not None:
            self.on_durable(batch.entries)

    def _commit(self, batch: _Batch) -> str | None:
        stands = Checkpoint.of(self._key.name if self._key else "", self._chain.tree)
        note = self._signed(stands)
        self._db.execute("begin immediate")
        try:
            self._db.executemany("insert into entries values (?, ?, ?, ?, ?)", batch.rows)
            self._db.execute(
                "insert into checkpoint values (1, ?, ?, ?) on conflict (one) do update"
                " set size = excluded.size, root = excluded.root, note = excluded.note",
                (stands.size, stands.root, note),
            )
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("rollback")
            raise
        return note

    def _signed(self, checkpoint: Checkpoint) -> str | None:
        return sign_checkpoint(checkpoint, self._key) if self._key is not None else None

    async def close(self) -> None:
        """Commits what is pending and lets the next one in."""
        try:
            self.flush()
        finally:
            self._db.close()
            if self._lock is not None:
                self._lock.release()


def _new_enough() -> None:
    if sqlite3.sqlite_version_info < _OLDEST:
        raise OperatorError(
            f"SQLite {sqlite3.sqlite_version} can lose entries; run `pip install -U pysqlite3`"
        )


def _locked(path: Path) -> FileLock:
    lock = FileLock(f"{path}.lock", blocking=False, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise OperatorError(
            f"another govbot is running on this folder ({path.parent}); stop it first"
        ) from None
    except OSError as error:
        raise OperatorError(
            f"{path.parent} cannot be written ({error.strerror}); choose a folder you may write to"
        ) from None
    return lock


@contextlib.contextmanager
def _closing_on_error(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        db.close()
        raise OperatorError(_trouble(path, error)) from None
    except BaseException:
        db.close()
        raise


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    try:
        uri = f"{path.as_uri()}?mode={mode}"
        return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5)
    except sqlite3.Error as error:
        raise OperatorError(_trouble(path, error)) from None


def _prepared(db: sqlite3.Connection, path: Path) -> None:
    _recognise(db, path)
    for pragma in (
        "journal_mode = wal",
        "synchronous = full",
        "fullfsync = on",  # macOS keeps a plain fsync in the drive's cache
        "checkpoint_fullfsync = on",
        "recursive_triggers = on",
    ):
        db.execute(f"pragma {pragma}")
    migrations.apply(Database(db, execute_plugins=False))
    db.execute("delete from checkpoint where 0")  # finds a file it cannot write before a vote does


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    (application,) = db.execute("pragma application_id").fetchone()
    (version,) = db.execute("pragma user_version").fetchone()
    (tables,) = db.execute("select count(*) from sqlite_schema").fetchone()
    if application != _APPLICATION and (tables or application):
        raise OperatorError(f"{path} is not a govbot ledger; name another file")
    if version > FORMAT:
        raise OperatorError(
            f"{path} was written by a newer govbot (format {version}); upgrade govbot"
        )


def _snapshot(path: Path) -> sqlite3.Connection:
    """A reader in a transaction of its own, so that everything it says is of one moment."""
    # On a disk it cannot write SQLite finds no place for a WAL's index. Nobody writes there.
    unwritable = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
    db = _connected(path, "ro&immutable=1" if unwritable else "ro")
    with _closing_on_error(db, path):
        _recognise(db, path)
        db.execute("begin")
        db.execute("select 1 from entries limit 1").fetchall()
    return db


_TROUBLE = {
    "FULL": "is on a full disk; free some space and try again",
    "BUSY": "is locked by another program; close that and try again",
    "READONLY": "cannot be written; make the file and its folder yours",
    "CANTOPEN": "cannot be opened; see that the file and its folder are there and yours",
    "CONSTRAINT": "was written to by someone else; run `govbot verify`",
    "IOERR": "is on a disk that fails; check the disk and start again",
}


def _trouble(path: Path, error: sqlite3.Error) -> str:
    """What SQLite's error means for the file, and what to do."""
    code = getattr(error, "sqlite_errorname", "").removeprefix("SQLITE_").partition("_")[0]
    known = _TROUBLE.get(code)
    broken = f"cannot be read ({error}); stop the bot and restore it from a backup"
    return f"the ledger {path} {known or broken}"
