"""Verifying a community: the demo's ledgers are sound, and every way of tampering is named."""

import asyncio
import base64
import io
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2 as sqlite3
from rich.console import Console

from govbot.app import open_bot, undelivered, verify_folder
from govbot.archive import Archive
from govbot.cli import main
from govbot.config import Folder
from govbot.constitution import Constitution
from govbot.demo import play
from govbot.engines.sqlite import SqliteEngine
from govbot.ledger import Checkpoint, Key, Tree, leaf_hash, sign_checkpoint
from govbot.memory import Memory, rebuild
from govbot.projection import Projection
from govbot.records import Calculation, Citation, Decision, canonical, digest
from govbot.testing import SetClock
from govbot.verify import Report, doubts

NAMES = ("example", "consensus", "community-jury")
VOTE, REASONED, ENDED, DEADLINE, LAST = 11, 15, 17, 10, 20  # entries of the demo's first community
AUDIT = "125-we-change-the-moderation-policy-to-requi.md"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    assert asyncio.run(play(Console(file=io.StringIO()), folder))
    return folder


@pytest.fixture
def folder(played: Path, tmp_path: Path) -> Path:
    """The community of Process 125, to be tampered with."""
    return Path(shutil.copytree(played / "example", tmp_path / "example"))


def change(path: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    """As someone would who has the file and no respect for it."""
    db = sqlite3.connect(str(path), isolation_level=None)
    for (name,) in db.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
        db.execute(f"drop trigger {name}")
    for sql, values in statements:
        db.execute(sql, values)
    db.close()


def stored(folder: Path) -> dict[int, Json]:
    """Every entry as it is stored."""
    db = sqlite3.connect(str(Folder(folder).ledger))
    rows = db.execute("select n, bytes from entries order by n").fetchall()
    db.close()
    return {n: json.loads(data) for n, data in rows}


def put(folder: Path, *entries: Json) -> None:
    """Stores entries in their rows, in canonical form and with true leaf hashes."""
    rows = [(canonical(entry), entry["n"]) for entry in entries]
    sql = "update entries set bytes = ?, leaf = ? where n = ?"
    made = [(sql, (data, leaf_hash(data), n)) for data, n in rows]
    change(Folder(folder).ledger, *made)


def alter(folder: Path, n: int, edit: Callable[[Json], None]) -> None:
    """One entry changed so that its own bytes give nothing away."""
    entry = stored(folder)[n]
    before = canonical(entry)
    edit(entry)
    assert canonical(entry) != before
    put(folder, entry)


def told(folder: Path, *kept: Path, vkey: str = "") -> list[str]:
    """The faults, as one line each; the command must agree that there are some, or none."""
    report = verify_folder(folder, list(kept), vkey=vkey)
    faults = [f"{fault.where}: {fault.what}" for fault in report.faults]
    options = [option for path in kept for option in ("--checkpoint", str(path))]
    done = CliRunner().invoke(main, ["verify", str(folder), *options, "--vkey", vkey])
    assert done.exit_code == (1 if faults else 0), done.output
    for fault in faults:
        assert fault in done.output
    assert ("Sound." in done.output) is not bool(faults)
    return faults


def named(faults: list[str], where: str, *words: str) -> bool:
    """Whether some fault is in `where` and says each of the words."""
    return any(
        fault.startswith(f"{where}: ") and all(word in fault for word in words) for fault in faults
    )


# --- what is sound ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_played_community_is_sound_in_every_respect(played: Path, name: str) -> None:
    report = verify_folder(played / name, [])
    assert report.sound and report.notices == () and report.entries > 15
    assert set(report.checked) == {
        "permissions and outcomes", "quotes", "calculations", "signatures", "table rows",
        "audit files",
    }  # fmt: skip
    assert report.checked["signatures"] == 2 and all(report.checked.values())


def test_a_ledger_is_verified_while_its_bot_has_it_open(folder: Path) -> None:
    async def beside() -> list[str]:
        bot = await open_bot(folder, undelivered)
        found = told(folder)
        await bot.close()
        return found

    assert asyncio.run(beside()) == []


def test_verifying_changes_nothing(folder: Path) -> None:
    def contents() -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(p): p.read_bytes() for p in files if not p.name.endswith(("-shm", "-wal"))}

    before = contents()
    assert told(folder) == [] and contents() == before


