"""From rules to a charter: what the text carries gets in, what it does not is named."""

from collections.abc import Callable
from typing import Any

import pytest

from govbot.charter import Charter, Reading
from govbot.chartering import Built, DraftRules, FoundProcess, Quoted, charter_of, located, type_of
from govbot.constitution import Constitution
from govbot.lint import errors
from govbot.records import Citation

TEXT = """\
# Orchard

## 1. People

Anyone may bring a motion. Every council member may vote on it.
Stewards look after the trees.

## 2. Motions

A motion is discussed for one week, and then the vote is open for two working days.
Votes are yes, no or blank. Blank votes count towards the quorum but for nothing else.
At least half of all council members must take part in a vote.
A motion passes when more than two-thirds of the votes cast are yes.

## 3. Trees

To fell a tree, three-quarters of all council members must say yes. However, a dead tree may be
felled at once.
A steward is named unless somebody objects.
The fence is moved by a simple majority. A majority of the council is needed to sell land.
A quorum of the meeting is five council members, and for land it is a majority of them.
In winter more than a third of all council members must be present.
"""
CONSTITUTION = Constitution(TEXT)
PEOPLE, MOTIONS, TREES = "section-1", "section-2", "section-3"


def quoted(value: str, quote: str) -> Quoted:
    return Quoted(value=value, quote=quote)


WHOLE = DraftRules(
    opened_by=quoted("anyone", "Anyone may bring a motion."),
    discussion=quoted("one week", "A motion is discussed for one week"),
    lasts=quoted("two working days", "the vote is open for two working days"),
    voters=quoted("every council member", "Every council member may vote on it."),
    choices=quoted("yes, no or blank", "Votes are yes, no or blank."),
    abstaining=quoted("blank", "Blank votes count towards the quorum but for nothing else."),
    abstentions="count for the quorum",
    quorum=quoted("half", "At least half of all council members must take part in a vote."),
    passing=quoted(
        "two-thirds", "A motion passes when more than two-thirds of the votes cast are yes."
    ),
    passes="a share of those voting",
)  # fmt: skip
MOTION = FoundProcess(
    title="Motion", section=MOTIONS,
    quote="A motion passes when more than two-thirds of the votes cast are yes.",
)  # fmt: skip


def built(**changes: Any) -> Built:
    return charter_of(CONSTITUTION, MOTION, WHOLE.model_copy(update=changes), {})


def whens(found: Built) -> list[str | None]:
    assert found.charter is not None
    return [rule.when for rule in found.charter.stages[-1].outcomes]


def test_a_text_that_says_all_of_it_makes_a_charter_of_two_stages() -> None:
    found = built()
    assert found.doubts == () and found.notes == ()
    charter = found.charter
    assert charter is not None
    discussion, vote = charter.stages
    assert discussion.lasts and discussion.lasts.value == "1 week"
    assert discussion.outcomes[0].next == "vote"
    assert vote.lasts and vote.lasts.value == "2 business days"
    assert charter.opened_by.who == "True" and charter.opened_by.cite
    (ballot,) = vote.inputs
    assert ballot.who == "'council member' in roles"
    assert ballot.choices == ("yes", "no", "blank")
    assert whens(found) == [
        "votes < 1/2 * eligible", "yes + no > 0 and yes > 2/3 * (yes + no)", None
    ]  # fmt: skip
    assert set(found.roles) == {"council member"}
    assert [name for name, _ in found.beside] == ["abstaining", "choices"]
    reading = Reading(
        constitution=CONSTITUTION.digest, roles=found.roles, processes={"motion": charter}
    )
    assert errors(reading, CONSTITUTION) == []


def test_a_quote_becomes_the_whole_sentence_it_is_of() -> None:
    found = built()
    assert found.charter and found.charter.stages[0].lasts and found.charter.stages[0].lasts.cite
    assert found.charter.stages[0].lasts.cite.quote == (
        "A motion is discussed for one week, and then the vote is open for two working days."
    )
    assert located(CONSTITUTION, "  felled at\nonce ", PEOPLE) == Citation(
        section=TREES, quote="However, a dead tree may be felled at once."
    )
    assert located(CONSTITUTION, " ") is None


