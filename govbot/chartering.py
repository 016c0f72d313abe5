"""From the rules that somebody read in a text to a charter that stands on its words.

Owns the shape in which a model says the rules of one kind of process, the doubts about each (does
its quote stand, does the quote have its number and its words), and the charter made of what is
left. Pure. Promises that every value in the charter is carried by the quote beside it, that what a
charter cannot do without and the text does not say is filled in and named, and that a rule without
ground is left out and named.
"""

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Literal, cast

from pydantic import ValidationError

from govbot.charter import Charter, identifier
from govbot.constitution import Constitution
from govbot.errors import MemberError
from govbot.grounding import ground, locate, nearest, whole_sentences
from govbot.lint import STAGE_NAMES
from govbot.numbers import Quantity, is_time, quantities, stem
from govbot.records import Citation, Record
from govbot.tools.dates import describe_duration, parse_duration

MOST_WORDS = 5  # in the name of a role
MOST_LETTERS = 40  # in a choice
# What a charter has where the text has no word for it; each use is named to people.
ROLE = "member"
CHOICES = ("agree", "disagree")

# What else an expression of the charter knows by its name.
_TAKEN = STAGE_NAMES | {"votes", "comments", "proposal", "True", "False", "None"}
_LEADING = frozenset(
    "a an the any every each all one current other only eligible these those this both".split()
)
_ARTICLES = frozenset(("a", "an", "the"))
_EVERYBODY = frozenset(("anyone", "anybody", "everyone", "everybody"))
_BETWEEN = re.compile(r"\s*(?:[,;/|\n]|\bor\b|\band\b)\s*", re.IGNORECASE)
# A share that must be exceeded, and not only reached.
_EXCEEDED = re.compile(r"\b(?:more than|over|above|greater than|exceed\w*|in excess of)\W+$", re.I)
_MAJORITY = re.compile(r"\bmajorit", re.IGNORECASE)

Passes = Literal[
    "more for than against", "more than half of all", "a share of those voting", "a share of all",
    "nobody against", "unclear",
]  # fmt: skip
Abstentions = Literal["count for the quorum", "count for nothing", "unclear"]


class Quoted(Record):
    """What the text says, and the sentence that says so, word for word."""

    value: str = ""
    quote: str = ""
    section: str = ""


class FoundProcess(Record):
    title: str
    quote: str
    section: str = ""


class DraftRules(Record):
    """The rules of one kind of process, as far as the text has them; empty where it has none."""

    opened_by: Quoted = Quoted()  # value: the role that may begin one
    discussion: Quoted = Quoted()  # value: how long it is discussed before the vote
    lasts: Quoted = Quoted()  # value: how long the vote is open
    voters: Quoted = Quoted()  # value: the role that may vote
    choices: Quoted = Quoted()  # value: what can be voted, for first, against second
    abstaining: Quoted = Quoted()  # value: the word for it
    abstentions: Abstentions = "unclear"
    quorum: Quoted = Quoted()  # value: how many must take part, or which share
    passing: Quoted = Quoted()  # value: what it takes
    passes: Passes = "unclear"


class Built(Record):
    """The charter that rules make.

    `problems` are for whoever read the rules: they may mend them. `notes` are for people, and so
    are the quotes `beside` that have no place in a charter, each with what rests on it.
    """

    charter: Charter | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    roles: dict[str, Citation] = {}
    beside: tuple[tuple[str, Citation], ...] = ()


def located(constitution: Constitution, quote: str, section: str = "") -> Citation | None:
    """The whole sentences that a quote is of, where they stand; the section only helps to find."""
    words = " ".join(quote.split())
    if not words:
        return None
    place = locate(constitution, Citation(section=section.strip("[] ") or "-", quote=words))
    if place is None:
        return None
    cite = Citation(section=place.section.id, quote=whole_sentences(place))
    return cite if constitution.holds(cite) else None


