"""What govbot takes, measured beside what this machine's disk takes: `python benchmarks/run.py`.

Every figure is of the real thing: a folder founded and opened as the commands do it, audits kept
by the archive once a second, every reply sent after its entry is on disk. Prints Markdown.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite3
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from govbot.app import Bot, found, open_bot, undelivered, utc_now, verify_folder
from govbot.cli import collect_rarely
from govbot.config import Settings
from govbot.engines.sqlite import SqliteEngine
from govbot.memory import Memory
from govbot.records import BOT, Fact, Give, Member, Request, Seen

CONCURRENT = 128
ROW = 1000  # bytes: about what a vote with its decision takes
TYPE, FIELDS = "standard_proposal", {"proposal_text": "bans need two moderators"}


@dataclass(frozen=True)
class Row:
    """One line of the table. `target` is empty where a figure stands for comparison only."""

    what: str
    figure: str
    target: str = ""
    met: bool | None = None
    ratio: str = ""


@dataclass(frozen=True)
class Scale:
    """How much is measured; `--quick` takes a hundredth."""

    processes: int = 100_000
    votes: int = 100_000
    timed: int = 5_000
    bursts: int = 200
    ledger: tuple[int, int] = (1_000, 1_000)
    runs: int = 5


FULL = Scale()
QUICK = Scale(processes=1_000, votes=1_000, timed=500, bursts=20, ledger=(20, 500), runs=3)


def counted(what: str, things: Iterable[int], total: int) -> Iterator[int]:
    """The things, with a bar on stderr while they last."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=total)
        for done, thing in enumerate(things, 1):
            yield thing
            if done % 100 == 0 or done == total:
                bar.update(task, completed=done)


# --- a community to measure ------------------------------------------------------------------


def member(n: int) -> Member:
    return Member(id=f"bench:{n}", name=f"member {n}", roles=("member",))


async def founded(place: Path, members: int) -> Bot:
    """An open bot whose members the ledger knows before anything is opened."""
    await found(place, Settings(name="Bench", constitution="constitution.md"), "example")
    bot = await open_bot(place, undelivered)
    for n in counted("meeting members", range(members), members):
        fact = Fact(id=f"seen:{n}", at=utc_now(), member=BOT, body=Seen(member=member(n)))
        in_batches(bot.memory, fact, n)
    flush(bot.memory)
    return bot


def flush(memory: Memory) -> None:
    assert isinstance(memory.engine, SqliteEngine)
    memory.engine.flush()


def in_batches(memory: Memory, fact: Fact, n: int) -> None:
    """Records without waiting for the disk each time; for what is built, not for what is timed."""
    memory.record(fact)
    if n % 500 == 499:
        flush(memory)


def opened(bot: Bot, count: int) -> list[int]:
    """The numbers of new processes."""
    numbers = []
    for n in counted("opening processes", range(count), count):
        id = f"bench:open:{n}"
        fact = bot.memory.opening(TYPE, FIELDS, member(0).id, utc_now(), id)
        in_batches(bot.memory, fact, n)
        numbers.append(int(str(fact.process).removeprefix("process_")))
    flush(bot.memory)
    return numbers


def voted(bot: Bot, number: int, people: Iterable[int], name: str) -> None:
    """Votes that are there before the clock starts."""
    for n, person in enumerate(people):
        give = Give(process=number, input="vote", value=("agree", "disagree")[person % 2])
        id = f"bench:{name}:{number}:{n}"
        in_batches(bot.memory, bot.memory.giving(give, member(person), utc_now(), id), n)
    flush(bot.memory)


def request(n: int, number: int, person: int) -> Request:
    give = Give(process=number, input="vote", value=("agree", "disagree", "abstain")[n % 3])
    return Request(id=f"timed:{n}", member=member(person), action=give)


@contextlib.asynccontextmanager
async def archived(bot: Bot) -> AsyncIterator[None]:
    """The archive at work beside the votes, as on a surface."""

    async def keep() -> None:
        while True:
            await asyncio.sleep(1)
            bot.archive.write_quiet()

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping


async def one_by_one(bot: Bot, requests: list[Request]) -> list[float]:
    """How many milliseconds each took from request to durable reply."""
    took = []
    async with archived(bot):
        for each in requests:
            started = time.perf_counter()
            reply = await bot.agent.handle(each)
            took.append((time.perf_counter() - started) * 1000)
            assert reply.ok and reply.entry is not None, reply.text
            await asyncio.sleep(0)
    return took


def latency(what: str, took: list[float]) -> list[Row]:
    cuts = statistics.quantiles(took, n=100)
    middle, late = cuts[49], cuts[98]
    return [
        Row(f"{what}, p50", f"{middle:.2f} ms", "< 3 ms", middle < 3),
        Row(f"{what}, p99", f"{late:.2f} ms", "< 10 ms", late < 10),
        Row(f"{what}, slowest", f"{max(took):.0f} ms"),
    ]