def test_words_that_stand_in_several_sentences_are_first_those_of_the_process() -> None:
    text = TEXT + "\n## 4. Rows\n\nHedges: no blocks, 3 days.\n\nPonds: no blocks, 5 days.\n"
    ponds = FoundProcess(title="Ponds", section="section-4", quote="Ponds: no blocks, 5 days.")
    rules = DraftRules(passing=quoted("no blocks", "no blocks"), passes="nobody against")
    found = charter_of(Constitution(text), ponds, rules, {})
    assert citations(found.charter, "vote") == ["Ponds: no blocks, 5 days."]
    part = DraftRules(passing=quoted("no blocks", "o blocks"), passes="nobody against")
    assert charter_of(Constitution(text), ponds, part, {}).charter is None


def test_one_sentence_with_one_time_for_both_is_one_stage() -> None:
    found = built(discussion=WHOLE.lasts)
    assert found.charter and [stage.name for stage in found.charter.stages] == ["vote"]
    assert "one stage" in found.notes[0]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"lasts": quoted("9 days", "the vote is open for two working days")}, "“9 days” does not"),
        ({"lasts": quoted("2 days", "the vote is open for two working days")}, "“2 days” does not"),
        ({"lasts": quoted("a while", "Anyone may bring a motion.")}, "“a while” is no length"),
        ({"lasts": quoted("2 days", "The vote lasts two days.")}, "does not stand in the text"),
        ({"lasts": quoted("2 days", "")}, "lasts: “2 days” has no sentence"),
        ({"quorum": quoted("many", "Votes are yes, no or blank.")}, "neither a number nor a share"),
        ({"quorum": quoted("7", "At least half of all council members must take part")}, "“7”"),
        ({"voters": quoted("steward", "Every council member may vote on it.")}, "is no role that"),
        ({"opened_by": quoted("x " * 9, "Anyone may bring a motion.")}, "is no role that"),
        ({"passing": quoted("3/4", WHOLE.passing.quote)}, "passing: “3/4” does not"),
        ({"passing": quoted("all", "Votes are yes, no or blank.")}, "passing: “all” is no share"),
        ({"passes": "nobody against"}, "has “two-thirds”, which “nobody against” leaves out"),
        ({"passing": Quoted()}, "the sentence that says what it takes to pass is not found"),
        ({"abstaining": quoted("stand aside", WHOLE.abstaining.quote)}, "abstaining: “stand"),
    ],
)  # fmt: skip
def test_a_rule_without_ground_is_left_out_and_named(changes: dict[str, Any], problem: str) -> None:
    found = built(**changes)
    assert any(problem in str(each) for each in found.doubts), found.doubts
    (name,) = changes.keys() - {"passes"} or {"passing"}
    assert found.charter is not None
    if name in ("lasts", "quorum", "passing"):
        assert len(citations(found.charter, "vote")) == len(citations(built().charter, "vote")) - 1


def citations(charter: Charter | None, stage: str) -> list[str]:
    assert charter is not None
    found = charter.stage(stage)
    cites = [found.lasts and found.lasts.cite, *(rule.cite for rule in found.outcomes)]
    return [cite.quote for cite in cites if cite]


def test_a_sentence_without_the_words_of_a_way_to_pass_is_not_taken_for_it() -> None:
    for passes in ("more for than against", "more than half of all", "nobody against", "unclear"):
        found = built(passing=quoted("so", "Stewards look after the trees."), passes=passes)
        assert len(whens(found)) == 2
        assert str(found.doubts[0]).startswith("passing: ")


