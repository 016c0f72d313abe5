"""What an amendment would do, in full, in short and as a command."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from community import START, Town, live

from govbot import exploring
from govbot.app import open_view
from govbot.charter import reading_of
from govbot.cli import main
from govbot.config import Folder
from govbot.constitution import Constitution
from govbot.foresight import Foresight, foresee, summary, told
from govbot.ledger import read_entry
from govbot.rehearsal import Rules

DAY = timedelta(days=1)


async def voted(town: Town) -> None:
    await town.say("alice", "I propose that tea is served at four")
    await town.say("bob", "I vote disagree on 1")
    await town.until(START + 5 * DAY)
    await town.say("alice", "I vote agree on 1")
    await town.say("carol", "I vote agree on 1")
    await town.until(START + 8 * DAY)


@pytest.fixture
def town(tmp_path: Path) -> Path:
    live(tmp_path / "town", voted)
    return tmp_path / "town"


def edited(town: Path, *swaps: tuple[str, str]) -> Path:
    memory = open_view(town)
    text = memory.constitution().text
    asyncio.run(memory.close())
    for before, after in swaps:
        assert before in text
        text = text.replace(before, after)
    path = town / "amended.md"
    path.write_text(text)
    return path


def foreseen(town: Path, *swaps: tuple[str, str]) -> Foresight:
    text = Constitution.load(edited(town, *swaps))
    memory = open_view(town)
    rules = Rules(memory.reading(), memory.constitution())
    entries = [read_entry(data) for _, data in memory.engine.read()]
    members = memory.community.members.values()
    seen = foresee(entries, rules, text, members=members)
    asyncio.run(memory.close())
    return seen


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments])


SHORTER = ("6 days minimum", "4 days minimum")


def test_a_card_says_in_a_few_lines_what_voters_should_know(town: Path) -> None:
    seen = foreseen(town, SHORTER)
    said = "\n".join(summary(seen))
    assert "Rehearsed over 1 ended process: 1 would have come out differently" in said
    assert "(#1 passed → rejected)" in said and "2 inputs would not have been taken" in said
    assert len(summary(seen)) <= 6


def test_a_card_warns_of_a_quorum_beyond_the_members(town: Path) -> None:
    said = "\n".join(summary(foreseen(town, ("At least 3 members", "At least 40 members"))))
    assert "with the members there are now nobody can bring about 'passed'" in said
    assert "none would have come out differently" in said


def test_all_of_it_names_the_steps_the_rules_and_their_quotes(town: Path) -> None:
    lines = "\n".join(told(foreseen(town, SHORTER)))
    assert "6 days becomes 4 days" in lines
    assert "- “Discussion period: 6 days minimum”" in lines
    assert "+ “Discussion period: 4 days minimum”" in lines
    assert "- passed: by 'agree > disagree', Article 3: Proposals" in lines
    assert "+ rejected: by 'otherwise'" in lines
    assert "not taken: vote of alice" in lines and "might have done so at another time" in lines


def test_only_what_the_text_in_force_does_not_have_is_found(town: Path) -> None:
    assert foreseen(town, ("We are a small community", "We are a community")).findings == ()
    late = "A vote that arrives"
    seen = foreseen(town, (late, f"However, secret votes stand. {late}"))
    assert any("secret votes stand" in finding.what for finding in seen.findings)


def test_the_command_tells_it_and_writes_nothing(town: Path) -> None:
    path, ledger = edited(town, SHORTER), Folder(town).ledger
    before = ledger.read_bytes(), sorted(p.name for p in town.rglob("*"))
    shown = run("rehearse", path, "--dir", town)
    assert shown.exit_code == 0, shown.output
    assert "1 would have come out differently." in shown.output
    assert (ledger.read_bytes(), sorted(p.name for p in town.rglob("*"))) == before
    document = json.loads(run("rehearse", path, "--dir", town, "--json").output)
    assert document["rehearsal"]["changed"][0]["after"]["outcome"] == "rejected"


def test_the_command_wants_a_text_that_differs(town: Path) -> None:
    shown = run("rehearse", edited(town), "--dir", town)
    assert shown.exit_code == 2 and "edit it first" in shown.stderr


def test_a_reading_that_the_text_does_not_carry_is_not_sound(town: Path) -> None:
    reading = next(town.rglob("*.reading.yaml"))
    shown = run("rehearse", edited(town, SHORTER), "--reading", reading, "--dir", town)
    assert shown.exit_code == 1 and "is of another text" in shown.output


def test_a_section_that_is_gone_leaves_its_processes_out_and_names_its_sentence(town: Path) -> None:
    text = edited(town).read_text()
    start, end = text.index("**Urgent Proposals**"), text.index("A proposal that does not reach")
    (town / "amended.md").write_text(text[:start] + text[end:])
    shown = run("rehearse", town / "amended.md", "--dir", town)
    assert shown.exit_code == 0, shown.output
    assert "stale: Urgent proposal (rules): Article 3" in shown.output


def test_a_reading_that_says_what_the_text_does_not_is_named(town: Path) -> None:
    text = Constitution.load(edited(town, SHORTER))
    reading = next(town.rglob("*.reading.yaml"))
    rules = reading.read_text().replace("6 days minimum", "4 days minimum")
    rules = rules.replace(rules.split("constitution: ")[1].split()[0], text.digest)
    (town / "false.yaml").write_text(rules)
    shown = run("rehearse", town / "amended.md", "--reading", town / "false.yaml", "--dir", town)
    assert "“6 days” does not stand in the quote" in shown.output


def test_the_lint_of_a_community_tells_what_its_text_does_not_say(town: Path) -> None:
    shown = run("constitution", "lint", "--dir", town)
    assert shown.exit_code == 0, shown.output
    assert "note: constitution: the constitution does not say in which time zone" in shown.output


def test_an_amendment_that_takes_the_last_way_to_amend_says_so(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exploring, "AMENDING", "announce")  # any effect that one charter has
    memory = open_view(town)
    before = Rules(memory.reading(), memory.constitution())
    asyncio.run(memory.close())
    document = before.reading.document
    stage = document["processes"]["urgent_proposal"]["stages"][0]
    stage["outcomes"][0]["effects"] = [{"announce": "It is changed."}]
    rules = Rules(reading_of(document), before.constitution)
    text = Constitution.load(edited(town, ("Discussion period: 48 hours", "Nothing is urgent.")))
    said = "\n".join(summary(foresee([], rules, text)))
    assert (
        "No process has ended yet" in said
        and "nothing could change the constitution any more" in said
    )
