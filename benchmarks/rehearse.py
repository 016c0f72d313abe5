"""How long a rehearsal and a lint take: `python benchmarks/rehearse.py`.

The rehearsal: a ledger of 10,000 proposals that have ended, ten votes each, every one of which the
amendment touches, as the command reads it. The lint: a constitution of 20,000 words, made of many
copies of a shipped one under headings of their own, with as many process types. `--quick` takes a
hundredth of the ledger.
"""

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from run import in_batches, machine, member

from govbot.app import found, open_bot, templates, undelivered
from govbot.cli import collect_rarely
from govbot.config import Settings, reading_beside
from govbot.constitution import Constitution
from govbot.exploring import explore
from govbot.foresight import foresee
from govbot.ledger import read_entry
from govbot.lint import lint
from govbot.readingfile import load_reading, read_reading
from govbot.records import BOT, Done, Fact, Give, Seen, canonical
from govbot.rehearsal import Rules
from govbot.silences import silences

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE, VOTES = 200, 10
TYPE = "standard_proposal"
WORDS = 20_000


async def built(place: Path, count: int) -> None:
    """A community with proposals that were voted on and have ended, one after the other."""
    await found(place, Settings(name="Rehearsed"), "example", lambda: START)
    bot = await open_bot(place, undelivered, lambda: START)
    memory, n = bot.memory, 0

    def record(fact: Fact) -> None:
        nonlocal n
        in_batches(memory, fact, n)
        n += 1

    for person in range(PEOPLE):
        body = Seen(member=member(person))
        record(Fact(id=f"seen:{person}", at=START, member=BOT, body=body))
    for number in range(1, count + 1):
        at = START + timedelta(weeks=number)
        fields = {"proposal_text": f"proposal {number}"}
        record(memory.opening(TYPE, fields, member(number % PEOPLE).id, at, f"open:{number}"))
        for vote in range(VOTES):
            person = member((number + vote) % PEOPLE)
            give = Give(process=number, input="vote", value=("agree", "disagree")[vote % 2])
            # The last votes come on the fifth day: a shorter discussion does not take them.
            then = at + timedelta(days=1 if vote < 7 else 5)
            record(memory.giving(give, person, then, f"vote:{number}:{vote}"))
        process = memory.get_process(number)
        ending = memory.ending(process, "due", process.due or at)
        record(ending)
        for effect in getattr(ending.body, "effects", ()):
            done = Done(effect=effect)
            record(Fact(id=f"done:{effect.id}", at=ending.at, member=BOT, process=process.id,
                        body=done))  # fmt: skip
    memory.engine.flush()
    await memory.close()


def rehearsed(place: Path, count: int) -> Iterator[str]:
    from govbot.app import open_view

    memory = open_view(place)
    before = Rules(memory.reading(), memory.constitution())
    text = Constitution(before.constitution.text.replace("6 days minimum", "4 days minimum"))
    entries = (read_entry(data) for _, data in memory.engine.read())
    started = time.perf_counter()
    seen = foresee(entries, before, text, members=memory.community.members.values())
    took = time.perf_counter() - started
    past = seen.rehearsal
    assert past.ended == past.replayed == count and past.refused[0].inputs == 3 * count
    what = f"rehearsal over {count:,} processes, {memory.engine.size:,} entries"
    yield shown(what, took, 60)
    yield f"| of them changed | {len(past.changed):,} |  |  |"


def large() -> tuple[Constitution, Any]:
    """A constitution of very many words and process types, and its reading."""
    path = templates()["consensus"]
    text, document = path.read_text(), load_reading(reading_beside(path)).document
    copies = WORDS // len(text.split()) + 1
    whole = "\n\n".join(
        re.sub(r"^(#+) (Article|Section) (\d+)", rf"\1 \2 {copy}\3", text, flags=re.MULTILINE)
        for copy in range(1, copies + 1)
    )
    constitution = Constitution(whole)
    processes = {
        f"{type}_{copy}": moved(charter, copy, set(document["processes"]))
        for copy in range(1, copies + 1)
        for type, charter in document["processes"].items()
    }
    roles = {role: moved(cite, 1, set()) for role, cite in document["roles"].items()}
    made = {"constitution": constitution.digest, "roles": roles, "processes": processes}
    return constitution, read_reading(canonical(made).decode(), "large")


def moved(value: Any, copy: int, types: set[str]) -> Any:
    """A rule as that of another copy of the text."""
    if isinstance(value, dict):
        made = {name: moved(item, copy, types) for name, item in value.items()}
        if set(value) == {"section", "quote"}:
            made["section"] = re.sub(r"^article-(\d)", rf"article-{copy}\1", value["section"])
        if value.get("type") in types and set(value) <= {"type", "fields"}:
            made["type"] = f"{value['type']}_{copy}"  # of a process that is started
        return made
    return [moved(item, copy, types) for item in value] if isinstance(value, list) else value


def linted() -> Iterator[str]:
    constitution, reading = large()
    words, types = len(constitution.text.split()), len(reading.processes)
    assert words >= WORDS
    started = time.perf_counter()
    constitution = Constitution(constitution.text)
    found = [*lint(reading, constitution), *silences(reading, constitution)]
    took = time.perf_counter() - started
    assert not [each for each in found if each.level in ("error", "warning")], found[:3]
    yield shown(f"lint of {words:,} words, {types} process types, first time", took, 2)
    started = time.perf_counter()
    explore(reading, constitution)
    yield shown("the walk through their states", time.perf_counter() - started)


def shown(what: str, took: float, most: int = 0) -> str:
    met = ("yes" if took < most else "**no**") if most else ""
    return f"| {what} | {took:.1f} s | {f'< {most} s' if most else ''} | {met} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the ledger")
    parser.add_argument("--lint", action="store_true", help="the lint alone")
    asked = parser.parse_args()
    count = 100 if asked.quick else 10_000
    collect_rarely()
    print(f"{machine()}\n\n| what | measured | target | met |\n| --- | --- | --- | --- |")
    print("\n".join(linted()), flush=True)
    if asked.lint:
        return
    with tempfile.TemporaryDirectory(prefix="govbot-rehearse-") as folder:
        place = Path(folder) / "c"
        asyncio.run(built(place, count))
        print("\n".join(rehearsed(place, count)))


if __name__ == "__main__":
    main()