def test_progress_is_told_for_every_thousand_entries_only(folder: Path) -> None:
    heard: list[int] = []
    assert verify_folder(folder, [], heard.append).sound and heard == []


def test_a_script_gets_the_whole_report(folder: Path) -> None:
    done = CliRunner().invoke(main, ["verify", str(folder), "--json"])
    report = Report.model_validate_json(done.output)
    assert done.exit_code == 0 and report.sound and report == verify_folder(folder, [])

    (folder / "audits" / AUDIT).unlink()
    done = CliRunner().invoke(main, ["verify", str(folder), "--json"])
    report = Report.model_validate_json(done.output)
    assert done.exit_code == 1 and not report.sound
    assert [fault.where for fault in report.faults] == [f"audits/{AUDIT}"]


@pytest.mark.parametrize("what", ["nothing there", "an empty folder", "another database"])
def test_what_is_no_community_cannot_be_verified(tmp_path: Path, what: str) -> None:
    place = tmp_path / "place"
    if what != "nothing there":
        (place / ".govbot").mkdir(parents=True)
    if what == "another database":
        change(Folder(place).ledger, ("create table diary (day text)", ()))
    done = CliRunner().invoke(main, ["verify", str(place)])
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.startswith("govbot: ") and done.stderr.count("\n") == 1
    assert str(place) in done.stderr


def test_a_checkpoint_that_is_no_text_cannot_be_verified(folder: Path) -> None:
    kept = folder / "kept"
    for reason in ("missing", "not text"):
        done = CliRunner().invoke(main, ["verify", str(folder), "--checkpoint", str(kept)])
        assert done.exit_code == 2 and "a checkpoint cannot be read" in done.stderr, reason
        kept.write_bytes(b"\xff\xfe\x00")


# --- entries ------------------------------------------------------------------------------


