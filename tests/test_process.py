"""The kernel: what may be recorded of a process, and the state that follows from it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.charter import Reading
from govbot.community import apply_community, community_objections
from govbot.errors import MemberError
from govbot.ledger import seal
from govbot.process import apply, objections
from govbot.readingfile import load_reading, read_reading
from govbot.records import (
    BOT,
    GENESIS,
    Adopted,
    Body,
    Decided,
    Decision,
    Done,
    Effect,
    Entry,
    Fact,
    Founded,
    Give,
    Given,
    Manage,
    Managed,
    Member,
    Opened,
    Ratified,
    Seen,
    StageEnded,
    Turned,
    digest,
    stamp,
)
from govbot.stages import (
    end_stage,
    ends_early,
    managing,
    opening,
    receiving,
)
from govbot.state import (
    Community,
    Process,
    electorate,
    facts,
    unopened,
)
from govbot.tools import random_select, recompute
from govbot.tools.draws import seed_for

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "constitutions" / "example.reading.yaml"
CONSENSUS = ROOT / "tests" / "cases" / "constitutions" / "consensus.reading.yaml"
JURY = ROOT / "tests" / "cases" / "constitutions" / "jury.reading.yaml"

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

HEADER = f"constitution: sha256:{'0' * 64}\nprocesses:\n"


@cache
def shipped(path: Path) -> Reading:
    return load_reading(path)


def charter(stages: str, *, more: str = "", who: str = "'member' in roles") -> str:
    """The YAML of a process type called `motion`; `more` are further lines of the charter."""
    return (
        f"{HEADER}"
        "  motion:\n"
        "    title: Motion\n"
        "    cite: {section: article-1, quote: Members move motions.}\n"
        f'    opened_by: {{who: "{who}"}}\n'
        f"{indented(more, 4)}"
        "    stages:\n"
        f"{indented(stages, 6)}"
    )


def indented(text: str, by: int) -> str:
    lines = text.strip("\n").splitlines()
    shift = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
    return "".join(f"{' ' * by}{line[shift:]}\n" for line in lines)


VOTE = """
- name: voting
  lasts: {value: 2 days}
  inputs:
    - kind: vote
      who: "'member' in roles"
      choices: [agree, disagree]
  outcomes:
    - {when: agree > disagree, outcome: passed}
    - {otherwise: rejected}
"""


class House:
    """A community and its processes, replayed entry by entry as the ledger would."""

    def __init__(self, reading: Reading | str, *members: str, zone: str = "UTC") -> None:
        if isinstance(reading, str):
            reading = read_reading(reading, "test.yaml")
        self.entries: list[Entry] = []
        self.community = Community()
        self.processes: dict[str, Process] = {}
        self.head = GENESIS
        self.now = START
        self.add(Founded(name="Test", vkey="none", first_number=7, zone=zone))
        self.add(
            Ratified(
                constitution=self.community.constitution or reading.constitution,
                reading=reading.digest,
                document=reading.document,
            ),
            checked=False,
        )
        for each in members:
            self.meet(each)

    def meet(self, said: str, **about: str | int | bool) -> None:
        """What the platform says of a member: `ana`, or `bo=moderator,member`."""
        id, _, roles = said.partition("=")
        named = tuple(roles.split(",")) if roles else ("member",)
        if said.endswith("="):
            named = ()
        self.add(Seen(member=Member(id=id, name=id.title(), roles=named, facts=about)))

    def add(
        self,
        body: Body,
        member: str = BOT,
        process: str | None = None,
        decision: Decision | None = None,
        checked: bool = True,
    ) -> Entry:
        fact = self.fact(body, member, process, decision)
        if checked:
            assert self.against(fact) == []
        entry, data = seal(fact, len(self.entries), self.head)
        self.entries.append(entry)
        self.head = digest(data)
        if process is not None:
            self.processes[process] = apply(self.before(process), entry)
        self.community = apply_community(self.community, entry)
        return entry

    def fact(
        self, body: Body, member: str, process: str | None, decision: Decision | None = None
    ) -> Fact:
        return Fact(
            id=f"fact:{len(self.entries)}",
            at=self.now,
            member=member,
            process=process,
            body=body,
            decision=decision,
        )

    def before(self, process: str) -> Process:
        return self.processes.get(process) or unopened(self.community, self.community.next_number)

    def against(self, fact: Fact) -> list[str]:
        found = community_objections(self.community, fact)
        if found or fact.process is None:
            return found
        return objections(self.before(fact.process), fact, self.head)

    def refused(self, body: Body, member: str = BOT, process: str | None = None) -> str:
        """The objections to a fact, which must be some."""
        found = self.against(self.fact(body, member, process or self.last.id))
        assert found, f"nothing is said against {body!r}"
        return "; ".join(found)

    # --- what members and the bot do -------------------------------------------------------

    @property
    def last(self) -> Process:
        return list(self.processes.values())[-1]

    def opened(
        self, member: str, type: str = "motion", effect: str | None = None, **fields: Any
    ) -> Opened:
        process = unopened(self.community, self.community.next_number)
        body, self.decision = opening(process, type, fields, member, self.now, self.head, effect)
        return body

    def open(
        self, member: str, type: str = "motion", effect: str | None = None, **fields: Any
    ) -> Process:
        body = self.opened(member, type, effect, **fields)
        self.add(body, member, f"process_{body.number}", self.decision)
        return self.last

    def given(self, member: str, kind: str, value: Any = None, reason: str = "") -> Given:
        process = self.last
        give = Give(process=process.number, input=kind, value=value, reason=reason)
        body, self.decision = receiving(
            process, give, self.community.members.get(member, Member(id=member, name=member))
        )
        return body

    def give(self, member: str, kind: str, value: Any = None, reason: str = "") -> Process:
        body = self.given(member, kind, value, reason)
        self.add(body, member, self.last.id, self.decision)
        return self.last

    def cannot_give(self, member: str, kind: str, value: Any = None, reason: str = "") -> str:
        before = self.last
        said = self.refused(self.given(member, kind, value, reason), member)
        assert self.last is before
        return said

    def managed(self, act: str, reason: str = "It is needed.", by: str = "") -> Managed:
        manage = Manage(process=self.last.number, act=act, reason=reason, by=by)  # type: ignore[arg-type]  # tests name acts as text
        body, self.decision = managing(self.last, manage)
        return body

    def manage(self, member: str, act: str, by: str = "") -> Process:
        self.add(self.managed(act, by=by), member, self.last.id, self.decision)
        return self.last

    def ending(self, why: Literal["due", "early"] = "due") -> StageEnded:
        body, self.decision = end_stage(self.last, why, self.now, self.head)
        return body

    def end(self, why: Literal["due", "early"] = "due") -> StageEnded:
        """Ends the present stage; at its due time, unless it is already later."""
        if why == "due" and self.last.due is not None:
            self.now = max(self.now, self.last.due)
        body = self.ending(why)
        self.add(body, BOT, self.last.id, self.decision)
        return body

    def carry_out(self, effect: Effect, ok: bool = True) -> None:
        self.add(Done(effect=effect, ok=ok))


def replayed(house: House) -> tuple[Community, dict[str, Process]]:
    """The state from the entries alone."""
    community, processes = Community(), dict[str, Process]()
    for entry in house.entries:
        if entry.process is not None:
            before = processes.get(entry.process) or unopened(community, community.next_number)
            processes[entry.process] = apply(before, entry)
        community = apply_community(community, entry)
    return community, processes


def counts(process: Process, *names: str) -> dict[str, int]:
    known = facts(process, START)
    return {name: known[name] for name in names}


# --- opening --------------------------------------------------------------------------------


def test_a_process_opens_with_what_its_charter_says() -> None:
    house = House(shipped(EXAMPLE), "ana", "bo", "mo=moderator")
    process = house.open("ana", "standard_proposal", proposal_text="  We  plant\n trees ")
    assert (process.status, process.number, process.id) == ("open", 7, "process_7")
    assert (process.type, process.opener, process.stage) == (
        "standard_proposal", "ana", "discussion",
    )  # fmt: skip
    assert process.title == "We plant trees"
    assert process.due == process.longest == START + 6 * DAY
    assert process.eligible == {"'member' in roles": 2}
    assert house.community.next_number == 8
    assert house.decision.result == "opened"
    assert [cite.quote for cite in house.decision.citations][1] == "Any member may open a proposal."
    (added,) = house.decision.calculations
    assert added.tool == "datetime_add" and recompute(added) is None
    assert added.result == stamp(process.due)


def test_only_those_the_charter_names_may_open_and_the_rule_is_quoted() -> None:
    house = House(shipped(EXAMPLE), "ana", "guest=visitor", "nobody=")
    for who in ("guest", "nobody"):
        body = house.opened(who, "standard_proposal", proposal_text="x")
        said = house.refused(body, who, "process_7")
        assert said == (
            "you may not open a standard proposal: the constitution says"
            " “Any member may open a proposal.”"
        )


def test_someone_never_seen_cannot_open_anything() -> None:
    house = House(shipped(EXAMPLE), "ana")
    body = house.opened("eve", "standard_proposal", proposal_text="x")
    assert "'eve' is not known here" in house.refused(body, "eve", "process_7")


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    house = House(shipped(EXAMPLE), "ana")
    body = house.opened("ana", "standard_proposal", proposal_text="x")
    forged = body.model_copy(update={"type": "coup"})
    assert house.refused(forged, "ana", "process_7") == (
        "the constitution knows no process type 'coup'; it knows standard_proposal, urgent_proposal"
    )


def test_nothing_can_be_opened_before_there_are_rules() -> None:
    house = House(shipped(EXAMPLE), "ana")
    body = house.opened("ana", "standard_proposal", proposal_text="x")
    blank = unopened(replace(house.community, charters={}), 7)
    said = objections(blank, house.fact(body, "ana", "process_7"), house.head)
    assert "it knows none yet" in said[0]


def test_what_a_member_asks_to_open_is_asked_of_them_alone() -> None:
    house = House(
        charter(VOTE, who="'member' in roles and joined_days >= 30 and me != 'bo'"),
    )
    old, new = stamp(START - 30 * DAY), stamp(START - 30 * DAY + TICK)
    house.meet("ana", joined_at=old)
    house.meet("bo", joined_at=old)
    house.meet("cy", joined_at=new)
    house.meet("di")
    house.meet("ed", joined_at="long ago")
    for refused in ("bo", "cy", "di", "ed"):
        assert "may not open" in house.refused(house.opened(refused), refused, "process_7")
    assert house.open("ana").opener == "ana"


FIELDS = """
fields:
  subject: {type: text, label: subject of it, most: 10}
  whom: {type: member}
  amount: {type: number, required: false}
