"""Readings carried over to a changed text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from govbot.app import templates
from govbot.charter import Charter, Reading, citations_in
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.effects import StartProcess
from govbot.grounding import ground_charter
from govbot.numbers import quantities
from govbot.readingfile import load_reading
from govbot.rereading import Rereading, reread

HOME = Path(__file__).parent.parent
EXAMPLE = HOME / "constitutions" / "example.md"


def loaded(path: Path) -> tuple[Constitution, Reading]:
    return Constitution.load(path), load_reading(reading_beside(path))


def changed(*swaps: tuple[str, str], path: Path = EXAMPLE) -> Rereading:
    """The shipped reading, after words of its text were replaced."""
    old, reading = loaded(path)
    text = old.text
    for before, after in swaps:
        assert before in text
        text = text.replace(before, after)
    return reread(reading, old, Constitution(text))


def stage(found: Rereading, type: str, n: int = 0) -> Any:
    charter: Charter = found.reading.processes[type]
    return charter.stages[n]


@pytest.mark.parametrize("name", sorted(templates()))
def test_an_unchanged_text_keeps_its_reading_to_the_byte(name: str) -> None:
    text, reading = loaded(templates()[name])
    found = reread(reading, text, text)
    assert found.reading.digest == reading.digest and not found.steps and not found.stale


def test_a_changed_period_is_put_into_the_rule_that_rests_on_it() -> None:
    found = changed(("Discussion period: 6 days minimum", "Discussion period: 9 days minimum"))
    assert stage(found, "standard_proposal").lasts.value == "9 days"
    (step,) = [step for step in found.steps if step.before]
    assert (step.before, step.after) == ("6 days", "9 days")
    assert "9 days" in step.new.quote and "6 days" in step.old.quote
    assert not found.stale


def test_a_period_in_another_unit_is_put_in_as_it_is_written() -> None:
    found = changed(("Discussion period: 48 hours", "Discussion period: one week"))
    assert stage(found, "urgent_proposal").lasts.value == "1 week"


@pytest.mark.parametrize(
    ("period", "why"),
    [
        ("0 days", "the stage ends as soon as it begins"),
        ("half a day", "the rule has “6 days” and cannot hold what it became"),
        ("99999999999999 days", "'99999999999999 days' is no duration"),
    ],
)
def test_a_period_that_no_stage_can_have_makes_its_charter_stale(period: str, why: str) -> None:
    found = changed(("Discussion period: 6 days minimum", f"Discussion period: {period} minimum"))
    (stale,) = found.stale
    assert why in stale.why and "6 days minimum" in stale.was


def test_a_changed_quorum_changes_the_condition_and_nothing_else() -> None:
    found = changed(("Quorum: At least 3 members", "Quorum: At least 5 members"))
    before = load_reading(reading_beside(EXAMPLE)).processes["urgent_proposal"].stages[0]
    after = stage(found, "urgent_proposal")
    differing = [
        (one.when, other.when)
        for one, other in zip(before.outcomes, after.outcomes, strict=True)
        if one.when != other.when
    ]
    assert differing == [("votes < 3", "votes < 5")]


def test_a_changed_share_is_put_into_the_fraction_of_the_condition() -> None:
    found = changed(("At least two-thirds of those", "At least three-quarters of those"))
    rules = " ".join(rule.when or "" for rule in stage(found, "urgent_proposal").outcomes)
    assert "3/4" in rules.replace(" ", "") or ("3 *" in rules and "4 *" in rules), rules


def test_a_sentence_that_changed_its_words_makes_its_charter_stale_and_no_other() -> None:
    found = changed(("Discussion period: 48 hours", "Urgent talk goes on for 48 hours"))
    (stale,) = found.stale
    assert stale.name == "urgent_proposal" and "48 hours" in stale.was
    assert set(found.reading.processes) == {"standard_proposal"}


def test_a_changed_number_that_no_rule_holds_makes_the_charter_stale() -> None:
    old, reading = loaded(HOME / "tests" / "cases" / "constitutions" / "consensus.md")
    text = old.text.replace("by at\nmost 7 days", "by at\nmost 9 days")
    text = text.replace("at least one member consents", "at least 2 member consents")
    assert text.count("9 days") == text.count("at least 2") == 1
    found = reread(reading, old, Constitution(text))
    assert "no rule holds that number" in found.stale[0].why
    assert [stale.name for stale in found.stale] == list(reading.processes)


def test_a_number_in_an_effect_changes_with_its_sentence() -> None:
    path = templates()["elected-board"]
    found = changed(
        ("If all 5 seats are held", "If all 7 seats are held"),
        ("as are missing from the\n5.", "as are missing from the\n7."), path=path,
    )  # fmt: skip
    outcomes = stage(found, "vacancy_call").outcomes
    starting = next(e for e in outcomes[-1].effects if isinstance(e, StartProcess))
    assert starting.start_process.fields["seats"] == "7 - eligible"
    told = {(step.before, step.after) for step in found.steps if step.after}
    assert ("5 - eligible", "7 - eligible") in told and ("eligible >= 5", "eligible >= 7") in told


@pytest.mark.parametrize(
    ("template", "old", "new", "type"),
    [
        ("circles", "fewer than 2 consent", "fewer than 4 consent", "circle_proposal"),
        ("community-referee", "no ruling after 5 days", "no ruling after 7 days", "referee_case"),
    ],
)
def test_a_number_that_only_words_hold_makes_its_charter_stale(
    template: str, old: str, new: str, type: str
) -> None:
    found = changed((old, new), path=templates()[template])
    assert type in {stale.name for stale in found.stale}
    assert any("no rule holds that number" in stale.why for stale in found.stale)


def test_a_term_takes_its_new_number_too() -> None:
    old, reading = loaded(EXAMPLE)
    said = "Voters have been members for 30 days."
    text = Constitution(f"{old.text}\n## Article 9: Terms\n\n{said}\n")
    term = {"who": "days_here >= 30", "cite": {"section": "article-9", "quote": said}}
    document = {**reading.document, "constitution": text.digest, "terms": {"voters": term}}
    before = Reading.model_validate(document)
    found = reread(before, text, Constitution(text.text.replace("for 30 days", "for 60 days")))
    assert found.reading.terms["voters"].who == "days_here >= 60"
    assert "60 days" in found.reading.terms["voters"].cite.quote


def test_a_section_that_moved_is_cited_where_it_stands_now() -> None:
    found = changed(("## Article 4: Voting", "## Article 7: Voting"),
                    ("### Section 4.1", "### Section 7.1"), ("### Section 4.2", "### Section 7.2"),
                    ("### Section 4.3", "### Section 7.3"))  # fmt: skip
    assert not found.stale and not found.steps
    assert "article-7.2" in json.dumps(found.reading.document)


def test_two_sentences_that_could_have_taken_its_place_make_it_stale() -> None:
    line = "- Discussion period: 6 days minimum"
    found = changed((line, f"{line.replace('6', '7')}\n{line.replace('6', '8')}"))
    assert "more than one sentence" in found.stale[0].why


def test_a_charter_goes_with_the_one_it_starts() -> None:
    path = templates()["consensus"]
    found = changed(("Any member may bring a proposal.", "Members bring proposals."), path=path)
    starting = {
        name
        for name, charter in yaml.safe_load(reading_beside(path).read_text())["processes"].items()
        if "type: proposal" in yaml.safe_dump(charter)
    }
    assert starting and starting <= {stale.name for stale in found.stale}
    assert any(stale.starts for stale in found.stale)


def test_a_changed_sentence_is_not_taken_for_one_that_says_the_same_elsewhere() -> None:
    path = templates()["petition"]
    old, reading = loaded(path)
    found = re.compile(r"at\s+least 5 members and at\s+least one-tenth")
    assert len(found.findall(old.text)) > 1
    for same in found.finditer(old.text):
        text = f"{old.text[: same.start()]}at least 7 members and at least one-tenth"
        carried = reread(reading, old, Constitution(text + old.text[same.end() :]))
        told = [step.after for step in carried.steps if "7" in step.after]
        assert told or carried.stale


@pytest.mark.parametrize("name", sorted(templates()))
def test_any_one_number_of_a_template_can_change_and_leaves_a_reading_that_is_grounded(
    name: str,
) -> None:
    old, reading = loaded(templates()[name])
    for number in quantities(old.text):
        if (figure := re.match(r"\d+", old.text[number.start :])) is None:
            continue
        end = number.start + figure.end()
        text = f"{old.text[: number.start]}{int(figure[0]) + 2}{old.text[end:]}"
        new = Constitution(text)
        carried = reread(reading, old, new)
        for where, cite in citations_in(carried.reading):
            assert new.holds(cite), where
        for type, charter in carried.reading.processes.items():
            for path, each in ground_charter(new, charter):
                assert each.passes, f"{type}.{path}: {each.objections}"
