"""Engines: the contract, and what only the SQLite engine promises about its file."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_contract import KEY, EngineContract, MemoryEngine, record, vote
from pysqlite3 import dbapi2 as sqlite3

import govbot
from govbot.engines import Engine
from govbot.engines.sqlite import SqliteEngine
from govbot.errors import OperatorError
from govbot.ledger import Chain, Key, open_checkpoint, recheck
from govbot.records import FORMAT, Entry


class TestMemoryEngine(EngineContract):
    def make(self, folder: Path) -> Engine:
        return MemoryEngine(self.key)


class TestSqliteEngine(EngineContract):
    def make(self, folder: Path) -> Engine:
        return SqliteEngine.open(folder / "ledger.db", self.key)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def engine(path: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine.open(path, KEY)
    yield engine
    asyncio.run(engine.close())


def kept(path: Path, count: int, key: Key | None = KEY) -> None:
    """A closed ledger of so many entries."""
    engine = SqliteEngine.open(path, key)
    record(engine, *(vote(n) for n in range(count)))
    asyncio.run(engine.close())


def change(path: Path, *statements: str) -> None:
    """As someone would who has the file and no respect for it."""
    db = sqlite3.connect(str(path), isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


def commits(engine: SqliteEngine) -> list[int]:
    """How many entries each commit carried, from here on."""
    sizes: list[int] = []
    engine.on_durable = lambda entries: sizes.append(len(entries))
    return sizes


# --- committing ---------------------------------------------------------------------------


def test_all_that_arrive_in_one_turn_of_the_loop_share_a_commit(engine: SqliteEngine) -> None:
    sizes = commits(engine)
    record(engine, *(vote(n) for n in range(100)))
    record(engine, vote(100))
    assert sizes == [100, 1]


def test_flushing_by_hand_needs_no_loop(engine: SqliteEngine) -> None:
    sizes = commits(engine)
    pending = engine.append(vote(0))
    engine.flush()
    engine.flush()
    assert sizes == [1] and asyncio.run(pending.durable()).n == 0


def test_what_was_appended_outside_a_loop_is_committed_when_awaited(engine: SqliteEngine) -> None:
    assert asyncio.run(engine.append(vote(0)).durable()).n == 0
    assert len(list(engine.read())) == 1


def test_a_loop_that_ended_before_its_turn_does_not_stop_the_next(engine: SqliteEngine) -> None:
    async def leave() -> None:
        engine.append(vote(0))
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(leave())
    assert record(engine, vote(1))[0].n == 1


def test_what_a_hook_appends_goes_into_the_next_commit(engine: SqliteEngine) -> None:
    def echo(entries: list[Entry]) -> None:
        if entries[0].n == 0:
            engine.append(vote(1))

    engine.on_durable = echo
    record(engine, vote(0))
    engine.flush()
    assert [n for n, _ in engine.read()] == [0, 1]


def test_a_hook_that_fails_leaves_no_one_waiting(engine: SqliteEngine) -> None:
    def fail(entries: list[Entry]) -> None:
        raise OperatorError("the tables are full")

    engine.on_durable = fail
    pending = engine.append(vote(0))
    with pytest.raises(OperatorError, match="the tables are full"):
        engine.flush()
    assert asyncio.run(pending.durable()).n == 0
    assert len(list(engine.read())) == 1


def test_a_hook_that_fails_in_the_loop_is_heard_of_there(engine: SqliteEngine) -> None:
    heard: list[str] = []

    def fail(entries: list[Entry]) -> None:
        raise OperatorError("the tables are full")

    async def scenario() -> Entry:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(str(context["exception"])))
        return await engine.append(vote(0)).durable()

    engine.on_durable = fail
    assert asyncio.run(scenario()).n == 0
    assert heard == ["the tables are full"]


def test_a_ledger_is_found_again_as_it_was_left(path: Path) -> None:
    kept(path, 5)
    engine = SqliteEngine.open(path, KEY)
    last = engine.entry(4)
    assert last is not None and engine.last_at == last.at and engine.size == 5
    assert record(engine, vote(2))[0].n == 2
    assert record(engine, vote(5))[0].n == 5
    chain = Chain()
    assert not any(faults for _, faults in recheck(engine.read(), chain))
    assert open_checkpoint(engine.checkpoint(), KEY.vkey).size == 6
    asyncio.run(engine.close())


def test_without_a_key_entries_are_kept_and_signed_when_there_is_one(path: Path) -> None:
    kept(path, 3, key=None)
    reader = SqliteEngine.reading(path)
    with pytest.raises(OperatorError, match="no signed checkpoint"):
        reader.checkpoint()
    asyncio.run(reader.close())
    engine = SqliteEngine.open(path, KEY)
    assert open_checkpoint(engine.checkpoint(), KEY.vkey).size == 3
    asyncio.run(engine.close())


# --- when writing fails -------------------------------------------------------------------


def page_limit(engine: SqliteEngine, pages: int) -> None:
    """SQLite's own way of a full disk; SQLite does not go below what is in use."""
    engine._db.execute(f"pragma max_page_count = {pages}")


