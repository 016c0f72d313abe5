"""Forced repairs: only a closed few, in somebody's name, and told everywhere ever after."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from govbot.app import open_view, verify_folder
from govbot.cli import main
from govbot.constitution import Constitution
from govbot.errors import Refused
from govbot.records import BOT, Effect, Fact, Repaired
from govbot.repairs import announced
from tests.community import START, Town, live
from tests.gatehouse import gatehouse

LATER = START + timedelta(days=400)


def force(folder: Path, *words: str, name: str = "Testers") -> Result:
    more = ("--reason", "nobody holds a *key*", "--by", "Ida", "--dir", str(folder))
    return CliRunner().invoke(main, ["repair", *words, *more], input=f"{name}\n")


async def nothing(town: Town) -> None:
    pass


def test_a_role_forced_on_somebody_is_announced_and_stands_on_top_of_later_audits(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "ours"

    async def before(town: Town) -> None:
        await town.say("alice", "take the key from @bob")
        await town.until(town.clock.now + timedelta(days=1))

    async def after(town: Town) -> None:
        town.said = 100
        town.clock.set(LATER)
        await town.bot.scheduler.settle()
        assert [each.text for each in town.announced if not each.process] == [
            "AN OPERATOR FORCES A REPAIR: the role 'key' is given to local:carol. By Ida."
            " Reason: nobody holds a *key*"
        ]
        assert (await town.say("carol", "open the gate for spring")).ok

    live(folder, before, gatehouse(tmp_path))
    shown = force(folder, "grant-role", "key", "local:carol")
    assert shown.exit_code == 0, shown.output
    live(folder, after, gatehouse(tmp_path), new=False, start=LATER)
    (first,), (second,) = folder.glob("audits/1-*.md"), folder.glob("audits/2-*.md")
    n = open_view(folder).community.repairs[0].n
    line = r"(the role 'key' is given to local:carol; by Ida): nobody holds a \*key\*; entry"
    assert f"{line} {n}" in second.read_text().split("## ")[0]
    assert "An operator forced" not in first.read_text()  # it was written before
    report = verify_folder(folder, [])
    assert report.sound and any("An operator forced a repair" in n for n in report.notices)


def test_a_bot_that_was_switched_off_can_be_forced_on_again(tmp_path: Path) -> None:
    folder = tmp_path / "ours"

    async def off(town: Town) -> None:
        await town.say("alice", "switch the bot off")
        await town.say("alice", "I agree with 1")
        await town.say("bob", "I agree with 1")
        await town.until(town.clock.now)

    live(folder, off, gatehouse(tmp_path))
    assert "the bot is on already" not in force(folder, "resume").output
    assert not open_view(folder).community.off
    again = force(folder, "resume")
    assert again.exit_code == 2 and "the bot is on already" in again.output
    assert verify_folder(folder, []).sound


def test_a_constitution_can_be_forced_also_while_the_bot_is_off(tmp_path: Path) -> None:
    folder = tmp_path / "ours"

    async def off(town: Town) -> None:
        await town.say("alice", "switch the bot off")
        await town.say("alice", "I agree with 1")
        await town.say("bob", "I agree with 1")
        await town.until(town.clock.now)

    live(folder, off, gatehouse(tmp_path))
    assert "in force already" in force(folder, "adopt").output
    text = next(folder.glob("constitutions/*.md"))
    reading = text.with_suffix(".reading.yaml")
    old = Constitution.load(text).digest
    text.write_text(text.read_text() + "\n## Article 3: Tea\n\nThere is tea.\n")
    new = Constitution.load(text).digest
    reading.write_text(reading.read_text().replace(old, new))
    shown = force(folder, "adopt")
    history = folder / "constitutions" / "history"
    assert len(list(history.glob("00?-*.md"))) == 2 and len(list(history.glob("*.diff"))) == 1
    assert shown.exit_code == 0, shown.output
    community = open_view(folder).community
    assert community.constitution == new and community.off
    assert verify_folder(folder, []).sound


def test_a_repair_is_confirmed_by_typing_the_name_of_the_community(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    live(folder, nothing, gatehouse(tmp_path))
    shown = force(folder, "grant-role", "key", "local:carol", name="yes")
    assert shown.exit_code == 2 and "nothing was done" in shown.output
    assert open_view(folder).community.repairs == ()


@pytest.mark.parametrize(
    ("member", "asked", "says"),
    [
        (BOT, {"act": "resume"}, "in their own name"),
        ("local:alice", {"act": "resume"}, "in their own name"),
        ("by:", {"act": "resume"}, "in their own name"),
        ("by:Ida", {"act": "resume", "reason": " "}, "needs a reason"),
        ("by:Ida", {"act": "resume", "role": "key"}, "does one thing"),
        ("by:Ida", {"act": "resume"}, "the bot is on already"),
        ("by:Ida", {"act": "grant_role", "role": "key", "to": "local:zoe"}, "is no member here"),
        ("by:Ida", {"act": "grant_role", "role": "member", "to": "local:bob"}, "already"),
    ],
)
def test_the_kernel_takes_no_other_repair(
    tmp_path: Path, member: str, asked: dict[str, str], says: str
) -> None:
    async def script(town: Town) -> None:
        body = Repaired.model_validate({"reason": "because", **asked})
        told = announced(body, "forced", member.removeprefix("by:"))
        fact = Fact(id="forced", at=town.clock.now, member=member, body=told)
        with pytest.raises(Refused, match=says):
            town.bot.memory.record(fact)

    live(tmp_path / "ours", script, gatehouse(tmp_path))


def test_a_silent_repair_is_refused(tmp_path: Path) -> None:
    async def script(town: Town) -> None:
        silent = Repaired(act="grant_role", reason="why not", role="key", to="local:bob")
        more = silent.model_copy(update={"effects": (Effect(id="x", does="suspend"),)})
        for body in (silent, more):
            fact = Fact(id="forced", at=town.clock.now, member="by:Ida", body=body)
            with pytest.raises(Refused, match="tells the community"):
                town.bot.memory.record(fact)

    live(tmp_path / "ours", script, gatehouse(tmp_path))
