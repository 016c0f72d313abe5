"""Several drafts of one text: what enough of them say is agreed, the rest stands side by side."""

import asyncio
from typing import Any

from drafts import FOUND, RULES, TEXT, Reads, processes, quoted

from govbot.agreement import NOTHING, joined, splits
from govbot.chartering import DraftRules, FoundProcess
from govbot.constitution import Constitution
from govbot.drafting import Draft, FoundProcesses, draft
from govbot.readingfile import read_reading
from govbot.review import as_yaml


def drafted(found: FoundProcesses, rules: DraftRules) -> Draft:
    return asyncio.run(draft(Constitution(TEXT), Reads([found], rules), 10_000))


def made(**changed: Any) -> Draft:
    return drafted(processes(FOUND), RULES.model_copy(update=changed))


LOOSE = {"quorum": quoted("", "")}


def test_drafts_that_give_every_rule_the_same_value_agree_whatever_they_quote() -> None:
    other = made(voters=quoted("member", "At least 3 members must vote."))
    assert splits({"one": made(), "two": other}, 2) == ()
    assert joined({"one": made(), "two": other}, 2).notes == made().notes


def test_a_rule_that_too_few_agree_on_is_shown_with_every_version() -> None:
    drafts = {"one": made(), "two": made(**LOOSE), "three": made(**LOOSE)}
    assert splits(drafts, 2) == ()
    found = {split.where: dict(split.versions) for split in splits(drafts, 3)}
    first = found["motion.stages.vote.outcomes.1.when"]
    assert "3" in first["one"] and first["two"] == first["three"] != first["one"]
    notes = joined(drafts, 3).notes
    (told,) = (note for note in notes if "on motion.stages.vote.outcomes.1.when" in note)
    assert told.startswith("the models do not agree") and f"two: {first['two']}" in told


def test_a_process_that_only_one_model_finds_is_kept_and_named_as_such() -> None:
    member = "Every member may bring a motion and may vote on it."
    more = FoundProcess(title="Census", section="1", quote=member)
    two = drafted(processes(FOUND, more), RULES)
    drafts = {"one": made(), "two": two}
    both = joined(drafts, 2)
    (other,) = set(both.reading.processes) - {"motion"}
    found = [split for split in splits(drafts, 2) if split.where.startswith(f"{other}.")]
    assert found and all(dict(split.versions)["one"] == NOTHING for split in found)


def test_the_joined_draft_loads_as_a_draft_of_the_first() -> None:
    both = joined({"one": made(), "two": made(**LOOSE)}, 2)
    text = as_yaml(both)
    assert "the models do not agree" in text
    reading = read_reading(text, "draft.yaml")
    assert reading.drafted_by == "reads"
    assert reading.constitution == Constitution(TEXT).digest


def test_one_model_alone_splits_nothing() -> None:
    assert splits({"one": made()}, 1) == ()