def test_a_full_disk_loses_only_what_was_never_acknowledged(engine: SqliteEngine) -> None:
    lost: list[int] = []
    engine.on_lost = lambda: lost.append(engine.size)
    record(engine, vote(0))
    head, last_at, note = engine.head, engine.last_at, engine.checkpoint()
    page_limit(engine, 1)

    async def scenario() -> list[BaseException | Entry]:
        waiting = [engine.append(vote(n, value="x" * 4000)).durable() for n in range(1, 21)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    told = asyncio.run(scenario())
    assert all(isinstance(answer, OperatorError) for answer in told)
    assert "nothing was recorded" in str(told[0]) and "free some space" in str(told[0])
    assert lost == [1]
    assert (engine.size, engine.head, engine.last_at) == (1, head, last_at)
    assert engine.checkpoint() == note and engine.find("request:1") is None

    page_limit(engine, 100_000)
    assert [entry.n for entry in record(engine, vote(1), vote(2))] == [1, 2]
    assert not any(faults for _, faults in recheck(engine.read(), Chain()))


def test_a_failed_flush_by_hand_is_heard(engine: SqliteEngine) -> None:
    page_limit(engine, 1)
    for n in range(20):
        engine.append(vote(n, value="x" * 4000))
    with pytest.raises(OperatorError, match="nothing was recorded"):
        engine.flush()
    assert engine.size == 0


def test_a_connection_that_broke_is_told_to_whoever_waits(engine: SqliteEngine) -> None:
    pending = engine.append(vote(0))
    engine._db.close()
    with pytest.raises(OperatorError, match="nothing was recorded"):
        asyncio.run(pending.durable())
    with pytest.raises(OperatorError, match="cannot be read"):
        engine.find("request:0")


def test_a_ledger_locked_by_another_program_records_nothing_and_recovers(
    engine: SqliteEngine, path: Path
) -> None:
    engine._db.execute("pragma busy_timeout = 0")
    other = sqlite3.connect(str(path), isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(OperatorError, match="nothing was recorded.*locked by another program"):
        record(engine, vote(0))
    other.close()
    assert record(engine, vote(0))[0].n == 0


def test_entries_someone_else_slipped_in_are_not_built_upon(engine: SqliteEngine) -> None:
    record(engine, vote(0))
    columns = "(n, id, process, leaf, bytes)"
    change(Path(engine._path), f"insert into entries {columns} values (1, 'x', null, x'', x'')")
    with pytest.raises(OperatorError, match="govbot verify"):
        record(engine, vote(1))
    assert engine.size == 1


# --- a crash ------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from engine_contract import KEY, vote
from govbot.engines.sqlite import SqliteEngine

async def main():
    engine = SqliteEngine.open(Path(sys.argv[1]), KEY)
    async def one(n):
        entry = await engine.append(vote(n, value="x" * 300)).durable()
        print(entry.id, flush=True)
    n = 0
    while True:
        burst = 1 + n % 7
        await asyncio.gather(*(one(n + i) for i in range(burst)))
        n += burst

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 50, 333])
def test_a_kill_at_any_moment_loses_nothing_acknowledged(path: Path, acknowledged: int) -> None:
    folders = [str(Path(govbot.__file__).parent.parent), str(Path(__file__).parent)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().split()

    reader = SqliteEngine.reading(path)
    assert all(reader.find(id) for id in told)
    asyncio.run(reader.close())
    engine = SqliteEngine.open(path, KEY)
    assert len(told) >= acknowledged
    assert not any(faults for _, faults in recheck(engine.read(), Chain()))
    assert open_checkpoint(engine.checkpoint(), KEY.vkey).size == engine.size >= len(told)
    assert record(engine, vote(engine.size))[0].n == engine.size - 1
    asyncio.run(engine.close())


# --- the file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "update entries set bytes = x'00' where n = 1",
        "update or replace entries set n = 2 where n = 1",
        "delete from entries where n = 2",
        "delete from entries",
        "insert or replace into entries select * from entries where n = 1",
        "insert or replace into entries select 3, id, process, leaf, bytes from entries limit 1",
        "replace into entries values (2, 'other', null, x'00', x'00')",
        "insert into entries values (9, 'far', null, x'00', x'00')",
        "insert into entries values (null, 'unplaced', null, x'00', x'00')",
        "insert into entries values (3, 'text', null, x'00', 'text')",
        "insert into entries values (1, 'b', null, x'', x'') on conflict do update set id = 'b'",
    ],
)
def test_stored_entries_cannot_be_changed_through_sql(path: Path, statement: str) -> None:
    kept(path, 3)
    before = list(SqliteEngine.reading(path).read())
    with pytest.raises(sqlite3.Error):
        change(path, "pragma recursive_triggers = off", statement)
    assert list(SqliteEngine.reading(path).read()) == before


