"""What the surface itself must remember: where cards hang, who is what, what was read last.

Owns one SQLite file a bot. Nothing here governs: if it is lost, no vote is, and cards, mappings and
wishes are made anew.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite3
from sqlite_utils import Database, Migrations

from govbot.errors import OperatorError

migrations = Migrations("govbot.discord")


@migrations()
def m001_guilds(db: Database) -> None:
    db.table("guilds").create(
        {"guild": int, "channel": int, "moderators": int, "digest": int, "lead": int,
         "by": int, "seen": int, "commands": str},
        pk="guild", strict=True,
    )  # fmt: skip
    db.table("roles").create(
        {"guild": int, "role": int, "governs": str}, pk=("guild", "role", "governs"), strict=True
    )


@migrations()
def m002_homes(db: Database) -> None:
    db.table("homes").create(
        {"guild": int, "process": int, "channel": int, "message": int, "thread": int,
         "shown": str, "remade": int, "audit": int, "closed": int},
        pk=("guild", "process"), strict=True,
    )  # fmt: skip
    for column in ("channel", "message", "thread"):
        db.table("homes").create_index([column])
    db.table("told").create({"id": str, "guild": int}, pk=("guild", "id"), strict=True)


@migrations()
def m003_under_way(db: Database) -> None:
    db.table("drafts").create(
        {"guild": int, "member": int, "name": str, "value": str},
        pk=("guild", "member", "name"), strict=True,
    )  # fmt: skip
    db.table("offers").create(
        {"id": int, "guild": int, "member": int, "actions": str}, pk="id", strict=True
    )


@migrations()
def m004_wishes(db: Database) -> None:
    db.table("wishes").create(
        {"guild": int, "member": int, "how": str, "quiet_from": int, "quiet_to": int},
        pk=("guild", "member"), strict=True,
    )  # fmt: skip
    db.table("reminded").create(
        {"guild": int, "process": int, "stage": str, "member": int},
        pk=("guild", "process", "stage", "member"), strict=True,
    )  # fmt: skip


@dataclass(frozen=True)
class GuildRow:
    """What an admin has set, and how far the surface has come in a guild."""

    guild: int
    channel: int = 0  # where cards are posted
    moderators: int = 0  # where appeals are brought to people
    digest: int = 0  # the day of the week a digest is posted, Monday 1; 0 never
    lead: int = 24  # hours before a deadline that those who have not voted are reminded
    by: int = 0  # who set it up
    seen: int = 0  # every message up to this one has been dealt with
    commands: str = ""  # the digest of the commands registered there


@dataclass(frozen=True)
class Home:
    """Where a process lives: its card, its thread, what the card showed last."""

    guild: int
    process: int
    channel: int = 0
    message: int = 0
    thread: int = 0
    shown: str = ""
    remade: int = 0  # how often the card or the thread had to be made again
    audit: int = 0  # the message that carries the audit
    closed: int = 0  # 1 once nothing more is to be done


@dataclass(frozen=True)
class Wish:
    """How somebody wants to be reminded; hours in the community's time zone."""

    how: str = "direct"  # direct, thread or never
    quiet_from: int = 22
    quiet_to: int = 8


