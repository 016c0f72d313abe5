"""The carrying out of an amendment, and everything else that puts a new text in force.

Owns the entries by which one version of the constitution follows another and what people are told
of it. Promises that an amendment is adopted once, whenever the bot was stopped in between, and that
one which cannot be adopted goes back to people with the lines that stand in the way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from govbot.amendments import changes, short
from govbot.carrying import Adoption, adoption, following, limited, warnings
from govbot.charter import Reading
from govbot.community import news
from govbot.constitution import Constitution
from govbot.memory import Memory
from govbot.records import BOT, Adopted, Amendment, Decision, Effect, Entry, Fact, Member, Ratified
from govbot.state import Process
from govbot.swapping import Running, in_short, preview


@dataclass(frozen=True)
class Told:
    """How carrying out went, for the record and for the chat."""

    ok: bool
    note: str
    text: str


async def amend(memory: Memory, effect: Effect, process: Process, now: datetime) -> Told:
    """Adopts what an outcome calls for, or says why it goes back to people."""
    amendment = Amendment.model_validate(effect.arguments["amendment"])
    kept = memory.engine.find(f"{effect.id}:adopted")
    if kept is None:
        found = adoption(
            amendment, memory.constitution(amendment.base), memory.constitution(), memory.reading()
        )
        if isinstance(found, str):
            return Told(False, found, _returned(process, found))
        before = memory.constitution(), memory.reading()
    else:
        before = _before(memory, kept, effect)
        again = adoption(amendment, memory.constitution(amendment.base), *before)
        assert isinstance(again, Adoption), "what was adopted once can be derived again"
        found = again
    members = memory.community.members
    await enact(memory, found, before, now, member=BOT, process=process, effect=effect)
    return Told(True, found.constitution.digest, _announced(process, before, found, members))


def _before(memory: Memory, kept: Entry, effect: Effect) -> tuple[Constitution, Reading]:
    """The version and the reading that were in force before the adoption that is on record."""
    body, ratified = kept.body, memory.engine.find(f"{effect.id}:ratified")
    assert isinstance(body, Adopted)
    old = ratified.body if ratified is not None else None
    reading = old.instead if isinstance(old, Ratified) else memory.community.reading
    return memory.constitution(body.instead), memory.reading(reading)


def running(memory: Memory) -> list[Running]:
    """What has not ended, as a preview shows it."""
    sql = (
        "select number, title, type from processes where status in ('open', 'paused')"
        " order by number"
    )
    return [Running(**row) for row in memory.projection.query(sql)]


async def enact(
    memory: Memory, found: Adoption, before: tuple[Constitution, Reading], now: datetime, *,
    member: str, process: Process | None = None, effect: Effect | None = None, told: str = "",
) -> Entry:  # fmt: skip
    """The two entries, in one commit: the text is adopted, and what it still means ratified.

    `told` is what the community is to hear of it, where no outcome tells of it.
    """
    old, read = before
    id = effect.id if effect is not None else f"swap:{memory.engine.size}"
    about = process.id if process is not None else None
    adopted = Adopted(
        constitution=found.constitution.digest, text=found.constitution.text, instead=old.digest,
        effect=effect.id if effect is not None else None, effects=news(f"{id}:adopted", told),
    )  # fmt: skip
    ratified = Ratified(
        constitution=found.constitution.digest, reading=found.reading.digest,
        document=found.reading.document, instead=read.digest,
        provisional=memory.community.provisional if effect is not None else False,
        effect=effect.id if effect is not None else None,
    )  # fmt: skip
    why = Decision(
        reasoning=_reasons(old, found), result=f"in force: {short(adopted.constitution)}"
    )
    memory.record(
        Fact(id=f"{id}:adopted", at=now, member=member, process=about, body=adopted, decision=why)
    )
    pending = memory.record(
        Fact(id=f"{id}:ratified", at=now, member=member, process=about, body=ratified)
    )
    return await pending.durable()


def _reasons(old: Constitution, found: Adoption) -> str:
    how = "merged with what had changed since" if found.merged else "as it was put forward"
    left = "; ".join(each.told for each in found.stale)
    stale = f" To be read again: {left}." if left else " Every rule carries over."
    stale = " The rules are those that it brought along." if found.brought else stale
    new = "; ".join(
        f"{step.type}.{step.where}: {step.before} becomes {step.after}"
        for step in found.steps
        if step.after
    )
    numbers = f" With the numbers of their sentences change: {new}." if new else ""
    return (
        f"The constitution {short(found.constitution.digest)} follows {short(old.digest)}, {how}."
        f"{stale}{numbers} What is running keeps the rules it was opened under."
    )


def _announced(
    process: Process, before: tuple[Constitution, Reading], found: Adoption,
    members: Mapping[str, Member],
) -> str:  # fmt: skip
    old, read = before
    lines = [
        f"The constitution is amended by Process #{process.number}: {process.title}",
        f"Version {short(found.constitution.digest)} follows {short(old.digest)}"
        + (", merged with what had changed since." if found.merged else "."),
        "",
        *limited(list(changes(old, found.constitution.text))),
        "",
        *following(found.steps, read.processes),
        *(in_short(preview(read, found.reading, (), (), members)) if found.brought else ()),
        *warnings(read.processes, found.reading.processes, found.stale),
        "What is running keeps the rules it was opened under.",
    ]
    return "\n".join(lines)


def _returned(process: Process, why: str) -> str:
    return (
        f"The amendment of Process #{process.number} ({process.title}) was passed and is not"
        f" carried out: {why}. The constitution stays as it is. It goes back to you: whoever may"
        " propose an amendment can bring it again against the version in force."
    )