def test_only_one_govbot_writes_and_others_may_read(engine: SqliteEngine, path: Path) -> None:
    record(engine, vote(0))
    with pytest.raises(OperatorError, match="another govbot is running on this folder"):
        SqliteEngine.open(path, KEY)
    reader = SqliteEngine.reading(path)
    record(engine, vote(1))
    assert (reader.size, len(list(reader.read()))) == (1, 1)
    assert open_checkpoint(reader.checkpoint(), KEY.vkey).size == 1
    with pytest.raises(OperatorError, match="reading only"):
        reader.append(vote(2))
    asyncio.run(reader.close())


def test_a_second_name_for_the_folder_does_not_get_round_the_lock(
    engine: SqliteEngine, path: Path
) -> None:
    other = path.parent / "other.db"
    other.symlink_to(path)
    with pytest.raises(OperatorError, match="another govbot"):
        SqliteEngine.open(other, KEY)


def test_an_open_that_failed_leaves_the_folder_free(path: Path) -> None:
    kept(path, 2)
    with pytest.raises(OperatorError):
        SqliteEngine.open(path, Key("example.org/other", bytes(32)))
    asyncio.run(SqliteEngine.open(path, KEY).close())


def test_a_newer_ledger_is_left_to_a_newer_govbot(path: Path) -> None:
    kept(path, 1)
    change(path, f"pragma user_version = {FORMAT + 1}")
    for opens in (lambda: SqliteEngine.open(path, KEY), lambda: SqliteEngine.reading(path)):
        with pytest.raises(OperatorError, match="newer govbot"):
            opens()


def test_another_programs_database_is_left_alone(path: Path) -> None:
    change(path, "create table songs (title text)")
    with pytest.raises(OperatorError, match="not a govbot ledger"):
        SqliteEngine.open(path, KEY)


def test_an_old_sqlite_is_refused_by_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    with pytest.raises(OperatorError, match="pip install -U pysqlite3"):
        SqliteEngine.open(path, KEY)


def test_there_is_nothing_to_read_before_init(path: Path) -> None:
    with pytest.raises(OperatorError, match="govbot init"):
        SqliteEngine.reading(path)