named_after: subject
"""


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"whom": "bo"}, "a motion needs its subject of it; say it and try again"),
        ({"subject": " \n", "whom": "bo"}, "a motion needs its subject of it"),
        ({"subject": "x" * 13, "whom": "bo"}, "3 characters too long; at most 10 are allowed"),
        ({"subject": 5, "whom": "bo"}, "subject of it must be some text"),
        ({"subject": "x", "whom": "zoe"}, "whom must name a member; 'zoe' is not one"),
        ({"subject": "x", "whom": ["bo"]}, "whom must name a member"),
        ({"subject": "x", "whom": "bo", "amount": "3"}, "amount must be a whole number, not '3'"),
        ({"subject": "x", "whom": "bo", "amount": True}, "amount must be a whole number"),
        ({"subject": "x", "whom": "bo", "amount": 1.5}, "amount must be a whole number"),
    ],
)
def test_a_field_of_the_wrong_shape_is_named(fields: dict[str, Any], said: str) -> None:
    house = House(charter(VOTE, more=FIELDS), "ana", "bo")
    assert said in house.refused(house.opened("ana", **fields), "ana", "process_7")


def test_every_wrong_field_is_told_at_once() -> None:
    house = House(charter(VOTE, more=FIELDS), "ana")
    said = house.refused(house.opened("ana", whom="zoe"), "ana", "process_7")
    assert "needs its subject" in said and "'zoe' is not one" in said


def test_a_field_nobody_asked_for_is_refused() -> None:
    house = House(charter(VOTE, more=FIELDS), "ana", "bo")
    body = house.opened("ana", subject="x", whom="bo")
    forged = body.model_copy(update={"fields": {**body.fields, "budget": 9}})
    assert house.refused(forged, "ana", "process_7") == "'budget' is not asked for here"


def test_fields_of_every_shape_are_kept_and_an_optional_one_may_be_missing() -> None:
    house = House(charter(VOTE, more=FIELDS), "ana", "bo")
    first = house.open("ana", subject="Trees", whom="bo")
    assert (first.title, first.fields) == ("Trees", {"subject": "Trees", "whom": "bo"})
    second = house.open("bo", subject="More", whom="ana", amount=0)
    assert second.number == 8 and second.fields["amount"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"due": START + DAY},
        {"due": None},
        {"eligible": {"'member' in roles": 99}},
        {"number": 8},
        {"title": "Another"},
        {"stage": "elsewhere"},
        {"constitution": "sha256:" + "1" * 64},
        {"reading": "sha256:" + "1" * 64},
        {"drawn": {"jurors": ("ana",)}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_opening_is_told_where_it_departs_from_the_rules(change: dict[str, Any]) -> None:
    house = House(charter(VOTE), "ana", "bo")
    forged = house.opened("ana").model_copy(update=change)
    (name,) = change
    assert house.refused(forged, "ana", "process_7").startswith(f"{name} is ")


def test_a_process_cannot_be_opened_twice() -> None:
    house = House(charter(VOTE), "ana")
    body = house.opened("ana")
    house.add(body, "ana", "process_7")
    assert house.refused(body, "ana") == "process 7 is already open"


def test_nothing_can_be_done_in_a_process_that_does_not_exist() -> None:
    house = House(charter(VOTE), "ana")
    bodies: list[Body] = [
        Given(input="vote", stage="voting", value="agree"),
        Managed(act="cancel", reason="x"),
        StageEnded(
            stage="voting", why="due", due=START, rule=0, outcome="x", next=None, next_due=None
        ),
        Decided(about="x"),
    ]
    for body in bodies:
        assert "process 7 does not exist" in house.refused(body, "ana", "process_7")


# --- the roll -------------------------------------------------------------------------------


def test_a_member_seen_after_the_opening_is_not_on_its_roll() -> None:
    house = House(charter(VOTE), "ana", "bo")
    house.open("ana")
    house.meet("cy")
    assert house.cannot_give("cy", "vote", "agree") == (
        "you joined after process 7 opened, so you are not on its roll"
    )
    assert house.last.eligible == {"'member' in roles": 2}
    house.open("cy")
    assert house.last.eligible == {"'member' in roles": 3}
    assert house.give("cy", "vote", "agree").given("vote", "cy") == "agree"


def test_a_role_lost_later_still_counts_and_one_gained_later_does_not() -> None:
    house = House(charter(VOTE), "ana", "bo", "cy=guest")
    house.open("ana")
    house.meet("bo=guest")
    house.meet("cy=member")
    assert house.give("bo", "vote", "agree").given("vote", "bo") == "agree"
    assert "may not give a vote on process 7" in house.cannot_give("cy", "vote", "agree")


def test_a_process_keeps_the_charter_it_opened_under() -> None:
    house = House(charter(VOTE), "ana")
    first = house.open("ana")
    other = read_reading(charter(VOTE.replace("2 days", "9 days")), "other.yaml")
    house.add(
        Ratified(constitution=other.constitution, reading=other.digest, document=other.document),
        checked=False,
    )
    assert house.open("ana").due == START + 9 * DAY
    assert house.processes[first.id].due == START + 2 * DAY
    assert house.processes[first.id].rules.stages[0].lasts is not None
    assert first.reading != house.last.reading


def test_who_is_eligible_is_counted_for_every_rule_of_every_stage() -> None:
    house = House(shipped(JURY), "ana", "bo", *(f"m{i}" for i in range(6)))
    process = house.open("ana", "complaint", respondent="bo", complaint="Noise")
    assert process.eligible == {"me == opener or me == respondent": 2, "me in jurors": 5}


def test_members_alike_in_their_facts_but_not_in_kind_are_told_apart() -> None:
    house = House(charter(VOTE), "ana")
    for i in range(8):
        house.meet(f"yes{i}", active=True)
        house.meet(f"one{i}", active=1)
        house.meet(f"no{i}", active=False)
    process = house.open("ana")
    assert sorted(electorate(process, "active")) == [f"yes{i}" for i in range(8)]
    assert sorted(electorate(process, "active == 1 and active != 2 and active > 0")) == [
        f"one{i}" for i in range(8)
    ]


def test_a_fact_cannot_pass_for_a_role_or_for_someone_else() -> None:
    house = House(charter(VOTE, who="me == 'ana'"), "ana")
    house.meet("eve=guest", me="ana")
    house.meet("fay=member", opener="fay")
    house.meet("gus=member", roles="none")
    assert "may not open" in house.refused(house.opened("eve"), "eve", "process_7")
    process = house.open("ana")
    assert list(electorate(process, "me == opener")) == ["ana"]
    assert sorted(electorate(process, "'member' in roles")) == ["ana", "fay", "gus"]


def test_a_rule_that_has_no_value_admits_nobody() -> None:
    house = House(charter(VOTE), "ana")
    process = house.open("ana")
    for who in ("karma > 3", "me", "1 / 0 == 1", "me in opener"):
        assert list(electorate(process, who)) == []


# --- giving ---------------------------------------------------------------------------------

SHAPES = """
- name: all
  lasts: {value: 2 days}
  inputs:
    - {kind: vote, who: "'member' in roles", choices: [agree, stand aside], counted_as: ballots,
       changeable: {value: true}, reason_required_for: [stand aside]}
    - {kind: verdict, who: "'member' in roles", choices: [upheld, dismissed],
       changeable: {value: false, cite: {section: a, quote: A verdict stands.}}}
    - {kind: bid, who: "'member' in roles", takes: number}
    - {kind: nominate, who: "'member' in roles", takes: member, changeable: {value: true}}
    - {kind: comment, who: "'member' in roles", takes: text, many: true}
    - {kind: sign, who: "'member' in roles"}
    - {kind: rule, who: "'judge' in roles", takes: nothing,
       cite: {section: a, quote: Judges rule.}}
  outcomes:
    - {otherwise: over}