def test_one_flipped_byte_is_named(folder: Path) -> None:
    def flip(place: int) -> list[str]:
        copy = Path(shutil.copytree(folder, folder.parent / f"flipped-{place}"))
        data = bytearray(canonical(stored(copy)[VOTE]))
        data[place] ^= 1
        sql = "update entries set bytes = ? where n = ?"
        change(Folder(copy).ledger, (sql, (bytes(data), VOTE)))
        return told(copy)

    length = len(canonical(stored(folder)[VOTE]))
    for place in range(0, length, length // 12):
        faults = flip(place)
        assert named(faults, f"entry {VOTE}", "leaf hash"), place
        assert any(f"entry {VOTE + 1} does not follow" in fault for fault in faults), place


def test_a_changed_vote_is_named_though_its_bytes_look_right(folder: Path) -> None:
    alter(folder, VOTE, lambda entry: entry["body"].update(value="disagree"))
    faults = told(folder)
    assert named(faults, f"entry {VOTE + 1}", f"entry {VOTE + 1} does not follow")
    assert named(faults, f"entry {ENDED}", "outcome is 'passed', but the rules give 'rejected'")
    assert named(faults, "the ledger's checkpoint", "root")
    assert named(faults, "table inputs", "disagree")
    assert named(faults, f"audits/{AUDIT}", "line", "the ledger gives")


def test_a_vote_by_somebody_who_may_not_is_named(folder: Path) -> None:
    alter(folder, VOTE, lambda entry: entry.update(member="local:stranger"))
    assert named(told(folder), f"entry {VOTE}", "not on its roll")


def test_a_vote_moved_past_the_deadline_is_named(folder: Path) -> None:
    alter(folder, REASONED, lambda entry: entry.update(at="2026-02-14T18:30:00.000000Z"))
    assert named(told(folder), f"entry {REASONED}", "too late", "February 14, 2026")


def test_a_changed_quote_is_named_in_words(folder: Path) -> None:
    def edit(entry: Json) -> None:
        entry["decision"]["citations"][0]["quote"] = "The bot decides."

    alter(folder, ENDED, edit)
    assert named(told(folder), f"entry {ENDED}", "does not say “The bot decides.”")


def test_a_quote_changed_in_the_reading_is_named_with_its_rule(folder: Path) -> None:
    def edit(entry: Json) -> None:
        document = entry["body"]["document"]
        document["processes"]["standard_proposal"]["cite"]["quote"] = "Anything goes."
        entry["body"]["reading"] = digest(canonical(document))

    alter(folder, 2, edit)
    assert named(told(folder), "entry 2", "standard_proposal", "does not say “Anything goes.”")


def test_a_changed_word_of_the_constitution_is_named(folder: Path) -> None:
    def edit(entry: Json) -> None:
        entry["body"]["text"] = entry["body"]["text"].replace("6 days minimum", "6 hours minimum")

    alter(folder, 1, edit)
    faults = told(folder)
    assert named(faults, "entry 1", "not the one its digest names")
    assert named(faults, "entry 2", "does not say “Discussion period: 6 days minimum”")


def test_a_changed_result_of_a_calculation_is_named(folder: Path) -> None:
    def edit(entry: Json) -> None:
        entry["decision"]["calculations"][0]["result"] = False

    alter(folder, ENDED, edit)
    assert named(told(folder), f"entry {ENDED}", "calculate", "False", "True")


def test_a_changed_argument_of_a_calculation_is_named(folder: Path) -> None:
    def edit(entry: Json) -> None:
        entry["decision"]["calculations"][0]["arguments"]["variables"]["agree"] = 0

    alter(folder, ENDED, edit)
    assert named(told(folder), f"entry {ENDED}", "calculate")


def test_a_changed_outcome_is_named(folder: Path) -> None:
    alter(folder, ENDED, lambda entry: entry["body"].update(outcome="rejected"))
    assert named(told(folder), f"entry {ENDED}", "rejected", "passed")


def test_a_changed_deadline_is_named(folder: Path) -> None:
    late = "2026-02-20T18:30:00.000000Z"
    alter(folder, DEADLINE, lambda entry: entry["body"].update(due=late))
    faults = told(folder)
    assert named(faults, f"entry {DEADLINE}", "2026-02-20", "2026-02-14")


def test_a_changed_draw_is_named(played: Path, tmp_path: Path) -> None:
    jury = Path(shutil.copytree(played / "community-jury", tmp_path / "jury"))

    def edit(entry: Json) -> None:
        drawn, everyone = entry["body"]["drawn"]["jurors"], "bob carol dave eve frank grace heidi"
        drawn[0] = next(f"local:{m}" for m in everyone.split() if f"local:{m}" not in drawn)

    alter(jury, 12, edit)
    assert named(told(jury), "entry 12", "drawn")


def test_a_member_renamed_in_the_ledger_is_named(folder: Path) -> None:
    alter(folder, 4, lambda entry: entry["body"]["member"].update(name="robert"))
    faults = told(folder)
    assert named(faults, "entry 5", "does not follow")
    assert named(faults, "table members", "robert")
    assert named(faults, f"audits/{AUDIT}", "robert")


def test_an_entry_filed_under_another_process_is_named(folder: Path) -> None:
    sql = "update entries set process = 'process_123' where n = ?"
    change(Folder(folder).ledger, (sql, (REASONED,)))
    assert named(told(folder), f"entry {REASONED}", "filed under another process")


def test_a_whole_process_filed_under_another_is_named(folder: Path) -> None:
    sql = "update entries set process = 'process_123' where process = 'process_125'"
    change(Folder(folder).ledger, (sql, ()))
    faults = told(folder)
    assert named(faults, f"entry {DEADLINE}", "filed under another process")
    assert named(faults, f"audits/{AUDIT}", "does not give all entries of its process")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_whatever_value_is_altered_the_report_has_its_entry(
    played: Path, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(NAMES))
    entries = stored(played / name)
    entry = data.draw(st.sampled_from(list(entries.values())))
    place: Any = entry
    key: Any = data.draw(st.sampled_from([key for key in entry if key not in ("n", "prev")]))
    while isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 5)):
        place = place[key]
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else [0, -1]))
    new = data.draw(st.sampled_from([None, "", "x", "local:eve", 7, -1, True, [], {}, ["x"]]))
    assume(place[key] != new or type(place[key]) is not type(new))
    place[key] = new
    with TemporaryDirectory() as place_of_copy:
        copy = Path(shutil.copytree(played / name, Path(place_of_copy) / name))
        put(copy, entry)
        faults = verify_folder(copy, []).faults
    about = {f"entry {entry['n']}", f"entry {entry['n'] + 1}"}
    if entry["n"] < len(entries) - 1:
        assert about & {fault.where for fault in faults}
    assert "the ledger's checkpoint" in {fault.where for fault in faults}


