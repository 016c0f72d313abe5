"""Several drafts of one text: what enough of them say is agreed, the rest stands side by side."""

from typing import Any

from test_drafting import FOUND, RULES, TEXT, drafted, quoted

from govbot.agreement import NOTHING, joined, splits
from govbot.drafting import Draft, FoundProcess, FoundProcesses, as_yaml
from govbot.readingfile import read_reading


def made(**changed: Any) -> Draft:
    return drafted(FoundProcesses(processes=(FOUND,)), *[RULES.model_copy(update=changed)] * 3)[0]


SIMPLE = {"passes": "more for than against", "share": quoted("", "")}


def test_drafts_that_give_every_rule_the_same_value_agree_whatever_they_quote() -> None:
    other = made(voters=quoted("member", "At least 3 members must vote."))
    assert splits({"one": made(), "two": other}, 2) == ()
    assert joined({"one": made(), "two": other}, 2).notes == made().notes


def test_a_rule_that_too_few_agree_on_is_shown_with_every_version() -> None:
    drafts = {"one": made(), "two": made(**SIMPLE), "three": made(**SIMPLE)}
    assert splits(drafts, 2) == ()
    (split,) = splits(drafts, 3)
    assert split.where == "motion.stages.vote.outcomes.2.when"
    assert split.versions == (
        ("one", "agree + disagree > 0 and agree >= 2/3 * (agree + disagree)"),
        ("two", "agree > disagree"), ("three", "agree > disagree"),
    )  # fmt: skip
    notes = joined(drafts, 3).notes
    assert "do not agree on motion.stages.vote.outcomes.2.when" in notes[-1]
    assert "two: agree > disagree" in notes[-1]


def test_a_process_that_only_one_model_finds_is_kept_and_named_as_such() -> None:
    more = FoundProcess(title="Census", section="1", quote=FOUND.quote)
    two, _ = drafted(FoundProcesses(processes=(FOUND, more)), *[RULES] * 6)
    drafts = {"one": made(), "two": two}
    both = joined(drafts, 2)
    assert set(both.reading.processes) == {"motion", "census"}
    found = [split for split in splits(drafts, 2) if split.where.startswith("census.")]
    assert found and all(dict(split.versions)["one"] == NOTHING for split in found)


def test_the_joined_draft_loads_as_a_draft_of_the_first() -> None:
    from govbot.constitution import Constitution

    both = joined({"one": made(), "two": made(**SIMPLE)}, 2)
    text = as_yaml(both)
    assert "the models do not agree" in text
    reading = read_reading(text, "draft.yaml")
    assert reading.drafted_by == "scripted"
    assert reading.constitution == Constitution(TEXT).digest


def test_one_model_alone_splits_nothing() -> None:
    assert splits({"one": made()}, 1) == ()