"""


def shapes() -> House:
    house = House(charter(SHAPES), "ana", "bo", "ju=judge")
    house.open("ana")
    return house


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("vote", "agree", "agree"),
        ("bid", -3, -3),
        ("bid", 0, 0),
        ("nominate", "ju", "ju"),
        ("comment", "I like it.", True),
        ("sign", None, True),
    ],
)
def test_an_input_of_each_shape_is_taken(kind: str, value: Any, kept: Any) -> None:
    house = shapes()
    assert house.give("ana", kind, value).given(kind, "ana") == kept
    assert house.last.given(kind, "bo") is None
    assert house.decision.result == "recorded"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("vote", "maybe", "'maybe' is not a choice here; choose agree or stand aside"),
        ("vote", "Agree", "is not a choice here"),
        ("vote", None, "is not a choice here"),
        ("vote", ["agree"], "is not a choice here"),
        ("bid", "12", "a bid must be a whole number, not '12'"),
        ("bid", True, "a bid must be a whole number"),
        ("bid", 0.5, "a bid must be a whole number"),
        ("bid", None, "a bid must be a whole number"),
        ("nominate", "zoe", "a nominate must name a member; 'zoe' is not one"),
        ("nominate", None, "must name a member"),
        ("nominate", ["ana"], "must name a member"),
        ("comment", "  ", "a comment must be some text"),
        ("comment", 3, "a comment must be some text"),
        ("comment", "x" * 4001, "a comment is 1 characters too long; at most 4000 are allowed"),
        ("sign", "here", "a sign takes no value"),
        (
            "rule",
            None,
            "you may not give a rule on process 7: the constitution says “Judges rule.”",
        ),
        ("dance", None, "process 7 takes no dance in its stage 'all'; it takes vote, verdict"),
    ],
)
def test_an_input_of_another_shape_is_refused(kind: str, value: Any, said: str) -> None:
    assert said in shapes().cannot_give("ana", kind, value)


def test_a_choice_that_needs_a_reason_is_not_taken_without_one() -> None:
    house = shapes()
    assert "“stand aside” needs a reason" in house.cannot_give("ana", "vote", "stand aside")
    assert "needs a reason" in house.cannot_give("ana", "vote", "stand aside", " \t ")
    assert "longer than 4000" in house.cannot_give("ana", "vote", "stand aside", "x" * 4001)
    house.give("ana", "vote", "stand aside", " doubts ")
    body = house.entries[-1].body
    assert isinstance(body, Given) and body.reason == "doubts"
    assert counts(house.last, "stand_aside", "ballots") == {"stand_aside": 1, "ballots": 1}


def test_a_changed_vote_moves_and_is_not_counted_twice() -> None:
    house = shapes()
    for choice, reason in (("agree", ""), ("stand aside", "doubts"), ("agree", "")):
        house.give("ana", "vote", choice, reason)
    house.give("bo", "vote", "agree")
    assert counts(house.last, "agree", "stand_aside", "ballots", "inputs") == {
        "agree": 2, "stand_aside": 0, "ballots": 2, "inputs": 2,
    }  # fmt: skip
    house.give("bo", "vote", "stand aside", "doubts")
    assert ", instead of 'agree'" in house.decision.reasoning
    assert counts(house.last, "agree", "stand_aside") == {"agree": 1, "stand_aside": 1}


def test_what_cannot_be_changed_is_given_once_and_the_rule_is_quoted() -> None:
    house = shapes()
    house.give("ana", "verdict", "upheld")
    for again in ("dismissed", "upheld"):
        assert house.cannot_give("ana", "verdict", again) == (
            "you have already given your verdict on process 7:"
            " the constitution says “A verdict stands.”"
        )
    house.give("ana", "sign")
    assert "and it cannot be changed" in house.cannot_give("ana", "sign")
    assert counts(house.last, "upheld", "dismissed", "signs") == {
        "upheld": 1, "dismissed": 0, "signs": 1,
    }  # fmt: skip


def test_a_member_who_is_nominated_again_replaces_the_first() -> None:
    house = shapes()
    house.give("ana", "nominate", "bo")
    assert house.give("ana", "nominate", "ana").given("nominate", "ana") == "ana"
    assert counts(house.last, "nominates") == {"nominates": 1}


def test_an_input_that_may_be_given_often_counts_every_time() -> None:
    house = shapes()
    for n in range(3):
        house.give("ana", "comment", f"{n}")
    house.give("bo", "comment", "me too")
    assert counts(house.last, "comments", "inputs") == {"comments": 4, "inputs": 4}


def test_an_input_meant_for_another_stage_is_refused() -> None:
    house = shapes()
    forged = house.given("ana", "sign").model_copy(update={"stage": "other"})
    assert "takes no sign in its stage" in house.refused(forged, "ana")


def test_the_bot_has_no_vote() -> None:
    house = shapes()
    assert "not on its roll" in house.refused(house.given("ana", "sign"), BOT)


def test_a_vote_is_late_at_exactly_the_deadline_and_not_a_microsecond_before() -> None:
    house = House(charter(VOTE), "ana", "bo", "cy")
    due = house.open("ana").due
    assert due == START + 2 * DAY
    house.now = due - TICK
    house.give("ana", "vote", "agree")
    for after, said in (
        (0 * TICK, "0 seconds too late"),
        (TICK, "0 seconds too late"),
        (SECOND, "the vote came 1 second too late: the stage 'voting' of process 7 closed on"),
        (2 * SECOND, "2 seconds too late"),
        (119 * SECOND, "119 seconds too late"),
        (HOUR, "the vote came too late"),
    ):
        house.now = due + after
        assert said in house.cannot_give("bo", "vote", "agree")
    assert "closed on March 4, 2026 at 09:00 UTC" in house.cannot_give("bo", "vote", "agree")


def test_deadlines_are_counted_on_the_communitys_calendar_and_named_with_its_zone() -> None:
    house = House(charter(VOTE), "ana", zone="Europe/Berlin")
    house.now = datetime(2026, 3, 28, 9, 0, tzinfo=UTC)  # the clocks go forward that night
    due = house.open("ana").due
    assert due == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)
    house.now = due
    assert "March 30, 2026 at 10:00 CEST" in house.cannot_give("ana", "vote", "agree")


def test_an_ended_process_takes_nothing_more() -> None:
    house = House(charter(VOTE), "ana")
    house.open("ana")
    ended = house.end()
    ended_twice = house.refused(ended)
    said = house.cannot_give("ana", "vote", "agree")
    assert (
        said
        == ended_twice
        == ("process 7 ended on March 4, 2026 at 09:00 UTC (rejected); nothing more can be added")
    )
    assert "ended" in house.refused(Managed(act="cancel", reason="x"), "ana")


def test_refusals_and_notes_change_nothing() -> None:
    house = House(charter(VOTE), "ana")
    before = house.open("ana")
    house.add(Turned(tried="vote", said="x", objections=("late",)), "ana", before.id)
    house.add(Decided(about="a question"), BOT, before.id)
    assert house.last == before


# --- how a stage ends -----------------------------------------------------------------------

FIRST_OF_TWO = """
- name: voting
  lasts: {value: 1 day}
  inputs:
    - {kind: vote, who: "'member' in roles", choices: [agree, disagree, abstain],
       changeable: {value: true}}
  outcomes:
    - {when: votes < 2, outcome: no quorum}
    - {when: agree >= 2/3 * (agree + disagree) and agree > 0, outcome: passed,
       cite: {section: article-2, quote: two-thirds}}
    - {when: agree > disagree, outcome: advised}
    - {otherwise: rejected}