# --- what is measured -----------------------------------------------------------------------


def raw(place: Path, scale: Scale) -> list[Row]:
    """The disk without govbot: rows of a vote's size, WAL, synchronous=FULL."""
    db = sqlite3.connect(str(place / "raw.db"), isolation_level=None)
    for setting in ("journal_mode = wal", "synchronous = full"):
        db.execute(f"pragma {setting}")
    db.execute("create table entries (n integer primary key, bytes blob) strict")
    data, rows = os.urandom(ROW), []
    for size, what in ((1, "one row a commit"), (CONCURRENT, f"{CONCURRENT} rows a commit")):
        commits = scale.timed if size == 1 else scale.bursts
        started = time.perf_counter()
        for _ in range(commits):
            db.execute("begin immediate")
            db.executemany("insert into entries (bytes) values (?)", [(data,)] * size)
            db.execute("commit")
        rate = commits * size / (time.perf_counter() - started)
        rows.append(Row(f"SQLite alone, {what}", f"{rate:,.0f} rows/s"))
    db.close()
    return rows


def vote(place: Path, scale: Scale) -> list[Row]:
    """A vote in a small community."""

    async def measure() -> list[Row]:
        bot = await founded(place / "c", 50)
        numbers = opened(bot, 10)
        asked = [request(n, numbers[n % 10], n % 50) for n in range(scale.timed)]
        took = await one_by_one(bot, asked)
        await bot.close()
        return latency("durable vote", took)

    return asyncio.run(measure())


def processes(place: Path, scale: Scale) -> list[Row]:
    """A vote on any of very many open processes; and what it takes to make and open them."""

    async def measure() -> list[Row]:
        bot = await founded(place / "c", 200)
        started = time.perf_counter()
        numbers = opened(bot, scale.processes)
        built = time.perf_counter()
        await bot.close()
        closed = time.perf_counter()
        bot = await open_bot(place / "c", undelivered)
        again = time.perf_counter()
        spread = [numbers[n * 7919 % len(numbers)] for n in range(scale.timed)]
        asked = [request(n, number, n % 200) for n, number in enumerate(spread)]
        took = await one_by_one(bot, asked)
        await bot.close()
        many = f"{scale.processes:,} processes"
        return [
            *latency(f"durable vote, {many}", took),
            Row(f"recording {many}", f"{built - started:.1f} s"),
            Row(f"closing after that: {scale.processes:,} audits", f"{closed - built:.1f} s"),
            Row(f"opening with {many}", f"{again - closed:.1f} s"),
        ]

    return asyncio.run(measure())


def votes(place: Path, scale: Scale) -> list[Row]:
    """A vote in a process that has very many, each of another member."""

    async def measure() -> list[Row]:
        bot = await founded(place / "c", scale.votes)
        (number,) = opened(bot, 1)
        bar = counted("voting", range(scale.votes), scale.votes)
        voted(bot, number, bar, "before")
        asked = [request(n, number, (n * 7919) % scale.votes) for n in range(scale.timed)]
        took = await one_by_one(bot, asked)
        started = time.perf_counter()
        await bot.close()
        closed = time.perf_counter()
        bot = await open_bot(place / "c", undelivered)
        bot.memory.get_process(number)
        again = time.perf_counter()
        await bot.close()
        many = f"{scale.votes:,} votes"
        return [
            *latency(f"durable vote, {many} in its process", took),
            Row(f"closing: the audit of {many}", f"{closed - started:.1f} s"),
            Row(f"opening and replaying a process of {many}", f"{again - closed:.1f} s"),
        ]

    return asyncio.run(measure())


def burst(place: Path, scale: Scale) -> list[Row]:
    """128 members at once, round after round."""

    async def measure(spread: int) -> float:
        bot = await founded(place / f"c{spread}", CONCURRENT)
        numbers = opened(bot, spread)
        count = scale.bursts * CONCURRENT
        asked = [request(n, numbers[n % spread], n % CONCURRENT) for n in range(count)]
        async with archived(bot):
            started = time.perf_counter()
            for first in range(0, count, CONCURRENT):
                together = asked[first : first + CONCURRENT]
                replies = await asyncio.gather(*(bot.agent.handle(each) for each in together))
                assert all(reply.ok for reply in replies)
            rate = count / (time.perf_counter() - started)
        await bot.close()
        return rate

    rows = []
    for spread in (1, 16):
        rate = asyncio.run(measure(spread))
        where = "one process" if spread == 1 else f"{spread} processes"
        what = f"votes of {CONCURRENT} members at once, {where}"
        rows.append(Row(what, f"{rate:,.0f} votes/s", ">= 5,000", rate >= 5_000))
    return rows


