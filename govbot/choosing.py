"""Which templates suit a community that does not know them yet.

Owns the form of the questions and of what is recommended for their answers; both are data
(`choosing.toml` beside the templates). Names no template.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError, model_validator

from govbot.errors import OperatorError
from govbot.records import Record


class Answer(Record):
    name: str
    says: str


class Question(Record):
    name: str
    asks: str
    answers: tuple[Answer, ...] = Field(min_length=2)


class Advice(Record):
    """A template, the answers it suits (a question left out does not matter), and why."""

    template: str
    when: dict[str, tuple[str, ...]] = {}
    because: str

    def suits(self, answers: Mapping[str, str]) -> bool:
        return all(answers.get(name) in wanted for name, wanted in self.when.items())


class Choosing(Record):
    """The questions, and for government and for disputes what is advised: the first that suits."""

    questions: tuple[Question, ...]
    governance: tuple[Advice, ...] = Field(min_length=1)
    disputes: tuple[Advice, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_answer_gets_advice(self) -> Self:
        known = {each.name: {a.name for a in each.answers} for each in self.questions}
        for advice in (*self.governance, *self.disputes):
            for name, wanted in advice.when.items():
                if unknown := set(wanted) - known.get(name, set()):
                    raise ValueError(f"no question {name!r} has the answer {min(unknown)!r}")
        if self.governance[-1].when or self.disputes[-1].when:
            raise ValueError("the last advice must suit whoever nothing else suits")
        return self

    def asked(self, about_disputes: bool) -> tuple[Question, ...]:
        """The questions whose answers matter."""
        advice = (*self.governance, *(self.disputes if about_disputes else ()))
        names = {name for each in advice for name in each.when}
        return tuple(question for question in self.questions if question.name in names)

    def advise(self, answers: Mapping[str, str]) -> tuple[Advice, Advice]:
        """For how to govern, and for how to settle disputes."""
        first = next(each for each in self.governance if each.suits(answers))
        return first, next(each for each in self.disputes if each.suits(answers))


def load_choosing(path: Path) -> Choosing:
    """The questions from their file; OperatorError says what is wrong with it."""
    try:
        return Choosing.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OperatorError(f"{path.name} cannot be read: {error}; install govbot again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        what = str(first["msg"]).removeprefix("Value error, ")
        raise OperatorError(f"{path.name}, {where}: {what}; correct the file") from None
