"""The folder of audits: kept true to memory, a file a process.

Owns when an audit is rendered and how it reaches the disk. Promises that a reader never sees half
a file, and that rendering a busy process does not slow it down: its audit waits for a quiet moment
or its next stage.
"""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from govbot.audit import APART, AuditTrail, Listed, apart, file_name, index
from govbot.errors import OperatorError
from govbot.memory import Memory
from govbot.records import Decided, Entry, Managed, Opened, StageEnded
from govbot.state import Process

QUIET = 1.0  # seconds without an entry after which an audit is rendered
SHARE = 200  # an audit is rendered at most every SHARE times as long as rendering it took


def write_whole(path: Path, text: str, durable: bool = True) -> None:
    """Replaces a file at once; whoever reads it sees the old one or the new one.

    Without `durable`, a power cut may leave the file empty: for what is made again from the ledger.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("wb", dir=path.parent, prefix=".", delete=False) as file:
            try:
                file.write(text.encode())
                file.flush()
                if durable:
                    os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be written: {error.strerror}; check disk and rights"
        ) from None


class Archive:
    """Audits of one community in one folder."""

    def __init__(self, memory: Memory, folder: Path) -> None:
        self.memory, self.folder = memory, folder
        self._stale: dict[str, float] = {}  # process -> when its last entry came
        self._next: dict[str, float] = {}  # process -> when it may be rendered again
        self._listed = False  # whether the index tells of every process as it stands
        memory.on_change = self.mark

    def mark(self, entry: Entry) -> None:
        """Notes that a process's audit no longer tells everything."""
        if entry.process is not None:
            now = self._stale[entry.process] = time.monotonic()
            self._next.setdefault(entry.process, now + 30 * QUIET)
            if isinstance(entry.body, Opened | StageEnded | Managed):
                self._listed = False
        elif isinstance(entry.body, Decided):
            self._listed = False

    def write_quiet(self) -> None:
        """Renders what has been quiet for a moment, or has waited long enough."""
        now = time.monotonic()
        due = [
            id for id, last in self._stale.items() if now - last >= QUIET or now >= self._next[id]
        ]
        self.write(due)

    def write_stale(self) -> None:
        """Renders everything that is not up to date."""
        self.write(list(self._stale))

    def write(self, ids: Iterable[str]) -> None:
        for id in ids:
            started = time.monotonic()
            self._write(self.memory.get_process(id))
            ended = time.monotonic()
            self._next[id] = ended + SHARE * (ended - started)
            self._stale.pop(id, None)
        if not self._listed:
            self.write_index()

    def _write(self, process: Process) -> None:
        text = self.render(process)
        write_whole(self.folder / file_name(process), text, durable=False)

    def render(self, process: Process) -> str:
        trail = AuditTrail(
            self.memory.constitution(process.constitution), self.memory.community.repairs
        )
        return trail.generate_process_audit_file(process, self.memory.history(process.id))

    def write_index(self) -> None:
        sql = "select number, title, type, status, outcome, reading from processes"
        listed = (
            Listed(r["number"], r["title"], self._type(r), r["status"], r["outcome"])
            for r in self.memory.projection.query(sql)
        )
        write_whole(self.folder / "README.md", index(listed), durable=False)
        if decided := self._decided():
            told = apart(decided, self.memory.community.zone)
            write_whole(self.folder / APART, told, durable=False)
        self._listed = True

    def _decided(self) -> list[Entry]:
        """The decisions that belong to no process."""
        sql = "select n from decisions where process is null order by n"
        found = (self.memory.engine.entry(row["n"]) for row in self.memory.projection.query(sql))
        return [e for e in found if e is not None and isinstance(e.body, Decided)]

    def _type(self, row: Mapping[str, str]) -> str:
        return self.memory.reading(row["reading"]).processes[row["type"]].title

    def behind(self) -> list[str]:
        """Processes whose audit on disk is missing or older than the ledger, by its own word."""
        latest = self.memory.projection.query(
            "select process, max(n) n from events where process is not null group by process"
        )
        return [row["process"] for row in latest if self._until(row["process"]) != row["n"]]

    def _until(self, id: str) -> int:
        try:
            path = self.folder / file_name(self.memory.get_process(id))
            for line in path.read_text().splitlines():
                if line.startswith("- Record: entries "):
                    return int(line.split()[5])
        except (OSError, ValueError, IndexError):
            pass
        return -1
