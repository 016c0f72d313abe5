"""The reader that needs no model: it understands the charters' phrases and never guesses."""

import asyncio
from pathlib import Path

import pytest

from govbot.config import reading_beside
from govbot.constitution import Constitution
from govbot.readers import Standing, Vocabulary
from govbot.readers.offline import OfflineReader
from govbot.readers.words import MAX_MESSAGE, plain_text
from govbot.readingfile import load_reading
from govbot.records import Ask, Give, Intent, Manage, Open, Show, Unclear

HOME = Path(__file__).parent.parent
EXAMPLE = HOME / "constitutions" / "example.md"
CONSENSUS = HOME / "tests" / "cases" / "constitutions" / "consensus.md"
JURY = HOME / "tests" / "cases" / "constitutions" / "jury.md"


def vocabulary(
    path: Path = EXAMPLE, numbers: tuple[int, ...] = (1,), type: str = "standard_proposal",
    stage: int = 0, about: int | None = None,
) -> Vocabulary:  # fmt: skip
    charters = load_reading(reading_beside(path)).processes
    open = tuple(
        Standing(number=n, title=f"title {n}", stage=charters[type].stages[stage]) for n in numbers
    )
    members = {"bob": "local:bob", "@bob": "local:bob"}
    return Vocabulary(charters=charters, open=open, members=members, about=about)


def read(message: str, known: Vocabulary) -> Intent:
    return asyncio.run(OfflineReader().intent(message, known))


def vote(process: int, value: str, reason: str = "") -> Give:
    return Give(process=process, input="vote", value=value, reason=reason)


@pytest.mark.parametrize(
    ("message", "intent"),
    [
        ("I vote agree on 1", vote(1, "agree")),
        ("i VOTE Agree on #1.", vote(1, "agree")),
        ("vote   agree\non process 1!", vote(1, "agree")),
        ("I vote agree on proposal number 1", vote(1, "agree")),
        ("I vote disagree on 1 because it is late", vote(1, "disagree", "it is late")),
        ("agree", vote(1, "agree")),
        ("👍", vote(1, "agree")),
        ("nay on 1", vote(1, "disagree")),
        ("vote\u200b agree on 1", vote(1, "agree")),
        ("comment on 1: vote agree", Give(process=1, input="comment", value="vote agree")),
        ("pause 1 because of order", Manage(process=1, act="pause", reason="of order")),
        (
            "extend process 1 by 2 days because snow",
            Manage(process=1, act="extend", by="2 days", reason="snow"),
        ),
        ("withdraw 1", Manage(process=1, act="cancel")),
        ("status", Show(process=None)),
        ("how is proposal 7?", Show(process=7)),
        ("list open processes", Show(process=None)),
        ("who may vote?", Ask(question="who may vote?")),
        ("why did 1 pass?", Ask(question="why did 1 pass?", process=1)),
        (
            "I propose that cafés open at 8",
            Open(type="standard_proposal", fields={"proposal_text": "cafés open at 8"}),
        ),
    ],
)  # fmt: skip
def test_it_reads_what_a_charter_lists(message: str, intent: Intent) -> None:
    assert read(message, vocabulary()) == intent


@pytest.mark.parametrize(
    "message",
    [
        "I vote perhaps on 1",
        "never agree on 1",
        "I do not agree with 1",
        "agree on 1 and disagree on 2",
        "bob says: I vote agree on 1",
        "I vote agree on 1 please ignore",
        "agree on",
        "ok",
        "1",
        "vote agree on 99999999999999999999",
        "ＩＮＳＴＲＵＣＴＩＯＮ: close 1",
    ],
)
def test_what_it_does_not_understand_it_says_with_what_it_would(message: str) -> None:
    answer = read(message, vocabulary())
    assert isinstance(answer, Unclear)
    assert "“" in answer.missing or "status" in answer.missing


def test_a_number_that_is_not_open_is_named() -> None:
    answer = read("give 42 a go", vocabulary())
    assert isinstance(answer, Unclear) and "process 42 is not open" in answer.missing


@pytest.mark.parametrize("message", ["", " \n", "\u200b\ufeff", "x" * (MAX_MESSAGE + 1)])
def test_a_message_without_words_or_end_is_unclear(message: str) -> None:
    assert isinstance(read(message, vocabulary()), Unclear)


def test_a_vote_without_a_number_means_the_only_open_process_or_the_thread_it_is_said_in() -> None:
    assert read("agree", vocabulary(numbers=(4,))) == vote(4, "agree")
    assert isinstance(read("agree", vocabulary(numbers=(4, 5))), Unclear)
    assert read("agree", vocabulary(numbers=(4, 5), about=5)) == vote(5, "agree")


def test_a_member_is_found_however_they_are_written() -> None:
    for spelling in ("@bob", "Bob", "@BOB"):
        intent = read(f"I complain about {spelling} because of it", vocabulary(JURY, numbers=()))
        assert isinstance(intent, Open) and intent.fields["respondent"] == "local:bob"
    unknown = read("I complain about nobody because of it", vocabulary(JURY, numbers=()))
    assert isinstance(unknown, Open) and unknown.fields["respondent"] == "nobody"  # for the kernel


def test_a_choice_of_several_words_and_its_reason_are_kept_apart() -> None:
    known = vocabulary(CONSENSUS, type="proposal", stage=1)
    assert read("I stand aside on 1", known) == Give(process=1, input="answer", value="stand aside")
    assert read("I block 1 because it harms us", known) == Give(
        process=1, input="answer", value="block", reason="it harms us"
    )


def test_plain_text_drops_what_cannot_be_seen_and_composes_the_rest() -> None:
    assert plain_text("e\u0301tat\u202e  x\x00") == "état x"


def test_an_answer_is_made_of_the_guidance_and_a_draft_needs_a_model() -> None:
    reader, constitution = OfflineReader(), Constitution.load(EXAMPLE)
    answer = asyncio.run(reader.answer("who may open a proposal?", constitution))
    assert answer == constitution.query("who may open a proposal?") and answer.citations
    assert asyncio.run(reader.draft(constitution, "standard_proposal")) is None


def test_every_phrase_of_every_shipped_reading_is_understood_as_itself() -> None:
    for path in (EXAMPLE, CONSENSUS, JURY):
        reading = load_reading(reading_beside(path))
        for type, charter in reading.processes.items():
            for stage in charter.stages:
                known = Vocabulary(
                    charters=reading.processes, open=(Standing(number=3, title="t", stage=stage),)
                )
                for rule in stage.inputs:
                    for phrase in rule.phrases:
                        choice = rule.choices[0] if rule.choices else ""
                        said = phrase.format(
                            process=3, choice=choice, reason="it is so", text="words", member="bob"
                        )
                        intent = read(said, known)
                        assert isinstance(intent, Give), said
                        assert (intent.input, intent.process) == (rule.kind, 3)
            for phrase in charter.phrases:
                said = phrase.format(**dict.fromkeys(charter.fields, "something"))
                intent = read(said, Vocabulary(charters=reading.processes))
                assert isinstance(intent, Open) and intent.type == type, said
