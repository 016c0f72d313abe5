"""Swapping a constitution: told beforehand, done by entries, undone by swapping back."""

import asyncio
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from community import START, Town, live
from test_amending import ENDS, GARDEN, READING, TEXT, told

from govbot.app import open_view, verify_folder
from govbot.carrying import LOCKED
from govbot.changing import swap
from govbot.cli import main
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.readingfile import write_reading
from govbot.records import Adopted, Managed, Ratified
from govbot.testing import SetClock

CONSENSUS = "consensus"


def cli(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """A garden with a motion and an amendment running."""

    async def script(town: Town) -> None:
        await town.say("alice", "I move that we plant leeks")
        await town.say(
            "alice", "amend Keys: in Section 2.2, replace “for 2 days” with “for 4 days”"
        )

    live(tmp_path / "town", script, str(GARDEN))
    return tmp_path / "town"


def test_a_swap_is_shown_before_anything_changes(town: Path) -> None:
    shown = cli("constitution", "swap", CONSENSUS, "--dir", town)
    assert shown.exit_code == 0, shown.output
    for words in (
        "2 running processes finish under the old rules:", "motion: #1 we plant leeks",
        "Roles that go:\n  keeper: “The keeper role is for whoever holds the keys.”",
        "Roles that are new:\n  facilitator", "Kinds of process that go:", "\n  Motion: “Any",
        "Nothing was changed. To put it in force, say in whose name with --by.",
    ):  # fmt: skip
        assert words in shown.output, shown.output
    memory = open_view(town)
    assert memory.community.constitution == TEXT.digest
    found = json.loads(cli("constitution", "swap", CONSENSUS, "--dir", town, "--json").output)
    assert [each["number"] for each in found["running"]] == [1, 2]
    assert {each["type"] for each in found["vanish"]} == {"motion", "keys", "change"}


def test_a_swap_is_adopted_in_a_name_and_swapping_back_restores_the_reading(town: Path) -> None:
    asyncio.run(swap(town, CONSENSUS, "the members", clock=SetClock(START)))
    memory = open_view(town)
    entries = [memory.engine.entry(n) for n in range(memory.engine.size)]
    adopted, ratified = (e for e in entries[-2:] if e is not None)
    assert isinstance(adopted.body, Adopted) and adopted.member == "by:the members"
    assert adopted.body.instead == TEXT.digest
    assert isinstance(ratified.body, Ratified) and ratified.body.instead == READING.digest
    assert "proposal" in memory.community.charters
    assert (
        Constitution.load(town / "constitutions/constitution.md").digest
        == adopted.body.constitution
    )

    async def goes_on(live_town: Town) -> None:
        await live_town.bot.scheduler.settle()
        told = live_town.announced[0].text
        assert "THE CONSTITUTION WAS CHANGED BY WHOEVER RUNS THE BOT, in the name of the me" in told
        assert "Kinds of process that go: Amendment, Request for the keys, Motion." in told
        await live_town.bot.scheduler.settle()
        assert sum(each.text == told for each in live_town.announced) == 1
        await live_town.say("alice", "in favour 1", id="later")
        await live_town.until(ENDS + timedelta(days=1))
        assert live_town.process(1).outcome == "carried"
        assert live_town.process(2).outcome == "declined"

    live(town, goes_on, new=False)
    back = cli("constitution", "swap", "1", "--dir", town, "--by", "the members", "--yes")
    assert back.exit_code == 0, back.output
    community = open_view(town).community
    assert (community.constitution, community.reading) == (TEXT.digest, READING.digest)
    assert verify_folder(town, []).sound


def test_a_swap_asks_again_and_no_is_no(town: Path) -> None:
    asked = CliRunner().invoke(
        main, ["constitution", "swap", CONSENSUS, "--dir", str(town), "--by", "x"], input="n\n"
    )
    assert asked.exit_code == 1 and open_view(town).community.constitution == TEXT.digest
    same = cli("constitution", "swap", "1", "--dir", town, "--by", "x", "--yes")
    assert same.exit_code == 2 and "in force already" in same.output
    for which, says in (("consenus", "did you mean 'consensus'"), ("gone.md", "there is no file")):
        assert says in cli("constitution", "swap", which, "--dir", town).output


def test_a_process_is_moved_only_where_its_own_rules_let_that_member(town: Path) -> None:
    def moved(number: int, by: str) -> None:
        asyncio.run(swap(town, CONSENSUS, by, move=(number,), clock=SetClock(START)))

    for number, by, says in (
        (1, "alice", "lets nobody cancel a motion"),
        (2, "bob", "may not cancel process 2"),
        (2, "the members", "only a member can move a process"),
    ):
        with pytest.raises(OperatorError, match=says):
            moved(number, by)
        assert open_view(town).community.constitution == TEXT.digest
    moved(2, "alice")
    memory = open_view(town)
    assert memory.get_process(2).outcome == "cancelled"
    assert any(isinstance(e.body, Managed) for e in memory.history("process_2"))


def test_an_edited_file_is_noticed_without_effect_and_adopted_by_name(
    town: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = town / "constitutions/constitution.md"
    file.write_text(TEXT.text.replace("The keys are voted on for 2", "The keys are voted on for 5"))

    async def nothing(live_town: Town) -> None:
        assert live_town.bot.memory.constitution().digest == TEXT.digest

    with caplog.at_level(logging.WARNING):
        live(town, nothing, new=False)
    assert "is not the constitution in force" in caplog.text
    shown = cli("constitution", "adopt", "--dir", town)
    assert (
        "Article 2: Motions › Section 2.2: Keys said “The keys are voted on for 2 days.”"
        in shown.output
    )
    assert "which now reads “The keys are voted on for 5 days.”" in shown.output
    done = cli("constitution", "adopt", "--dir", town, "--by", "alice", "--yes")
    assert done.exit_code == 0, done.output
    memory = open_view(town)
    assert set(memory.community.charters) == {"motion", "change"}
    assert verify_folder(town, []).sound


def test_a_reading_that_says_what_the_text_does_not_is_refused(town: Path) -> None:
    file = town / "constitutions/constitution.md"
    file.write_text(TEXT.text + "\n")
    text = Constitution.load(file)
    document = READING.document | {"constitution": text.digest}
    document["processes"]["motion"]["cite"]["quote"] = "The keeper may make a motion."
    lying = type(READING).model_validate(document)
    reading_beside(file).write_text(write_reading(lying))
    refused = cli("constitution", "adopt", "--dir", town, "--by", "alice", "--yes")
    assert refused.exit_code == 2 and "says what the text does not" in refused.output
    assert open_view(town).community.constitution == TEXT.digest


def test_an_edited_copy_is_proposed_from_the_machine(town: Path) -> None:
    copy = town / "edited.md"
    copy.write_text(TEXT.text.replace("who weed", "").replace("declined.", "declined for good."))
    words = ("amend", copy, "--dir", town, "--as", "bob", "--type", "change", "--title", "For good")
    opened = cli(*words)
    assert opened.exit_code == 0, opened.output
    assert "Your amendment is open as Process #3" in opened.output
    assert "+ declined for good." in opened.output and LOCKED in opened.output
    assert "amends nothing here; what does: change" in cli(*words[:-4], "--type", "motion").output
    assert "is no member here" in cli("amend", copy, "--dir", town, "--as", "zoe", "--type",
                                      "change").output  # fmt: skip
    assert "no reading of this text beside" in cli(*words, "--with-reading").output


def test_another_constitution_is_put_forward_in_chat_and_comes_with_its_rules(
    tmp_path: Path,
) -> None:
    async def script(town: Town) -> None:
        await town.say("bob", "I move that we plant leeks")
        lost = await town.say("alice", "amend All: the template jurry")
        assert not lost.ok and "did you mean 'jury'" in lost.text
        file = await town.say("alice", "amend All: the template notes.md")
        assert not file.ok
        shown = await town.say(
            "alice", "amend All: replace the constitution with the template jury"
        )
        assert shown.ok and "It brings its own reading along" in shown.text
        for words in (
            "1 running process finishes under the old rules.", "Roles that go: keeper (carol).",
            "Roles that are new: steward, resting.",
            "Kinds of process that go: Amendment, Request for the keys, Motion.",
        ):  # fmt: skip
            assert words in shown.text, shown.text
        await town.say("bob", "in favour 2")
        await town.until(START + timedelta(days=3))
        assert "assembly" in town.bot.memory.community.charters
        assert "The constitution is amended by Process #2: All" in told(town)
        assert "Kinds of process that are new: " in told(town)

    live(tmp_path, script, str(GARDEN), roles={"carol": ("member", "keeper")})


def test_two_versions_are_shown_as_a_redline_and_as_a_page(town: Path, tmp_path: Path) -> None:
    copy, page = tmp_path / "copy.md", tmp_path / "page.html"
    copy.write_text(TEXT.text.replace("Otherwise it is lost", "Otherwise it fails"))
    shown = cli("constitution", "diff", "1", copy, "--dir", town)
    assert shown.exit_code == 1 and "it [-is lost-]{+fails+}." in shown.output
    assert "Article 2: Motions › Section 2.1: Voting on motions" in shown.output
    assert cli("constitution", "diff", copy, copy, "--dir", town).exit_code == 0
    cli("constitution", "diff", TEXT.digest[7:20], copy, "--dir", town, "--html", page)
    assert "it <del>is lost</del><ins>fails</ins>." in page.read_text()
    assert (
        "there is no version 'zz'" in cli("constitution", "diff", "zz", "1", "--dir", town).output
    )
