"""Where rules can lead: the walk through the states of charters."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from govbot import exploring
from govbot.app import templates
from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.exploring import SIZES, explore
from govbot.lint import Finding
from govbot.readingfile import load_reading, read_reading
from govbot.records import Member

EXAMPLE = Path(__file__).parent.parent / "constitutions" / "example.md"
URGENT = "urgent_proposal"


def explored(change: Callable[[dict[str, Any]], object], **more: Any) -> list[Finding]:
    """What is found in the example's reading after a change to it."""
    document = yaml.safe_load(reading_beside(EXAMPLE).read_text())
    change(document)
    reading = read_reading(json.dumps(document), "changed")
    return explore(reading, Constitution.load(EXAMPLE), **more)


def told(findings: list[Finding]) -> str:
    return "\n".join(f"{f.where}: {f.what}" for f in findings)


def people(count: int, *roles: str) -> list[Member]:
    return [Member(id=f"m{n}", name=f"m{n}", roles=roles or ("member",)) for n in range(count)]


def stage(document: dict[str, Any], type: str = URGENT) -> Any:
    return document["processes"][type]["stages"][0]


def nothing(document: dict[str, Any]) -> None:
    """Leaves the reading as it ships."""


def test_the_example_has_nothing_to_warn_of() -> None:
    assert explored(nothing) == []
    assert explored(nothing, members=people(5)) == []


# Where an outcome hangs on how many hold an office, which no input of the stage brings about.
BEYOND = {"benevolent-dictator": "lead_nomination"}


@pytest.mark.parametrize("name", sorted(templates()))
def test_no_template_has_a_stage_nothing_ends_or_an_outcome_nothing_reaches(name: str) -> None:
    path = templates()[name]
    found = told(explore(load_reading(reading_beside(path)), Constitution.load(path)))
    assert "nothing can end this stage" not in found
    untried = [line for line in found.splitlines() if "nothing I tried" in line]
    assert [line for line in untried if not line.startswith(BEYOND.get(name, "-"))] == []
    assert "of its states were looked at" not in found


def test_a_stage_that_waits_for_more_than_there_are_never_ends() -> None:
    def wait(document: dict[str, Any]) -> None:
        stage(document)["lasts"] = None
        stage(document)["ends_early"] = {"when": "agree >= 12"}

    found = told(explored(wait))
    assert "with 1 to take part, nothing can end this stage" in found
    assert "Article 3: Proposals" in found
    assert "there are now, nothing can end" in told(explored(wait, members=people(11)))
    assert "there are now, nothing can end" not in told(explored(wait, members=people(12)))


def test_an_outcome_that_no_number_of_members_reaches_is_told_in_its_words() -> None:
    def shadowed(document: dict[str, Any]) -> None:
        stage(document)["outcomes"].insert(0, {"when": "votes >= 0", "outcome": "all"})

    assert "nothing I tried leads to the outcome 'passed'" in told(explored(shadowed))


def test_a_quorum_beyond_the_members_there_are_is_told() -> None:
    def many(document: dict[str, Any]) -> None:
        for rule in stage(document)["outcomes"]:
            if "votes < 3" in rule.get("when", ""):
                rule["when"] = "votes < 30"

    assert "with the members there are now nobody can bring about 'passed'" in told(
        explored(many, members=people(29))
    )
    assert explored(many, members=people(30)) == [] and max(SIZES) > 30


def test_a_round_without_end_is_told_with_its_stages() -> None:
    def round(document: dict[str, Any]) -> None:
        stage(document)["outcomes"][-1]["next"] = stage(document)["name"]
        for rule in stage(document)["outcomes"]:
            if "votes < 3" in rule.get("when", ""):
                rule["next"] = stage(document)["name"]

    found = told(explored(round))
    assert "while nobody takes part it goes round without end (discussion → discussion)" in found


def role_change(who: str) -> Callable[[dict[str, Any]], None]:
    """The urgent proposal makes its opener a moderator; `who` may open it and vote."""

    def change(document: dict[str, Any]) -> None:
        charter = document["processes"][URGENT]
        charter["opened_by"]["who"] = who
        for rule in stage(document)["inputs"]:
            rule["who"] = who
        for rule in stage(document)["outcomes"]:
            if rule.get("outcome") == "passed":
                rule["effects"] = [{"grant_role": {"role": "moderator", "to": "opener"}}]

    return change


def test_holders_of_a_role_who_alone_give_it_are_told() -> None:
    found = told(explored(role_change("'moderator' in roles")))
    assert "only those who have the role moderator can give or take it" in found
    assert "Any member may open a proposal." in found
    assert "only those" not in told(explored(role_change("'member' in roles")))


def test_another_way_to_the_role_opens_the_lock() -> None:
    def both(document: dict[str, Any]) -> None:
        role_change("'moderator' in roles")(document)
        passed = stage(document, "standard_proposal")["outcomes"][0]
        passed["effects"] = [{"revoke_role": {"role": "moderator", "to": "opener"}}]

    assert "only those" not in told(explored(both))


def test_a_power_nobody_can_object_to_is_told_and_one_with_an_appeal_is_not() -> None:
    def silent(document: dict[str, Any]) -> None:
        role_change("'member' in roles")(document)
        document["processes"][URGENT].pop("objecting", None)

    assert "no rule says how to appeal or object" in told(explored(silent))

    def appealed(document: dict[str, Any]) -> None:
        silent(document)
        document["processes"]["standard_proposal"]["fields"]["about"] = {"type": "number"}

    assert "no rule says how to appeal" not in told(explored(appealed))
    assert "no rule says how to appeal" not in told(explored(role_change("'member' in roles")))


def test_the_bound_is_told_where_it_was_hit() -> None:
    found = [each for each in explored(nothing, most=10) if "at most 10" in each.what]
    assert [each.level for each in found] == ["note", "note"]


def test_a_constitution_that_can_no_longer_be_changed_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exploring, "AMENDING", "announce")  # any effect that one charter has

    def amending(document: dict[str, Any]) -> None:
        stage(document)["outcomes"][0]["effects"] = [{"announce": "It is changed."}]

    text, document = Constitution.load(EXAMPLE), yaml.safe_load(reading_beside(EXAMPLE).read_text())
    amending(document)
    before = read_reading(json.dumps(document), "before")
    found = told(explored(nothing, before=before))
    assert "nothing could change the constitution any more" in found and URGENT in found
    assert told(explore(before, text, before=before)) == ""