@pytest.mark.parametrize("length", [50, 4096, 20_000, 40_000])
def test_a_truncated_file_is_an_error_that_says_so(path: Path, length: int) -> None:
    kept(path, 200)
    data = path.read_bytes()
    assert len(data) > length
    path.write_bytes(data[:length])
    with pytest.raises(OperatorError, match="cannot be read"):
        SqliteEngine.open(path, KEY)


def test_a_file_of_something_else_is_an_error_that_says_so(path: Path) -> None:
    path.write_bytes(b"# Our garden\n" * 100)
    for opens in (lambda: SqliteEngine.open(path, KEY), lambda: SqliteEngine.reading(path)):
        with pytest.raises(OperatorError, match="cannot be read"):
            opens()


def test_damage_met_while_reading_is_an_error_that_says_so(path: Path) -> None:
    engine = SqliteEngine.open(path, KEY)
    record(engine, *(vote(n, value="x" * 9000) for n in range(300)))
    asyncio.run(engine.close())
    reader = SqliteEngine.reading(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(bytes(data))
    reader._db.execute("pragma shrink_memory")
    with pytest.raises(OperatorError):
        for n, _ in reader.read():
            reader.entry(n)


@pytest.mark.parametrize(
    "tampering",
    [
        "delete from entries where n = 4",
        "delete from entries where n = 2",
        "update entries set leaf = zeroblob(32) where n = 1",
        "update checkpoint set size = 4",
        "delete from checkpoint",
    ],
)
def test_a_ledger_that_lost_something_sends_one_to_verify(path: Path, tampering: str) -> None:
    kept(path, 5)
    change(path, "drop trigger entries_stay", "drop trigger entries_hold", tampering)
    with pytest.raises(OperatorError, match="govbot verify"):
        SqliteEngine.open(path, KEY)
    assert SqliteEngine.reading(path).size >= 4


def test_a_checkpoint_signed_by_another_key_does_not_open(path: Path) -> None:
    kept(path, 2, Key("example.org/garden", bytes(32)))
    with pytest.raises(OperatorError, match="not signed by"):
        SqliteEngine.open(path, KEY)


def test_a_last_entry_that_cannot_be_read_stops_the_writer_not_the_reader(path: Path) -> None:
    kept(path, 2)
    change(path, "drop trigger entries_hold", "update entries set bytes = x'7b7d' where n = 1")
    with pytest.raises(OperatorError, match="shape"):
        SqliteEngine.open(path, KEY)
    faults = [found for _, found in recheck(SqliteEngine.reading(path).read(), Chain())]
    assert [len(found) for found in faults] == [0, 1]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_one_may_not_write_is_read_and_not_written(path: Path) -> None:
    kept(path, 2)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(OperatorError, match="choose a folder you may write to"):
            SqliteEngine.open(path.parent / "new.db", KEY)
        with pytest.raises(OperatorError, match="yours"):
            SqliteEngine.open(path, KEY)
        assert SqliteEngine.reading(path).size == 2
        path.parent.chmod(0o700)
        path.chmod(0o400)
        with pytest.raises(OperatorError, match="yours"):
            SqliteEngine.open(path, KEY)
    finally:
        path.parent.chmod(0o700)


def test_a_folder_that_is_a_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="cannot be"):
        SqliteEngine.open(tmp_path / "file" / "ledger.db", KEY)


def test_the_secret_of_the_key_is_in_no_file_of_the_ledger(tmp_path: Path) -> None:
    key = Key.create(tmp_path / "key", "example.org/garden")
    secret = (tmp_path / "key").read_text().strip().split("+", 4)[-1]
    engine = SqliteEngine.open(tmp_path / "ledger.db", key)
    record(engine, vote(0))
    files = [file.read_bytes() for file in tmp_path.glob("ledger.db*")]
    asyncio.run(engine.close())
    files.append((tmp_path / "ledger.db").read_bytes())
    assert len(files) > 2 and any(b"example.org/garden" in data for data in files)
    assert not any(secret.encode() in data for data in files)
