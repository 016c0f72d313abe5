"""The constitution's versions as files: every one there was, what each changed, which is in force.

Owns the folder `history` beside the constitution's file, made from the ledger alone, and the
following of that file and its reading when an amendment is adopted. Promises that nobody sees half
a file, and that a file somebody has edited is never overwritten.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from govbot.amendments import as_diff, short
from govbot.archive import write_whole
from govbot.audit import escape
from govbot.community import BY_HAND
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.memory import Memory
from govbot.readingfile import load_reading, write_reading
from govbot.records import BOT, Adopted, Entry, Ratified, stamp

INDEX = "README.md"


class Version(NamedTuple):
    """One text that came into force: its place among them, from 1, and its entry."""

    number: int
    entry: Entry
    body: Adopted

    @property
    def file(self) -> str:
        return f"{self.number:03}-{short(self.body.constitution)}.md"


def versions(memory: Memory) -> list[Version]:
    """Every constitution there was, in order."""
    sql = "select n from rules where kind = ? order by n"
    found: list[Version] = []
    for row in memory.projection.query(sql, Adopted.model_fields["kind"].default):
        entry = memory.engine.entry(row["n"])
        if entry is not None and isinstance(entry.body, Adopted):
            found.append(Version(len(found) + 1, entry, entry.body))
    return found


def named(memory: Memory, which: str) -> Version:
    """A version by its number or the beginning of its digest; the latest of those it fits."""
    known = versions(memory)
    wanted = which.removeprefix("sha256:").casefold()
    for version in reversed(known):
        digits = version.body.constitution.removeprefix("sha256:")
        if which == str(version.number) or (len(wanted) >= 4 and digits.startswith(wanted)):
            return version
    raise OperatorError(
        f"there is no version {which!r}; name a file, a digest or a number from 1 to {len(known)}"
    )


def files(memory: Memory) -> Iterator[tuple[str, str]]:
    """Every file of the history and what it holds, from the ledger alone."""
    known, before = versions(memory), ""
    for version in known:
        yield version.file, version.body.text
        if before:
            diff = as_diff(before, version.body.text, "before", version.file)
            yield version.file.removesuffix(".md") + ".diff", "\n".join(diff) + "\n"
        before = version.body.text
    yield INDEX, "\n".join(_index(known)) + "\n"


def _index(known: list[Version]) -> Iterator[str]:
    yield "# Versions of the constitution"
    yield ""
    yield "| version | adopted | by | digest | text | what changed |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for version in known:
        entry, name = version.entry, version.file
        by = f"process {entry.process.split('_')[1]}" if entry.process else _person(entry)
        diff = name.removesuffix(".md") + ".diff"
        changed = f"[{diff}]({diff})" if version.number > 1 else "—"
        yield (
            f"| {version.number} | {stamp(entry.at)[:16].replace('T', ' ')} UTC, entry {entry.n}"
            f" | {by} | `{version.body.constitution}` | [{name}]({name}) | {changed} |"
        )


def _person(entry: Entry) -> str:
    if entry.member == BOT:
        return "the founding"
    return f"{escape(entry.member.removeprefix(BY_HAND))}, at the machine"


class Versions:
    """The files of one community. `target` is the constitution's own file."""

    def __init__(self, memory: Memory, target: Path) -> None:
        self.memory, self.target = memory, target
        self._seen = self._in_force()

    def _in_force(self) -> tuple[str, str]:
        return self.memory.community.constitution, self.memory.community.reading

    def write(self) -> None:
        """Every file of the history that is not there as it should be."""
        for name, text in files(self.memory):
            path = self.target.parent / "history" / name
            if not path.is_file() or path.read_bytes() != text.encode():
                write_whole(path, text)

    def write_new(self) -> None:
        """What an adoption since the last look brought, with the constitution's own file."""
        if self._seen == (now := self._in_force()):
            return
        self.write()
        self._follow()
        self._seen = now

    def _follow(self) -> None:
        """The text and the reading in force in their own files, where these held those before."""
        latest = versions(self.memory)[-1].body
        if _digest_of(self.target) == latest.instead:
            write_whole(self.target, latest.text)
        beside = reading_beside(self.target)
        if (before := self._read_before()) and _reading_of(beside) == before:
            said = "What of the reading still stands in the constitution as it was amended."
            write_whole(beside, write_reading(self.memory.reading(), said))

    def _read_before(self) -> str:
        sql = "select max(n) n from rules where kind = ?"
        kind = Ratified.model_fields["kind"].default
        entry = self.memory.engine.entry(self.memory.projection.query(sql, kind)[0]["n"])
        return entry.body.instead if entry and isinstance(entry.body, Ratified) else ""


def _digest_of(path: Path) -> str:
    try:
        return Constitution.load(path).digest
    except OperatorError:
        return ""


def _reading_of(path: Path) -> str:
    try:
        return load_reading(path).digest
    except OperatorError:
        return ""