@pytest.mark.parametrize(
    "passes",
    ["a share of all", "a share of those voting", "more for than against", "unclear"],
)
def test_a_share_in_the_sentence_decides_whatever_it_was_taken_for(passes: str) -> None:
    assert whens(built(passes=passes)) == whens(built())
    trees = quoted("", "To fell a tree, three-quarters of all council members must say yes.")
    assert whens(built(passing=trees, passes=passes))[1] == "yes >= 3/4 * eligible"
    text = TEXT + "\n## 4. Bees\n\nBees need two-thirds.\n"
    rules = WHOLE.model_copy(
        update={"passing": quoted("two-thirds", "Bees need two-thirds."), "passes": passes}
    )
    found = charter_of(Constitution(text), MOTION, rules, {})
    everybody = passes == "a share of all"
    assert ("yes >= 2/3 * eligible" in whens(found)) is everybody
    assert any("does not say of whom" in note for note in found.notes)


def test_whose_majority_it_is_is_for_the_sentence_to_say() -> None:
    board = "A majority of the council is needed to sell land."
    for passes in ("more for than against", "more than half of all"):
        found = built(passing=quoted("majority", board), passes=passes)
        assert whens(found)[1] == "yes > eligible - yes"
        cast = "Paths are closed by a majority of the votes cast."
        text = TEXT + f"\n## 4. Paths\n\n{cast}\n"
        rules = WHOLE.model_copy(update={"passing": quoted("majority", cast), "passes": passes})
        assert whens(charter_of(Constitution(text), MOTION, rules, {}))[1] == "yes > no"


def test_abstentions_count_for_nothing_only_where_a_sentence_rules_on_them() -> None:
    five = quoted("five", "A quorum of the meeting is five council members")
    found = built(quorum=five, abstentions="count for nothing", abstaining=Quoted())
    assert whens(found)[0] == "votes < 5"


def test_two_shares_in_a_sentence_are_told_apart_by_the_value() -> None:
    both = "Bees need a quorum of one-tenth and the approval of 60% of the voters."
    text = TEXT + f"\n## 4. Bees\n\n{both}\n"
    rules = WHOLE.model_copy(
        update={"passing": quoted("60%", both), "quorum": quoted("one-tenth", both)}
    )
    assert whens(charter_of(Constitution(text), MOTION, rules, {}))[:2] == [
        "votes < 1/10 * eligible", "yes + no > 0 and yes >= 3/5 * (yes + no)"
    ]  # fmt: skip
    vague = rules.model_copy(update={"passing": quoted("approval", both)})
    found = charter_of(Constitution(text), MOTION, vague, {})
    assert any("is none of the shares" in doubt.what for doubt in found.doubts)


@pytest.mark.parametrize(
    ("passes", "value", "quote", "when"),
    [
        (
            "a share of all", "three-quarters",
            "To fell a tree, three-quarters of all council members must say yes.",
            "yes >= 3/4 * eligible",
        ),
        (
            "nobody against", "unless somebody objects",
            "A steward is named unless somebody objects.", "yes > 0 and no == 0",
        ),
        (
            "more for than against", "simple majority", "The fence is moved by a simple majority.",
            "yes > no",
        ),
        (
            "more than half of all", "majority",
            "A majority of the council is needed to sell land.", "yes > eligible - yes",
        ),
    ],
)  # fmt: skip
def test_each_way_of_passing_has_its_condition(
    passes: str, value: str, quote: str, when: str
) -> None:
    found = built(passing=quoted(value, quote), passes=passes)
    assert whens(found)[1] == when


@pytest.mark.parametrize(
    ("value", "quote", "abstentions", "when"),
    [
        ("five", "A quorum of the meeting is five council members", "unclear", "votes < 5"),
        (
            "five", "A quorum of the meeting is five council members", "count for nothing",
            "(yes + no) < 5",
        ),
        (
            "a majority", "A majority of the council is needed to sell land.",
            "count for the quorum", "votes <= eligible - votes",
        ),
        (
            "a third", "In winter more than a third of all council members must be present.",
            "unclear", "votes <= 1/3 * eligible",
        ),
    ],
)  # fmt: skip
def test_a_quorum_is_a_number_a_share_or_a_majority(
    value: str, quote: str, abstentions: Any, when: str
) -> None:
    found = built(quorum=quoted(value, quote), abstentions=abstentions)
    assert whens(found)[0] == when


