"""Real constitutions: each loads, splits, is searched, linted and drafted without an error.

They lie beside the checkout and do not ship; where they are absent these tests are skipped.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SHARED
from drafts import Reads

from govbot.charter import Reading, citations_in
from govbot.chartering import DraftRules, FoundProcess, Quoted, share_of
from govbot.constitution import Constitution, Section
from govbot.drafting import FoundProcesses, draft
from govbot.grounding import ground, locate, rendered
from govbot.lint import lint
from govbot.numbers import Quantity, is_time, quantities
from govbot.passages import spans_of
from govbot.readingfile import load_reading
from govbot.records import Citation
from govbot.review import as_yaml, counted, review

FOLDER = SHARED / "constitutions"
INDEX: list[dict[str, Any]] = (
    json.loads((FOLDER / "index.json").read_text()) if FOLDER.is_dir() else []
)
IDS = [document["id"] for document in INDEX]

needs_them = pytest.mark.skipif(
    not IDS, reason="needs ../shared/data/constitutions beside the checkout"
)
each = pytest.mark.parametrize("id", IDS or ["none"])

# Questions that a text answers, and the section that does.
ASKED: dict[str, list[tuple[str, str]]] = {
    "arbitrum-dao-constitution": [
        ("How long does a temperature check run?", "section-2"),
        ("What share of signers must approve an emergency action?", "section-3"),
        ("When does the next election of the Security Council begin?", "section-4"),
        ("Who appoints members of the Data Availability Committee?", "section-5"),
    ],
    "cncf-charter": [
        ("How many members does the technical oversight committee have?", "section-6"),
        ("Can the charter be amended, and by what majority?", "section-18"),
        ("Who approves the yearly budget?", "section-15"),
        ("What may a member of the marketing committee do?", "section-10"),
    ],
    "django-dep10": [
        (
            "How long is the voting period of the Technical Board?",
            "voting-process-of-the-technical-board",
        ),
        ("Can a Merger be removed?", "process-of-selecting-mergers-and-releasers"),
        (
            "How many candidates may a voter vote for in an election?",
            "process-of-selecting-the-technical-board",
        ),
        ("How is this governance process changed?", "changing-this-governance-process"),
        (
            "Who mediates between the Technical Board and the Security Team?",
            "interaction-of-the-technical-board-and-the-django-security-team",
        ),
    ],
    "django-dep12": [
        ("Who may make a statement of no confidence in the Steering Council?", "specification"),
        ("Why was the Technical Board renamed?", "motivation"),
        ("Which licence does the document have?", "copyright"),
    ],
    "ens-dao-constitution": [
        ("What majority does a change to the constitution need?", "section-5"),
        ("Can the DAO take away a name that somebody owns?", "section-1"),
        ("What is the income of the treasury used for?", "section-3"),
        ("May ENS create top-level domains?", "section-4/examples"),
    ],
    "ens-dao-process": [
        ("What quorum does a social proposal need?", "types-of-proposal"),
        ("How long is the voting period of an executable proposal?", "phase-3"),
        ("Who selects the winning bid of an RFP?", "the-rfp-process"),
        ("Is a temperature check binding?", "phase-1"),
    ],
    "enspiral-constitution": [
        ("What is the quorum of a meeting of shareholders?", "constitution-text"),
        ("How can a director be removed?", "constitution-text"),
        ("How can this document be changed?", "context"),
    ],
    "enspiral-decisions": [
        ("How many must take part in a quorum decision?", "decision-types"),
        ("What happens when somebody blocks?", "blocking"),
        ("What does it mean to abstain?", "discussions-proposals"),
        ("When is a formal decision needed?", "making-formal-decisions"),
    ],
    "jupyter-bdfl-archive": [
        (
            "How long do votes on changes of the governance documents last?",
            "changing-the-governance-documents",
        ),
        ("Who can override the Steering Council?", "bdfl"),
        ("How does one become a member of the Council?", "council-membership"),
        ("How many persons are on the NumFOCUS subcommittee?", "numfocus-subcommittee"),
    ],
    "jupyter-decision-making": [
        ("How many days do members have to vote?", "required-aspects-of-decision-making"),
        ("What is the quorum for formal votes?", "required-aspects-of-decision-making"),
        ("What is a two-way door?", "optional-aspects-of-decision-making"),
    ],
    "jupyter-executive-council": [
        ("How long is a term?", "how-long-are-term-lengths-and-limits"),
        (
            "How can a member of the Executive Council be removed?",
            "how-can-an-ec-member-be-removed",
        ),
        ("Who may nominate a candidate?", "how-does-the-nomination-and-election-process-work"),
    ],
    "kubernetes-steering-charter": [
        ("How many votes remove a committee member?", "no-confidence"),
        ("How is a vacancy filled?", "vacancies"),
        ("What quorum is needed to vote in a meeting?", "quorum"),
        ("Do abstaining members count?", "abstention"),
    ],
    "loomio-membership": [
        ("By what majority can the constitution be changed?", "roles-responsibilities"),
        ("Who issues a share to a new member?", "entering-membership"),
        ("When does somebody stop being a member?", "exiting-membership"),
    ],
    "matrix-msc1779": [
        ("How are members of the Spec Core Team removed?", "spec-core-team-logistics"),
        ("How are new Guardians appointed?", "the-guardians"),
        ("Who has commit access?", "the-code-core-team-aka-the-core-team"),
    ],
    "rust-rfc1068-governance": [
        (
            "How long is the final comment period?",
            "how-and-when-rfc-decisions-are-made-and-the-final-comment-period",
        ),
        ("What happens when there is no consensus?", "lack-of-consensus"),
        ("Who chooses the moderators?", "moderation-team"),
        ("Who leads a subteam?", "subteams"),
    ],
    "s3-consent-decision-making": [
        ("Do concerns stop a proposal?", "step-5"),
        ("When does a proposal become an agreement?", "overview"),
        ("Who presents the proposal?", "step-2"),
    ],
}


def document(id: str) -> Constitution:
    return Constitution.load(FOLDER / next(d["file"] for d in INDEX if d["id"] == id))


def sentences(section: Section) -> Iterator[str]:
    for first, last in spans_of(section.text):
        yield " ".join(section.text[first:last].split())


@needs_them
def test_all_of_them_are_here_and_asked() -> None:
    assert len(IDS) >= 16 and set(IDS) == set(ASKED)
    assert sum(map(len, ASKED.values())) >= 3 * len(IDS)


@needs_them
@each
def test_each_splits_into_sections_with_ids_that_are_its_own(id: str) -> None:
    found, again = document(id), document(id)
    ids = [section.id for section in found.sections]
    assert len(ids) == len(set(ids)) > 2
    assert [s.id for s in again.sections] == ids and again.digest == found.digest
    # A remark above the text moves no id.
    changed = Constitution(f"A word before.\n\n{found.text.removeprefix(chr(0xFEFF))}")
    assert set(ids) <= {section.id for section in changed.sections}
    assert all(section.text.strip() for section in found.sections)


@needs_them
@each
def test_every_sentence_is_found_in_the_section_it_stands_in(id: str) -> None:
    found, seen = document(id), 0
    for section in found.sections:
        for sentence in sentences(section):
            cite = Citation(section=section.id, quote=sentence)
            assert found.holds(cite) and sentence in found.around(cite)
            assert found.find(sentence) is not None
            place = locate(found, cite)
            assert place is not None and place.section == section and not place.also
            assert ground(found, "", cite).status == "grounded"
            seen += 1
    assert seen > 15


@needs_them
@each
def test_questions_lead_to_the_section_that_answers_them(id: str) -> None:
    found = document(id)
    for question, section in ASKED[id]:
        assert found.section(section) is not None, section
        near = [each.id for each in found.search(question, 10)]
        assert section in near, (question, near)
        told = found.query(question)
        assert told.answer and all(found.holds(citation) for citation in told.citations)


@needs_them
@each
def test_an_empty_reading_is_linted(id: str) -> None:
    found = document(id)
    assert lint(Reading(constitution=found.digest), found) == []
    (other,) = lint(Reading(constitution="sha256:" + "0" * 64), found)
    assert other.level == "error" and "is of another text" in other.what


# --- drafted readings -----------------------------------------------------------------------------


def with_a_number(found: Constitution, fits: Callable[[Quantity], bool]) -> Quoted:
    """The first sentence with such a number, as a reader would say it; empty if there is none."""
    for section in found.sections:
        for sentence in sentences(section):
            number = next((n for n in quantities(rendered(sentence)) if fits(n)), None)
            if number is not None:
                return Quoted(value=number.text, quote=sentence, section=section.id)
    return Quoted()


def read_by_numbers(found: Constitution) -> tuple[list[FoundProcesses], DraftRules]:
    """What a reader would say who takes each first number for a rule."""
    passing = with_a_number(found, lambda n: share_of(n) is not None)
    lasts = with_a_number(found, lambda n: is_time(n.unit) and n.unit != "seconds")
    process = FoundProcess(title="Decision", quote=(passing.quote or lasts.quote) or "none")
    rules = DraftRules(passing=passing, passes="a share of those voting", lasts=lasts)
    return [FoundProcesses(processes=(process,))], rules


@needs_them
@each
def test_a_drafted_reading_is_saved_loaded_and_linted(id: str, tmp_path: Path) -> None:
    found = document(id)
    first, rules = read_by_numbers(found)
    drafted = asyncio.run(draft(found, Reads(first, rules), 10**6))
    file = tmp_path / f"{id}.reading.yaml"
    file.write_text(as_yaml(drafted))
    again = load_reading(file)
    assert again == drafted.reading
    checked = lint(again, found)
    assert not [f for f in checked if "does not say “" in f.what or "another text" in f.what]
    assert all(found.holds(citation) for _, citation in citations_in(again))
    rows = [row for row in review(drafted, found) if row.text]
    assert counted(drafted, found)[:2] == (
        sum(row.grounded for row in rows), sum(not row.grounded for row in rows)
    )  # fmt: skip
    said = bool(again.processes) or bool(drafted.notes) or bool(drafted.drafted[0].notes)
    assert said, "a draft without a process says why"


@needs_them
def test_most_of_them_have_a_share_or_a_time_that_grounds() -> None:
    drafts = 0
    for id in IDS:
        found = document(id)
        first, rules = read_by_numbers(found)
        drafts += bool(asyncio.run(draft(found, Reads(first, rules), 10**6)).reading.processes)
    assert drafts >= 10


@needs_them
@each
def test_what_one_text_says_is_no_rule_of_another(id: str) -> None:
    """A reader that quotes another constitution gets nothing into the draft."""
    found, other = document(id), document(IDS[IDS.index(id) - 3])
    first, rules = read_by_numbers(other)
    drafted = asyncio.run(draft(found, Reads(first, rules), 10**6))
    assert not drafted.reading.processes and not drafted.reading.roles
    assert "is left out: its quote is not in the text" in drafted.notes[0]
    mine = FoundProcess(title="Decision", quote=next(sentences(found.sections[1])))
    drafted = asyncio.run(draft(found, Reads([FoundProcesses(processes=(mine,))], rules), 10**6))
    assert not drafted.reading.processes
