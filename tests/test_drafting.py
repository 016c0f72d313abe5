"""Drafting a reading: what the text carries gets in, what it does not is named, people ratify."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from community import Town, live

from govbot.app import ratify, verify_folder
from govbot.charter import Reading, differences
from govbot.chartering import DraftRules, FoundProcess, Quoted
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.drafting import Draft, FoundProcesses, draft
from govbot.errors import ModelError, OperatorError
from govbot.lint import errors
from govbot.llm import Kind, ModelFailure
from govbot.readingfile import load_reading, read_reading
from govbot.review import as_yaml
from govbot.testing import Scripted

TEXT = """\
# Garden

## 1. Members

Every member may bring a motion and may vote on it.

## 2. Motions

A motion is open for 6 days.
At least 3 members must vote.
Members agree or disagree.
A motion passes when two-thirds of those voting agree.
"""
FOUND = FoundProcess(title="Motion", section="2", quote="A motion is open for 6 days.")
FIRST = FoundProcesses(processes=(FOUND,))
NONE = FoundProcesses(processes=())


def quoted(value: str, quote: str, section: str = "2") -> Quoted:
    return Quoted(value=value, section=section, quote=quote)


RULES = DraftRules(
    opened_by=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    lasts=quoted("6 days", "A motion is open for 6 days."),
    voters=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    choices=quoted("agree, disagree", "Members agree or disagree."),
    quorum=quoted("3", "At least 3 members must vote."),
    passing=quoted("2/3", "A motion passes when two-thirds of those voting agree."),
    passes="a share of those voting",
)  # fmt: skip
WRONG = RULES.model_copy(update={"lasts": quoted("9 days", "A motion is open for 9 days.")})


def drafted(*answers: Any, text: str = TEXT, window: int = 10_000) -> tuple[Draft, Scripted]:
    model = Scripted(*answers)
    return asyncio.run(draft(Constitution(text), model, window)), model


class Failing:
    """Fails in these ways, one after the other; then answers from a script."""

    name = "failing"

    def __init__(self, *kinds: Kind, then: Scripted) -> None:
        self.kinds, self.then, self.failed = list(kinds), then, 0

    async def complete(self, prompt: Any, schema: Any) -> Any:
        if self.kinds:
            self.failed += 1
            raise ModelFailure(kind := self.kinds.pop(0), f"it failed: {kind}")
        return await self.then.complete(prompt, schema)


def test_a_sound_draft_has_every_rule_by_its_quote_and_loads_again() -> None:
    found, model = drafted(FIRST, RULES)
    charter = found.reading.processes["motion"]
    (stage,) = charter.stages
    assert stage.lasts is not None and stage.lasts.value == "6 days"
    assert [rule.when for rule in stage.outcomes] == [
        "votes < 3", "agree + disagree > 0 and agree >= 2/3 * (agree + disagree)", None
    ]  # fmt: skip
    assert errors(found.reading, Constitution(TEXT)) == [] and found.drafted[0].problems == ()
    assert read_reading(as_yaml(found), "draft") == found.reading
    assert "A motion is open for 6 days." in model.asked[1].task


def test_objections_go_back_twice_and_what_stays_wrong_is_named() -> None:
    found, model = drafted(FIRST, WRONG, WRONG, RULES)
    assert found.drafted[0].problems == () and len(model.asked) == 4
    assert "“A motion is open for 9 days.” does not stand in the text" in model.asked[2].task
    # What does not change comes first, so that a server can keep it.
    assert len({prompt.system for prompt in model.asked[1:]}) == 1
    found, _ = drafted(FIRST, WRONG, WRONG, WRONG)
    assert any("does not stand" in problem for problem in found.drafted[0].problems)
    assert found.reading.processes["motion"].stages[0].lasts is None
    assert any("never ends" in finding.what for finding in found.drafted[0].findings)


def test_the_lint_objects_too() -> None:
    silent = RULES.model_copy(update={"lasts": Quoted()})
    _, model = drafted(FIRST, silent, RULES)
    assert "the stage never ends" in model.asked[2].task


def test_the_best_of_the_answers_is_kept() -> None:
    worse = DraftRules(lasts=quoted("6 days", "A motion is open for 6 days."))
    found, _ = drafted(FIRST, WRONG, worse, DraftRules())
    assert len(found.reading.processes["motion"].stages[0].outcomes) == 3


def test_an_exception_beside_a_rule_is_objected_to_and_stays_in_sight() -> None:
    text = TEXT.replace("6 days.", "6 days. However, in winter it is open for longer.")
    found, model = drafted(FIRST, RULES, RULES, RULES, text=text)
    assert "However, in winter" in model.asked[2].task
    assert any("However, in winter" in finding.what for finding in found.drafted[0].findings)
    assert found.reading.processes["motion"].stages[0].lasts is not None


def test_a_process_the_text_does_not_have_is_left_out_and_said() -> None:
    ghost = FoundProcess(title="Coup", section="2", quote="Anyone may seize power.")
    found, _ = drafted(FoundProcesses(processes=(ghost,)))
    assert not found.reading.processes and "“Coup” is left out" in found.notes[0]


def test_a_process_of_which_nothing_can_be_grounded_is_not_drafted() -> None:
    empty = DraftRules()
    found, _ = drafted(FIRST, empty, empty, empty)
    assert not found.reading.processes
    assert "# Not drafted: Motion: " in as_yaml(found)


def test_a_wrong_section_is_mended_by_the_quote() -> None:
    elsewhere = FOUND.model_copy(update={"section": "[9]"})
    found, _ = drafted(FoundProcesses(processes=(elsewhere,)), RULES)
    cite = found.reading.processes["motion"].cite
    assert Constitution(TEXT).holds(cite)


def test_each_sentence_makes_one_process_under_a_title_of_its_own() -> None:
    same = FOUND.model_copy(update={"title": "Something else"})
    twice = FOUND.model_copy(update={"quote": "At least 3 members must vote."})
    third = FOUND.model_copy(update={"quote": "Members agree or disagree."})
    strange = FOUND.model_copy(update={"title": "{x}: Zebra\n", "quote": RULES.passing.quote})
    asked = FoundProcesses(processes=(FOUND, same, twice, third))
    found, model = drafted(asked, *[RULES] * 3)
    assert list(found.reading.processes) == ["motion", "process_2_motions", "motion_section_2"]
    assert len(model.asked) == 4
    found, _ = drafted(FoundProcesses(processes=(strange,)), RULES)
    assert found.drafted[0].title == "2 Motions"


def test_only_so_many_are_drafted_those_with_numbers_first_and_the_others_are_named() -> None:
    plain = FOUND.model_copy(update={"title": "Talk", "quote": "Members agree or disagree."})
    model = Scripted(FoundProcesses(processes=(plain, FOUND)), RULES)
    steps: list[tuple[str, int, int]] = []
    found = asyncio.run(
        draft(Constitution(TEXT), model, 10_000, at_most=1, told=lambda *step: steps.append(step))
    )
    assert list(found.reading.processes) == ["motion"]
    assert found.notes == ("only 1 processes are drafted; left out: 2 Motions",)
    assert steps == [("looking for processes in Garden", 0, 1), ("Motion", 0, 1)]


def test_charters_whose_sentences_still_stand_are_kept_and_the_others_read_again() -> None:
    first, _ = drafted(FIRST, RULES)
    text = TEXT + "\n## 3. Pets\n\nPets are welcome.\n"
    again = asyncio.run(draft(Constitution(text), Scripted(FIRST), 10_000, first.reading))
    assert again.reading.processes == first.reading.processes and not again.drafted
    assert again.reading.roles == first.reading.roles
    assert "  # Kept: every sentence" in as_yaml(again)
    shorter = TEXT.replace("6 days", "5 days")
    found = FOUND.model_copy(update={"quote": "A motion is open for 5 days."})
    rules = RULES.model_copy(update={"lasts": quoted("5 days", "A motion is open for 5 days.")})
    model = Scripted(FoundProcesses(processes=(found,)), rules)
    changed = asyncio.run(draft(Constitution(shorter), model, 10_000, first.reading))
    assert "motion is read again" in changed.notes[0]
    lasts = changed.reading.processes["motion"].stages[0].lasts
    assert lasts is not None and lasts.value == "5 days"


# --- texts that are long, models that fail --------------------------------------------------------


def test_a_long_text_is_read_in_parts_of_whole_sentences() -> None:
    parts, model = drafted(NONE, FIRST, RULES, window=220)
    assert len(model.asked) == 3 and list(parts.reading.processes) == ["motion"]
    sentences = [f"Rule {n} says that the tree of the number {n} is watered." for n in range(60)]
    text = "# Trees\n\n" + " ".join(sentences)
    _, model = drafted(*[NONE] * 20, text=text, window=400)
    shown = [prompt.system for prompt in model.asked]
    assert len(shown) > 5 and max(map(len, shown)) < min(map(len, shown)) + 450
    for sentence in sentences:
        assert sum(sentence in prompt for prompt in shown) == 1


def test_a_part_of_a_section_that_was_not_shown_is_noted() -> None:
    text = TEXT + "\n".join(f"Rule {n} of this section is about tree {n}." for n in range(60))
    found, model = drafted(*[NONE] * 1, FIRST, *[NONE] * 20, text=text, window=400)
    asked = next(prompt for prompt in model.asked if "Which rules" in prompt.task)
    assert "6 days" in asked.system and "tree 59" not in asked.system
    assert any("only the part round its sentence" in note for note in found.drafted[0].notes)


def test_a_part_that_is_too_long_for_the_model_is_halved() -> None:
    model = Failing("too_long", then=Scripted(NONE, FIRST, RULES))
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert list(found.reading.processes) == ["motion"] and found.notes == ()
    model = Failing(*["truncated"] * 9, then=Scripted())
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert found.notes == tuple(
        f"{id} could not be read: it failed: truncated"
        for id in ("garden", "section-1", "section-2")
    )


@pytest.mark.parametrize(
    ("kind", "asked"),
    [("wrong_key", 1), ("unreachable", 1), ("unknown_model", 1), ("over_budget", 1),
     ("timeout", 2), ("overloaded", 2), ("invalid", 2), ("refused", 2)],
)  # fmt: skip
def test_a_model_that_fails_ends_as_a_note(kind: Kind, asked: int) -> None:
    model = Failing(*[kind] * 9, then=Scripted())
    found = asyncio.run(draft(Constitution(TEXT), model, 220))
    assert model.failed == asked and not found.reading.processes
    assert f"could not be read: it failed: {kind}" in found.notes[0]
    assert ("nothing more was read" in found.notes[-1]) is (asked == 1)
    assert read_reading(as_yaml(found), "draft") == found.reading


def test_a_model_that_fails_on_one_process_stops_no_other() -> None:
    second = FOUND.model_copy(update={"title": "Vote", "quote": "At least 3 members must vote."})
    both = FoundProcesses(processes=(FOUND, second))

    class Second(Scripted):
        async def complete(self, prompt: Any, schema: Any) -> Any:
            if 'Which rules has the text for "Motion"' in prompt.task:
                raise ModelError("it was cut off")
            return await super().complete(prompt, schema)

    found = asyncio.run(draft(Constitution(TEXT), Second(both, RULES), 10_000))
    assert list(found.reading.processes) == ["vote"]
    assert found.drafted[0].problems == ("it was cut off",)


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
