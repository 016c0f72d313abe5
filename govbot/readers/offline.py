"""The reader that needs no model: it matches the phrases the charters carry.

Owns the matching of whole messages against phrases, choices, titles and process numbers. Promises
never to guess: a message that does not match from its first word to its last is answered with what
would have matched.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from govbot.charter import Charter, InputRule
from govbot.constitution import Constitution, Guidance
from govbot.readers import Doubt, Proposal, Standing, Vocabulary
from govbot.readers.words import MAX_MESSAGE, ballot_of, plain_text, spellings_of
from govbot.records import Ask, Give, Intent, Manage, Open, Rehearse, Show, Unclear

_SLOT = re.compile(r"\{([a-z_]+)\}")
_PROCESS = r"(?:the\s+)?(?:[^\W\d]+\s+){0,3}(?:number\s+|no\.?\s*)?#?(?P<process>\d{1,9})"
_ASKING = re.compile(
    r"(?:who|what|when|where|why|how|which|may|can|could|should|must|do|does|did|is|are|was|were"
    r"|has|have|will|would)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"#?\b(\d{1,9})\b")
_SHOWING = re.compile(
    rf"(?:status|show|how is|where is|list)(?:\s+(?:of|me))?"
    rf"(?:\s+(?:{_PROCESS}|(?:the\s+|all\s+)?(?:open\s+)?process(?:es)?|proposals|everything))?",
    re.IGNORECASE,
)
_REHEARSING = re.compile(r"rehearse(?:\s*:?\s+(?P<words>.+))?[:.!]?", re.IGNORECASE | re.DOTALL)
_MANAGING = re.compile(
    rf"(?P<act>pause|resume|cancel|withdraw|extend)\s+{_PROCESS}"
    r"(?:\s+by\s+(?P<by>.+?))?(?:\s*(?:,\s*)?(?:because|since|:)\s+(?P<reason>.+))?",
    re.IGNORECASE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def _pattern(phrase: str, choices: tuple[str, ...]) -> re.Pattern[str]:
    """A phrase as a pattern for a whole message; `{process}`, `{choice}` and fields are slots."""
    made, seen = [], set()
    for n, part in enumerate(_SLOT.split(phrase)):
        if n % 2 == 0:
            made.append(r"\s+".join(re.escape(word) for word in re.split(r"\s+", part)))
        elif part in seen:
            made.append(f"(?P={part})")
        else:
            made.append(_slot(part, choices))
            seen.add(part)
    return re.compile("".join(made) + r"[.!]?", re.IGNORECASE)


def _slot(name: str, choices: tuple[str, ...]) -> str:
    if name == "process":
        return _PROCESS
    if name == "choice":
        longest_first = sorted(choices, key=len, reverse=True)
        return f"(?P<choice>@?(?:{'|'.join(map(re.escape, longest_first))}))"
    return f"(?P<{name}>.+?)"


@dataclass(frozen=True)
class _Fit:
    intent: Intent
    fixed: int  # how many letters of the phrase are its own words: the most exact phrase wins


class OfflineReader:
    """Matches phrases. A port in one process and a fall-back everywhere."""

    name = "offline"

    async def intent(self, message: str, vocabulary: Vocabulary) -> Intent:
        text = plain_text(message)
        if not text:
            return Unclear(missing=_nothing(message))
        fits = [*_inputs(text, vocabulary), *_openings(text, vocabulary, vocabulary.charters)]
        fits = fits or list(_out_of_turn(text, vocabulary))
        if fits:
            return max(fits, key=lambda fit: fit.fixed).intent
        if (about := _about(text, vocabulary)) is not None:
            return about
        if gone := list(_openings(text, vocabulary, vocabulary.lost)):
            return max(gone, key=lambda fit: fit.fixed).intent
        return Unclear(missing=_would_fit(text, vocabulary))

    async def answer(self, question: str, constitution: Constitution) -> Guidance:
        return constitution.query(question)

    async def propose(
        self, wanted: str, constitution: Constitution, vocabulary: Vocabulary, doubt: Doubt
    ) -> tuple[Proposal, ...]:
        return ()

    async def draft(self, constitution: Constitution, type: str) -> Charter | None:
        return None


def _nothing(message: str) -> str:
    if len(message) > MAX_MESSAGE:
        return f"your message is longer than {MAX_MESSAGE} characters; please say it shorter"
    return "your message has no words in it; say what you would like, or ask a question"


def _about(text: str, vocabulary: Vocabulary) -> Intent | None:
    """Questions, status and management: the bot's own words, not the community's."""
    if found := _MANAGING.fullmatch(text):
        act = found["act"].lower().replace("withdraw", "cancel")
        return Manage.model_validate(
            {
                "process": int(found["process"]),
                "act": act,
                "reason": found["reason"] or "",
                "by": found["by"] or "",
            }
        )
    if (found := _REHEARSING.fullmatch(text)) is not None:
        return Rehearse(words=found["words"] or "")
    if (found := _SHOWING.fullmatch(text.rstrip("?.! "))) is not None:
        return Show(process=int(found["process"]) if found["process"] else None)
    if text.endswith("?") or _ASKING.match(text):
        number = _NUMBER.search(text)
        return Ask(question=text, process=int(number[1]) if number else vocabulary.about)
    return None


def _openings(text: str, vocabulary: Vocabulary, charters: Mapping[str, Charter]) -> Iterator[_Fit]:
    for type, charter in charters.items():
        for phrase in charter.phrases:
            found = _pattern(phrase, ()).fullmatch(text)
            if found is None:
                continue
            fields = {
                name: _field(charter, name, value, vocabulary.members)
                for name, value in found.groupdict().items()
                if name in charter.fields
            }
            yield _Fit(Open(type=type, fields=fields), _own_letters(phrase))


def _field(charter: Charter, name: str, value: str, members: Mapping[str, str]) -> Any:
    value = value.strip()
    rule = charter.fields[name]
    if rule.type == "member":
        return members.get(value.casefold().lstrip("@"), value)
    if rule.type == "number" and re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    return next((c for c in rule.choices if c.casefold() == value.casefold()), value)


def _own_letters(phrase: str) -> int:
    return len(_SLOT.sub("", phrase))


def _inputs(text: str, vocabulary: Vocabulary) -> Iterator[_Fit]:
    for process in vocabulary.open:
        for rule in process.stage.inputs:
            for phrase in rule.phrases:
                if fit := _input(text, phrase, rule, process, vocabulary):
                    yield fit


def _out_of_turn(text: str, vocabulary: Vocabulary) -> Iterator[_Fit]:
    """What belongs to another stage of a process that is named: the kernel says to which."""
    for process in vocabulary.open:
        for rule in (rule for stage in process.others for rule in stage.inputs):
            for phrase in rule.phrases:
                named = "{process}" in phrase
                if named and (fit := _input(text, phrase, rule, process, vocabulary)):
                    yield fit


def _input(
    text: str, phrase: str, rule: InputRule, process: Standing, vocabulary: Vocabulary
) -> _Fit | None:
    spellings = spellings_of(rule, process.choices_of(rule), vocabulary.members)
    found = _pattern(phrase, tuple(spellings)).fullmatch(text)
    if found is None:
        return None
    said = found.groupdict()
    number = int(said["process"]) if said.get("process") else _meant(rule, vocabulary)
    if number != process.number:
        return None
    value: Any = said.get("text") or said.get("member")
    if said.get("choice"):
        value = spellings[said["choice"].casefold().lstrip("@")]
    if said.get("ballot"):
        value = ballot_of(said["ballot"], rule, spellings)
    if rule.takes == "member" and value is not None:
        value = vocabulary.members.get(value.casefold().lstrip("@"), value)
    give = Give(
        process=number, input=rule.kind, value=value, reason=(said.get("reason") or "").strip()
    )
    return _Fit(give, _own_letters(phrase))


def _meant(rule: InputRule, vocabulary: Vocabulary) -> int | None:
    """The process a message means without naming it: where it was said, or the only one it fits."""
    if vocabulary.about is not None:
        return vocabulary.about
    fitting = [
        process.number for process in vocabulary.open if process.stage.input(rule.kind) is not None
    ]
    return fitting[0] if len(fitting) == 1 else None


def _would_fit(text: str, vocabulary: Vocabulary) -> str:
    """What would have been understood, nearest to what was said."""
    numbers = {int(n) for n in _NUMBER.findall(text)}
    known = [p for p in vocabulary.open if not numbers or p.number in numbers]
    if numbers and not known:
        return f"process {min(numbers)} is not open; ask “status” for the open ones"
    examples = [
        _example(phrase.replace("{process}", str(process.number)).replace("{choice}", choice))
        for process in known[:3]
        for rule in process.stage.inputs
        for phrase in rule.phrases[:1]
        for choice in process.choices_of(rule)[:4] or ("",)
    ]
    opening = [_example(c.phrases[0]) for c in vocabulary.charters.values() if c.phrases]
    said = [
        *list(dict.fromkeys(examples))[:6],
        *opening[:4],
        "“status”",
        "or a question that ends with “?”",
    ]
    return "say, for example, " + ", ".join(said)


def _example(phrase: str) -> str:
    return f"“{_SLOT.sub('…', phrase)}”"
