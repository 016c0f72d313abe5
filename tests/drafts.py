"""A reader that answers what drafting asks, from rules; and a garden to draft."""

from collections import deque
from collections.abc import Sequence

from govbot.chartering import DraftRules, FoundProcess, Quoted
from govbot.drafting import QUESTIONS, Counting, FoundProcesses, Way
from govbot.llm import ModelFailure, Prompt, Usage, Value

TEXT = """\
# Garden

## 1. Members

Every member may bring a motion and may vote on it.

## 2. Motions

A motion is open for 6 days.
At least 3 members must vote.
Members agree or disagree.
A motion passes when two-thirds of those voting agree.
"""
FOUND = FoundProcess(title="Motion", section="2", quote="A motion is open for 6 days.")


def processes(*found: FoundProcess) -> FoundProcesses:
    return FoundProcesses(processes=found)


def quoted(value: str, quote: str, section: str = "2") -> Quoted:
    return Quoted(value=value, section=section, quote=quote)


RULES = DraftRules(
    opened_by=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    lasts=quoted("6 days", "A motion is open for 6 days."),
    voters=quoted("member", "Every member may bring a motion and may vote on it.", "1"),
    choices=quoted("agree, disagree", "Members agree or disagree."),
    quorum=quoted("3", "At least 3 members must vote."),
    passing=quoted("2/3", "A motion passes when two-thirds of those voting agree."),
    passes="a share of those voting",
)  # fmt: skip
WRONG = RULES.model_copy(update={"lasts": quoted("9 days", "A motion is open for 9 days.")})


class Reads:
    """Answers each question by rules: the first time from the first of them, then from the next.

    What is found comes from a script, in which a failure is raised; what is not scripted fails.
    """

    name = "reads"

    def __init__(self, found: Sequence[FoundProcesses | ModelFailure], *rules: DraftRules) -> None:
        self.found, self.rules = deque(found), rules
        self.asked: list[Prompt] = []
        self.times: dict[str, int] = {}

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        self.asked.append(prompt)
        found = issubclass(schema, FoundProcesses)
        answer = self._found() if found else self._rule(prompt, schema)
        return schema.model_validate(answer.model_dump()), Usage(model=self.name, read=0, written=0)

    def _found(self) -> FoundProcesses:
        assert self.found, "nothing more is found"
        answer = self.found.popleft()
        if isinstance(answer, ModelFailure):
            raise answer
        return answer

    def _rule(self, prompt: Prompt, schema: type[Value]) -> Quoted | Way | Counting:
        if schema is Way:
            return Way(passes=self._now("passing").passes)
        if schema is Counting:
            return Counting(abstentions=self._now("abstaining").abstentions)
        name = next(n for n, asked in QUESTIONS.items() if asked.split("{")[0] in prompt.task)
        self.times[name] = self.times.get(name, 0) + 1
        answer = getattr(self._now(name), name)
        assert isinstance(answer, Quoted)
        return answer

    def _now(self, name: str) -> DraftRules:
        assert self.rules, "no rules are scripted"
        return self.rules[min(self.times[name], len(self.rules)) - 1]
