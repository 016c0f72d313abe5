"""A community's folder: founding it, opening it, and every state it can be found in."""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner
from community import JURY
from pysqlite3 import dbapi2 as sqlite3

import govbot
import govbot.app
from govbot.app import (
    Bot,
    checked,
    dispute_templates,
    found,
    governance_templates,
    open_bot,
    open_view,
    rebuild_tables,
    templates,
    undelivered,
    verify_folder,
)
from govbot.cli import main
from govbot.config import Folder, Settings, reading_beside
from govbot.errors import MemberError, OperatorError
from govbot.ledger import leaf_hash, open_checkpoint
from govbot.parts import Announcement, Reply
from govbot.records import Adopted, Founded, Give, Member, Open, Ratified, Request, canonical
from govbot.testing import MemorySurface, SetClock

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def settings(**given: Any) -> Settings:
    return Settings(**{"name": "Ours", "members": {"ana": ("member",), "bo": ("member",)}, **given})


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "ours"
    run(found(folder, settings(), "example", SetClock(START)))
    return folder


@pytest.fixture
def folder(founded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(founded, tmp_path / "ours"))


def request(id: str, name: str, text: str = "", **given: Any) -> Request:
    member = Member(id=f"local:{name}", name=name, roles=("member",))
    return Request(id=id, member=member, text=text, **given)


async def with_people(folder: Path, clock: SetClock | None = None) -> Bot:
    """A bot that has met ana and bo, so that both are on the roll of what opens next."""
    bot = await open_bot(folder, undelivered, clock or SetClock(START))
    for name in ("ana", "bo"):
        await bot.agent.meet(request("-", name).member)
    return bot


def opens(folder: Path, clock: SetClock | None = None) -> Bot:
    """A bot opened and closed again; for what happens at opening."""

    async def once() -> Bot:
        bot = await open_bot(folder, undelivered, clock or SetClock(START))
        await bot.close()
        return bot

    return run(once())


def refused(folder: Path) -> str:
    """The one sentence by which the folder's bot, or its command, says that it cannot start."""
    with pytest.raises(OperatorError) as error:
        opens(folder)
    said = str(error.value)
    assert "\n" not in said and "Traceback" not in said
    return said


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# --- founding -----------------------------------------------------------------------------


@pytest.mark.parametrize("template", sorted(templates()))
def test_every_template_founds_a_sound_community(tmp_path: Path, template: str) -> None:
    folder = run(found(tmp_path / "ours", settings(), template, SetClock(START)))
    report = verify_folder(folder.path, [])
    assert report.sound and report.entries == 3
    view = open_view(folder.path)
    entries = [view.engine.entry(n) for n in range(3)]
    bodies = [entry.body for entry in entries if entry is not None]
    assert [type(body) for body in bodies] == [Founded, Adopted, Ratified]
    constitution, reading = checked(templates()[template])
    assert view.community.constitution == constitution.digest
    assert view.community.reading == reading.digest
    assert view.community.name == "Ours" and view.community.zone == "UTC"
    run(view.close())


def test_the_shipped_templates_are_the_ones_the_readme_names() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    for name in templates():
        assert f"`{name}`" in readme or f"[{name}](docs/templates/{name}.md)" in readme, name
    kinds = {*governance_templates(), *dispute_templates()}
    assert kinds == set(templates()) - {"example"}


def test_founding_leaves_the_files_the_readme_lists(folder: Path) -> None:
    home = Folder(folder)
    assert home.settings() == settings(newcomers=("member",))
    assert home.constitution(home.settings()).read_bytes() == templates()["example"].read_bytes()
    assert stat.S_IMODE(home.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.private.stat().st_mode) == 0o700
    assert home.ledger.is_file() and home.tables.is_file()
    assert open_checkpoint(home.checkpoint.read_text(), verify_key(folder)).size == 3
    assert (home.audits / "README.md").read_text().startswith("# Audits\n")