"""


@pytest.mark.parametrize(
    ("votes", "rule", "outcome"),
    [
        ("", 0, "no quorum"),
        ("a", 0, "no quorum"),
        ("aad", 1, "passed"),
        ("aaddx", 3, "rejected"),
        ("aaadd", 2, "advised"),
        ("ad", 3, "rejected"),
        ("xx", 3, "rejected"),
        ("aaaadd", 1, "passed"),
    ],
)
def test_the_first_outcome_that_holds_is_taken(votes: str, rule: int, outcome: str) -> None:
    house = House(charter(FIRST_OF_TWO), *(f"m{i}" for i in range(6)))
    house.open("m0")
    for i, vote in enumerate(votes):
        house.give(f"m{i}", "vote", {"a": "agree", "d": "disagree", "x": "abstain"}[vote])
    ended = house.end()
    assert (ended.rule, ended.outcome, ended.next) == (rule, outcome, None)
    assert (house.last.status, house.last.outcome) == ("ended", outcome)
    assert house.last.ended_at == house.now
    # Every condition tried on the way is kept, and comes out the same again.
    assert len(house.decision.calculations) == min(rule + 1, 3)
    assert not any(recompute(each) for each in house.decision.calculations)
    assert [each.result for each in house.decision.calculations[:rule]] == [False] * rule


def test_two_thirds_of_three_is_met_by_two() -> None:
    house = House(charter(FIRST_OF_TWO), "ana", "bo", "cy")
    house.open("ana")
    for who, vote in (("ana", "agree"), ("bo", "agree"), ("cy", "disagree")):
        house.give(who, "vote", vote)
    assert facts(house.last, START)["turnout"] == 1
    assert house.end().outcome == "passed"
    assert "agree = 2, disagree = 1" in house.decision.reasoning
    assert [cite.quote for cite in house.decision.citations] == ["two-thirds"]


def test_turnout_is_an_exact_share_and_none_where_nobody_is_eligible() -> None:
    house = House(charter(VOTE, who="'guest' in roles"), "ana", "bo", "cy", "gil=guest")
    house.open("gil")
    house.give("ana", "vote", "agree")
    assert facts(house.last, START)["turnout"] == Fraction(1, 3)
    empty = House(charter(VOTE, who="'guest' in roles"), "gil=guest")
    empty.open("gil")
    assert facts(empty.last, START)["turnout"] == facts(empty.last, START)["eligible"] == 0


def test_days_open_are_exact() -> None:
    house = House(charter(VOTE), "ana")
    house.open("ana")
    assert facts(house.last, START + 36 * HOUR)["days_open"] == Fraction(3, 2)
    assert facts(house.last, START + TICK)["days_open"] == Fraction(1, 86_400_000_000)


def test_a_stage_without_an_outcome_that_holds_decides_nothing() -> None:
    stages = VOTE.replace("    - {otherwise: rejected}\n", "")
    house = House(charter(stages), "ana")
    house.open("ana")
    ended = house.end()
    assert (ended.rule, ended.outcome) == (-1, "undecided")
    assert "No outcome of the charter holds" in house.decision.reasoning
    assert house.last.status == "ended"


def test_a_condition_without_a_value_does_not_hold() -> None:
    stages = VOTE.replace("agree > disagree", "agree / (agree + disagree) >= 1/2")
    house = House(charter(stages), "ana")
    house.open("ana")
    assert house.end().outcome == "rejected"


def test_a_stage_closed_late_counts_as_ended_at_its_deadline() -> None:
    stages = VOTE.replace("agree > disagree", "days_open == 2")
    house = House(charter(stages), "ana")
    house.open("ana")
    house.now = START + 30 * DAY
    ended = house.end()
    assert (ended.outcome, ended.due) == ("passed", START + 2 * DAY)
    assert house.last.ended_at == START + 30 * DAY


EARLY = """
- name: signing
  lasts: {value: 2 days}
  ends_early: {when: signs >= 2, cite: {section: article-3, quote: Two signatures suffice.}}
  inputs:
    - {kind: sign, who: "'member' in roles"}
  outcomes:
    - {when: signs >= 2, outcome: accepted}
    - {otherwise: lapsed}