def test_an_entry_of_a_newer_version_is_named(folder: Path) -> None:
    alter(folder, VOTE, lambda entry: entry.update(v=2))
    assert named(told(folder), f"entry {VOTE}", "newer govbot", "upgrade")


# --- missing and moved --------------------------------------------------------------------


def test_a_deleted_entry_is_named(folder: Path) -> None:
    change(Folder(folder).ledger, ("delete from entries where n = ?", (VOTE,)))
    faults = told(folder)
    assert any(f"entry {VOTE} is missing" in fault for fault in faults)
    assert named(faults, "the ledger's checkpoint", "21", "20")


def test_two_reordered_entries_are_named(folder: Path) -> None:
    entries = stored(folder)
    first, second = entries[VOTE], entries[VOTE + 1]
    sql = "update entries set id = ?, process = ?, bytes = ?, leaf = ? where n = ?"
    swapped = []
    for n, entry in ((VOTE, second), (VOTE + 1, first)):
        data = canonical(entry)
        swapped.append((sql, (entry["id"], entry["process"], data, leaf_hash(data), n)))
    out_of_the_way = ("update entries set id = 'away' where n = ?", (VOTE + 1,))
    change(Folder(folder).ledger, out_of_the_way, *swapped)
    faults = told(folder)
    assert any(f"row {VOTE} holds entry {VOTE + 1}" in fault for fault in faults)
    assert any(f"row {VOTE + 1} holds entry {VOTE}" in fault for fault in faults)


def test_entries_cut_off_the_end_are_missed_by_the_checkpoint(folder: Path) -> None:
    change(Folder(folder).ledger, ("delete from entries where n >= ?", (LAST - 1,)))
    faults = told(folder)
    for name in ("the ledger's checkpoint", "audits/checkpoint"):
        assert named(faults, name, "21 entries", "has 19", "removed")
    assert named(faults, "table events", "not in the ledger")


def test_a_ledger_cut_off_and_rebuilt_is_still_missed_by_the_published_checkpoint(
    folder: Path,
) -> None:
    change(
        Folder(folder).ledger,
        ("delete from entries where n >= ?", (LAST - 1,)),
        ("delete from checkpoint", ()),
    )
    projected_again(folder)
    faults = told(folder)
    assert named(faults, "audits/checkpoint", "removed")
    assert named(faults, "the ledger's checkpoint", "not a signed note")
    assert len(faults) == 2


