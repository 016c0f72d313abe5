"""What every engine promises, as tests its adapters inherit; and the smallest engine that does.

An adapter's test gives `make`, a new empty engine signed by `key`. Facts here are votes.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from govbot.engines import Engine, Pending
from govbot.errors import MemberError, OperatorError
from govbot.ledger import Chain, Checkpoint, Key, open_checkpoint, recheck, seal, sign_checkpoint
from govbot.records import GENESIS, Entry, Fact, Given, digest

START = datetime(2026, 1, 1, tzinfo=UTC)
KEY = Key("example.org/garden", bytes(range(32)))


def vote(n: int, process: str | None = "p1", value: object = "agree", id: str = "") -> Fact:
    return Fact(
        id=id or f"request:{n}",
        at=START + timedelta(seconds=n),
        member="chat:ana",
        process=process,
        body=Given(input="vote", stage="voting", value=value),
    )


def record(engine: Engine, *facts: Fact) -> list[Entry]:
    """Every fact at once, each by a task of its own; waits until all are durable."""

    async def one(fact: Fact) -> Entry:
        return await engine.append(fact).durable()

    async def all_of_them() -> list[Entry]:
        return await asyncio.gather(*(one(fact) for fact in facts))

    return asyncio.run(all_of_them())


class MemoryPending:
    def __init__(self, entry: Entry, engine: "MemoryEngine") -> None:
        self.entry, self.engine = entry, engine

    async def durable(self) -> Entry:
        self.engine.settle()
        return self.entry


class MemoryEngine:
    """Keeps entries for as long as it lives: durable means that someone waited."""

    def __init__(self, key: Key) -> None:
        self.on_durable: Callable[[list[Entry]], None] | None = None
        self.on_lost: Callable[[], None] | None = None
        self.key, self.chain, self.durable = key, Chain(), Chain()
        self.entries: list[Entry] = []

    @property
    def size(self) -> int:
        return self.chain.size

    @property
    def head(self) -> str:
        return self.chain.head

    @property
    def last_at(self) -> datetime | None:
        return self.chain.last_at

    def append(self, fact: Fact) -> Pending:
        if (kept := self.find(fact.id)) is not None:
            return MemoryPending(kept, self)
        if self.last_at is not None and fact.at < self.last_at:
            raise OperatorError("the clock went back; set it right")
        entry, data = seal(fact, self.size, self.head)
        self.chain.extend(data, entry.at)
        self.entries.append(entry)
        return MemoryPending(entry, self)

    def settle(self) -> None:
        done = self.entries[self.durable.size :]
        self.durable = self.chain.copy()
        if done and self.on_durable is not None:
            self.on_durable(done)

    def find(self, id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == id), None)

    def entry(self, n: int) -> Entry | None:
        return self.entries[n] if 0 <= n < self.size else None

    def read(self, after: int = -1) -> Iterator[tuple[int, bytes]]:
        for entry in self.entries[after + 1 : self.durable.size]:
            yield entry.n, entry.bytes()

    def history(self, process: str) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.process == process)

    def checkpoint(self) -> str:
        return sign_checkpoint(Checkpoint.of(self.key.name, self.durable.tree), self.key)

    async def close(self) -> None:
        self.settle()


class EngineContract:
    key = KEY

    def make(self, folder: Path) -> Engine:
        raise NotImplementedError

    @pytest.fixture
    def engine(self, tmp_path: Path) -> Iterator[Engine]:
        engine = self.make(tmp_path)
        yield engine
        asyncio.run(engine.close())

    def test_an_empty_ledger_begins_at_genesis(self, engine: Engine) -> None:
        assert (engine.size, engine.head, engine.last_at) == (0, GENESIS, None)
        assert list(engine.read()) == [] == list(engine.history("p1"))
        assert open_checkpoint(engine.checkpoint(), self.key.vkey).size == 0

    def test_an_entry_sent_twice_is_kept_once_in_order(self, engine: Engine) -> None:
        record(engine, vote(0), vote(1))
        again = record(engine, vote(0), vote(2))
        assert [entry.n for entry in again] == [0, 2]
        assert [n for n, _ in engine.read()] == [0, 1, 2]

    def test_an_id_sent_again_before_it_is_durable_keeps_its_place(self, engine: Engine) -> None:
        first, second = record(engine, vote(0), vote(1, value="disagree", id="request:0"))
        assert first == second and first.at == START
        assert engine.size == len(list(engine.read())) == 1

    def test_a_fact_has_its_place_at_once_and_is_read_once_durable(self, engine: Engine) -> None:
        async def scenario() -> None:
            pending = engine.append(vote(0))
            assert engine.find("request:0") == engine.entry(0) == pending.entry
            assert (engine.size, engine.last_at) == (1, START)
            assert engine.head == digest(pending.entry.bytes())
            assert list(engine.read()) == []
            assert open_checkpoint(engine.checkpoint(), self.key.vkey).size == 0
            assert await pending.durable() == pending.entry == await pending.durable()
            assert list(engine.read()) == [(0, pending.entry.bytes())]

        asyncio.run(scenario())

    def test_what_was_never_kept_is_none(self, engine: Engine) -> None:
        record(engine, vote(0))
        assert engine.find("request:9") is engine.entry(1) is engine.entry(-1) is None
        assert engine.entry(2**70) is None

    def test_stored_bytes_are_one_sound_chain_with_the_signed_root(self, engine: Engine) -> None:
        record(engine, *(vote(n) for n in range(5)))
        record(engine, *(vote(n, process=None) for n in range(5, 9)))
        chain = Chain()
        assert [faults for _, faults in recheck(engine.read(), chain) if faults] == []
        assert (chain.head, chain.last_at) == (engine.head, engine.last_at)
        assert open_checkpoint(engine.checkpoint(), self.key.vkey) == Checkpoint.of(
            self.key.name, chain.tree
        )

    def test_reading_goes_on_after_a_place(self, engine: Engine) -> None:
        record(engine, *(vote(n) for n in range(600)))
        assert [n for n, _ in engine.read(after=2)] == list(range(3, 600))
        assert list(engine.read(after=599)) == []

    def test_a_history_holds_one_process_with_what_is_pending(self, engine: Engine) -> None:
        async def scenario() -> None:
            for n in range(6):
                pending = engine.append(vote(n, process=f"p{n % 2}"))
            await pending.durable()
            pending = engine.append(vote(6, process="p0"))
            assert [entry.n for entry in engine.history("p0")] == [0, 2, 4, 6]
            assert [entry.n for entry in engine.history("p1")] == [1, 3, 5]
            await pending.durable()

        asyncio.run(scenario())

    def test_entries_may_be_read_while_others_are_written(self, engine: Engine) -> None:
        record(engine, *(vote(n) for n in range(400)))
        seen = []
        for n, _ in engine.read():
            seen.append(n)
            if n % 100 == 0:
                record(engine, vote(engine.size))
        assert seen[:400] == list(range(400)) and seen == sorted(set(seen))

    def test_the_hook_hears_of_entries_before_those_who_wait(self, engine: Engine) -> None:
        heard: list[str] = []
        engine.on_durable = lambda entries: heard.extend(f"hook {entry.n}" for entry in entries)

        async def scenario() -> None:
            async def wait(pending: Pending) -> None:
                heard.append(f"told {(await pending.durable()).n}")

            await asyncio.gather(*(wait(engine.append(vote(n))) for n in range(2)))

        asyncio.run(scenario())
        assert heard == ["hook 0", "hook 1", "told 0", "told 1"]

    def test_one_who_gives_up_waiting_disturbs_no_one(self, engine: Engine) -> None:
        async def scenario() -> None:
            leaving = asyncio.create_task(engine.append(vote(0)).durable())
            staying = asyncio.create_task(engine.append(vote(1)).durable())
            await asyncio.sleep(0)
            leaving.cancel()
            assert (await staying).n == 1

        asyncio.run(scenario())
        assert [n for n, _ in engine.read()] == [0, 1]

    @pytest.mark.parametrize("value", ["\ud800", 0.5, 2**60, [[1.5]]])
    def test_what_cannot_be_kept_exactly_takes_no_place(
        self, engine: Engine, value: object
    ) -> None:
        with pytest.raises(MemberError, match="cannot be kept exactly"):
            engine.append(vote(0, value=value))
        assert (engine.size, engine.head) == (0, GENESIS)
        assert record(engine, vote(0))[0].n == 0

    def test_a_clock_that_went_back_is_not_recorded(self, engine: Engine) -> None:
        record(engine, vote(5))
        with pytest.raises(OperatorError, match="clock"):
            engine.append(vote(4))
        assert record(engine, vote(5, id="the same moment"))[0].n == 1

    def test_closing_keeps_what_is_pending(self, tmp_path: Path) -> None:
        engine, heard = self.make(tmp_path), list[Entry]()
        engine.on_durable = heard.extend

        async def scenario() -> None:
            engine.append(vote(0))
            await engine.close()

        asyncio.run(scenario())
        assert [entry.n for entry in heard] == [0]
