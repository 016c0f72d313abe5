"""Running it: the commands, the check, the health file, the log, the supervisor."""

import asyncio
import base64
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from discord_bot import QUICK, Service, live, quick
from fake_discord import MEMBERS, FakeDiscord, text_of

from govbot.cli import main
from govbot.communities import Communities
from govbot.constitution import Guidance
from govbot.discord_commands import serve
from govbot.errors import OperatorError
from govbot.logs import WITHHELD, JsonLines, Lines
from govbot.records import Give, Offer, Open
from govbot.surfaces.discord import client as connection
from govbot.surfaces.discord.checks import doubts
from govbot.surfaces.discord.client import keep_connected
from govbot.surfaces.discord.front import Front
from govbot.surfaces.discord.invitation import application_of, needed
from govbot.surfaces.discord.store import GuildRow, Store, Wish

TOKEN = base64.b64encode(b"123456789012345678").decode() + ".a.b"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A bot that runs takes the log over; the next test has it again."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def governs(*words: str, **environment: str) -> Any:
    return CliRunner().invoke(main, words, env={"DISCORD_TOKEN": "", **environment})


def test_the_invitation_names_the_application_and_what_it_asks_for() -> None:
    told = governs("discord", "invite", DISCORD_TOKEN=TOKEN)
    assert told.exit_code == 0
    assert "client_id=123456789012345678" in told.output
    assert f"permissions={needed().value}" in told.output
    assert "scope=bot+applications.commands" in told.output
    assert "client_id=42" in governs("discord", "invite", "--application", "42").output
    assert application_of(TOKEN) == 123456789012345678


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (("run", "discord"), {}, "DISCORD_TOKEN is not set"),
        (("discord", "invite"), {}, "DISCORD_TOKEN is not set"),
        (("discord", "invite"), {"DISCORD_TOKEN": "nonsense"}, "is no bot's token"),
        (("run", "discord", "--guild", "x"), {"DISCORD_TOKEN": TOKEN}, "is no community's folder"),
    ],
)
def test_what_is_missing_is_one_sentence(
    words: tuple[str, ...], environment: dict[str, str], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    told = governs(*words, **environment)
    assert (told.exit_code, said in told.stderr) == (2, True), told.output


def test_other_commands_do_not_wait_for_discord() -> None:
    code = "import sys, govbot.cli; print('discord' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


# --- the check ----------------------------------------------------------------------------------


def checked(fake: FakeDiscord, path: Path, token: str = "", gone: bool = False) -> list[str]:
    """What the check finds in a server that is set up; with `gone`, its channel was deleted."""
    channel = fake.channel
    if gone:
        fake.add_channel("other")
        fake.delete_channel(channel)

    async def check() -> list[str]:
        async with fake:
            with fake.redirect_discord_py():
                store = Store(path / f"{fake.guild_id}.db")
                store.set_guild(int(fake.guild_id), channel=int(channel["id"]))
                try:
                    return await doubts(token or fake.token, store)
                finally:
                    store.close()

    return asyncio.run(check())


def test_the_check_finds_nothing_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert checked(FakeDiscord(), tmp_path) == []


def test_the_check_finds_a_wrong_token(tmp_path: Path) -> None:
    (found,) = checked(FakeDiscord(), tmp_path, "wrong")
    assert "does not accept DISCORD_TOKEN" in found


def test_the_check_finds_a_missing_intent(tmp_path: Path) -> None:
    (found,) = checked(FakeDiscord(allowed_intents=~MEMBERS), tmp_path)
    assert "Server Members" in found


def test_the_check_finds_missing_permissions_and_places(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.forbid("ATTACH_FILES", channel=fake.channel)
    (found,) = checked(fake, tmp_path)
    assert found.startswith("Assembly: In #assembly I lack “Attach Files”")
    (found,) = checked(FakeDiscord(), tmp_path, gone=True)
    assert "is gone or hidden from me" in found
    left = FakeDiscord()
    left.remove_bot(left.guild)
    (found,) = checked(left, tmp_path)
    assert "no longer in the server" in found


def test_the_check_is_a_command_with_an_exit_code(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        words = ("run", "discord", "--dir", str(tmp_path), "--check")
        token = service.fake.token
        told = await asyncio.to_thread(governs, *words, DISCORD_TOKEN=token)
        assert (told.exit_code, "as it should be" in told.output) == (0, True), told.output
        service.fake.forbid("ATTACH_FILES", channel=service.fake.channel)
        (tmp_path / service.fake.guild_id / ".govbot" / "ledger.db").unlink()
        told = await asyncio.to_thread(governs, *words, DISCORD_TOKEN=token)
        assert told.exit_code == 1
        assert "Attach Files" in told.output and "there is no ledger" in told.output
        assert token not in told.output

    live(tmp_path, script, started=False, sound=False)


def test_a_server_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    async def script() -> list[str]:
        async with FakeDiscord() as fake:
            with fake.redirect_discord_py():
                async with fake.outage():
                    return await doubts(fake.token, Store(tmp_path / "discord.db"))

    (found,) = asyncio.run(script())
    assert "cannot be asked just now" in found


# --- the supervisor -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "token", "said"),
    [({}, "wrong", "does not accept"), ({"allowed_intents": ~MEMBERS}, "", "Server Members")],
)
def test_what_no_new_attempt_would_mend_ends_it(
    tmp_path: Path, options: dict[str, Any], token: str, said: str
) -> None:
    async def script() -> None:
        async with FakeDiscord(**options) as fake:
            with fake.redirect_discord_py():
                many = Communities(tmp_path)
                front = Front(many, Store(tmp_path / "discord.db"), QUICK)
                work = keep_connected(front, token or fake.token, again=0.01, make=quick)
                await serve(many, front, work)

    with pytest.raises(OperatorError, match=said):
        asyncio.run(script())


def test_the_health_file_is_kept_fresh_while_discord_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BEAT", 0.02)
    health = tmp_path / "health"

    async def script(service: Service) -> None:
        many = Communities(tmp_path / "empty")
        front = Front(many, Store(tmp_path / "other.db"), QUICK)
        work = keep_connected(front, service.fake.token, health, again=0.01, make=quick)
        task = asyncio.create_task(serve(many, front, work))
        await service.until(health.is_file)
        first = json.loads(health.read_text())
        assert first["guilds"] == 1
        assert governs("discord", "health", str(health)).exit_code == 0
        await service.until(lambda: json.loads(health.read_text())["at"] > first["at"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        os.utime(health, (0, 0))
        assert governs("discord", "health", str(health)).exit_code == 1
        assert governs("discord", "health", str(tmp_path / "none")).exit_code == 2

    live(tmp_path / "bot", script, started=False)


def test_a_stop_signal_ends_the_process_well(tmp_path: Path) -> None:
    """A bot in a process of its own, that cannot reach Discord, and is told to stop."""
    code = (
        "import discord, sys, yarl\n"
        "discord.http.Route.BASE = 'http://127.0.0.1:9/api/v10'\n"
        "from govbot.cli import main\n"
        "main()\n"
    )
    words = ["run", "discord", "--dir", str(tmp_path), "--log-json"]
    environment = {**os.environ, "DISCORD_TOKEN": TOKEN}
    started = [sys.executable, "-c", code, *words]
    with subprocess.Popen(started, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        lines += process.stderr.readlines()
        assert process.wait(timeout=5) == 0, lines
        assert time.monotonic() - began < 3
    assert TOKEN not in "".join(lines)
    assert all({"at", "level", "logger", "message"} <= json.loads(line).keys() for line in lines)


# --- logs ---------------------------------------------------------------------------------------


def test_a_secret_is_in_no_line() -> None:
    record = logging.makeLogRecord({"name": "x", "levelname": "INFO", "msg": "token abc.def"})
    for form in (Lines(["abc.def", ""]), JsonLines(["abc.def"])):
        line = form.format(record)
        assert "abc.def" not in line and WITHHELD in line


def test_a_json_line_says_what_went_wrong() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("x", 40, "f", 1, "failed", None, sys.exc_info())
    line = JsonLines().format(record)
    told = json.loads(line)
    assert (told["level"], told["message"]) == ("error", "failed")
    assert "ValueError: two" in told["error"] and "\n" not in line


# --- the store ----------------------------------------------------------------------------------


def test_the_store_keeps_what_it_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "discord.db")
    assert store.guild(1) == GuildRow(1)
    store.set_guild(1, channel=5)
    store.set_guild(1, seen=9)
    store.map_roles(1, "member", [7, 8])
    store.map_roles(1, "moderator", [8])
    store.map_roles(1, "member", [8])
    store.set_home(1, 4, message=44)
    store.set_home(1, 4, thread=45)
    store.set_draft(1, 2, "x", {"a": [1]})
    store.set_wish(1, 2, Wish("never"))
    store.close()
    store = Store(tmp_path / "discord.db")
    assert store.guild(1) == GuildRow(1, channel=5, seen=9)
    assert store.mapped(1) == {8: ("member", "moderator")}
    home = store.home_at(44)
    assert home is not None and home == store.home_at(45) and home.process == 4
    assert store.draft(1, 2, "x") == {"a": [1]}
    assert store.wish(1, 2).how == "never" and store.wish(1, 3) == Wish()
    store.forget_guild(1)
    assert store.home(1, 4) is None and store.mapped(1)
    store.close()


def test_a_store_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "discord.db").write_text("not a database, and long enough to be seen as none")
    with pytest.raises(OperatorError, match="move it away"):
        Store(tmp_path / "discord.db")


def test_if_the_store_is_lost_no_vote_is(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        card = await service.card(1)
        await service.people["bob"].click(card, "Agree")
        await service.stop()
        for file in tmp_path.glob("discord.db*"):
            file.unlink()
        store = Store(tmp_path / "discord.db")
        guild = int(service.fake.guild_id)
        store.map_roles(guild, "member", [int(service.fake.guild.role("Member"))])
        store.close()
        await service.start()
        reply = await service.people["carol"].click(card, "Disagree")
        assert "stands: Disagree" in text_of(await reply.final())
        hall = await service.hall()
        assert len(hall.memory.get_process(1).inputs["vote"]) == 2

    live(tmp_path, script)


# --- what a model reads -------------------------------------------------------------------------


class Reads:
    """A reader that takes every message to mean the same, as a model might."""

    name = "fake"

    def __init__(self, *actions: Any) -> None:
        self.actions = actions
        self.delay = 0.0

    async def intent(self, text: str, vocabulary: Any) -> Offer:
        await asyncio.sleep(self.delay)
        return Offer(actions=self.actions)

    async def answer(self, question: str, constitution: Any) -> Guidance:
        await asyncio.sleep(self.delay)
        return Guidance(answer="nobody knows", sections=(), citations=(), confidence="low")


def test_what_a_model_reads_is_offered_to_its_author_and_done_once(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        hall = await service.hall()
        hall.bot.agent.reader = Reads(Give(process=1, input="vote", value="agree"))
        offer = await service.says("bob", "yes please, the kettle one")
        (press,) = [b["custom_id"] for line in offer["components"] for b in line["components"]]
        reply = await service.people["eve"].click(offer, press)
        assert "somebody else" in text_of(await reply.final())
        assert not hall.memory.get_process(1).inputs.get("vote")
        for _ in range(2):
            reply = await service.people["bob"].click(offer, press)
            assert "recorded" in text_of(await reply.final())
        inputs = [e for e in hall.memory.history("process_1") if e.body.kind == "input"]
        assert len(inputs) == 1
        await service.restart()
        reply = await service.people["bob"].click(offer, press)
        assert "recorded" in text_of(await reply.final())

    live(tmp_path, script)


def test_an_offer_to_open_pressed_twice_opens_one_process(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        hall = await service.hall()
        fields = {"proposal_text": "we buy a kettle"}
        hall.bot.agent.reader = Reads(Open(type="standard_proposal", fields=fields))
        offer = await service.says("bob", "how about a kettle")
        (press,) = [b["custom_id"] for line in offer["components"] for b in line["components"]]
        for _ in range(3):
            await (await service.people["bob"].click(offer, press)).final()
        assert len(hall.open()) == 1

    live(tmp_path, script)


def test_a_slow_answer_is_acknowledged_within_a_second(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        hall = await service.hall()
        slow = Reads()
        slow.delay = 1.2
        hall.bot.agent.reader = slow
        reply = await service.people["bob"].slash("rules", question="who may vote?")
        assert reply.thinking and reply.waited < 1
        assert "nobody knows" in text_of(await reply.final())

    live(tmp_path, script)


def test_one_community_is_served_from_its_own_folder(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        guild, folder = service.fake.guild_id, tmp_path / service.fake.guild_id
        many = Communities(folder, only=guild)
        store = Store(folder / ".govbot" / "discord.db")
        store.set_guild(int(guild), channel=int(service.fake.channel["id"]))
        store.map_roles(int(guild), "member", [int(service.fake.guild.role("Member"))])
        front = Front(many, store, QUICK)
        work = keep_connected(front, service.fake.token, again=0.01, make=quick)
        task = asyncio.create_task(serve(many, front, work))
        await service.until(lambda: service.fake.commands.get(guild))
        reply = await service.people["bob"].slash("status")
        assert "No process is open" in text_of(await reply.final())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    live(tmp_path, script, started=False)


def test_a_slow_model_is_waited_for_where_people_see_it(tmp_path: Path) -> None:
    async def script(service: Service) -> None:
        await service.says("alice", "I propose that we buy a kettle")
        hall = await service.hall()
        slow = Reads(Give(process=1, input="vote", value="agree"))
        slow.delay = 1.0
        hall.bot.agent.reader = slow
        asking = asyncio.create_task(service.says("bob", "yes please"))
        await service.until(lambda: service.fake.hits["POST /channels/{channel}/typing"])
        assert not asking.done()
        assert (await asking)["components"]

    live(tmp_path, script)