@pytest.mark.parametrize("part", [2, 3, 50])
def test_a_truncated_file_is_not_taken_for_a_ledger(folder: Path, part: int) -> None:
    ledger = Folder(folder).ledger
    change(ledger, ("pragma wal_checkpoint(truncate)", ()))
    size = ledger.stat().st_size
    with ledger.open("r+b") as file:
        file.truncate(size // part)
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code in (1, 2)
    if done.exit_code == 2:
        assert "ledger.db cannot be read" in done.stderr and "backup" in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_empty_file_is_not_taken_for_a_ledger(folder: Path) -> None:
    ledger = Folder(folder).ledger
    change(ledger, ("pragma wal_checkpoint(truncate)", ()))
    ledger.write_bytes(b"")
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code == 2 and "ledger.db" in done.stderr and done.stderr.count("\n") == 1


# --- tables -------------------------------------------------------------------------------

ROWS = [
    ("processes", "update processes set outcome = 'rejected' where number = 125", "rejected"),
    ("inputs", "update inputs set value = '\"disagree\"' where n = 11", "disagree"),
    ("events", "delete from events where n = 11", "missing"),
    ("decisions", "delete from decisions where n = 17", "missing"),
    ("roles", "insert into roles values ('local:eve', 'moderator', 20, 1)", "not in the ledger"),
    ("members", "insert into members values ('local:me', 20, 'me', '[]', '{}')", "local:me"),
    ("deadlines", "insert into deadlines values ('process_125', '2027')", "2027"),
    ("outbox", "update outbox set done = null where process = 'process_125'", "process_125"),
    ("rules", "delete from rules where n = 2", "missing"),
    ("words", "insert into words(process, text) values ('process_125', 'secret')", "secret"),
    ("words", "delete from words where process = 'process_123'", "process_123"),
    ("position", "update position set n = 19", "19"),
]


@pytest.mark.parametrize(("table", "sql", "says"), ROWS)
def test_a_row_of_a_table_that_does_not_follow_is_named(
    folder: Path, table: str, sql: str, says: str
) -> None:
    change(Folder(folder).tables, (sql, ()))
    faults = told(folder)
    assert named(faults, f"table {table}", says, "govbot rebuild"), faults
    if table != "position":  # one that is wrong is taken at its word for all the others
        assert all(fault.startswith(f"table {table}: ") for fault in faults), faults
    assert CliRunner().invoke(main, ["rebuild", "--dir", str(folder)]).exit_code == 0
    assert told(folder) == []


@pytest.mark.parametrize("behind", [LAST - 1, REASONED, 2, -1])
def test_tables_behind_the_ledger_are_a_notice_and_made_up_for(folder: Path, behind: int) -> None:
    earlier = Path(shutil.copytree(folder, folder.parent / "earlier"))
    change(Folder(earlier).ledger, ("delete from entries where n > ?", (behind,)))
    projected_again(earlier)
    for path in Folder(folder).private.glob("memory.db*"):
        path.unlink()
    shutil.copyfile(Folder(earlier).tables, Folder(folder).tables)
    report = verify_folder(folder, [])
    late = LAST - behind
    assert report.sound, report.faults
    assert report.notices[0].startswith(f"the tables are {late} entries behind the ledger")

    async def start() -> None:
        bot = await open_bot(folder, undelivered, SetClock(datetime(2026, 3, 1, tzinfo=UTC)))
        await bot.close()

    tampered = Path(shutil.copytree(folder, folder.parent / "tampered"))
    asyncio.run(start())
    assert verify_folder(folder, []).notices == () and told(folder) == []
    sql = "insert into roles values ('local:eve', 'moderator', 1, 1)"
    change(Folder(tampered).tables, (sql, ()))
    assert named(told(tampered), "table roles", "not in the ledger")


@pytest.mark.parametrize("other", [VOTE + 1, 3, DEADLINE, LAST + 5, -1])
def test_an_entry_that_claims_another_place_is_named(folder: Path, other: int) -> None:
    data = canonical({**stored(folder)[VOTE], "n": other})
    sql = "update entries set bytes = ?, leaf = ? where n = ?"
    change(Folder(folder).ledger, (sql, (data, leaf_hash(data), VOTE)))
    assert any(f"row {VOTE} holds entry {other}" in fault for fault in told(folder))


def test_one_entry_stored_under_two_ids_is_named(folder: Path) -> None:
    first = stored(folder)[VOTE]
    data = canonical({**stored(folder)[VOTE + 1], "id": first["id"]})
    sql = "update entries set bytes = ?, leaf = ? where n = ?"
    change(Folder(folder).ledger, (sql, (data, leaf_hash(data), VOTE + 1)))
    assert named(told(folder), f"entry {VOTE + 1}", "filed under another id")


@pytest.mark.parametrize("what", ["missing", "garbage", "empty", "a table dropped"])
def test_tables_that_cannot_be_read_are_a_fault_and_rebuilt(folder: Path, what: str) -> None:
    tables = Folder(folder).tables
    change(tables, ("drop table inputs", ()))
    if what != "a table dropped":
        for path in tables.parent.glob("memory.db*"):
            path.unlink()
    if what in ("garbage", "empty"):
        tables.write_bytes(b"no tables at all " * 400 if what == "garbage" else b"")
    faults = told(folder)
    assert len(faults) == 1 and faults[0].startswith("tables: "), faults
    assert "govbot rebuild" in faults[0]
    assert CliRunner().invoke(main, ["rebuild", "--dir", str(folder)]).exit_code == 0
    assert told(folder) == []


# --- audits -------------------------------------------------------------------------------


def test_a_changed_line_of_an_audit_is_named_with_both_wordings(folder: Path) -> None:
    path = folder / "audits" / AUDIT
    written = path.read_text()
    path.write_text(written.replace("has ended: passed.**", "has ended: rejected.**"))
    line = next(n for n, text in enumerate(written.split("\n"), 1) if "has ended: passed" in text)
    faults = told(folder)
    assert len(faults) == 1
    assert named(faults, f"audits/{AUDIT}", f"line {line} says", "rejected", "passed")


@pytest.mark.parametrize("addition", ["\n", "\nAnd the moderators agreed.\n", " "])
def test_anything_put_behind_an_audit_is_named(folder: Path, addition: str) -> None:
    with (folder / "audits" / AUDIT).open("a") as file:
        file.write(addition)
    assert named(told(folder), f"audits/{AUDIT}", "line")


def test_an_audit_cut_short_is_named(folder: Path) -> None:
    path = folder / "audits" / AUDIT
    path.write_text(path.read_text().partition("## Decisions")[0])
    assert named(told(folder), f"audits/{AUDIT}", "## Decisions")


def test_an_audit_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "audits" / AUDIT).write_bytes(b"\xff" * 100)
    assert named(told(folder), f"audits/{AUDIT}", "line 1")


