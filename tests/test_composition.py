"""Two constitutions put together: every pair that ships, and what keeps two from being one."""

import asyncio
import re
from itertools import product
from pathlib import Path

import pytest

from govbot.app import (
    checked,
    dispute_templates,
    found,
    governance_templates,
    open_view,
    verify_folder,
)
from govbot.charter import citations_in
from govbot.composition import Part, compose
from govbot.config import Settings, reading_beside
from govbot.constitution import Constitution
from govbot.errors import OperatorError
from govbot.lint import lint
from govbot.readingfile import load_reading, read_reading, write_reading

GOVERNANCE, DISPUTES = governance_templates(), dispute_templates()

FIRST = """\
# Club Constitution

We drink tea.

## Article 1: Members

Everyone with the member role decides.
Chairs have the chair role.

## Article 2: Motions

Any member may move, for 3 days.
A motion that anyone is for is carried, and otherwise not.
"""
SECOND = """\
# Peace

Everyone with the member role may ask for help.

## Rule 1: Pleas

Any member may plead, for 2 days.
A plea is heard.
Helpers have the helper role.
"""


def part(text: str, type: str, phrase: str, roles: dict[str, str], section: str) -> Part:
    """A small constitution with one process, all of it quoted from its last section."""
    constitution = Constitution(text)
    quote = re.findall(r"Any member may .+", text)[0]
    lasts = re.findall(r"\d days", quote)[0]
    declared = "".join(
        f"  {role}: {{section: {constitution.find(said).id}, quote: {said}}}\n"  # type: ignore[union-attr]  # the words are there
        for role, said in roles.items()
    )
    reading = read_reading(
        f"""\
constitution: {constitution.digest}
roles:
{declared}
processes:
  {type}:
    title: {type.capitalize()}
    cite: {{section: {section}, quote: "{quote}"}}
    phrases: ["{phrase}"]
    opened_by: {{who: "'member' in roles"}}
    fields: {{what: {{type: text}}}}
    stages:
      - name: waiting
        lasts: {{value: {lasts}, cite: {{section: {section}, quote: "{quote}"}}}}
        outcomes:
          - {{otherwise: heard, cite: {{section: {section}, quote: "{quote}"}}}}
""",
        "part",
    )
    return constitution, reading


def first() -> Part:
    roles = {
        "member": "Everyone with the member role decides.",
        "chair": "Chairs have the chair role.",
    }
    return part(FIRST, "motion", "I move that {what}", roles, "article-2")


def second(
    text: str = SECOND, type: str = "plea", phrase: str = "I plead {what}", helper: str = "helper",
    everyone: str = "member", section: str = "rule-1",
) -> Part:  # fmt: skip
    roles = {
        everyone: "Everyone with the member role may ask for help.",
        helper: "Helpers have the helper role.",
    }
    return part(text, type, phrase, roles, section)


@pytest.mark.parametrize(("form", "way"), sorted(product(GOVERNANCE, DISPUTES)))
def test_every_form_of_government_takes_every_way_to_settle_disputes(form: str, way: str) -> None:
    governance, disputes = checked(GOVERNANCE[form]), checked(DISPUTES[way])
    constitution, reading = compose(governance, disputes)
    assert lint(reading, constitution) == []
    for path, citation in citations_in(reading):
        assert constitution.holds(citation), path
    parts = [section.id for part, _ in (governance, disputes) for section in part.sections]
    assert [section.id for section in constitution.sections] == parts
    again = read_reading(write_reading(reading), "again")
    assert again.digest == reading.digest


def test_a_composed_community_is_founded_with_both_and_verifies(tmp_path: Path) -> None:
    form, way = next(iter(GOVERNANCE.values())), next(iter(DISPUTES.values()))
    made = asyncio.run(found(tmp_path / "c", Settings(name="C"), form.stem, disputes=way.stem))
    assert verify_folder(made.path, []).sound
    view = open_view(made.path)
    wanted = {*load_reading(reading_beside(form)).processes}
    wanted |= {*load_reading(reading_beside(way)).processes}
    assert set(view.community.charters) == wanted
    asyncio.run(view.close())


def test_the_whole_has_one_title_every_section_and_both_kinds_of_process() -> None:
    constitution, reading = compose(first(), second())
    assert constitution.title == "Club Constitution"
    ids = [section.id for section in constitution.sections]
    assert ids == ["club-constitution", "article-1", "article-2", "peace", "rule-1"]
    assert constitution.text.count("\n# ") == 0 and "## Peace\n\nEveryone" in constitution.text
    assert list(reading.processes) == ["motion", "plea"]
    assert list(reading.roles) == ["member", "chair", "helper"]
    assert reading.roles["member"].section == "article-1"
    assert reading.constitution == constitution.digest
    assert not [each for each in lint(reading, constitution) if each.level == "error"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (second(type="motion"), "both have the process type 'motion'; rename it in one of them"),
        (second(helper="chair"), "both have the role 'chair'"),
        (second(everyone="person"), "one speaks of 'member' and the other of 'person'"),
        (second(phrase="I MOVE that {what}"), "both have the opening phrase 'i move that …'"),
        (second(SECOND.replace("Rule", "Article"), section="article-1"), "a section 'article-1'"),
        (second(SECOND.replace("# Peace\n\n", "")), "'preamble' would not stand by itself"),
    ],
)
def test_what_keeps_two_from_being_one_is_told_in_a_sentence(other: Part, says: str) -> None:
    with pytest.raises(OperatorError) as fault:
        compose(first(), other)
    assert says in str(fault.value) and "\n" not in str(fault.value)


def test_a_term_may_be_shared_where_it_means_the_same() -> None:
    (text, ruling), (other, settling) = first(), second()
    cite = ruling.roles["member"]

    def with_term(part: Part, who: str) -> Part:
        term = {"elder": {"who": who, "cite": cite.model_dump()}}
        return part[0], type(part[1]).model_validate({**part[1].document, "terms": term})

    elders = with_term((text, ruling), "'chair' in roles")
    _, reading = compose(elders, with_term((other, settling), "'chair' in roles"))
    assert list(reading.terms) == ["elder"]
    with pytest.raises(OperatorError, match="both have the term 'elder'"):
        compose(elders, with_term((other, settling), "'member' in roles"))


@pytest.mark.parametrize(
    ("template", "disputes", "says"),
    [
        ("example", "anarchy", "there is no template for disputes 'anarchy'; choose "),
        (
            "example",
            "comunity-jury",
            "there is no template for disputes 'comunity-jury'; did you mean '",
        ),
        ("nowhere", next(iter(DISPUTES)), "there is no template 'nowhere'"),
        (next(iter(DISPUTES)), next(iter(DISPUTES)), "cannot be put together: both have the"),
    ],
)
def test_a_pair_that_cannot_be_founded_leaves_nothing_behind(
    template: str, disputes: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError) as fault:
        asyncio.run(found(tmp_path / "c", Settings(name="C"), template, disputes=disputes))
    assert says in str(fault.value)
    assert not (tmp_path / "c").exists()