"""


def test_a_stage_ends_early_when_its_condition_comes_true_and_not_before() -> None:
    house = House(charter(EARLY), "ana", "bo")
    house.open("ana")
    house.give("ana", "sign")
    assert ends_early(house.last, house.now) is None
    assert "ending the stage 'signing' early does not hold" in house.refused(house.ending("early"))
    house.give("bo", "sign")
    holds = ends_early(house.last, house.now)
    assert holds is not None and holds.result is True and recompute(holds) is None
    ended = house.end("early")
    assert (ended.why, ended.outcome, ended.due) == ("early", "accepted", START + 2 * DAY)
    assert house.decision.citations[0].quote == "Two signatures suffice."
    assert "ended early" in house.decision.reasoning
    assert ends_early(house.last, house.now) is None


def test_a_stage_past_its_deadline_does_not_end_early_any_more() -> None:
    house = House(charter(EARLY), "ana", "bo")
    house.open("ana")
    house.give("ana", "sign")
    house.give("bo", "sign")
    house.now = START + 2 * DAY
    assert "early does not hold" in house.refused(house.ending("early"))
    assert house.end().outcome == "accepted"


def test_a_stage_that_cannot_end_early_never_does() -> None:
    house = House(charter(VOTE), "ana")
    house.open("ana")
    forged = house.ending().model_copy(update={"why": "early"})
    assert "does not hold" in house.refused(forged)


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "passed"},
        {"rule": 0},
        {"due": START + DAY},
        {"due": None},
        {"stage": "other"},
        {"next": "voting"},
        {"next_due": START + 9 * DAY},
        {"drawn": {"jurors": ("ana",)}},
        {"effects": ()},
        {
            "effects": (
                Effect(id="process_7:0:0", does="announce", arguments={"text": ""}),
                Effect(
                    id="process_7:0:1",
                    does="grant_role",
                    arguments={"role": "king", "to": ["eve"]},
                ),
            )
        },
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_end_of_a_stage_is_told_where_it_departs(change: dict[str, Any]) -> None:
    house = House(charter(VOTE), "ana")
    house.now = house.open("ana").due or START
    forged = house.ending().model_copy(update=change)
    (name,) = change
    assert house.refused(forged).startswith(f"{name} is ")


def test_no_member_ends_a_stage_and_nobody_ends_it_too_soon() -> None:
    house = House(charter(VOTE), "ana")
    due = house.open("ana").due
    assert due is not None
    house.now = due - TICK
    ending = house.ending()
    assert house.refused(ending) == "the stage 'voting' is not due yet"
    house.now = due
    assert house.refused(ending, "ana") == "a stage ends by its rules, not by anyone's word"
    house.end()


# --- stages in a row ------------------------------------------------------------------------


def test_a_block_leads_to_deeper_discussion_and_answers_are_carried_over() -> None:
    house = House(shipped(CONSENSUS), "ana", "bo", "cy")
    house.open("ana", "proposal", proposal_text="Trees")
    house.give("bo", "comment", "Which?")
    first = house.end()
    assert (first.outcome, first.next, first.next_due) == (
        "discussed", "call", house.now + 4 * DAY,
    )  # fmt: skip
    assert (house.last.status, house.last.stage, house.last.turn) == ("open", "call", 1)
    assert "takes no comment" in house.cannot_give("bo", "comment", "late")

    house.give("ana", "answer", "consent")
    assert "needs a reason" in house.cannot_give("bo", "answer", "block")
    house.give("bo", "answer", "block", "The roots!")
    house.now += HOUR
    second = house.end("early")
    assert (second.outcome, second.next) == ("blocked", "deeper_discussion")
    assert house.last.due == house.now + 7 * DAY
    assert counts(house.last, "consent", "block", "comments") == {
        "consent": 1, "block": 1, "comments": 0,
    }  # fmt: skip

    house.give("bo", "answer", "consent")
    third = house.end()
    assert (third.outcome, third.next) == ("adopted", None)
    assert [effect.id for effect in (*second.effects, *third.effects)] == [
        "process_7:1:0", "process_7:2:0",
    ]  # fmt: skip


def test_a_block_that_stands_keeps_a_proposal_from_being_adopted() -> None:
    house = House(shipped(CONSENSUS), "ana", "bo")
    house.open("ana", "proposal", proposal_text="Trees")
    house.end()
    house.give("ana", "answer", "consent")
    house.give("bo", "answer", "block", "The roots!")
    house.end("early")
    assert house.end().outcome == "not adopted"


def test_what_is_not_carried_over_is_gone() -> None:
    stages = """
    - name: first
      lasts: {value: 1 day}
      inputs: [{kind: sign, who: "'member' in roles"}, {kind: bid, who: "'member' in roles"}]
      outcomes: [{otherwise: on, next: second}]
    - name: second
      carries: [bid]
      lasts: {value: 1 day}
      inputs: [{kind: sign, who: "'member' in roles"}, {kind: bid, who: "'member' in roles"}]
      outcomes: [{otherwise: over}]
    """
    house = House(charter(stages), "ana")
    house.open("ana")
    house.give("ana", "sign")
    house.give("ana", "bid")
    house.end()
    assert counts(house.last, "signs", "bids") == {"signs": 0, "bids": 1}
    assert "already given your bid" in house.cannot_give("ana", "bid")
    assert house.give("ana", "sign").given("sign", "ana") is True


def test_a_stage_without_a_deadline_waits_for_its_condition() -> None:
    stages = EARLY.replace("  lasts: {value: 2 days}\n", "")
    manage = "manage: {extend: {who: me == opener, at_most: {value: 1 day}}}"
    house = House(charter(stages, more=manage), "ana", "bo")
    assert house.open("ana").due is None
    house.now = START + 900 * DAY
    assert "is not due yet" in house.refused(house.ending())
    assert "has no deadline" in house.refused(house.managed("extend", by="1 day"), "ana")
    house.give("ana", "sign")
    house.give("bo", "sign")
    assert house.end("early").outcome == "accepted"


# --- draws ----------------------------------------------------------------------------------


def test_a_jury_is_drawn_from_the_head_of_the_ledger_and_without_the_parties() -> None:
    members = [f"m{i}" for i in range(9)]
    house = House(shipped(JURY), "ana", "bo", *members, "gil=guest")
    head = house.head
    process = house.open("ana", "complaint", respondent="bo", complaint="Noise")
    expected = random_select(members, 5, seed=seed_for(head, "process_7:0:jurors"))
    assert list(process.drawn["jurors"]) == expected
    (draw,) = [each for each in house.decision.calculations if each.tool == "random_select"]
    assert draw.arguments["pool"] == sorted(members)
    assert recompute(draw) is None


def test_another_head_draws_another_jury_and_a_forged_one_is_refused() -> None:
    house = House(shipped(JURY), "ana", "bo", *(f"m{i}" for i in range(40)))
    body = house.opened("ana", "complaint", respondent="bo", complaint="Noise")
    fact = house.fact(body, "ana", "process_7")
    process = house.before("process_7")
    assert objections(process, fact, house.head) == []
    said = objections(process, fact, "sha256:" + "5" * 64)
    assert said and said[0].startswith("drawn is ")
    picked = body.model_copy(update={"drawn": {"jurors": ("m1", "m2", "m3", "m4", "m5")}})
    assert house.refused(picked, "ana", "process_7").startswith("drawn is ")


def test_a_complaint_cannot_begin_where_the_pool_is_too_small() -> None:
    house = House(shipped(JURY), "ana", "bo", *(f"m{i}" for i in range(4)))
    body = house.opened("ana", "complaint", respondent="bo", complaint="Noise")
    assert house.decision.result == "not heard"
    assert house.refused(body, "ana", "process_7") == (
        "a complaint cannot begin now: 5 jurors are to be drawn and only 4 can be"
    )
    house.meet("m4")
    house.open("ana", "complaint", respondent="bo", complaint="Noise")


def test_a_jurys_verdict_marks_the_respondent_and_only_jurors_give_one() -> None:
    house = House(shipped(JURY), "ana", "bo", *(f"m{i}" for i in range(9)))
    process = house.open("ana", "complaint", respondent="bo", complaint="Noise")
    house.give("bo", "evidence", "It was quiet.")
    house.give("ana", "evidence", "It was not.")
    jurors = process.drawn["jurors"]
    assert "may not give an evidence" in house.cannot_give(jurors[0], "evidence", "x")
    house.end()
    assert house.last.drawn["jurors"] == jurors
    outsider = next(f"m{i}" for i in range(9) if f"m{i}" not in jurors)
    assert "may not give a verdict" in house.cannot_give(outsider, "verdict", "upheld", "x")
    assert "needs a reason" in house.cannot_give(jurors[0], "verdict", "upheld")
    for juror, verdict in zip(jurors, ["upheld"] * 3 + ["dismissed"] * 2, strict=True):
        assert ends_early(house.last, house.now) is None
        house.give(juror, "verdict", verdict, "I think so.")
    ended = house.end("early")
    assert ended.outcome == "upheld"
    assert [effect.model_dump() for effect in ended.effects] == [
        {"id": "process_7:1:0", "does": "announce", "arguments": {"text": ""}},
        {
            "id": "process_7:1:1",
            "does": "grant_role",
            "arguments": {"role": "warned", "to": ["bo"]},
        },
    ]


LATER_DRAW = """
- name: hearing
  lasts: {value: 1 day}
  inputs: [{kind: sign, who: "'member' in roles"}]
  outcomes: [{otherwise: heard, next: ruling}]