def test_a_deleted_audit_is_named(folder: Path) -> None:
    (folder / "audits" / AUDIT).unlink()
    assert told(folder) == [f"audits/{AUDIT}: the audit is missing; run `govbot audit`"]
    assert CliRunner().invoke(main, ["audit", "--dir", str(folder)]).exit_code == 0
    assert told(folder) == []


def test_an_audit_of_no_process_is_named(folder: Path) -> None:
    shutil.copyfile(folder / "audits" / AUDIT, folder / "audits" / "126-we-ban-everyone.md")
    faults = told(folder)
    assert faults == ["audits/126-we-ban-everyone.md: no process in the ledger has this audit"]


def test_a_changed_or_deleted_index_is_named(folder: Path) -> None:
    path = folder / "audits" / "README.md"
    path.write_text(path.read_text().replace("passed", "rejected"))
    assert named(told(folder), "audits/README.md", "rejected", "passed")
    path.unlink()
    assert named(told(folder), "audits/README.md", "missing")


def test_an_audit_behind_the_ledger_is_a_notice_and_no_fault(folder: Path) -> None:
    earlier = Path(shutil.copytree(folder, folder.parent / "earlier"))
    change(Folder(earlier).ledger, ("delete from entries where n > ?", (REASONED,)))
    projected_again(earlier)
    path = folder / "audits" / AUDIT
    shutil.copyfile(earlier / "audits" / AUDIT, path)

    report = verify_folder(folder, [])
    assert report.sound, report.faults
    notice = f"audits/{AUDIT} is 3 entries behind the ledger; run `govbot audit`"
    assert report.notices == (notice,)
    done = CliRunner().invoke(main, ["verify", str(folder)])
    assert done.exit_code == 0 and f"note: {notice}" in done.stdout

    path.write_text(path.read_text().replace("agree", "a gree", 1))
    assert named(told(folder), f"audits/{AUDIT}", "line")