def verify_key(folder: Path) -> str:
    view = open_view(folder)
    entry = view.engine.entry(0)
    assert entry is not None and isinstance(entry.body, Founded)
    run(view.close())
    return entry.body.vkey


def test_the_secret_is_in_its_file_and_nowhere_else(folder: Path) -> None:
    secret = Folder(folder).key.read_text().strip().rpartition("+")[2]
    for name, data in contents(folder).items():
        assert (secret.encode() in data) is (name == ".govbot/key"), name


def test_names_and_roles_of_any_spelling_survive_the_settings_file(tmp_path: Path) -> None:
    given = settings(
        name='Café "Ours" \\ [tables] 🦔\t\x7f#',
        members={'he said "x" = 1': ("member",), "ö.ä": ()},
        zone="Europe/Berlin",
        newcomers=("guest",),
    )
    folder = run(found(tmp_path / "ours", given, "example", SetClock(START)))
    assert folder.settings() == given


def test_who_is_new_to_the_local_chat_gets_the_first_role_of_the_reading(tmp_path: Path) -> None:
    folder = run(found(tmp_path / "ours", settings(), JURY, SetClock(START)))
    assert folder.settings().newcomers == ("member",)


def test_a_folder_is_founded_once(folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(OperatorError, match="already is a community's folder; choose another"):
        run(found(folder, settings(), JURY, SetClock(START)))
    assert contents(folder) == before
    done = CliRunner().invoke(main, ["init", str(folder)])
    assert done.exit_code == 2 and "already is a community's folder" in done.stderr


def test_an_unknown_template_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="'anarchy'; choose .*consensus, .*example"):
        run(found(tmp_path / "ours", settings(), "anarchy", SetClock(START)))
    assert not (tmp_path / "ours").exists()


def test_an_unknown_zone_is_found_out_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(MemberError, match="'Mars/Olympus' is no time zone"):
        run(found(tmp_path / "ours", settings(zone="Mars/Olympus"), "example", SetClock(START)))
    done = CliRunner().invoke(main, ["init", str(tmp_path / "ours"), "--zone", "Mars/Olympus"])
    assert done.exit_code == 2 and not (tmp_path / "ours").exists()


# --- a constitution that cannot come into force -------------------------------------------


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A template of one's own, called own.md, beside the shipped ones."""
    place = tmp_path / "shipped" / "constitutions"
    place.mkdir(parents=True)
    shipped = templates()["example"]
    shutil.copyfile(shipped, place / "own.md")
    shutil.copyfile(reading_beside(shipped), place / "own.reading.yaml")
    monkeypatch.setattr(govbot.app, "_shipped", lambda name: tmp_path / "shipped" / name)
    return place / "own.md"


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


