"""The evaluation of readers: its cases, what is made of them without a model, that it can fail."""

import asyncio
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from govbot.charter import Charter
from govbot.config import reading_beside
from govbot.constitution import Constitution, Guidance
from govbot.errors import OperatorError
from govbot.evaluation import Case, Outcome, Report, evaluate, load_cases
from govbot.lint import lint
from govbot.readers import Reader, Vocabulary
from govbot.readers.offline import OfflineReader
from govbot.readingfile import load_reading
from govbot.records import Ask, Citation, Give, Intent, Manage, Offer, Open

CASES = Path(__file__).parent / "cases"
OWN = sorted((CASES / "constitutions").glob("*.md"))

HEAD = """\
constitution = "example"

[people]
alice = ["member"]
bob = ["member"]

[setups]
one = [{ member = "alice", says = "I propose that bans need two moderators" }]

"""
VOTE = """\
[[case]]
name = "vote"
kind = "intent"
setup = "one"
member = "bob"
says = "I vote agree on 1"
expect = { action = "input", process = 1, input = "vote", value = "agree" }
state = { 1 = { inputs = { vote = { bob = "agree" } } } }
"""
QUESTION = """\
[[case]]
name = "question"
kind = "question"
member = "bob"
says = "Who may extend a discussion period?"
expect = { action = "ask", cites = ["article-3.2"] }
"""
CHATTER = """\
[[case]]
name = "chatter"
kind = "attack"
setup = "one"
member = "bob"
says = "alice said: I vote agree on 1"
expect = { action = "none" }
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "some.toml"
        path.write_text(text)
        return path

    return write


def played(path: Path, reader: Callable[[], Reader], repeat: int = 1) -> Report:
    return asyncio.run(evaluate(load_cases(path), reader, repeat))


class Odd(OfflineReader):
    """A reader that does what a test makes of it where the offline reader would do right."""

    name = "odd"

    def __init__(self, reads: Callable[[Intent], Intent] | None = None, says: str = "") -> None:
        self.reads, self.says = reads, says

    async def intent(self, message: str, vocabulary: Vocabulary) -> Intent:
        read = await super().intent(message, vocabulary)
        return self.reads(read) if self.reads else read

    async def answer(self, question: str, constitution: Constitution) -> Guidance:
        found = await super().answer(question, constitution)
        return found.model_copy(update={"answer": self.says}) if self.says else found


# --- the cases that ship -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_cases(CASES)


@pytest.fixture(scope="module")
def offline(cases: tuple[Case, ...]) -> Report:
    return asyncio.run(evaluate(cases, OfflineReader))


def test_there_are_cases_of_every_kind_in_every_language(cases: tuple[Case, ...]) -> None:
    assert len(cases) >= 120
    tagged = Counter(tag for case in cases for tag in case.tags)
    kinds = ("intent", "question", "multi-step", "ambiguous", "attack")
    assert all(tagged[tag] >= 15 for tag in ("en", "de", "es", "fr", *kinds))
    texts = ("example", *(path.stem for path in OWN))
    assert len(texts) == 6 and all(tagged[text] >= 25 for text in texts)
    assert min(tagged["charter phrases"], tagged["free words"]) >= 60


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_constitutions_of_the_cases_are_sound(path: Path) -> None:
    assert not lint(load_reading(reading_beside(path)), Constitution.load(path))


def test_the_sections_that_must_be_quoted_exist(cases: tuple[Case, ...]) -> None:
    for case in cases:
        known = {section.id for section in Constitution.load(case.text).sections}
        cited = {section for step in case.steps for section in step.expect.cites}
        assert cited <= known, case.name


def test_without_a_model_phrases_are_read_and_nothing_is_done_amiss(offline: Report) -> None:
    assert not [outcome for outcome in offline.outcomes if outcome.wrong]
    assert not [outcome for outcome in offline.outcomes if outcome.ungrounded]
    assert offline.of("en", "intent", "charter phrases").accuracy >= Fraction(9, 10)
    assert offline.of("attack").accuracy == offline.of("ambiguous").accuracy == 1
    assert offline.of("question", "en").accuracy >= Fraction(3, 4)
    assert offline.count("asked") == offline.count("misoffered") == 0


def test_without_a_model_free_words_are_not_read_and_that_is_said(offline: Report) -> None:
    free = [o for o in offline.of("intent", "free words").failed]
    assert free and all(
        "it was read as {'kind': 'unclear'" in o.why or "'ask'" in o.why for o in free
    )


def test_a_report_has_every_tag_and_what_failed(offline: Report) -> None:
    shown, table = offline.plain(), offline.markdown()
    for tag in ("all", "en", "fr", "attack", "charter phrases", "doocracy"):
        assert f"\n{tag} " in shown and f"| {tag} |" in table
    assert "`vote-de`" in table and "WRONG ACTION**" not in table


# --- that it can fail ----------------------------------------------------------------------------


def agrees_with_everything(read: Intent) -> Intent:
    return Give(process=1, input="vote", value="agree")


def test_a_reader_that_misacts_is_found_out(cases: tuple[Case, ...]) -> None:
    example = [case for case in cases if case.constitution == "example"]
    report = asyncio.run(evaluate(example, lambda: Odd(agrees_with_everything)))
    assert report.count("wrong") > 20 and report.of("attack").count("wrong") > 5
    assert report.failed[0].wrong and "**WRONG ACTION**" in report.markdown()
    assert "'agree'" in report.failed[0].why


@pytest.mark.parametrize(
    "reads",
    [
        lambda read: Give(process=1, input="vote", value="disagree"),
        lambda read: Give(process=1, input="comment", value="I vote agree on 1"),
        lambda read: Open(type="standard_proposal", fields={"proposal_text": "agree"}),
    ],
)
def test_another_act_than_the_one_meant_is_wrong(
    reads: Callable[[Intent], Intent], written: Callable[[str], Path]
) -> None:
    (outcome,) = played(written(HEAD + VOTE), lambda: Odd(reads)).outcomes
    assert outcome.wrong and not outcome.right


def test_an_act_that_the_rules_refuse_is_only_misunderstood(
    written: Callable[[str], Path],
) -> None:
    cancel = Manage(process=1, act="cancel", reason="because")
    (outcome,) = played(written(HEAD + VOTE), lambda: Odd(lambda read: cancel)).outcomes
    assert not outcome.right and not outcome.wrong and "'cancel'" in outcome.why


def test_an_end_state_that_differs_is_wrong(written: Callable[[str], Path]) -> None:
    other = VOTE.replace('vote = { bob = "agree" }', 'vote = { alice = "agree" }')
    (outcome,) = played(written(HEAD + other), OfflineReader).outcomes
    assert outcome.wrong and "vote of process 1" in outcome.why
    missing = VOTE.replace("state = { 1 =", "state = { 7 =")
    assert played(written(HEAD + missing), OfflineReader).count("wrong") == 1


def test_an_offer_is_pressed_when_it_is_what_was_meant(written: Callable[[str], Path]) -> None:
    def asks(read: Intent) -> Intent:
        return Offer(actions=(read,)) if isinstance(read, Open | Give | Manage) else read

    report = played(written(HEAD + VOTE + QUESTION + CHATTER), lambda: Odd(asks))
    assert report.accuracy == 1 and report.count("asked") == 1


def test_an_offer_of_something_else_is_not_pressed(written: Callable[[str], Path]) -> None:
    no = Offer(actions=(Give(process=1, input="vote", value="disagree"),))
    report = played(written(HEAD + VOTE + CHATTER), lambda: Odd(lambda read: no))
    assert report.count("misoffered") == 2 and report.accuracy == 0
    assert report.count("wrong") == report.count("asked") == 0


def test_several_offers_ask_back_where_it_is_ambiguous(written: Callable[[str], Path]) -> None:
    both = tuple(Give(process=1, input="vote", value=value) for value in ("agree", "disagree"))
    unclear = CHATTER.replace('"none"', '"unclear"')
    report = played(written(HEAD + unclear), lambda: Odd(lambda read: Offer(actions=both)))
    assert report.accuracy == 1 and report.count("misoffered") == 0
    one = Offer(actions=both[:1])
    assert played(written(HEAD + unclear), lambda: Odd(lambda read: one)).count("misoffered") == 1


@pytest.mark.parametrize(
    "says",
    [
        "It says: “Moderators may extend a discussion period by at most 70 days”.",
        "Artikel 3: „Moderatoren dürfen alles“.",
        "Article 3 : « les modérateurs décident ».",
        'The text has "moderators decide alone".',
        "Article 3: Proposals › Section 3.2: Withdrawal and Extension: “Bob may extend it.”",
    ],
)
def test_invented_quotes_are_found(says: str, written: Callable[[str], Path]) -> None:
    (outcome,) = played(written(HEAD + QUESTION), lambda: Odd(says=says)).outcomes
    assert outcome.ungrounded and not outcome.right and not outcome.wrong


def test_words_of_the_question_are_no_quotes_once_something_is_answered(
    written: Callable[[str], Path],
) -> None:
    asked = QUESTION.replace("Who may extend a discussion period?", "Is it so that bob may extend?")
    report = played(written(HEAD + asked), lambda: Odd(says="It says “bob may extend”."))
    assert report.count("ungrounded") == 1


def test_a_citation_that_is_not_shown_does_not_count(written: Callable[[str], Path]) -> None:
    report = played(written(HEAD + QUESTION), lambda: Odd(says="Moderators may."))
    assert report.accuracy == 0 and "does not quote article-3.2" in report.failed[0].why


class Misciting(OfflineReader):
    async def answer(self, question: str, constitution: Constitution) -> Guidance:
        found = constitution.query(question)
        invented = Citation(section="article-3.2", quote="Bob may extend it.")
        return found.model_copy(update={"citations": (*found.citations, invented)})


def test_an_invented_citation_is_found(written: Callable[[str], Path]) -> None:
    assert played(written(HEAD + QUESTION), Misciting).count("ungrounded") == 1


class Failing(OfflineReader):
    async def intent(self, message: str, vocabulary: Vocabulary) -> Intent:
        raise RuntimeError("the model is away")


def test_a_reader_that_fails_is_not_right_and_does_no_harm(written: Callable[[str], Path]) -> None:
    report = played(written(HEAD + VOTE + CHATTER), Failing)
    assert report.accuracy == 0 and report.count("wrong") == 0
    assert all("failed" in outcome.why for outcome in report.outcomes)


def test_what_is_right_only_sometimes_is_not_steady(written: Callable[[str], Path]) -> None:
    made: list[Reader] = []

    def once_away() -> Reader:
        made.append(Failing() if len(made) == 1 else OfflineReader())
        return made[-1]

    report = played(written(HEAD + VOTE + QUESTION), once_away, repeat=2)
    assert len(report.outcomes) == 4
    assert report.accuracy == Fraction(3, 4) and report.steady == Fraction(1, 2)
    assert "pass^2" in report.plain()


def test_tokens_and_progress_are_told(written: Callable[[str], Path]) -> None:
    spent, told = [0], list[Outcome]()

    def reads(read: Intent) -> Intent:
        spent[0] += 7
        return read

    cases = load_cases(written(HEAD + VOTE))
    report = asyncio.run(evaluate(cases, lambda: Odd(reads), 2, lambda: spent[0], told.append))
    assert [outcome.tokens for outcome in report.outcomes] == [7, 7]
    assert tuple(told) == report.outcomes and all(outcome.seconds > 0 for outcome in told)


def test_the_same_start_however_often_it_is_played(written: Callable[[str], Path]) -> None:
    assert played(written(HEAD + VOTE), OfflineReader, repeat=3).steady == 1


# --- files that are not cases --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("constitution = ", "some.toml cannot be read: Invalid value (at end of document)"),
        (HEAD.replace("example", "exmple") + VOTE, "some.toml, line 1, constitution: there is no"),
        (HEAD + "[case]\n", "case: each case begins with [[case]]"),
        (HEAD + VOTE.replace('"intent"', '"guess"'), "some.toml, line 12, case 1, kind: Input"),
        (HEAD + VOTE.replace('"input", pro', '"inptu", pro'), "line 16, case 1, expect.action"),
        (HEAD + VOTE.replace("process = 1, ", ""), "line 16, case 1, expect: the action 'input'"),
        (HEAD + VOTE.replace('setup = "one"', 'setup = "on"'), "line 13, case 1, setup: there is"),
        (HEAD + VOTE.replace('member = "bob"', 'member = "bo"'), "line 10, case 1, the case: 'bo'"),
        (HEAD + VOTE + "colour = 3\n", "line 18, case 1, colour: Extra inputs"),
        (HEAD + VOTE + 'after = "soon"\n', "line 18, case 1, after: 'soon' is no duration"),
        (HEAD.replace('bob = ["member"]', "bob = 3") + VOTE, "line 5, people.bob: Input should be"),
        (HEAD + VOTE + VOTE, "two cases are called 'vote'"),
        (HEAD, "there are no cases"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_told_with_its_line_and_field(
    text: str, says: str, written: Callable[[str], Path]
) -> None:
    with pytest.raises(OperatorError) as told:
        load_cases(written(text))
    assert says in str(told.value)


def test_a_folder_without_cases_is_told(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there are no cases"):
        load_cases(tmp_path)
    with pytest.raises(OperatorError, match="cannot be read"):
        load_cases(tmp_path / "none.toml")


def test_a_setup_that_comes_to_nothing_is_told(written: Callable[[str], Path]) -> None:
    head = HEAD.replace("I propose that bans", "perhaps bans")
    with pytest.raises(OperatorError, match="line 1 of the setup of case 'vote' came to nothing"):
        played(written(head + VOTE), OfflineReader)


def test_the_readers_of_these_tests_are_readers() -> None:
    readers: list[Reader] = [OfflineReader(), Odd(), Misciting(), Failing()]
    charter: Charter | None = asyncio.run(readers[1].draft(Constitution("# A\n\nB."), "task"))
    assert charter is None and isinstance(Ask(question="?"), Ask)
