"""Drafting a reading: what the text carries gets in, what it does not is named, people ratify."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from community import Town, live

from govbot.app import ratify, verify_folder
from govbot.charter import Reading, differences
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.drafting import (
    Draft,
    DraftRules,
    FoundProcess,
    FoundProcesses,
    Quoted,
    as_yaml,
    draft,
    review,
)
from govbot.errors import ModelError, OperatorError
from govbot.lint import errors
from govbot.readingfile import load_reading, read_reading
from govbot.testing import Scripted

TEXT = """\
# Garden

## 1. Members

Every member may bring a motion and may vote on it.

## 2. Motions

A motion is open for 6 days.
At least 3 members must vote.
A motion passes when two-thirds of those voting agree.
"""
FOUND = FoundProcess(title="Motion", section="2", quote="A motion is open for 6 days.")


def quoted(value: str, quote: str, section: str = "2") -> Quoted:
    return Quoted(value=value, section=section, quote=quote)


RULES = DraftRules(
    opened_by=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    lasts=quoted("6 days", "A motion is open for 6 days."),
    voters=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    choices=("agree", "disagree"), passes="a share",
    share=quoted("2/3", "A motion passes when two-thirds of those voting agree."),
    quorum=quoted("3", "At least 3 members must vote."),
    passing=quoted("", "A motion passes when two-thirds of those voting agree."),
)  # fmt: skip


def drafted(*answers: Any, text: str = TEXT, window: int = 10_000) -> tuple[Draft, Scripted]:
    model = Scripted(*answers)
    return asyncio.run(draft(Constitution(text), model, window)), model


def test_a_sound_draft_has_every_rule_by_its_quote_and_loads_again() -> None:
    found, _ = drafted(FoundProcesses(processes=(FOUND,)), RULES)
    charter = found.reading.processes["motion"]
    (stage,) = charter.stages
    assert stage.lasts is not None and stage.lasts.value == "6 days"
    assert [rule.when for rule in stage.outcomes] == [
        "votes < 3", "agree + disagree > 0 and agree >= 2/3 * (agree + disagree)", None
    ]  # fmt: skip
    assert errors(found.reading, Constitution(TEXT)) == [] and found.drafted[0].problems == ()
    again = read_reading(as_yaml(found), "draft")
    assert again == found.reading
    assert {held for _, _, held in review(found, Constitution(TEXT))} == {"grounded"}


def test_objections_go_back_twice_and_what_stays_wrong_is_named() -> None:
    wrong = RULES.model_copy(update={"lasts": quoted("9 days", "A motion is open for 9 days.")})
    found, model = drafted(FoundProcesses(processes=(FOUND,)), wrong, wrong, RULES)
    assert found.drafted[0].problems == () and len(model.asked) == 4
    assert "“A motion is open for 9 days.” does not stand in the text" in model.asked[2].task
    found, _ = drafted(FoundProcesses(processes=(FOUND,)), wrong, wrong, wrong)
    assert any("does not stand" in problem for problem in found.drafted[0].problems)
    assert found.reading.processes["motion"].stages[0].lasts is None
    assert "# Motion: lasts" in as_yaml(found)


def test_a_process_the_text_does_not_have_is_left_out_and_said() -> None:
    ghost = FoundProcess(title="Coup", section="2", quote="Anyone may seize power.")
    found, _ = drafted(FoundProcesses(processes=(ghost,)))
    assert not found.reading.processes and "“Coup” is left out" in found.notes[0]


def test_a_wrong_section_is_mended_by_the_quote() -> None:
    elsewhere = FOUND.model_copy(update={"section": "[9]"})
    found, _ = drafted(FoundProcesses(processes=(elsewhere,)), RULES)
    cite = found.reading.processes["motion"].cite
    assert Constitution(TEXT).holds(cite)


def test_charters_whose_sentences_still_stand_are_kept_and_the_others_read_again() -> None:
    first, _ = drafted(FoundProcesses(processes=(FOUND,)), RULES)
    text = TEXT + "\n## 3. Pets\n\nPets are welcome.\n"
    model = Scripted(FoundProcesses(processes=(FOUND,)))
    again = asyncio.run(draft(Constitution(text), model, 10_000, first.reading))
    assert again.reading.processes == first.reading.processes and not again.drafted
    shorter = TEXT.replace("6 days", "5 days")
    found = FOUND.model_copy(update={"quote": "A motion is open for 5 days."})
    rules = RULES.model_copy(update={"lasts": quoted("5 days", "A motion is open for 5 days.")})
    model = Scripted(FoundProcesses(processes=(found,)), rules)
    changed = asyncio.run(draft(Constitution(shorter), model, 10_000, first.reading))
    assert "motion is read again" in changed.notes[0]
    lasts = changed.reading.processes["motion"].stages[0].lasts
    assert lasts is not None and lasts.value == "5 days"


def test_a_long_text_is_read_in_parts_and_a_failing_model_stops_nothing() -> None:
    class Fails:
        name = "fails"

        async def complete(self, prompt: Any, schema: Any) -> Any:
            raise ModelError("the model is overloaded")

    parts, model = drafted(
        FoundProcesses(processes=()), FoundProcesses(processes=(FOUND,)), RULES, window=150
    )
    assert len(model.asked) == 3 and list(parts.reading.processes) == ["motion"]
    found = asyncio.run(draft(Constitution(TEXT), Fails(), 10_000))
    assert not found.reading.processes and "overloaded" in found.notes[0]


# --- putting it in force ------------------------------------------------------------------------


def test_ratifying_is_an_entry_and_open_processes_keep_their_rules(tmp_path: Path) -> None:
    place = tmp_path / "town"

    async def before(town: Town) -> None:
        await town.say("alice", "I propose that tea is served at four")

    async def after(town: Town) -> None:
        assert (await town.say("alice", "I propose that coffee is served at five", id="later")).ok
        first, second = town.process(1), town.process(2)
        assert first.reading != second.reading
        assert second.rules.title == "Motion of the members"

    live(place, before)
    file = reading_beside(place / "constitutions" / "constitution.md")
    file.write_text(
        file.read_text().replace("title: Standard proposal", "title: Motion of the members")
    )
    old, new = asyncio.run(ratify(place, "the members, vote 1"))
    assert old != new and verify_folder(place, []).sound
    with pytest.raises(OperatorError, match="in force already"):
        asyncio.run(ratify(place, "again"))
    live(place, after, new=False)


@pytest.mark.parametrize("by", ["", "  \n"])
def test_nobody_cannot_ratify(tmp_path: Path, by: str) -> None:
    async def nothing(town: Town) -> None:
        pass

    live(tmp_path / "town", nothing)
    file = reading_beside(tmp_path / "town" / "constitutions" / "constitution.md")
    file.write_text(file.read_text().replace("title: Standard proposal", "title: Motion"))
    with pytest.raises(OperatorError, match="say who ratified it"):
        asyncio.run(ratify(tmp_path / "town", by))


def test_a_diff_shows_each_rule_before_and_after(tmp_path: Path) -> None:
    path = Path(__file__).parent.parent / "constitutions" / "example.reading.yaml"
    text = path.read_text()
    old: Reading = load_reading(path)
    changed = read_reading(text.replace("value: 6 days", "value: 8 days"), "changed")
    (found,) = differences(old, changed)
    assert found == (
        "processes.standard_proposal.stages.discussion.lasts.value",
        "6 days",
        "8 days",
    )
    assert differences(old, old) == []
