"""Memory and its tables: what has happened comes back the same, whatever was lost on the way."""

import asyncio
import io
import logging
import shutil
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import govbot.memory
from govbot.app import found, open_view, verify_folder
from govbot.config import Folder, Settings
from govbot.demo import START, play
from govbot.engines.sqlite import SqliteEngine
from govbot.errors import MemberError, OperatorError, Refused
from govbot.ledger import Key
from govbot.memory import Memory, rebuild
from govbot.projection import TABLES, Projection
from govbot.records import BOT, Citation, Decision, Entry, Fact, Member, Request, Seen
from govbot.state import Process
from govbot.testing import SetClock

NAMES = ("example", "consensus", "community-jury")
PEOPLE = {
    "ana": ("member", "moderator"),
    "bo": ("member",),
    "cy": ("member",),
    "dee": ("guest",),
}  # fmt: skip

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def opened(folder: Path) -> Memory:
    home = Folder(folder)
    return Memory(SqliteEngine.open(home.ledger, Key.load(home.key)), Projection(home.tables))


def tables(projection: Projection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order and with the ids in which they are kept."""
    every = (*TABLES, "words_content", "words_docsize")
    return {name: projection.db.execute(f"select * from {name}").fetchall() for name in every}


def made_anew(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The tables of a folder, from its ledger alone."""
    engine, projection = SqliteEngine.reading(Folder(folder).ledger), Projection(":memory:")
    assert rebuild(engine, projection) == engine.size
    rows = tables(projection)
    projection.close()
    run(engine.close())
    return rows


def faults_but_of_audits(folder: Path) -> list[str]:
    """What verifying finds; audits are not memory's to write."""
    faults = verify_folder(folder, []).faults
    return [f"{f.where}: {f.what}" for f in faults if not f.where.startswith("audits/")]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example community, founded, with people and nothing else."""
    folder = tmp_path_factory.mktemp("founded")
    settings = Settings(name="Ours", zone="Europe/Berlin", members=PEOPLE)
    run(found(folder, settings, "example", SetClock(START)))
    memory = opened(folder)

    async def meet() -> None:
        for n, (name, roles) in enumerate(PEOPLE.items()):
            seen = Seen(member=Member(id=f"local:{name}", name=name, roles=roles))
            await memory.record(Fact(id=f"seen:{n}", at=START, member=BOT, body=seen)).durable()
        await memory.close()

    run(meet())
    return folder


@pytest.fixture
def folder(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty, tmp_path / "ours"))


@pytest.fixture
def memory(folder: Path) -> Iterator[Memory]:
    memory = opened(folder)
    yield memory
    run(memory.close())


class Script:
    """Calls of memory with ids and times that go on by themselves."""

    def __init__(self, memory: Memory) -> None:
        self.memory, self.n = memory, 0

    def _next(self) -> dict[str, Any]:
        self.n += 1
        return {"at": START + timedelta(minutes=self.n), "id": f"request:{self.memory.engine.size}"}

    async def open(self, text: str = "we plant trees", by: str = "ana", **more: Any) -> Process:
        fields = {"proposal_text": text}
        given = {**self._next(), **more}
        return await self.memory.create_process("standard_proposal", fields, f"local:{by}", **given)

    async def give(
        self, process: int, value: Any, by: str, kind: str = "vote", **more: Any
    ) -> Process:
        given = {**self._next(), **more}
        return await self.memory.add_event(process, kind, value, f"local:{by}", **given)

    async def act(self, process: int, act: Any, who: str, **more: Any) -> Process:
        given = {"reason": "we need time", **self._next(), **more}
        return await self.memory.update_process(process, act, f"local:{who}", **given)


@pytest.fixture
def script(memory: Memory) -> Script:
    return Script(memory)


# --- rebuilding ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    assert run(play(Console(file=io.StringIO()), folder))
    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [4096, 0])
def test_tables_made_anew_are_the_same_bit_for_bit(
    played: Path, name: str, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(govbot.memory, "KEPT", kept)
    projection = Projection(Folder(played / name).tables, read_only=True)
    written = tables(projection)
    projection.close()
    assert made_anew(played / name) == written
    assert all(written[table] for table in ("events", "decisions", "members", "processes", "words"))


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_tables_made_in_batches_of_any_size_are_the_same(
    played: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made_anew(played / "example")
    monkeypatch.setattr(govbot.memory, "BATCH", batch)
    assert made_anew(played / "example") == whole


@settings(max_examples=10, deadline=None)
@given(behind=st.integers(0, 20))
def test_tables_behind_the_ledger_catch_up_from_wherever_they_are(
    played: Path, behind: int
) -> None:
    whole = made_anew(played / "example")
    engine = SqliteEngine.reading(Folder(played / "example").ledger)
    projection = Projection(":memory:")

    class Shorter:
        """The ledger as it was some entries ago."""

        def __getattr__(self, name: str) -> Any:
            return getattr(engine, name)

        def __setattr__(self, name: str, value: object) -> None:
            pass

        def read(self, after: int = -1) -> Iterator[tuple[int, bytes]]:
            return ((n, data) for n, data in engine.read(after) if n <= behind)

    Memory(Shorter(), projection)  # type: ignore[arg-type]
    assert projection.position == behind
    memory = Memory(engine, projection)
    assert tables(projection) == whole
    state = memory.get_process(125)
    assert (state.outcome, state.counts["vote:agree"], state.counts["vote"]) == ("passed", 2, 3)
    projection.close()
    run(engine.close())


def test_a_ledger_of_nothing_makes_tables_of_nothing(tmp_path: Path) -> None:
    engine, projection = SqliteEngine.open(tmp_path / "ledger.db", None), Projection(":memory:")
    assert rebuild(engine, projection) == 0
    memory = Memory(engine, projection)
    assert memory.get_active_processes() == [] and memory.next_due() is None
    with pytest.raises(OperatorError, match="no constitution is in force; run `govbot init`"):
        memory.constitution()
    run(memory.close())


# --- the calls others rely on -------------------------------------------------------------


def test_what_is_called_is_recorded_and_comes_back(folder: Path) -> None:
    async def scenario() -> tuple[Process, Process]:
        memory = opened(folder)
        script = Script(memory)
        process = await script.open("we plant trees")
        assert (process.number, process.status, process.title) == (1, "open", "we plant trees")
        assert process.eligible == {"'member' in roles": 3}
        await script.give(1, "agree", "bo", reason="they give shade")
        await script.give(1, "disagree", "bo")
        await script.give(1, "agree", "cy")
        await script.give(1, "which trees?", "ana", "comment")
        state = await script.act(1, "extend", "ana", by="2 days")
        await memory.close()
        memory = opened(folder)
        again = memory.get_process("process_1")
        await memory.close()
        return state, again

    state, again = run(scenario())
    assert state == again
    assert dict(again.counts) == {
        "vote": 2, "vote:agree": 1, "vote:disagree": 1, "comment": 1
    }  # fmt: skip
    assert again.due == START + timedelta(minutes=1, days=8)
    assert faults_but_of_audits(folder) == []


def test_pausing_takes_a_process_off_the_clock_and_resuming_puts_it_back(
    memory: Memory, script: Script
) -> None:
    async def scenario() -> None:
        process = await script.open()
        due = process.due
        assert due is not None
        paused = await script.act(1, "pause", "ana")
        assert paused.status == "paused" and memory.next_due() is None
        assert memory.get_overdue_processes(due + timedelta(days=400)) == []
        assert [process.number for process in memory.get_active_processes()] == [1]
        resumed = await script.act(1, "resume", "ana")
        assert resumed.status == "open" and resumed.due == due + timedelta(minutes=1)
        assert memory.get_overdue_processes(resumed.due - timedelta(seconds=1)) == []
        assert memory.get_overdue_processes(resumed.due) == [resumed]

    run(scenario())


def test_overdue_processes_come_earliest_first_and_active_ones_oldest_first(
    memory: Memory, script: Script
) -> None:
    async def scenario() -> None:
        for n in range(3):
            await script.open(f"proposal {n}")
        await script.act(1, "extend", "ana", by="1 day")
        far = START + timedelta(days=30)
        assert [p.number for p in memory.get_overdue_processes(far)] == [2, 3, 1]
        assert [p.number for p in memory.get_active_processes()] == [1, 2, 3]
        assert [p.number for p in memory.get_active_processes(limit=2)] == [1, 2]
        await script.act(2, "cancel", "ana")
        assert [p.number for p in memory.get_active_processes()] == [1, 3]
        assert memory.get_process(2).outcome == "cancelled"

    run(scenario())


def test_a_decision_is_put_on_record_and_changes_no_state(memory: Memory, script: Script) -> None:
    async def scenario() -> tuple[Process, Entry, Process]:
        before = await script.open()
        cite = Citation(section="article-2.2", quote="The moderators answer in public.")
        decision = Decision(reasoning="asked", result="no breach", citations=(cite,))
        entry = await memory.add_decision(
            "process_1", "a review", decision, BOT, at=START + timedelta(hours=1), id="review:1"
        )
        return before, entry, memory.get_process(1)

    before, entry, after = run(scenario())
    assert before == after and entry.process == "process_1"
    kept = memory.projection.query("select * from decisions where n = ?", entry.n)
    assert [row["result"] for row in kept] == ["no breach"]
    assert memory.history("process_1")[-1] == entry


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("give", {"process": 1, "value": "agree", "by": "dee"}, "may not"),
    ("give", {"process": 1, "value": "agree", "by": "nobody"}, "'local:nobody' is not known here"),
    ("give", {"process": 1, "value": "perhaps", "by": "bo"}, "perhaps"),
    ("give", {"process": 1, "value": None, "by": "bo"}, "agree"),
    ("give", {"process": 1, "value": {"agree": 9}, "by": "bo"}, "agree"),
    ("give", {"process": 1, "value": "agree", "by": "bo", "kind": "ballot"}, "ballot"),
    ("give", {"process": 9, "value": "agree", "by": "bo"}, "there is no process 9"),
    ("give", {"process": 1, "value": "agree", "by": "bo", "at": START + timedelta(days=6)}, "late"),
    ("act", {"process": 1, "act": "extend", "who": "bo", "by": "1 day"}, "may not extend"),
    ("act", {"process": 1, "act": "cancel", "who": "bo"}, "may not cancel"),
    ("act", {"process": 1, "act": "pause", "who": "ana", "reason": " "}, "needs a reason"),
    ("act", {"process": 1, "act": "resume", "who": "ana"}, "not paused"),
    ("open", {"text": " "}, "needs its text"),
    ("open", {"text": "x" * 4001}, "too long"),
    ("open", {"by": "dee"}, "may not open"),
]


@pytest.mark.parametrize(("call", "given", "says"), REFUSED)
def test_what_the_rules_refuse_is_not_recorded(
    memory: Memory, script: Script, call: str, given: dict[str, Any], says: str
) -> None:
    async def scenario() -> None:
        await script.open()
        size, before = memory.engine.size, memory.get_process(1)
        late = given.get("at")
        given["at"] = late + timedelta(minutes=1) if late else START + timedelta(hours=1)
        with pytest.raises(MemberError) as refused:
            await getattr(script, call)(**given)
        assert says in str(refused.value)
        assert memory.engine.size == size and memory.get_process(1) == before

    run(scenario())


def test_an_unknown_process_or_type_is_said_to_be_unknown(memory: Memory) -> None:
    for which in (1, "process_1", "'; drop table processes", "process_1:0"):
        with pytest.raises(MemberError, match="there is no "):
            memory.get_process(which)
    with pytest.raises(MemberError, match="it knows standard_proposal, urgent_proposal"):
        memory.opening("coup", {}, "local:ana", START, "request:1")


def test_a_fact_given_twice_is_kept_once(memory: Memory, script: Script) -> None:
    async def scenario() -> None:
        await script.open()
        for _ in range(3):
            await script.give(1, "agree", "bo", id="request:same", at=START + timedelta(hours=1))
        process = memory.get_process(1)
        assert process.counts["vote"] == 1 and process.inputs["vote"]["local:bo"][1] == 1
        assert len(memory.history("process_1")) == 2

    run(scenario())


def test_votes_given_at_once_all_count_and_share_their_commit(
    memory: Memory, script: Script
) -> None:
    async def scenario() -> Process:
        await script.open()
        await asyncio.gather(*(script.give(1, "agree", by) for by in ("ana", "bo", "cy")))
        return memory.get_process(1)

    # Ids come from the ledger's size, which moves on the moment a fact has its place.
    assert run(scenario()).counts["vote:agree"] == 3
    assert memory.projection.position == memory.engine.size - 1
    assert memory.projection.head == memory.engine.head


# --- search -------------------------------------------------------------------------------


def test_search_finds_words_of_titles_comments_and_reasons_best_first(
    memory: Memory, script: Script
) -> None:
    async def scenario() -> None:
        await script.open("we plant an orchard")
        await script.open("an orchard, an orchard, an orchard")
        await script.open("quiet hours at night")
        await script.give(3, "orchards are quiet at night", "bo", "comment")
        await script.give(3, "disagree", "cy", reason="the harbour is loud anyway")

    run(scenario())
    assert [p.number for p in memory.search("orchard")][0] == 2
    assert {p.number for p in memory.search("orchard")} == {1, 2, 3}
    assert [p.number for p in memory.search("orchard", limit=1)] == [2]
    assert [p.number for p in memory.search("loud harbour")] == [3]
    assert memory.search("orchard harbour") == [] == memory.search("submarine")


HOSTILE = [
    '"', '""', '"""', "'", "*", "orchard*", "NOT orchard", "orchard NOT", "AND", "OR OR",
    "NEAR(a b)", "process:process_1", "{process text}: x", "^orchard", "-orchard", "orchard + +",
    "(((", ")", 'orchard" OR "x', "orchard'; drop table words; --", "\x00", "a\x00b", "\ud800",
    "", "  ", "a" * 9999, "a " * 9999, "\u202eorchard", "🦔", "%", "_", ":", "?1", "\\",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_is_searched_for_is_only_searched_for(
    memory: Memory, script: Script, text: str
) -> None:
    run(script.open("we plant an orchard"))
    assert all(isinstance(found, Process) for found in memory.search(text))
    assert [p.number for p in memory.search("orchard")] == [1]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_breaks_the_search(played: Path, text: str) -> None:
    view = open_view(played / "example")
    assert len(view.search(text)) <= 3
    run(view.close())


# --- eviction -----------------------------------------------------------------------------


def test_a_process_that_is_not_at_hand_comes_back_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> tuple[list[Process], list[Process]]:
        memory = opened(folder)
        script = Script(memory)
        for n in range(6):
            await script.open(f"proposal {n}")
            await script.give(n + 1, "agree", "bo")
        # A roll is that of the opening, whoever comes and whatever they become afterwards.
        changed = Member(id="local:bo", name="Bo", roles=("guest",))
        at = START + timedelta(hours=1)
        await memory.record(Fact(id="s", at=at, member=BOT, body=Seen(member=changed))).durable()
        for n in range(6):
            await script.give(n + 1, "disagree", "cy", at=at)
            await script.give(n + 1, "abstain", "bo", at=at)
        await script.act(6, "pause", "ana", at=at)
        held = [memory.get_process(n) for n in range(1, 7)]
        await memory.close()
        memory = opened(folder)
        fresh = [memory.get_process(n) for n in range(1, 7)]
        await memory.close()
        return held, fresh

    monkeypatch.setattr(govbot.memory, "KEPT", 2)
    held, fresh = run(scenario())
    assert held == fresh
    assert all(dict(p.counts)["vote"] == 2 for p in held)
    assert held[0].roll["local:bo"].roles == ("member",)
    assert faults_but_of_audits(folder) == []


def test_only_so_many_processes_stay_at_hand(
    memory: Memory, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(govbot.memory, "KEPT", 3)

    async def scenario() -> None:
        for n in range(10):
            await script.open(f"proposal {n}")
            assert len(memory.processes) <= 3
        assert memory.get_process(1).title == "proposal 0"
        await script.give(1, "agree", "bo")
        assert "process_1" in memory.processes and len(memory.processes) <= 3

    run(scenario())


# --- when writing fails -------------------------------------------------------------------


def full(memory: Memory) -> None:
    """SQLite's own way of a full disk, for the ledger."""
    memory.engine._db.execute("pragma max_page_count = 1")  # type: ignore[attr-defined]


def emptied(memory: Memory) -> None:
    memory.engine._db.execute("pragma max_page_count = 1000000")  # type: ignore[attr-defined]


def tables_full(memory: Memory, yes: bool) -> None:
    memory.projection.db.execute(f"pragma max_page_count = {1 if yes else 1000000}")


def test_a_commit_that_failed_is_forgotten_and_the_next_one_works(
    folder: Path, memory: Memory, script: Script
) -> None:
    async def scenario() -> None:
        await script.open("kept")
        await script.give(1, "agree", "bo")
        size, head, before = memory.engine.size, memory.engine.head, memory.get_process(1)
        known, rows = memory.community, tables(memory.projection)
        full(memory)
        lost = [script.open("x" * 3900, id=f"lost:{n}") for n in range(8)]
        lost += [script.give(1, "y" * 3900, "cy", "comment", id=f"said:{n}") for n in range(8)]
        lost += [script.give(1, "disagree", "bo", id="vote:lost")]
        told = await asyncio.gather(*lost, return_exceptions=True)
        for answer in told:
            assert isinstance(answer, OperatorError) and "nothing was recorded" in str(answer)
        assert (memory.engine.size, memory.engine.head) == (size, head)
        assert memory.get_process(1) == before and memory.community == known
        assert tables(memory.projection) == rows and memory.engine.find("lost:0") is None
        with pytest.raises(MemberError, match="there is no process 2"):
            memory.get_process(2)

        emptied(memory)
        assert (await script.open("later")).number == 2
        assert (await script.give(1, "disagree", "bo", id="vote:lost")).counts["vote"] == 1

    run(scenario())
    assert tables(memory.projection) == made_anew(folder)


def test_tables_that_cannot_be_written_lose_no_entry_and_catch_up(
    folder: Path, memory: Memory, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        await script.open("x" * 3900)
        tables_full(memory, True)
        for n in range(6):
            await script.open(f"{n} {'z' * 3900}")
        await script.give(7, "agree", "bo")
        assert memory.get_process(7).counts["vote:agree"] == 1
        assert "the tables could not be written" in caplog.text and "free some space" in caplog.text
        assert memory.projection.position < memory.engine.size - 1
        tables_full(memory, False)
        await script.give(7, "disagree", "cy")
        assert memory.projection.position == memory.engine.size - 1

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert tables(memory.projection) == made_anew(folder)


def test_tables_behind_do_not_make_a_failed_commit_forget_what_is_durable(
    folder: Path, memory: Memory, script: Script
) -> None:
    async def scenario() -> None:
        tables_full(memory, True)
        for n in range(6):
            await script.open(f"{n} {'z' * 3900}")
        new = Member(id="local:eli", name="eli", roles=("member",))
        at = START + timedelta(hours=1)
        await memory.record(Fact(id="s", at=at, member=BOT, body=Seen(member=new))).durable()
        await script.give(6, "agree", "bo", at=at)
        known, state = memory.community, memory.get_process(6)
        assert memory.projection.position < memory.engine.size - 1
        full(memory)
        with pytest.raises(OperatorError, match="nothing was recorded"):
            await asyncio.gather(
                *(script.open("y" * 3900, id=f"lost:{n}", at=at) for n in range(9))
            )
        assert memory.community == known and memory.get_process(6) == state
        emptied(memory)
        tables_full(memory, False)
        assert (await script.open("by a newcomer", "eli", at=at)).number == 7
        await script.give(6, "agree", "cy", at=at)

    run(scenario())
    assert tables(memory.projection) == made_anew(folder)
    assert memory.get_process(6).counts["vote:agree"] == 2


def test_a_crash_between_ledger_and_tables_is_made_up_for_at_the_next_start(folder: Path) -> None:
    home, kept = Folder(folder), folder.parent / "kept.db"

    async def before() -> None:
        memory = opened(folder)
        script = Script(memory)
        await script.open("first")
        await script.give(1, "agree", "bo")
        await memory.close()
        shutil.copyfile(home.tables, kept)
        memory = opened(folder)
        script = Script(memory)
        script.n = 10
        await script.give(1, "disagree", "bo")
        await script.give(1, "agree", "cy")
        await script.open("second")
        await script.give(2, "agree", "cy")
        await memory.close()

    run(before())
    for path in home.private.glob("memory.db*"):
        path.unlink()
    shutil.copyfile(kept, home.tables)
    memory = opened(folder)
    assert dict(memory.get_process(1).counts) == {
        "vote": 2, "vote:agree": 1, "vote:disagree": 1
    }  # fmt: skip
    assert memory.get_process(2).counts["vote"] == 1
    written = tables(memory.projection)
    run(memory.close())
    assert written == made_anew(folder)


# --- tables that are not those of the ledger ----------------------------------------------


def test_deleted_tables_are_made_again_at_the_next_start(folder: Path) -> None:
    before = made_anew(folder)
    for path in Folder(folder).private.glob("memory.db*"):
        path.unlink()
    memory = opened(folder)
    assert tables(memory.projection) == before and "local:ana" in memory.community.members
    run(memory.close())


def test_tables_ahead_of_the_ledger_are_refused(folder: Path) -> None:
    older = Path(shutil.copytree(folder, folder.parent / "older"))

    async def go_on() -> None:
        memory = opened(folder)
        await Script(memory).open()
        await memory.close()

    run(go_on())
    shutil.copyfile(Folder(folder).tables, Folder(older).tables)
    engine = SqliteEngine.reading(Folder(older).ledger)
    with pytest.raises(OperatorError, match="ahead of it; run `govbot verify`, then `govbot reb"):
        Memory(engine, Projection(Folder(older).tables))
    run(engine.close())


def test_tables_of_another_ledger_of_the_same_length_are_refused(
    folder: Path, played: Path
) -> None:
    engine = SqliteEngine.reading(Folder(played / "example").ledger)
    with pytest.raises(OperatorError, match="not those of this ledger"):
        Memory(engine, Projection(Folder(folder).tables))
    run(engine.close())


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("content", [b"no tables " * 400, b"SQLite format 3\x00" + b"x" * 99])
def test_a_file_that_holds_no_tables_is_named_with_what_to_do(
    tmp_path: Path, content: bytes, read_only: bool
) -> None:
    path = tmp_path / "memory.db"
    path.write_bytes(content)
    with pytest.raises(OperatorError) as error:
        Projection(path, read_only=read_only)
    assert str(error.value).startswith(f"{path} cannot be opened (")
    assert str(error.value).endswith("delete it and run `govbot rebuild`")


def test_tables_that_are_missing_or_have_no_place_are_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="delete it and run `govbot rebuild`"):
        Projection(tmp_path / "memory.db", read_only=True)
    assert not (tmp_path / "memory.db").exists()
    with pytest.raises(OperatorError, match="cannot be opened"):
        Projection(tmp_path / "nowhere" / "memory.db")


def test_what_is_opened_for_reading_only_cannot_be_recorded_in(folder: Path) -> None:
    view = open_view(folder)
    fact = view.opening("standard_proposal", {"proposal_text": "x"}, "local:ana", START, "r:1")
    with pytest.raises(OperatorError, match="open for reading only"):
        view.record(fact)
    run(view.close())


def test_objections_are_all_carried_by_what_is_raised(memory: Memory) -> None:
    fact = memory.opening("standard_proposal", {}, "local:ana", START, "request:1")
    with pytest.raises(Refused) as refused:
        memory.record(fact)
    assert refused.value.objections and str(refused.value) == "; ".join(refused.value.objections)


def test_requests_have_names_that_fit() -> None:
    """The longest id a surface may use still has room for what is put before it."""
    request = Request(id="x" * 250, member=Member(id="a", name="a"))
    assert len(f"request:{request.id}") <= 300


def test_times_are_those_given(memory: Memory, script: Script) -> None:
    run(script.open())
    (row,) = memory.projection.query("select opened_at, due from processes")
    assert row["opened_at"] == "2026-02-07T09:01:00.000000Z"
    assert datetime.fromisoformat(row["due"]) == datetime(2026, 2, 13, 9, 1, tzinfo=UTC)