def test_a_share_it_takes_to_pass_is_not_taken_for_a_quorum_too() -> None:
    found = built(quorum=WHOLE.passing)
    assert whens(found)[0] == "yes + no > 0 and yes > 2/3 * (yes + no)"
    assert "quorum: its sentence says what it takes to pass; not taken twice" in found.notes


def test_what_the_text_does_not_say_is_filled_in_and_named() -> None:
    found = built(opened_by=Quoted(), voters=Quoted(), choices=Quoted(), abstaining=Quoted())
    assert found.charter is not None
    assert found.charter.opened_by.who == "'member' in roles" and not found.charter.opened_by.cite
    assert found.charter.stages[-1].inputs[0].choices == ("agree", "disagree")
    assert len([note for note in found.notes if "is not found" in note]) == 2
    assert any("the draft has agree and disagree" in note for note in found.notes)
    assert found.doubts == ()


def test_without_a_time_or_a_way_to_pass_there_is_no_charter() -> None:
    found = built(discussion=Quoted(), lasts=Quoted(), quorum=Quoted(), passing=Quoted())
    assert found.charter is None and "neither how long it takes" in found.notes[-1]


@pytest.mark.parametrize(
    ("value", "choices"),
    [
        ("+1, 0, -1", ("agree", "disagree")),
        ("for, against", ("vote for", "against")),
        ("yes, yes, no", ("yes", "no")),
        ("votes, eligible", ("agree", "disagree")),
        ("maybe, perhaps", ("agree", "disagree")),
        ("", ("agree", "disagree")),
        ("yes; “no”", ("yes", "no")),
    ],
)
def test_a_choice_has_a_word_of_its_sentence_and_a_name_that_can_be_counted(
    value: str, choices: tuple[str, ...]
) -> None:
    text = TEXT + "\n## 4. Words\n\nVotes are +1, 0 or -1, yes or no, for or against, eligible.\n"
    quote = "Votes are +1, 0 or -1, yes or no, for or against, eligible."
    rules = WHOLE.model_copy(update={"choices": quoted(value, quote), "abstaining": Quoted()})
    found = charter_of(Constitution(text), MOTION, rules, {})
    assert found.charter and found.charter.stages[-1].inputs[0].choices == choices


def test_a_role_that_is_known_keeps_its_name() -> None:
    cite = Citation(section=PEOPLE, quote="Every council member may vote on it.")
    found = charter_of(CONSTITUTION, MOTION, WHOLE, {"council members": cite})
    assert found.charter is not None
    assert found.charter.stages[-1].inputs[0].who == "'council members' in roles"
    assert set(found.roles) == {"council members"}


@pytest.mark.parametrize(
    ("title", "type"),
    [
        ("Motion", "motion"), ("Änderung der Regeln", "anderung_der_regeln"),
        ("2/3 vote", "process_2_3_vote"), ("投票", "process"), ("  ", "process"),
    ],
)  # fmt: skip
def test_every_title_makes_a_name_for_its_type(title: str, type: str) -> None:
    assert type_of(title) == type


HOSTILE: list[Callable[[str], Quoted]] = [
    lambda quote: quoted("' or 'a' in roles or '", quote),
    lambda quote: quoted("{choice} {process} {", quote),
    lambda quote: quoted("\x00\u202e\n" * 50, quote),
    lambda quote: quoted("9" * 400, quote),
    lambda quote: quoted("1e309 days", quote * 30),
    lambda quote: quoted("__import__('os')", quote),
]


@pytest.mark.parametrize("make", HOSTILE)
def test_whatever_is_answered_makes_a_charter_or_none_and_never_an_error(
    make: Callable[[str], Quoted],
) -> None:
    names = [name for name, field in DraftRules.model_fields.items() if field.annotation is Quoted]
    for quote in ("Votes are yes, no or blank.", WHOLE.passing.quote, TEXT):
        rules = WHOLE.model_copy(update={name: make(quote) for name in names})
        found = charter_of(CONSTITUTION, MOTION, rules, {})
        assert found.charter is None or found.doubts
        for name in names:
            one = built(**{name: make(quote)})
            assert one.charter is not None and one.charter.stages