class Store:
    """The surface's own tables. `:memory:` is allowed."""

    def __init__(self, path: Path | str) -> None:
        try:
            self._db = Database(sqlite3.connect(str(path), isolation_level=None, timeout=5))
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=normal")
            migrations.apply(self._db)
        except sqlite3.Error as error:
            raise OperatorError(
                f"{path} cannot be opened ({error}); move it away, and the bot makes a new one"
            ) from None
        self._mapped: dict[int, dict[int, tuple[str, ...]]] = {}  # asked for at every request

    def close(self) -> None:
        self._db.close()

    def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        found = self._db.conn.execute(sql, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def _put(self, table: str, row: Mapping[str, Any]) -> None:
        names, places = ", ".join(f"[{name}]" for name in row), ", ".join("?" * len(row))
        sql = f"replace into [{table}] ({names}) values ({places})"
        self._db.conn.execute(sql, tuple(row.values()))

    # --- guilds ----------------------------------------------------------------------------

    def guild(self, guild: int) -> GuildRow:
        found = self._rows("select * from guilds where guild = ?", guild)
        return GuildRow(**found[0]) if found else GuildRow(guild)

    def set_guild(self, guild: int, **values: int | str) -> GuildRow:
        row = GuildRow(**{**asdict(self.guild(guild)), **values})
        self._put("guilds", asdict(row))
        return row

    def guilds(self) -> list[GuildRow]:
        return [GuildRow(**row) for row in self._rows("select * from guilds order by guild")]

    def forget_guild(self, guild: int) -> None:
        """The bot was removed: what hung there is gone. The community's folder stays."""
        for table in ("homes", "drafts", "offers", "reminded"):
            self._db.conn.execute(f"delete from {table} where guild = ?", (guild,))
        self.set_guild(guild, commands="")

    def mapped(self, guild: int) -> dict[int, tuple[str, ...]]:
        """The guild's roles and what they are in its constitution."""
        if guild in self._mapped:
            return self._mapped[guild]
        made = self._mapped[guild] = dict[int, tuple[str, ...]]()
        for row in self._rows("select * from roles where guild = ? order by role, governs", guild):
            made[row["role"]] = (*made.get(row["role"], ()), row["governs"])
        return made

    def map_roles(self, guild: int, governs: str, roles: Iterable[int]) -> None:
        """Who holds one of these guild roles has this role in the constitution; nobody else."""
        self._mapped.pop(guild, None)
        execute = self._db.conn.execute
        execute("delete from roles where guild = ? and governs = ?", (guild, governs))
        for role in roles:
            self._put("roles", {"guild": guild, "role": role, "governs": governs})

    # --- homes -----------------------------------------------------------------------------

    def home(self, guild: int, process: int) -> Home | None:
        found = self._rows("select * from homes where guild = ? and process = ?", guild, process)
        return Home(**found[0]) if found else None

    def set_home(self, guild: int, process: int, **values: int | str) -> Home:
        """Changes what is named and nothing else: others may have changed the rest meanwhile."""
        kept = self.home(guild, process) or Home(guild, process)
        made = Home(**{**asdict(kept), **values})
        self._put("homes", asdict(made))
        return made

    def homes(self, guild: int) -> list[Home]:
        """Those where something may still have to be done."""
        sql = "select * from homes where guild = ? and not closed order by process"
        return [Home(**row) for row in self._rows(sql, guild)]

    def home_at(self, place: int) -> Home | None:
        """The home whose card or thread this is."""
        sql = "select * from homes where message = ?1 or thread = ?1"
        found = self._rows(sql, place)
        return Home(**found[0]) if found else None

    def homes_in(self, channel: int) -> list[Home]:
        sql = "select * from homes where channel = ? and not closed order by process"
        return [Home(**row) for row in self._rows(sql, channel)]

    def was_told(self, guild: int, id: str) -> bool:
        return bool(self._rows("select 1 from told where guild = ? and id = ?", guild, id))

    def tell(self, guild: int, id: str) -> None:
        self._put("told", {"guild": guild, "id": id})

    # --- what members are in the middle of ----------------------------------------------------

    def draft(self, guild: int, member: int, name: str) -> Any:
        sql = "select value from drafts where guild = ? and member = ? and name = ?"
        found = self._rows(sql, guild, member, name)
        return json.loads(found[0]["value"]) if found else None

    def set_draft(self, guild: int, member: int, name: str, value: Any) -> None:
        """Keeps what somebody has filled in so far; None when they are done with it."""
        if value is None:
            sql = "delete from drafts where guild = ? and member = ? and name = ?"
            self._db.conn.execute(sql, (guild, member, name))
            return
        row = {"guild": guild, "member": member, "name": name, "value": json.dumps(value)}
        self._put("drafts", row)

    def offer(self, id: int) -> tuple[int, int, list[Any]] | None:
        """Guild, member and actions of what was offered in answer to this message."""
        found = self._rows("select * from offers where id = ?", id)
        if not found:
            return None
        return found[0]["guild"], found[0]["member"], json.loads(found[0]["actions"])

    def set_offer(self, id: int, guild: int, member: int, actions: list[Any]) -> None:
        row = {"id": id, "guild": guild, "member": member, "actions": json.dumps(actions)}
        self._put("offers", row)

    # --- reminders ---------------------------------------------------------------------------

    def wish(self, guild: int, member: int) -> Wish:
        sql = "select how, quiet_from, quiet_to from wishes where guild = ? and member = ?"
        found = self._rows(sql, guild, member)
        return Wish(**found[0]) if found else Wish()

    def set_wish(self, guild: int, member: int, wish: Wish) -> None:
        self._put("wishes", {"guild": guild, "member": member, **asdict(wish)})

    def was_reminded(self, guild: int, process: int, stage: str) -> set[int]:
        sql = "select member from reminded where guild = ? and process = ? and stage = ?"
        return {row["member"] for row in self._rows(sql, guild, process, stage)}

    def remind(self, guild: int, process: int, stage: str, member: int) -> None:
        row = {"guild": guild, "process": process, "stage": stage, "member": member}
        self._put("reminded", row)