BROKEN: list[tuple[str, Callable[[Path], None], tuple[str, ...]]] = [
    ("empty", lambda own: own.write_bytes(b""), ("own.md", "is empty")),
    ("blank", lambda own: own.write_bytes(b" \n\n\t\n"), ("own.md", "is empty")),
    ("not UTF-8", lambda own: own.write_bytes(b"# Rules\n\nCaf\xe9\n"), ("own.md", "not UTF-8")),
    ("a folder", lambda own: (own.unlink(), own.mkdir())[0], ("own.md", "is a directory")),
    ("reading empty", lambda own: reading_beside(own).write_text(""), ("own.reading.yaml",)),
    (
        "reading not YAML",
        lambda own: reading_beside(own).write_text("processes: [\n"),
        ("own.reading.yaml", "line"),
    ),
    (
        "reading of another text",
        lambda own: edited(own, "6 days minimum", "7 days minimum"),
        ("own.reading.yaml", "another text"),
    ),
    (
        "reading with a quote that is not there",
        lambda own: edited(reading_beside(own), "Any member may open", "Every guest may open"),
        ("own.reading.yaml", "Every guest may open", "govbot constitution lint"),
    ),
    (
        "reading with an unknown field",
        lambda own: edited(reading_beside(own), "    phrases:", "    fraises: []\n    phrases:"),
        ("own.reading.yaml", "line", "fraises"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "spoil", "says"), BROKEN, ids=[what for what, *_ in BROKEN])
def test_what_cannot_come_into_force_founds_nothing(
    own: Path, tmp_path: Path, what: str, spoil: Callable[[Path], None], says: tuple[str, ...]
) -> None:
    spoil(own)
    place = tmp_path / "ours"
    with pytest.raises(OperatorError) as error:
        run(found(place, settings(), "own", SetClock(START)))
    assert all(word in str(error.value) for word in says), str(error.value)
    assert not place.exists()
    done = CliRunner().invoke(main, ["init", str(place), "--template", "own"])
    assert done.exit_code == 2 and str(error.value) in done.stderr and not place.exists()


def test_a_constitution_or_reading_that_is_missing_is_named(own: Path) -> None:
    reading_beside(own).unlink()
    with pytest.raises(OperatorError, match="own.reading.yaml cannot be read"):
        checked(own)
    own.unlink()
    with pytest.raises(OperatorError, match="own.md"):
        checked(own)
    assert templates() == {}


# --- a constitution that changed under the bot --------------------------------------------


def in_force(folder: Path) -> str:
    view = open_view(folder)
    run(view.close())
    return view.community.constitution


@pytest.mark.parametrize("change", ["edited", "deleted", "emptied", "not text"])
def test_a_file_changed_after_adoption_changes_nothing_but_is_told(
    folder: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    home, before = Folder(folder), in_force(folder)
    path = home.constitution(home.settings())
    if change == "edited":
        edited(path, "6 days minimum", "6 minutes minimum")
    elif change == "deleted":
        path.unlink()
    else:
        path.write_bytes(b"" if change == "emptied" else b"\xff\xfe")

    async def propose() -> Reply:
        bot = await open_bot(folder, undelivered, SetClock(START))
        reply = await bot.agent.handle(request("1", "ana", "I propose that we swim"))
        await bot.close()
        return reply

    with caplog.at_level(logging.WARNING):
        reply = run(propose())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "constitution.md" in caplog.text and "in the ledger" in caplog.text
    assert in_force(folder) == before
    assert reply.ok and "May 10, 2026" in reply.text
    assert verify_folder(folder, []).sound


def test_a_clock_set_back_is_told_and_nothing_is_dated_before_the_last_entry(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def propose() -> None:
        bot = await open_bot(folder, undelivered, SetClock(START - timedelta(days=9)))
        await bot.agent.handle(request("1", "ana", "I propose that we swim"))
        assert bot.memory.engine.last_at == START
        await bot.close()

    with caplog.at_level(logging.WARNING):
        run(propose())
    assert "set the clock right" in caplog.text and len(caplog.records) == 1
    assert verify_folder(folder, []).sound


# --- the settings -------------------------------------------------------------------------

SETTINGS: list[tuple[str, bytes, tuple[str, ...]]] = [
    ("not TOML", b"name = \n", ("is not TOML", "line 1")),
    ("not UTF-8", b'name = "Caf\xe9"\n', ("cannot be read",)),
    ("unknown field", b'name = "Ours"\nquorum = 3\n', (", quorum:",)),
    ("no name", b'zone = "UTC"\n', (", name:",)),
    ("empty name", b'name = ""\n', (", name:",)),
    ("wrong type", b'name = "Ours"\nmembers = ["ana"]\n', (", members:",)),
    ("wrong roles", b'name = "Ours"\n[members]\nana = "member"\n', (", members.ana",)),
]


@pytest.mark.parametrize(("what", "data", "says"), SETTINGS, ids=[what for what, *_ in SETTINGS])
def test_settings_that_are_wrong_are_named_by_file_and_field(
    folder: Path, what: str, data: bytes, says: tuple[str, ...]
) -> None:
    Folder(folder).settings_file.write_bytes(data)
    said = refused(folder)
    assert said.startswith(str(Folder(folder).settings_file))
    assert all(word in said for word in says), said
    done = CliRunner().invoke(main, ["process", "list", "--dir", str(folder)])
    assert done.exit_code == 2 and said in done.stderr


def test_a_folder_without_settings_is_no_communitys(tmp_path: Path) -> None:
    said = refused(tmp_path)
    assert said == f"{tmp_path} is no community's folder; run `govbot init {tmp_path}` first"
    for command in (["process", "list"], ["ask", "who votes?"], ["rebuild"], ["audit"], ["chat"]):
        done = CliRunner().invoke(main, [*command, "--dir", str(tmp_path)])
        assert done.exit_code == 2 and done.stderr == f"govbot: {said}\n", command
    assert list(tmp_path.iterdir()) == []


# --- the key ------------------------------------------------------------------------------


def test_a_missing_key_stops_the_bot_and_not_those_who_look(folder: Path) -> None:
    Folder(folder).key.unlink()
    assert "key cannot be read" in refused(folder) and "restore it" in refused(folder)
    assert verify_folder(folder, []).sound
    assert CliRunner().invoke(main, ["process", "list", "--dir", str(folder)]).exit_code == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_not_used(folder: Path, mode: int) -> None:
    key = Folder(folder).key
    key.chmod(mode)
    assert refused(folder) == f"others may read the key {key}; run `chmod 600 {key}`"


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"PRIVATE+KEY+x+00000000+AAAA\n"])
def test_a_damaged_key_is_not_used_and_not_shown(folder: Path, content: bytes) -> None:
    Folder(folder).key.write_bytes(content)
    said = refused(folder)
    assert "holds no govbot key; restore it" in said and "AAAA" not in said


def test_the_key_of_another_community_signs_nothing_here(folder: Path, tmp_path: Path) -> None:
    other = run(found(tmp_path / "other", settings(), "example", SetClock(START)))
    shutil.copyfile(other.key, Folder(folder).key)
    before = contents(folder)
    assert "not signed by" in refused(folder) or "not sound" in refused(folder)
    assert contents(folder)["audits/checkpoint"] == before["audits/checkpoint"]


# --- the ledger ---------------------------------------------------------------------------


def on_ledger(folder: Path, *statements: tuple[str, tuple[Any, ...]]) -> None:
    db = sqlite3.connect(str(Folder(folder).ledger), isolation_level=None)
    for (name,) in db.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
        db.execute(f"drop trigger {name}")
    for sql, values in statements:
        db.execute(sql, values)
    db.close()


def test_a_file_written_by_a_newer_govbot_is_left_alone(folder: Path) -> None:
    on_ledger(folder, ("pragma user_version = 2", ()))
    said = refused(folder)
    assert "was written by a newer govbot (format 2); upgrade govbot" in said
    for command in (["verify", str(folder)], ["process", "list", "--dir", str(folder)]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2 and done.stderr == f"govbot: {said}\n"


def test_an_entry_written_by_a_newer_govbot_stops_the_bot(folder: Path) -> None:
    db = sqlite3.connect(str(Folder(folder).ledger))
    ((data,),) = db.execute("select bytes from entries where n = 2").fetchall()
    db.close()
    newer = canonical({**json.loads(data), "v": 2})
    sql = "update entries set bytes = ?, leaf = ? where n = 2"
    on_ledger(folder, (sql, (newer, leaf_hash(newer))))
    assert "not sound" in refused(folder) or "newer govbot (format 2)" in refused(folder)
    report = verify_folder(folder, [])
    assert [f.where for f in report.faults][0] == "entry 2"
    assert "newer govbot (format 2); upgrade govbot" in report.faults[0].what


def test_a_ledger_that_is_not_sound_is_not_built_upon(folder: Path) -> None:
    on_ledger(folder, ("delete from entries where n = 2", ()))
    assert "is not sound" in refused(folder) and "run `govbot verify`" in refused(folder)


def test_a_missing_ledger_is_named(folder: Path) -> None:
    for path in Folder(folder).private.glob("ledger.db*"):
        path.unlink()
    for command in (["verify", str(folder)], ["process", "list", "--dir", str(folder)]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2 and "there is no ledger at" in done.stderr
    for work in (refused(folder), refused(folder)):
        assert "there is no ledger at" in work and "restore it from a backup" in work
    done = CliRunner().invoke(main, ["rebuild", "--dir", str(folder)])
    assert done.exit_code == 2 and "restore it from a backup" in done.stderr
    assert not Folder(folder).ledger.exists() and Folder(folder).tables.exists()


# --- others at the folder -----------------------------------------------------------------


def test_a_second_bot_is_refused_at_once_and_views_are_not(folder: Path) -> None:
    async def scenario() -> None:
        bot = await with_people(folder)
        opened = await bot.agent.handle(request("1", "ana", "I propose that we swim"))
        with pytest.raises(OperatorError, match="another govbot is running on this folder"):
            await open_bot(folder, undelivered, SetClock(START))
        with pytest.raises(OperatorError, match="another govbot is running on this folder"):
            await rebuild_tables(folder)
        view = open_view(folder)
        assert view.get_process(1).title == "we swim"
        await bot.agent.handle(request("2", "bo", "I vote agree on 1"))
        later = open_view(folder)
        assert later.get_process(1).counts["vote"] == 1
        assert opened.ok and view.get_process(1).counts.get("vote") is None
        await view.close()
        await later.close()
        await bot.close()

    run(scenario())
    assert opens(folder) and verify_folder(folder, []).sound


def test_a_closed_bot_leaves_everything_written_for_the_next(folder: Path) -> None:
    async def scenario() -> None:
        bot = await with_people(folder)
        await bot.agent.handle(request("1", "ana", "I propose that we swim"))
        await bot.agent.handle(request("2", "bo", "I vote agree on 1"))
        assert not list(bot.folder.audits.glob("1-*"))
        await bot.close()

    run(scenario())
    assert "bo (local:bo)" in next((folder / "audits").glob("1-*.md")).read_text()
    report = verify_folder(folder, [])
    assert report.sound and report.notices == ()


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Rights as an ordinary user has them, for whom a read-only folder is one."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def read_only(founded: Path) -> Iterator[Path]:
    """A founded folder that belongs to an ordinary user and can only be read."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        folder = Path(shutil.copytree(founded, Path(place) / "ours"))
        every = [folder, *folder.rglob("*")]
        for path in every:
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
            path.chmod(0o500 if path.is_dir() else 0o400)
        with unprivileged():
            yield folder
        for path in every:
            path.chmod(0o700)


def test_a_read_only_folder_can_be_looked_at_and_verified_but_not_run(read_only: Path) -> None:
    said = refused(read_only)
    assert "cannot be written" in said and "choose a folder you may write to" in said
    view = open_view(read_only)
    assert view.community.name == "Ours" and view.get_active_processes() == []
    run(view.close())
    report = verify_folder(read_only, [])
    assert report.sound, report.faults
    done = CliRunner().invoke(main, ["audit", "--dir", str(read_only)])
    assert done.exit_code == 2 and "cannot be written" in done.stderr


def test_nothing_is_founded_where_nothing_can_be_written(read_only: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be written"):
        run(found(read_only / "inner", settings(), "example", SetClock(START)))


# --- a crash ------------------------------------------------------------------------------

VOTER = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from govbot.app import open_bot, undelivered
from govbot.records import Give, Member, Open, Request
from govbot.testing import SetClock

async def main():
    clock = SetClock(datetime(2026, 5, 4, 12, tzinfo=UTC))
    bot = await open_bot(Path(sys.argv[1]), undelivered, clock)
    people = [Member(id=f"local:m{n}", name=f"m{n}", roles=("member",)) for n in range(40)]
    for member in people:
        await bot.agent.meet(member)
    for n in (1, 2):
        fields = {"proposal_text": f"matter {n}"}
        action = Open(type="standard_proposal", fields=fields)
        await bot.agent.handle(Request(id=f"open:{n}", member=people[0], action=action))

    async def vote(turn, n, member):
        clock.advance(timedelta(seconds=1))
        choice = ("agree", "disagree", "abstain")[turn % 3]
        give = Give(process=n, input="vote", value=choice)
        id = f"{turn}:{n}:{member.name}"
        reply = await bot.agent.handle(Request(id=id, member=member, action=give))
        print(id if reply.ok else f"refused: {reply.text}", flush=True)

    turn = 0
    while True:
        turn += 1
        if turn % 2:
            bot.archive.write_stale()
        for n in (1, 2):
            await asyncio.gather(*(vote(turn, n, member) for member in people))

asyncio.run(main())
"""


@pytest.mark.parametrize("acknowledged", [1, 45, 200])
def test_a_kill_in_the_middle_of_voting_loses_and_doubles_nothing(
    folder: Path, acknowledged: int
) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(govbot.__file__).parent.parent)}
    command = [sys.executable, "-c", VOTER, str(folder)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.read().splitlines()
    assert len(told) >= acknowledged and len(set(told)) == len(told)
    assert not [line for line in told if line.startswith("refused")]

    async def again() -> None:
        clock = SetClock(START + timedelta(days=1))
        bot = await open_bot(folder, undelivered, clock)
        find = bot.memory.engine.find
        kept = [find(f"request:{id}") for id in told]
        assert all(kept)
        size = bot.memory.engine.size
        turn, n, name = told[-1].split(":")
        give = Give(process=int(n), input="vote", value="abstain")
        same = await bot.agent.handle(request(told[-1], name, action=give))
        assert kept[-1] is not None and same.entry == kept[-1].n
        assert bot.memory.engine.size == size
        for number in (1, 2):
            process = bot.memory.get_process(number)
            votes = [e for e in bot.memory.history(process.id) if e.body.kind == "input"]
            assert process.counts.get("vote", 0) == len({entry.member for entry in votes})
            assert len({entry.id for entry in votes}) == len(votes)
            counted = [process.counts.get(f"vote:{c}", 0) for c in ("agree", "disagree", "abstain")]
            assert sum(counted) == process.counts.get("vote", 0)
        audits = verify_folder(folder, [])
        assert audits.sound and audits.notices == (), audits
        await bot.close()

    run(again())
    report = verify_folder(folder, [])
    assert report.sound and report.notices == ()


def test_what_fell_due_while_nobody_was_there_is_ended_once_and_announced(folder: Path) -> None:
    surface = MemorySurface()

    async def before() -> None:
        bot = await with_people(folder)
        action = Open(type="standard_proposal", fields={"proposal_text": "we swim"})
        await bot.agent.handle(request("1", "ana", action=action))
        await bot.agent.handle(
            request("2", "bo", action=Give(process=1, input="vote", value="agree"))
        )
        await bot.close()

    async def after(down: bool) -> None:
        surface.down = down
        bot = await open_bot(folder, surface.announce, SetClock(START + timedelta(days=30)))
        await bot.scheduler.settle()
        assert bot.memory.get_process(1).outcome == "passed"
        await bot.close()

    run(before())
    for down in (True, False, False):
        run(after(down))
    assert len(surface.announced) == 1 and isinstance(surface.announced[0], Announcement)
    view = open_view(folder)
    ended = [e for e in view.history("process_1") if e.body.kind == "stage_ended"]
    assert len(ended) == 1 and not view.community.pending
    run(view.close())
    assert verify_folder(folder, []).sound