def verify(place: Path, scale: Scale) -> list[Row]:
    """A whole ledger checked again, with tables and audits, in a process of its own."""
    count, each = scale.ledger

    async def build() -> int:
        bot = await founded(place / "c", 2_000)
        numbers = opened(bot, count)
        for at in counted("voting", range(count), count):
            voted(bot, numbers[at], (n % 2_000 for n in range(at, at + each)), "v")
        size = bot.memory.engine.size
        await bot.close()
        return size

    started = time.perf_counter()
    size = asyncio.run(build())
    built = time.perf_counter() - started
    code = f"from benchmarks import run; run.verified({str(place / 'c')!r})"
    home = Path(__file__).parent.parent
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=home, check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, peak = json.loads(told.stdout)
    rate, many = size / seconds, f"{size:,} entries"
    return [
        Row(f"verify, {many}", f"{rate:,.0f} entries/s", ">= 10,000", rate >= 10_000),
        Row(f"verify, {many}, peak memory", f"{peak:.0f} MB", "< 400 MB", peak < 400),
        Row(f"recording {many} in batches of 500", f"{size / built:,.0f} entries/s"),
    ]


def verified(folder: str) -> None:
    """Checks a folder; prints the seconds and the peak of memory in MB."""
    collect_rarely()
    started = time.perf_counter()
    report = verify_folder(Path(folder), [])
    seconds = time.perf_counter() - started
    if not report.sound:
        sys.exit(f"the ledger made here is not sound: {report.faults[:3]}")
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def commands(place: Path, scale: Scale) -> list[Row]:
    """Commands as a shell starts them."""

    def median(arguments: Callable[[int], list[str]]) -> float:
        took = []
        for n in range(scale.runs):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "govbot", *arguments(n)],
                check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            took.append(time.perf_counter() - started)
        return statistics.median(took)

    shown = median(lambda n: ["--help"])
    played = median(lambda n: ["demo", "--dir", str(place / f"demo{n}")])
    return [
        Row("`govbot --help`", f"{shown:.2f} s", "< 0.3 s", shown < 0.3),
        Row("`govbot demo`", f"{played:.2f} s", "< 5 s", played < 5),
    ]


MEASURED = (raw, vote, processes, votes, burst, verify, commands)


# --- one command ----------------------------------------------------------------------------


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def alone(name: str, quick: bool) -> list[Row]:
    """One measurement in a process of its own, so that none inherits another's memory."""
    place = Path(tempfile.mkdtemp(prefix="govbot-bench-"))
    try:
        command = [sys.executable, __file__, "--in", str(place), name]
        told = subprocess.run(
            command + ["--quick"] * quick, check=True, stdout=subprocess.PIPE, text=True
        )
        return [Row(**row) for row in json.loads(told.stdout)]
    finally:
        shutil.rmtree(place)


def shown(row: Row) -> str:
    met = "" if row.met is None else ("yes" if row.met else "**no**")
    return f"| {row.what} | {row.figure} | {row.target} | {met} | {row.ratio} |"


def _figure(row: Row) -> float:
    return float(row.figure.split()[0].replace(",", ""))


def with_ratios(rows: list[Row]) -> list[Row]:
    """Each row of a kind that the disk alone also has, with how it compares."""
    single, many = (_figure(row) for row in rows[:2])
    made = []
    for row in rows:
        ratio = ""
        if row.what.endswith("p50"):
            ratio = f"{_figure(row) * single / 1000:.1f} × a commit"
        elif row.what.startswith("votes of"):
            ratio = f"{_figure(row) / many:.2f} of the disk's rate"
        made.append(Row(row.what, row.figure, row.target, row.met, ratio))
    return made


def main() -> None:
    names = [measure.__name__ for measure in MEASURED]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="a hundredth of everything")
    parser.add_argument("--in", dest="place", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no {', '.join(sorted(unknown))}; choose from {', '.join(names)}")
    if asked.place is not None:
        collect_rarely()
        measure = MEASURED[names.index(asked.names[0])]
        made = measure(Path(asked.place), QUICK if asked.quick else FULL)
        print(json.dumps([asdict(row) for row in made]))
        return
    wanted = dict.fromkeys(["raw", *(name for name in names if name in (asked.names or names))])
    rows = with_ratios([row for name in wanted for row in alone(name, asked.quick)])
    print(f"{machine()}\n\n| what | measured | target | met | beside the disk |")
    print("| --- | --- | --- | --- | --- |")
    print("\n".join(shown(row) for row in rows))


if __name__ == "__main__":
    main()