def projected_again(folder: Path) -> None:
    """Tables and audits made true to whatever the ledger says now."""
    home = Folder(folder)
    for path in [*home.private.glob("memory.db*"), *home.audits.glob("*.md")]:
        path.unlink()
    engine, projection = SqliteEngine.reading(home.ledger), Projection(home.tables)
    rebuild(engine, projection)
    view = Memory(engine, projection)
    archive = Archive(view, home.audits)
    archive.write(archive.behind())
    archive.write_index()
    asyncio.run(view.close())


# --- signatures ---------------------------------------------------------------------------


def forge(folder: Path, n: int, edit: Callable[[Json], None], key: Key | None = None) -> None:
    """Another history, consistent in everything that needs no key; signed where there is one."""
    entries, tree, head = stored(folder), Tree(), ""
    edit(entries[n])
    for entry in entries.values():
        entry["prev"] = head or entry["prev"]
        data = canonical(entry)
        tree.append(leaf_hash(data))
        head = digest(data)
    put(folder, *entries.values())
    origin = Folder(folder).key.read_text().split("+")[2]
    stands = Checkpoint.of(key.name if key else origin, tree)
    note = sign_checkpoint(stands, key) if key else None
    sql = "update checkpoint set root = ?, note = coalesce(?, note)"
    change(Folder(folder).ledger, (sql, (stands.root, note)))
    if note is not None:
        Folder(folder).checkpoint.write_text(note)
    projected_again(folder)


def other_reason(entry: Json) -> None:
    entry["body"]["reason"] = "I was told to"


def test_a_consistent_forgery_without_the_key_fails_by_its_signature_alone(folder: Path) -> None:
    forge(folder, REASONED, other_reason)
    faults = told(folder)
    assert {fault.partition(":")[0] for fault in faults} == {
        "the ledger's checkpoint", "audits/checkpoint",
    }  # fmt: skip
    assert all("the root of the first 21 entries is not the one it signs" in f for f in faults)


def test_a_forgery_with_its_checkpoints_rewritten_fails_too(folder: Path) -> None:
    forge(folder, REASONED, other_reason)
    note = Folder(folder).checkpoint.read_text()
    db = sqlite3.connect(str(Folder(folder).ledger))
    ((root,),) = db.execute("select root from checkpoint").fetchall()
    db.close()
    old = note.split("\n")[2]
    assert base64.b64decode(root) != base64.b64decode(old)
    claimed = note.replace(old, root)
    Folder(folder).checkpoint.write_text(claimed)
    change(Folder(folder).ledger, ("update checkpoint set note = ?", (claimed,)))
    faults = told(folder)
    assert len(faults) == 2 and all("signature" in fault for fault in faults)


def test_a_forgery_signed_by_another_key_is_not_of_this_ledger(folder: Path) -> None:
    name = Folder(folder).key.read_text().split("+")[2]
    other = Key(name, bytes(32))
    forge(folder, 0, lambda entry: entry["body"].update(vkey=other.vkey), other)
    faults = told(folder)
    assert len(faults) == 1 and named(faults, "entry 0", "names the key", other.vkey)
    known = Key.load(Folder(folder).key).vkey
    Folder(folder).key.unlink()
    assert told(folder) == []  # nothing here is left to contradict it …
    assert named(told(folder, vkey=known), "entry 0", "names the key")  # … but who knows the key


def test_a_forgery_by_the_keeper_of_the_key_is_caught_by_a_kept_checkpoint(folder: Path) -> None:
    kept = folder.parent / "kept"
    shutil.copyfile(Folder(folder).checkpoint, kept)
    assert told(folder, kept) == []
    forge(folder, REASONED, other_reason, Key.load(Folder(folder).key))
    assert told(folder) == []
    faults = told(folder, kept)
    assert len(faults) == 1 and named(faults, str(kept), "root", "not the one it signs")