- name: ruling
  draws: {judges: {who: "'member' in roles and me != opener", count: 2, short: no court}}
  lasts: {value: 1 day}
  inputs: [{kind: ruling, who: me in judges, choices: [granted, denied]}]
  outcomes: [{when: granted > denied, outcome: granted}, {otherwise: denied}]
"""


def test_a_draw_at_a_later_stage_has_its_own_seed_and_then_its_own_roll() -> None:
    house = House(charter(LATER_DRAW), "ana", "bo", "cy", "di")
    process = house.open("ana")
    assert process.drawn == {} and process.eligible == {"'member' in roles": 4}
    head = house.head
    house.end()
    expected = random_select(["bo", "cy", "di"], 2, seed=seed_for(head, "process_7:1:judges"))
    assert list(house.last.drawn["judges"]) == expected
    assert house.last.eligible == {"'member' in roles": 4, "me in judges": 2}
    assert facts(house.last, house.now)["eligible"] == 2
    house.give(expected[0], "ruling", "granted")
    assert house.end().outcome == "granted"


def test_those_drawn_in_one_stage_are_the_eligible_of_a_stage_after_it() -> None:
    stages = LATER_DRAW.replace(
        "outcomes: [{when: granted > denied, outcome: granted}, {otherwise: denied}]",
        "outcomes: [{otherwise: retry, next: appeal}]",
    )
    appeal = """
- name: appeal
  lasts: {value: 1 day}
  inputs: [{kind: review, who: "me in judges and me != opener", choices: [keep, quash]}]
  outcomes: [{when: turnout >= 1/2, outcome: reviewed}, {otherwise: kept}]
"""
    house = House(charter(stages + appeal.lstrip()), "ana", "bo", "cy", "di")
    house.open("ana")
    house.end()
    house.end()
    assert facts(house.last, house.now)["eligible"] == 2
    house.give(house.last.drawn["judges"][0], "review", "quash")
    assert house.end().outcome == "reviewed"


def test_a_later_draw_from_too_few_ends_the_process_as_the_charter_says() -> None:
    house = House(charter(LATER_DRAW), "ana", "bo")
    house.open("ana")
    house.meet("cy")  # too late: the draw is from the roll of the opening
    ended = house.end()
    assert (ended.outcome, ended.next, ended.next_due, ended.drawn) == ("no court", None, None, {})
    assert (house.last.status, house.last.outcome) == ("ended", "no court")
    assert "only 1 can be" in house.decision.reasoning


# --- effects --------------------------------------------------------------------------------

EFFECTS = """
- name: voting
  lasts: {value: 1 day}
  inputs: [{kind: vote, who: "'member' in roles", choices: [agree, disagree]}]
  outcomes:
    - when: agree > disagree
      outcome: passed
      effects:
        - announce: It passed.
        - grant_role: {role: steward, to: whom}
        - revoke_role: {role: guest, to: "[whom, opener]"}
        - announce: Thank you.
        - start_process: {type: review, fields: {subject: subject, share: agree / eligible}}
    - {otherwise: rejected}
"""
REVIEW = """
  review:
    title: Review
    cite: {section: article-9, quote: x}
    opened_by: {who: "'nobody' in roles"}
    fields: {subject: {type: text}, share: {type: text, required: false}}
    named_after: subject
    stages:
      - name: only
        lasts: {value: 1 day}
        outcomes: [{otherwise: reviewed}]