def type_of(title: str) -> str:
    """The name of a process type; every title has one."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    named = re.sub(r"\W+", "_", plain.casefold()).strip("_")[:40].rstrip("_")
    return named if named[:1].isalpha() else f"process_{named}".rstrip("_")


def charter_of(
    constitution: Constitution, process: FoundProcess, rules: DraftRules,
    roles: Mapping[str, Citation],
) -> Built:  # fmt: skip
    """The charter of one process. `roles` are those that are known already; new ones are added."""
    return _Builder(constitution, process, rules, dict(roles)).build()


class _Builder:
    def __init__(
        self, constitution: Constitution, process: FoundProcess, rules: DraftRules,
        roles: dict[str, Citation],
    ) -> None:  # fmt: skip
        self.constitution, self.process, self.rules, self.roles = (
            constitution, process, rules, roles
        )  # fmt: skip
        self.cite = Citation(section=process.section, quote=process.quote)
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.beside: list[tuple[str, Citation]] = []

    def build(self) -> Built:
        voters, voters_cite = self.who("voters", self.rules.voters)
        openers, openers_cite = self.who("opened_by", self.rules.opened_by)
        choices, absent, choices_cite = self.choices()
        discussion, lasts = self.periods()
        outcomes = self.outcomes(choices, absent)
        for name, cite in (("voters", voters_cite), ("choices", choices_cite)):
            if cite and cite != (voters_cite or choices_cite):
                self.beside.append((name, cite))
        vote = {
            "name": "vote", "title": "Vote", "lasts": lasts,
            "inputs": [{
                "kind": "vote", "who": voters, "choices": choices,
                "cite": _dumped(voters_cite or choices_cite),
                "phrases": ["I vote {choice} on {process}", "{choice} on {process}"],
            }],
            "outcomes": outcomes,
        }  # fmt: skip
        title = self.process.title
        document: dict[str, Any] = {
            "title": title, "cite": self.cite.model_dump(), "named_after": "proposal",
            "phrases": [f"{title.lower()}: {{proposal}}"],
            "opened_by": {"who": openers, "cite": _dumped(openers_cite)},
            "fields": {"proposal": {"type": "text", "label": "text"}},
            "stages": [*([_discussing(discussion, openers)] if discussion else []), vote],
        }  # fmt: skip
        carried = discussion or lasts or len(outcomes) > 1
        return self.built(document if carried else None)

    def built(self, document: dict[str, Any] | None) -> Built:
        charter = None
        if document is None:
            self.problems.append(
                "neither how long it takes nor what it takes to pass could be grounded"
            )
        else:
            try:
                charter = Charter.model_validate(document)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(step) for step in first["loc"])
                self.problems.append(f"{where}: {str(first['msg']).removeprefix('Value error, ')}")
        return Built(
            charter=charter, problems=tuple(dict.fromkeys(self.problems)),
            notes=tuple(dict.fromkeys(self.notes)), roles=self.roles, beside=tuple(self.beside),
        )  # fmt: skip

    # --- quotes and numbers -----------------------------------------------------------------

    def cited(self, name: str, rule: Quoted) -> Citation | None:
        if not rule.quote.strip():
            if rule.value.strip():
                self.problems.append(f"{name}: “{_short(rule.value)}” has no sentence of the text")
            return None
        cite = located(self.constitution, rule.quote, rule.section or self.process.section)
        if cite is None:
            near = nearest(self.constitution, rule.quote)
            hint = f"; the nearest is “{_short(near)}”" if near else ""
            self.problems.append(f"{name}: “{_short(rule.quote)}” does not stand in the text{hint}")
        return cite

    def carries(self, name: str, said: str, cite: Citation) -> bool:
        """Whether the sentence has these numbers. An exception beside it is the lint's matter."""
        found = ground(self.constitution, said, cite)
        hard = [each for each in found.objections if each not in found.exceptions]
        self.problems += [f"{name}: {each}" for each in hard]
        return not hard

    def number(
        self, rule: Quoted, cite: Citation, fits: Callable[[Quantity], bool]
    ) -> Quantity | None:
        """The number that is said; where none is, the only one of its kind in the sentence."""
        said = [each for each in quantities(rule.value) if fits(each)]
        if said:
            return said[0]
        quoted = [each for each in quantities(cite.quote) if fits(each)]
        return quoted[0] if len({(each.value, each.unit) for each in quoted}) == 1 else None

    # --- periods ----------------------------------------------------------------------------

    def periods(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """How long it is discussed and voted on; one period told as both is the vote's."""
        discussion = self.period("discussion", self.rules.discussion)
        lasts = self.period("lasts", self.rules.lasts)
        if lasts is None:
            self.notes.append("the text's sentence on how long the vote is open is not found")
        if discussion is not None and discussion == lasts:
            self.notes.append("one sentence gives the time of discussion and vote: one stage")
            discussion = None
        return discussion, lasts

    def period(self, name: str, rule: Quoted) -> dict[str, Any] | None:
        cite = self.cited(name, rule)
        if cite is None:
            return None
        found = self.number(rule, cite, lambda each: is_time(each.unit) and each.value > 0)
        said = f"{found.value} {found.unit}" if found else rule.value
        try:
            said = describe_duration(cast(Mapping[str, int], parse_duration(said)))
        except MemberError:
            self.problems.append(f"{name}: “{_short(said)}” is no length of time")
            return None
        return (
            {"value": said, "cite": cite.model_dump()} if self.carries(name, said, cite) else None
        )

    # --- who --------------------------------------------------------------------------------

    def who(self, name: str, rule: Quoted) -> tuple[str, Citation | None]:
        """Who may, as a condition, and the sentence that says so."""
        cite = self.cited(name, rule)
        words = re.findall(r"[\w-]+", rule.value.casefold())
        if cite is not None and set(words) & _EVERYBODY:
            return "True", cite
        role = self.role(words, cite) if cite else None
        if cite is not None and role is None:
            self.problems.append(
                f"{name}: “{_short(rule.value)}” is no role that its sentence names"
            )
        if cite is None or role is None:
            self.notes.append(f"{name}: the text's role is not found; the draft says {ROLE!r}")
            self.roles.setdefault(ROLE, self.cite)
            return f"'{ROLE}' in roles", None
        self.roles.setdefault(role, cite)
        return f"'{role}' in roles", cite

    def role(self, words: list[str], cite: Citation) -> str | None:
        """The role in its singular, as it is known already or as the sentence has it."""
        while words and words[0] in _LEADING:
            words = words[1:]
        words = [word for word in words if word not in _ARTICLES]
        quoted = set(map(stem, re.findall(r"[\w-]+", cite.quote)))
        if not words or len(words) > MOST_WORDS or not set(map(stem, words)) <= quoted:
            return None
        for known in self.roles:
            if list(map(stem, known.split())) == list(map(stem, words)):
                return known
        head = words.index("of") - 1 if "of" in words[1:] else len(words) - 1
        words[head] = _singular(words[head])
        return " ".join(words)

    # --- choices ----------------------------------------------------------------------------

    def choices(self) -> tuple[list[str], str | None, Citation | None]:
        """What can be voted, for first and against second; the one that abstains; who says so."""
        rule = self.rules.choices
        cite = self.cited("choices", rule)
        said = [_choice(each) for each in _BETWEEN.split(rule.value.casefold())] if cite else []
        kept = [each for each in dict.fromkeys(said) if each and cite and _has(cite, each)]
        if len({identifier(each) for each in kept}) < max(len(kept), 2):
            self.notes.append(
                "choices: the text's words for a vote are not found; the draft has"
                f" {' and '.join(CHOICES)}"
            )
            kept, cite = list(CHOICES), None
        absent = self.absent(kept)
        if absent is None:
            return kept, None, cite
        return [*(each for each in kept if each != absent), absent], absent, cite

    def absent(self, choices: list[str]) -> str | None:
        """The choice of those who abstain, where the text rules on them."""
        rule = self.rules.abstaining
        cite = self.cited("abstaining", rule)
        if cite is None:
            return None
        word = next((w for w in map(_choice, _BETWEEN.split(rule.value.casefold())) if w), None)
        if word is None or not _has(cite, word):
            self.problems.append(
                f"abstaining: “{_short(rule.value)}” is no word of its sentence for it"
            )
            return None
        alike = [each for each in choices if stem(each) == stem(word)]
        if len(choices) - len(alike) < 2:
            return None
        self.beside.append(("abstaining", cite))
        return alike[0] if alike else word

    # --- outcomes ---------------------------------------------------------------------------

    def outcomes(self, choices: list[str], absent: str | None) -> list[dict[str, Any]]:
        """Quorum, then what passes, then all else, each by the sentence that says so."""
        names = [identifier(each) for each in choices]
        return [
            *self.quorum([n for n, each in zip(names, choices, strict=True) if each != absent]),
            *self.passing(names[0], names[1]), {"otherwise": "not passed"},
        ]  # fmt: skip

    def quorum(self, deciding: list[str]) -> Iterator[dict[str, Any]]:
        rule = self.rules.quorum
        cite = self.cited("quorum", rule)
        if cite is None:
            return
        counted = "votes"
        if self.rules.abstaining.quote and self.rules.abstentions == "count for nothing":
            counted = f"({' + '.join(deciding)})"
        found = self.number(rule, cite, lambda each: not is_time(each.unit) and each.value > 0)
        if found is None and _MAJORITY.search(f"{rule.value} {cite.quote}"):
            when = f"{counted} <= eligible - {counted}"
        elif found is not None and self.carries("quorum", found.text, cite):
            when = f"{counted} < {found.value}"
            if share := _share(found):
                than = "<=" if _exceeded(cite, found) else "<"
                when = f"{counted} {than} {share} * eligible"
        else:
            if found is None:
                self.problems.append(
                    f"quorum: “{_short(rule.value)}” is neither a number nor a share"
                )
            return
        yield {"when": when, "outcome": "no quorum", "cite": cite.model_dump()}

    def passing(self, yes: str, no: str) -> Iterator[dict[str, Any]]:
        rule, passes = self.rules.passing, self.rules.passes
        cite = self.cited("passing", rule)
        found = self.number(rule, cite, lambda each: _share(each) is not None) if cite else None
        if cite is None or passes == "unclear":
            self.problems.append("passing: the sentence that says when it passes is not found")
            return
        when = self.passed(yes, no, found, cite)
        if when is not None:
            yield {"when": when, "outcome": "passed", "cite": cite.model_dump()}

    def passed(self, yes: str, no: str, found: Quantity | None, cite: Citation) -> str | None:
        passes = self.rules.passes
        if not passes.startswith("a share"):
            shares = [each.text for each in quantities(cite.quote) if _share(each)]
            if shares and not (passes == "more than half of all" and _is_half(found)):
                self.problems.append(
                    f"passing: its sentence has {', '.join(f'“{_short(s)}”' for s in shares)},"
                    f" which “{passes}” leaves out"
                )
                return None
            return {
                "more for than against": f"{yes} > {no}",
                "more than half of all": f"{yes} > eligible - {yes}",
                "nobody against": f"{yes} > 0 and {no} == 0",
            }[passes]
        if found is None:
            self.problems.append(f"passing: “{_short(self.rules.passing.value)}” is no share")
            return None
        everybody = passes == "a share of all"
        among = "all members" if everybody else "those voting"
        if not self.carries("passing", f"{found.text} of {among}", cite):
            return None
        than = ">" if _exceeded(cite, found) else ">="
        if everybody:
            return f"{yes} {than} {_share(found)} * eligible"
        return f"{yes} + {no} > 0 and {yes} {than} {_share(found)} * ({yes} + {no})"


def _discussing(lasts: dict[str, Any], who: str) -> dict[str, Any]:
    return {
        "name": "discussion", "title": "Discussion", "lasts": lasts,
        "inputs": [{
            "kind": "comment", "who": who, "takes": "text", "many": True,
            "phrases": ["comment on {process}: {text}"],
        }],
        "outcomes": [{"otherwise": "discussed", "next": "vote", "cite": lasts["cite"]}],
    }  # fmt: skip


def _dumped(cite: Citation | None) -> dict[str, Any] | None:
    return cite.model_dump() if cite else None


def _share(number: Quantity) -> Fraction | None:
    """The share a number is, between none and all; a count is none."""
    part = number.unit == "percent" or (not number.unit and number.value < 1)
    return number.share if part and 0 < number.share <= 1 else None


def _is_half(number: Quantity | None) -> bool:
    return number is not None and number.share * 2 == 1


def _exceeded(cite: Citation, number: Quantity) -> bool:
    """Whether the sentence asks for more than the number."""
    return any(
        each.share == number.share and _EXCEEDED.search(cite.quote[: each.start])
        for each in quantities(cite.quote)
    )


def _choice(said: str) -> str:
    """A word for a vote that can be counted by its name; empty where it has none."""
    word = " ".join(re.sub(r"[^\w\s-]", " ", said).split())
    word = f"vote {word}" if keyword.iskeyword(identifier(word)) else word
    name = identifier(word)
    usable = name.isidentifier() and name not in _TAKEN and len(word) <= MOST_LETTERS
    return word if usable else ""


def _has(cite: Citation, words: str) -> bool:
    wanted = set(map(stem, re.findall(r"\w+", words.removeprefix("vote "))))
    return wanted <= set(map(stem, re.findall(r"\w+", cite.quote)))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 120 else f"{words[:120].rsplit(' ', 1)[0]} …"
