"""Drafting a reading: what the text carries gets in, what it does not is named, people ratify."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from community import Town, live
from drafts import FOUND, RULES, TEXT, WRONG, Reads, processes, quoted

from govbot.app import ratify, verify_folder
from govbot.charter import Reading, differences
from govbot.chartering import DraftRules, FoundProcess
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.drafting import QUESTIONS, Draft, draft
from govbot.errors import ModelError, OperatorError
from govbot.lint import errors
from govbot.llm import Kind, ModelFailure
from govbot.readingfile import load_reading, read_reading
from govbot.review import as_yaml

FIRST, NONE = processes(FOUND), processes()


def drafted(*rules: DraftRules, text: str = TEXT, window: int = 10_000) -> tuple[Draft, Reads]:
    model = Reads([FIRST], *rules)
    return asyncio.run(draft(Constitution(text), model, window)), model


def failed(kind: Kind) -> ModelFailure:
    return ModelFailure(kind, f"it failed: {kind}")


def test_a_sound_draft_has_every_rule_by_its_quote_and_loads_again() -> None:
    found, model = drafted(RULES)
    charter = found.reading.processes["motion"]
    (stage,) = charter.stages
    assert stage.lasts is not None and stage.lasts.value == "6 days"
    assert [rule.when for rule in stage.outcomes] == [
        "votes < 3", "agree + disagree > 0 and agree >= 2/3 * (agree + disagree)", None
    ]  # fmt: skip
    assert errors(found.reading, Constitution(TEXT)) == [] and found.drafted[0].problems == ()
    assert read_reading(as_yaml(found), "draft") == found.reading
    assert model.times == dict.fromkeys(QUESTIONS, 1)


def test_each_question_is_small_and_what_does_not_change_comes_first() -> None:
    _, model = drafted(RULES)
    asked = [prompt for prompt in model.asked if "section-2" in prompt.system]
    assert len(asked) == 9 and len({prompt.system for prompt in asked[1:]}) == 1
    assert max(len(prompt.task) for prompt in asked) < 250
    (way,) = (prompt for prompt in model.asked if prompt.data)
    assert way.data == RULES.passing.quote and "Garden" not in way.system


def test_objections_go_back_twice_and_what_stays_wrong_is_named() -> None:
    other = WRONG.model_copy(update={"lasts": quoted("8 days", "It is open for 8 days.")})
    found, model = drafted(WRONG, other, RULES)
    assert found.drafted[0].problems == () and model.times["lasts"] == 2 + 1
    again = [prompt.task for prompt in model.asked if "had a fault" in prompt.task]
    assert len(again) == 2 and "“It is open for 8 days.” does not" in again[1]
    assert "“A motion is open for 9 days.” does not stand in the text; the nearest" in again[0]
    assert model.times["passing"] == 1  # nothing was held against it
    found, model = drafted(WRONG, other, WRONG, RULES)
    assert any("does not stand" in problem for problem in found.drafted[0].problems)
    assert found.reading.processes["motion"].stages[0].lasts is None
    assert any("never ends" in finding.what for finding in found.drafted[0].findings)


def test_who_gives_the_same_answer_again_is_not_asked_a_third_time() -> None:
    _, model = drafted(WRONG)
    assert model.times["lasts"] == 2


def test_the_better_of_two_answers_is_kept() -> None:
    whole = "A motion passes when two-thirds of those voting agree."
    text = TEXT.replace(whole, f"{whole} However, the fence needs all of them.")
    worse = RULES.model_copy(update={"passing": quoted("all", "Everybody agrees.")})
    found, model = drafted(RULES, worse, text=text)
    assert any("However, the fence" in prompt.task for prompt in model.asked)
    assert len(found.reading.processes["motion"].stages[0].outcomes) == 3
    assert any("However, the fence" in finding.what for finding in found.drafted[0].findings)


def test_where_no_rule_makes_a_process_nothing_more_is_asked() -> None:
    found, model = drafted(DraftRules(voters=RULES.voters))
    assert set(model.times) == {"passing", "lasts", "quorum"}
    assert not found.reading.processes
    assert "# Not drafted: Motion: neither how long" in as_yaml(found)


def test_a_process_the_text_does_not_have_is_left_out_and_said() -> None:
    ghost = FoundProcess(title="Coup", section="2", quote="Anyone may seize power.")
    found = asyncio.run(draft(Constitution(TEXT), Reads([processes(ghost)]), 10_000))
    assert not found.reading.processes and "“Coup” is left out" in found.notes[0]


def test_a_wrong_section_is_mended_by_the_quote() -> None:
    elsewhere = Reads([processes(FOUND.model_copy(update={"section": "[9]"}))], RULES)
    found = asyncio.run(draft(Constitution(TEXT), elsewhere, 10_000))
    cite = found.reading.processes["motion"].cite
    assert cite.section == "section-2" and Constitution(TEXT).holds(cite)


def test_each_sentence_makes_one_process_under_a_title_of_its_own() -> None:
    same = FOUND.model_copy(update={"title": "Something else"})
    twice = FOUND.model_copy(update={"quote": "At least 3 members must vote."})
    third = FOUND.model_copy(update={"quote": "Members agree or disagree."})
    strange = FOUND.model_copy(update={"title": "{x}: Zebra\n", "quote": RULES.passing.quote})
    model = Reads([processes(FOUND, same, twice, third)], RULES)
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert list(found.reading.processes) == ["motion", "process_2_motions", "motion_section_2"]
    fourth = FOUND.model_copy(update={"quote": RULES.passing.quote})
    for asked in ([processes(FOUND, twice, third, fourth)], [processes(*[FOUND] * 5, fourth)]):
        found = asyncio.run(draft(Constitution(TEXT), Reads(asked, RULES), 10_000))
        assert "“Motion” is left out: " in found.notes[0]
    found = asyncio.run(draft(Constitution(TEXT), Reads([processes(strange)], RULES), 10_000))
    assert found.drafted[0].title == "2 Motions"


def test_a_large_part_may_have_more_processes_than_a_small_one() -> None:
    few, many = Reads([NONE] * 9), Reads([NONE])
    asyncio.run(draft(Constitution(TEXT), few, 2000))
    asyncio.run(draft(Constitution(TEXT), many, 24_000))
    assert "At most 4." in few.asked[0].system and "At most 12." in many.asked[0].system
    assert many.asked[0].most == 3 * few.asked[0].most


def test_only_so_many_are_drafted_those_that_say_how_first_and_the_others_are_named() -> None:
    quotes = (
        "Members agree or disagree.", "At least 3 members must vote.", FOUND.quote,
        RULES.passing.quote,
    )  # fmt: skip
    found = [FoundProcess(title=f"Motion {n}", quote=quote) for n, quote in enumerate(quotes)]
    steps: list[tuple[str, int, int]] = []
    drafts = asyncio.run(
        draft(
            Constitution(TEXT), Reads([processes(*found)], RULES), 10_000, at_most=2,
            told=lambda *step: steps.append(step),
        )
    )  # fmt: skip
    assert [each.title for each in drafts.drafted] == ["Motion 3", "Motion 2"]
    assert drafts.notes == ("2 processes are drafted; left out: Motion 1, Motion 0",)
    assert steps == [
        ("looking for processes in Garden", 0, 1), ("Motion 3", 0, 2), ("Motion 2", 1, 2)
    ]  # fmt: skip


def test_charters_whose_sentences_still_stand_are_kept_and_the_others_read_again() -> None:
    first, _ = drafted(RULES)
    text = TEXT + "\n## 3. Pets\n\nPets are welcome.\n"
    renamed = FOUND.model_copy(update={"title": "Decision", "quote": "open for 6 days"})
    for found in (FIRST, processes(renamed)):
        again = asyncio.run(draft(Constitution(text), Reads([found]), 10_000, first.reading))
        assert again.reading.processes == first.reading.processes and not again.drafted
    assert again.reading.roles == first.reading.roles
    assert "  # Kept: every sentence" in as_yaml(again)
    shorter = TEXT.replace("6 days", "5 days")
    five = FOUND.model_copy(update={"quote": "A motion is open for 5 days."})
    rules = RULES.model_copy(update={"lasts": quoted("5 days", "A motion is open for 5 days.")})
    model = Reads([processes(five)], rules)
    changed = asyncio.run(draft(Constitution(shorter), model, 10_000, first.reading))
    assert "motion is read again" in changed.notes[0]
    lasts = changed.reading.processes["motion"].stages[0].lasts
    assert lasts is not None and lasts.value == "5 days"


# --- texts that are long, models that fail --------------------------------------------------------


def test_a_long_text_is_read_in_parts_of_whole_sentences() -> None:
    model = Reads([NONE, FIRST], RULES)
    found = asyncio.run(draft(Constitution(TEXT), model, 220))
    assert list(found.reading.processes) == ["motion"] and not model.found
    sentences = [f"Rule {n} says that the tree of the number {n} is watered." for n in range(60)]
    model = Reads([NONE] * 20)
    asyncio.run(draft(Constitution("# Trees\n\n" + " ".join(sentences)), model, 400))
    shown = [prompt.system for prompt in model.asked]
    assert len(shown) > 5 and max(map(len, shown)) < min(map(len, shown)) + 450
    for sentence in sentences:
        assert sum(sentence in prompt for prompt in shown) == 1


def test_a_part_of_a_section_that_was_not_shown_is_noted() -> None:
    text = TEXT + "\n".join(f"Rule {n} of this section is about tree {n}." for n in range(60))
    model = Reads([NONE, FIRST, *[NONE] * 20], RULES)
    found = asyncio.run(draft(Constitution(text), model, 400))
    asked = next(prompt for prompt in model.asked if "How long is the vote" in prompt.task)
    assert "6 days" in asked.system and "tree 59" not in asked.system
    assert any("only the part round its sentence" in note for note in found.drafted[0].notes)


def test_a_part_that_is_too_long_for_the_model_is_halved() -> None:
    model = Reads([failed("too_long"), NONE, FIRST], RULES)
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert list(found.reading.processes) == ["motion"] and found.notes == ()
    model = Reads([failed("truncated")] * 9)
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
    model = Reads([failed(kind)] * 9)
    found = asyncio.run(draft(Constitution(TEXT), model, 220))
    assert len(model.asked) == asked and not found.reading.processes
    assert f"could not be read: it failed: {kind}" in found.notes[0]
    assert ("nothing more was read" in found.notes[-1]) is (asked == 1)
    assert read_reading(as_yaml(found), "draft") == found.reading


class Stumbles(Reads):
    """Fails whenever a question has these words, as long as the text shown is so long."""

    def __init__(self, words: str, error: ModelError, longer: int = 0) -> None:
        second = FOUND.model_copy(update={"title": "Vote", "quote": RULES.passing.quote})
        super().__init__([processes(FOUND, second)], RULES)
        self.words, self.error, self.longer = words, error, longer

    async def complete(self, prompt: Any, schema: Any) -> Any:
        if self.words in prompt.task and len(prompt.system) > self.longer:
            raise self.error
        return await super().complete(prompt, schema)


def test_a_rule_of_which_no_answer_can_be_had_is_noted_and_the_others_are_read() -> None:
    for kind in ("truncated", "invalid", "refused"):
        model = Stumbles('must take part in the vote on "Motion"', failed(kind))
        found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
        assert set(found.reading.processes) == {"motion", "vote"}
        (motion,) = (each for each in found.drafted if each.type == "motion")
        assert motion.problems == (f"quorum: it failed: {kind}",)
        assert [rule.named for rule in found.reading.processes["motion"].stages[0].outcomes] == [
            "passed", "not passed"
        ]  # fmt: skip


def test_a_model_that_fails_in_the_midst_leaves_what_it_had_read() -> None:
    model = Stumbles('"Motion" discussed', failed("timeout"))
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert set(found.reading.processes) == {"motion", "vote"}
    (motion,) = (each for each in found.drafted if each.type == "motion")
    assert motion.problems[0] == "it failed: timeout"
    assert found.reading.processes["motion"].stages[0].lasts is not None
    model = Stumbles('"Vote"', failed("wrong_key"))
    found = asyncio.run(draft(Constitution(TEXT), model, 10_000))
    assert not found.reading.processes
    assert "Motion is not drafted: it failed: wrong_key" in found.notes


def test_a_process_whose_text_is_too_long_is_shown_less_of_it() -> None:
    text = TEXT + "\n".join(f"Rule {n} of this section is about tree {n}." for n in range(60))
    model = Stumbles('"Motion"', failed("too_long"), longer=1500)
    found = asyncio.run(draft(Constitution(text), model, 4000))
    assert "motion" in found.reading.processes
    (motion,) = (each for each in found.drafted if each.type == "motion")
    assert motion.problems == () and "only the part round" in motion.notes[0]


# --- putting it in force ------------------------------------------------------------------------


def test_ratifying_is_an_entry_and_open_processes_keep_their_rules(tmp_path: Path) -> None:
    place = tmp_path / "town"

    async def before(town: Town) -> None:
        await town.say("alice", "I propose that tea is served at four")

    async def after(town: Town) -> None:
        await town.bot.scheduler.settle()
        assert "ratified in the name of the members, vote 1" in town.announced[0].text
        assert "Kinds of process whose rules change: Motion of the m" in town.announced[0].text
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