def test_a_checkpoint_kept_from_earlier_verifies_in_a_ledger_that_went_on(folder: Path) -> None:
    kept = folder.parent / "kept"
    shutil.copyfile(Folder(folder).checkpoint, kept)

    async def go_on() -> None:
        bot = await open_bot(folder, undelivered, SetClock(datetime(2026, 3, 1, tzinfo=UTC)))
        await bot.memory.create_process(
            "standard_proposal",
            {"proposal_text": "we meet outside"},
            "local:eve",
            at=bot.agent.clock(),
            id="request:spring",
        )
        await bot.close()

    asyncio.run(go_on())
    assert Folder(folder).checkpoint.read_text() != kept.read_text()
    assert told(folder, kept) == []
    report = verify_folder(folder, [kept])
    assert report.entries == LAST + 2 and report.checked["signatures"] == 3


def test_a_checkpoint_of_another_community_does_not_verify(played: Path, folder: Path) -> None:
    kept = played / "community-jury" / "audits" / "checkpoint"
    faults = told(folder, kept)
    assert len(faults) == 1 and named(faults, str(kept), "not signed by")


NOTES: list[tuple[str, Callable[[str], str]]] = [
    ("its size", lambda note: note.replace("\n21\n", "\n20\n", 1)),
    ("its root", lambda note: note.replace(note.split("\n")[2], "A" * 43 + "=", 1)),
    ("its signature", lambda note: note[:-12] + ("AAAA" if note[-12:-8] != "AAAA" else "BBBB")
     + note[-8:]),
    ("its name", lambda note: note.replace("example-community", "other-community")),
    ("all of it", lambda note: ""),
    ("its last line", lambda note: note.rstrip("\n").rpartition("\n")[0]),
    ("its form", lambda note: "a checkpoint\n"),
]  # fmt: skip


@pytest.mark.parametrize(("part", "edit"), NOTES, ids=[part for part, _ in NOTES])
def test_an_altered_checkpoint_is_named(
    folder: Path, part: str, edit: Callable[[str], str]
) -> None:
    note = Folder(folder).checkpoint.read_text()
    assert edit(note) != note
    Folder(folder).checkpoint.write_text(edit(note))
    faults = told(folder)
    assert len(faults) == 1 and faults[0].startswith("audits/checkpoint: "), faults
    Folder(folder).checkpoint.write_text(note)
    change(Folder(folder).ledger, ("update checkpoint set note = ?", (edit(note),)))
    faults = told(folder)
    assert len(faults) == 1 and faults[0].startswith("the ledger's checkpoint: "), faults


# --- doubts -------------------------------------------------------------------------------


@pytest.fixture
def constitution(folder: Path) -> Iterator[Constitution]:
    yield Constitution.load(Folder(folder).constitution(Folder(folder).settings()))


def test_a_decision_is_doubted_by_its_quotes_and_its_sums(constitution: Constitution) -> None:
    held = Citation(section="article-3.1", quote="Discussion period: 6 days minimum")
    invented = Citation(section="article-3.1", quote="Discussion period: 6 minutes")
    misplaced = Citation(section="article-1.1", quote="Discussion period: 6 days minimum")
    nowhere = Citation(section="article-99", quote="Discussion period: 6 days minimum")
    right = Calculation(
        tool="calculate", arguments={"expression": "1 + 1", "variables": {}}, result=2
    )
    wrong = right.model_copy(update={"result": 3})
    unknown = right.model_copy(update={"tool": "guess"})
    sound = Decision(reasoning="", result="", citations=(held,), calculations=(right,))
    assert doubts(sound, constitution) == []
    doubted = sound.model_copy(
        update={
            "citations": (held, invented, misplaced, nowhere),
            "calculations": (right, wrong, unknown),
        }
    )
    found = doubts(doubted, constitution)
    assert len(found) == 5
    assert found[0] == "article-3.1 does not say “Discussion period: 6 minutes”"
    assert found[1].startswith("article-1.1 ") and found[2].startswith("article-99 ")
    assert "3" in found[3] and "2" in found[3] and "guess" in found[4]