"""


def effective() -> tuple[House, StageEnded]:
    more = "fields: {subject: {type: text}, whom: {type: member}}"
    house = House(charter(EFFECTS, more=more) + REVIEW, "ana", "bo=guest,member", "cy")
    house.open("ana", subject="Trees", whom="bo")
    house.give("ana", "vote", "agree")
    return house, house.end()


def test_effects_are_numbered_in_order_with_the_announcement_first() -> None:
    _, ended = effective()
    assert [(effect.id, effect.does, effect.arguments) for effect in ended.effects] == [
        ("process_7:0:0", "announce", {"text": "It passed. Thank you."}),
        ("process_7:0:1", "grant_role", {"role": "steward", "to": ["bo"]}),
        ("process_7:0:2", "revoke_role", {"role": "guest", "to": ["bo", "ana"]}),
        (
            "process_7:0:3",
            "start_process",
            {"type": "review", "fields": {"subject": "Trees", "share": "1/3"}},
        ),
    ]


def test_the_community_is_told_even_where_the_charter_has_no_words_for_it() -> None:
    house = House(charter(VOTE), "ana")
    house.open("ana")
    (told,) = house.end().effects
    assert (told.does, told.arguments) == ("announce", {"text": ""})
    assert dict(house.community.pending) == {told.id: told}


def test_a_role_is_granted_when_its_effect_is_confirmed_and_not_before() -> None:
    house, ended = effective()
    _, grant, revoke, _ = ended.effects
    assert house.community.members["bo"].roles == ("guest", "member")
    house.carry_out(grant)
    assert house.community.members["bo"].roles == ("guest", "member", "steward")
    assert grant.id not in house.community.pending
    house.meet("bo=member")  # what the platform says does not take away what was granted
    assert house.community.members["bo"].roles == ("member", "steward")
    house.carry_out(revoke)
    assert house.community.members["bo"].roles == ("member", "steward")


def test_a_granted_role_can_be_revoked_again() -> None:
    stages = EFFECTS.replace("- revoke_role: {role: guest,", "- revoke_role: {role: steward,")
    more = "fields: {subject: {type: text}, whom: {type: member}}"
    house = House(charter(stages, more=more) + REVIEW, "ana", "bo")
    house.open("ana", subject="x", whom="bo")
    house.give("ana", "vote", "agree")
    _, grant, revoke, _ = house.end().effects
    house.carry_out(grant)
    assert house.community.members["bo"].roles == ("member", "steward")
    house.carry_out(revoke)
    assert house.community.members["bo"].roles == ("member",)


def test_an_effect_that_failed_changes_nothing_and_is_no_longer_due() -> None:
    house, ended = effective()
    house.carry_out(ended.effects[1], ok=False)
    assert house.community.members["bo"].roles == ("guest", "member")
    assert ended.effects[1].id not in house.community.pending


def test_an_effect_is_confirmed_once_and_only_as_it_was_decided() -> None:
    house, ended = effective()
    grant = ended.effects[1]
    other = grant.model_copy(update={"arguments": {"role": "steward", "to": ["eve"]}})
    stranger = grant.model_copy(update={"id": "process_7:0:9"})
    for forged in (other, stranger):
        said = community_objections(house.community, house.fact(Done(effect=forged), BOT, None))
        assert said == [f"the effect {forged.id!r} is not due"]
    house.carry_out(grant)
    again = house.fact(Done(effect=grant), BOT, None)
    assert community_objections(house.community, again) == ["the effect 'process_7:0:1' is not due"]


def test_an_outcome_starts_another_process_and_nobody_else_can() -> None:
    house, ended = effective()
    start = ended.effects[3]
    fields = start.arguments["fields"]
    asked = house.opened("ana", "review", **fields)
    assert "may not open a review" in house.refused(asked, "ana", "process_8")
    for effect in (None, "process_7:0:0", "process_9:0:3"):
        forged = house.opened(BOT, "review", effect, **fields)
        assert house.refused(forged, BOT, "process_8") == "no outcome calls for this process"
    process = house.open(BOT, "review", start.id, **fields)
    assert (process.opener, process.title, process.number) == (BOT, "Trees", 8)
    house.carry_out(start)
    late = house.opened(BOT, "review", start.id, **fields)
    assert house.refused(late, BOT, "process_9") == "no outcome calls for this process"


def test_a_process_is_started_with_the_fields_of_the_outcome_and_no_others() -> None:
    house, ended = effective()
    start = ended.effects[3]
    forged = house.opened(BOT, "review", start.id, subject="Something else")
    assert house.refused(forged, BOT, "process_8").startswith("title is ")


def test_no_member_opens_a_process_in_an_outcomes_name() -> None:
    house, ended = effective()
    forged = house.opened("ana", "motion", ended.effects[3].id, subject="x", whom="bo")
    assert "no outcome" in house.refused(forged, "ana", "process_8")


# --- pausing, extending, cancelling ---------------------------------------------------------


def example(type: str = "standard_proposal") -> House:
    house = House(shipped(EXAMPLE), "ana", "bo", "mo=member,moderator")
    house.open("ana", type, proposal_text="Trees")
    return house


def test_a_pause_shifts_the_deadline_by_exactly_its_length() -> None:
    house = example()
    due = house.last.due
    assert due is not None
    house.now += DAY
    house.manage("mo", "pause")
    assert (house.last.status, house.last.due) == ("paused", due)
    house.now += 9 * DAY + 3 * SECOND + TICK  # beyond the deadline it had
    assert house.cannot_give("bo", "vote", "agree") == (
        "process 7 is paused; wait until it is resumed"
    )
    assert "is paused" in house.refused(house.ending())
    assert "is paused" in house.refused(house.managed("extend", by="1 day"), "mo")
    assert "is paused" in house.refused(house.managed("pause"), "mo")
    house.manage("mo", "resume")
    assert house.last.status == "open"
    assert house.last.due == due + 9 * DAY + 3 * SECOND + TICK
    house.give("bo", "vote", "agree")
    assert "is not paused" in house.refused(house.managed("resume"), "mo")
    house.now = house.last.due
    assert "too late" in house.cannot_give("ana", "vote", "agree")
    assert house.end().outcome == "passed"


def test_two_pauses_add_up_and_each_is_announced_under_its_own_id() -> None:
    house = example()
    due = house.last.due
    assert due is not None
    told = []
    for wait in (HOUR, 2 * HOUR):
        for act in ("pause", "resume"):
            house.manage("mo", act)
            body = house.entries[-1].body
            assert isinstance(body, Managed)
            told += [effect.id for effect in body.effects]
            house.now += wait if act == "pause" else 0 * HOUR
    assert house.last.due == due + 3 * HOUR
    assert told == [
        "process_7:0:pause:0", "process_7:0:resume:1",
        "process_7:0:pause:2", "process_7:0:resume:3",
    ]  # fmt: skip


def test_a_stage_is_extended_up_to_its_limit_and_however_often_not_beyond() -> None:
    house = example()
    due = house.last.due
    assert due is not None
    beyond = house.refused(house.managed("extend", by="8 days"), "mo")
    assert beyond == (
        "the new deadline must be later than the present one and no later than"
        " March 15, 2026 at 09:00 UTC"
    )
    house.manage("mo", "extend", by="3 days")
    assert house.last.due == due + 3 * DAY
    (added,) = house.decision.calculations
    assert recompute(added) is None and added.result == stamp(due + 3 * DAY)
    assert "no later than March 15" in house.refused(house.managed("extend", by="5 days"), "mo")
    house.manage("mo", "extend", by="4 days")
    assert house.last.due == due + 7 * DAY
    assert "no later than" in house.refused(house.managed("extend", by="1 minutes"), "mo")
    house.now = due + DAY
    house.give("bo", "vote", "agree")


def test_an_extension_must_be_one() -> None:
    house = example()
    forged = house.managed("extend", by="1 day")
    for due in (house.last.due, START, None):
        assert house.refused(forged.model_copy(update={"due": due}), "mo")
    with pytest.raises(MemberError, match="is no duration"):
        house.managed("extend", by="a while")


def test_a_pause_does_not_use_up_what_a_stage_can_be_extended_by() -> None:
    house = example()
    due = house.last.due
    assert due is not None
    house.manage("mo", "pause")
    house.now += 5 * DAY
    house.manage("mo", "resume")
    house.manage("mo", "extend", by="7 days")
    assert house.last.due == due + 12 * DAY
    assert "no later than" in house.refused(house.managed("extend", by="1 hour"), "mo")


def test_nothing_is_extended_paused_or_cancelled_after_the_deadline() -> None:
    house = example()
    house.now = START + 6 * DAY
    for act, who in (("extend", "mo"), ("pause", "mo"), ("cancel", "ana")):
        said = house.refused(house.managed(act, by="1 day" if act == "extend" else ""), who)
        assert f"the {act} came 0 seconds too late" in said


def test_only_the_opener_cancels() -> None:
    house = example()
    house.give("bo", "vote", "agree")
    for who in ("bo", "mo"):
        assert house.refused(house.managed("cancel"), who) == (
            "you may not cancel process 7: the constitution says “The member who opened a"
            " proposal may cancel it before its deadline.”"
        )
    house.manage("ana", "cancel")
    assert (house.last.status, house.last.outcome, house.last.due) == ("ended", "cancelled", None)
    assert "(cancelled)" in house.cannot_give("bo", "vote", "disagree")
    assert house.refused(house.managed("resume"), "mo").startswith("process 7 ended on")


def test_a_paused_process_can_still_be_cancelled() -> None:
    house = example()
    house.manage("mo", "pause")
    house.now += 30 * DAY
    assert house.manage("ana", "cancel").outcome == "cancelled"


def test_what_the_charter_names_nobody_for_nobody_may_do() -> None:
    house = House(charter(VOTE), "ana")
    house.open("ana")
    for act in ("pause", "resume", "extend", "cancel"):
        said = house.refused(Managed(act=act, reason="x"), "ana")  # type: ignore[arg-type]  # one of the four
        assert said == f"the constitution lets nobody {act} a motion"


def test_managing_needs_a_role_on_the_roll_and_a_reason() -> None:
    house = example()
    house.meet("max=moderator")  # after the opening
    for who in ("bo", "max", BOT, "stranger"):
        assert "you may not pause process 7" in house.refused(house.managed("pause"), who)
    for reason in ("", "  ", "x" * 4001):
        said = house.refused(house.managed("pause", reason), "mo")
        assert said == "to pause a process needs a reason of at most 4000 characters"


def test_managing_has_no_effects_but_the_announcement() -> None:
    house = example()
    body = house.managed("pause")
    crown = Effect(id="process_7:0:x", does="grant_role", arguments={"role": "king", "to": ["mo"]})
    for effects in ((), (*body.effects, crown)):
        forged = body.model_copy(update={"effects": effects})
        assert house.refused(forged, "mo").startswith("effects is ")


# --- the community --------------------------------------------------------------------------


def test_a_ledger_is_founded_once_and_its_constitution_does_not_change_by_itself() -> None:
    house = House(shipped(EXAMPLE))
    again = house.fact(Founded(name="Other", vkey="x"), BOT, None)
    assert community_objections(house.community, again) == ["this ledger is already that of 'Test'"]
    text = (ROOT / "constitutions" / "example.md").read_text(encoding="utf-8")
    wrong = Adopted(constitution=GENESIS, text=text)
    assert "not the one its digest names" in house.against(house.fact(wrong, BOT, None))[0]
    house.add(Adopted(constitution=digest(text.encode()), text=text))
    other = Adopted(constitution=digest(b"x"), text="x")
    assert "a constitution is in force" in house.against(house.fact(other, BOT, None))[0]


def test_a_reading_comes_into_force_only_for_the_constitution_and_as_digested() -> None:
    house = House(shipped(EXAMPLE))
    text = (ROOT / "constitutions" / "example.md").read_text(encoding="utf-8")
    house.add(Adopted(constitution=digest(text.encode()), text=text))

    def said(of: Reading, **change: Any) -> str:
        body = Ratified(constitution=of.constitution, reading=of.digest, document=of.document)
        found = house.against(house.fact(body.model_copy(update=change), "by:ana", None))
        return "; ".join(found)

    assert said(shipped(EXAMPLE)) == ""
    assert "another constitution" in said(shipped(JURY))
    assert "not the one its digest names" in said(shipped(EXAMPLE), reading=GENESIS)
    assert "not the one its digest names" in said(
        shipped(JURY), constitution=house.community.constitution
    )
    assert "not well-formed" in said(shipped(EXAMPLE), document={"processes": "all"})
    assert "not well-formed" in said(shipped(EXAMPLE), document={})


# --- pure, exact, the same everywhere -------------------------------------------------------


def scenes() -> list[Callable[[], House]]:
    def jury() -> House:
        house = House(shipped(JURY), "ana", "bo", *(f"m{i}" for i in range(9)))
        house.open("ana", "complaint", respondent="bo", complaint="Noise")
        house.end()
        for juror in house.last.drawn["jurors"]:
            house.give(juror, "verdict", "upheld", "Yes.")
        for effect in house.end("early").effects:
            house.carry_out(effect)
        return house

    def managed() -> House:
        house = example()
        house.manage("mo", "pause")
        house.now += DAY
        house.manage("mo", "resume")
        house.manage("mo", "extend", by="2 days")
        house.give("bo", "comment", "Hm.")
        house.manage("ana", "cancel")
        return house

    return [jury, managed, lambda: effective()[0], shapes]


@pytest.mark.parametrize("scene", scenes())
def test_the_same_entries_give_the_same_state_and_change_nothing_on_the_way(
    scene: Callable[[], House],
) -> None:
    house = scene()
    states = [replayed(house), replayed(house)]
    assert states[0] == states[1] == (house.community, house.processes)
    again = [Entry.model_validate_json(entry.bytes()) for entry in house.entries]
    assert again == house.entries


def test_applying_leaves_the_state_before_as_it_was() -> None:
    house = shapes()
    before, community = house.last, house.community
    kept = replace(before)
    house.give("ana", "vote", "agree")
    house.give("ana", "vote", "stand aside", "x")
    house.meet("zoe")
    house.end()
    assert before == kept and before.inputs == kept.inputs
    assert "zoe" not in community.members and not community.pending


CHOICES = ("agree", "disagree", "abstain")
BALLOTS = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from((*CHOICES, "comment"))), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(BALLOTS)
def test_counts_are_those_of_a_naive_recount_of_the_last_votes(
    sequence: list[tuple[int, str]],
) -> None:
    house = House(shipped(EXAMPLE), *(f"m{i}" for i in range(8)))
    house.open("m0", "urgent_proposal", proposal_text="Trees")
    last: dict[str, str] = {}
    comments = 0
    for who, said in sequence:
        if said == "comment":
            house.give(f"m{who}", "comment", "Hm.")
            comments += 1
        else:
            house.give(f"m{who}", "vote", said)
            last[f"m{who}"] = said
    recount = Counter(last.values())
    assert counts(house.last, *CHOICES, "votes", "comments", "inputs") == {
        **{choice: recount[choice] for choice in CHOICES},
        "votes": len(last),
        "comments": comments,
        "inputs": len(last) + comments,
    }
    decisive = recount["agree"] + recount["disagree"]
    expected = (
        "no quorum" if len(last) < 3
        else "passed" if decisive and 3 * recount["agree"] >= 2 * decisive
        else "rejected"
    )  # fmt: skip
    assert house.end().outcome == expected
    assert replayed(house)[1] == house.processes


@settings(max_examples=40, deadline=None)
@given(st.permutations([("a", "agree"), ("b", "disagree"), ("c", "agree"), ("d", "abstain")]))
def test_the_order_of_votes_does_not_matter(order: list[tuple[str, str]]) -> None:
    house = House(shipped(EXAMPLE), "a", "b", "c", "d")
    house.open("a", "standard_proposal", proposal_text="Trees")
    for who, vote in order:
        house.give(who, "vote", vote)
    assert counts(house.last, *CHOICES) == {"agree": 2, "disagree": 1, "abstain": 1}
    assert house.end().outcome == "passed"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("pre"), st.integers(0, 200)), max_size=12))
def test_pauses_and_extensions_in_any_order_keep_the_deadline_within_its_limit(
    steps: list[tuple[str, int]],
) -> None:
    house = example()
    due, waited, extended = house.last.due, timedelta(), timedelta()
    assert due is not None
    for step, hours in steps:
        house.now += HOUR
        act, by = {"p": ("pause", ""), "r": ("resume", ""), "e": ("extend", f"{hours} hours")}[step]
        body, before = house.managed(act, by=by), house.last
        if house.against(house.fact(body, "mo", before.id)):
            continue
        house.add(body, "mo", before.id)
        if act == "extend":
            extended += timedelta(hours=hours)
        elif act == "resume":
            assert before.paused_at is not None
            waited += house.now - before.paused_at
    assert house.last.due == due + waited + extended
    assert extended <= 7 * DAY


def test_twenty_thousand_votes_are_counted_one_by_one() -> None:
    stages = VOTE.replace("choices:", "changeable: {value: true}\n      choices:")
    house = House(charter(stages), "ana")
    crowd = {f"m{i}": Member(id=f"m{i}", name=f"m{i}", roles=("member",)) for i in range(5_000)}
    house.community = replace(house.community, members=house.community.members.update(crowd))
    process = house.open("ana")
    assert process.eligible == {"'member' in roles": 5_001}
    for i in range(20_000):
        who = f"m{i % 5_000}"
        fact = Fact(
            id=f"v{i}", at=START, member=who, process=process.id,
            body=Given(input="vote", stage="voting", value="agree" if i % 3 else "disagree"),
        )  # fmt: skip
        assert not objections(process, fact, house.head)
        process = apply(process, Entry(**dict(fact), n=i, prev=GENESIS))
    last = Counter("agree" if i % 3 else "disagree" for i in range(15_000, 20_000))
    assert counts(process, "agree", "disagree", "votes") == {**last, "votes": 5_000}
