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
from govbot.grounding import ground, locate, nearest, partaking, rendered, whole_sentences
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
    "a an the any every each all of current other only eligible these those this both".split()
)
_ARTICLES = frozenset(("a", "an", "the"))
_EVERYBODY = frozenset(("anyone", "anybody", "everyone", "everybody"))
_BETWEEN = re.compile(r"\s*(?:[,;/|\n]|\bor\b|\band\b)\s*", re.IGNORECASE)
# A share that must be exceeded, and not only reached.
_EXCEEDED = re.compile(r"\b(?:more than|over|above|greater than|exceed\w*|in excess of)\W+$", re.I)


def _beginning(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words.split())})", re.IGNORECASE)


# How words begin that a sentence must have to say that something passes in a way without a number.
MAJORITY = _beginning("majorit supermajorit mehrheit mayoría")
_SAYING: Mapping[str, re.Pattern[str]] = {
    "more for than against": _beginning(
        "majorit supermajorit mehrheit mayoría plurality more mehr"
    ),
    "more than half of all": _beginning("majorit supermajorit mehrheit mayoría half hälfte 50"),
    "nobody against": _beginning(
        "unanim einstimmig consen konsens object einw block veto against oppos widerspr"
    ),
}

_MAJORITIES = ("more for than against", "more than half of all")
_MAJORITY_OF = re.compile(r"\bmajority of (?P<whom>[\w\s-]{3,60})", re.IGNORECASE)

Passes = Literal[
    "more for than against", "more than half of all", "a share of those voting", "a share of all",
    "nobody against", "unclear",
]  # fmt: skip
Abstentions = Literal["count for the quorum", "count for nothing", "unclear"]


class Quoted(Record):
    """The sentence of the text that says something, word for word, and what it says."""

    quote: str = ""
    value: str = ""
    section: str = ""


class FoundProcess(Record):
    title: str
    quote: str
    section: str = ""


class DraftRules(Record):
    """The rules of one kind of process, as far as the text has them; empty where it has none."""

    passing: Quoted = Quoted()  # value: what it takes
    passes: Passes = "unclear"
    lasts: Quoted = Quoted()  # value: how long the vote is open
    quorum: Quoted = Quoted()  # value: how many must take part, or which share
    discussion: Quoted = Quoted()  # value: how long it is discussed before the vote
    opened_by: Quoted = Quoted()  # value: the role that may begin one
    voters: Quoted = Quoted()  # value: the role that may vote
    choices: Quoted = Quoted()  # value: what can be voted, for first, against second
    abstaining: Quoted = Quoted()  # value: the word for it
    abstentions: Abstentions = "unclear"


class Doubt(Record):
    """What is held against one of the rules; whoever read it may mend it.

    A rule that is `kept` is in the charter in spite of it: its sentence has an exception beside it.
    """

    rule: str
    what: str
    kept: bool = False

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


class Built(Record):
    """The charter that rules make.

    `notes` are for people, and so are the quotes `beside` that have no place in a charter, each
    with what rests on it.
    """

    charter: Charter | None
    doubts: tuple[Doubt, ...] = ()
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
        self.doubts: list[Doubt] = []
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
            self.notes = ["neither how long it takes nor what it takes to pass is grounded"]
        else:
            try:
                charter = Charter.model_validate(document)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(step) for step in first["loc"])
                self.doubt(where, str(first["msg"]).removeprefix("Value error, "))
        return Built(
            charter=charter, doubts=tuple(dict.fromkeys(self.doubts)),
            notes=tuple(dict.fromkeys(self.notes)), roles=self.roles, beside=tuple(self.beside),
        )  # fmt: skip

    def doubt(self, rule: str, what: str, kept: bool = False) -> None:
        self.doubts.append(Doubt(rule=rule, what=what, kept=kept))

    def missing(self, rule: str, what: str) -> None:
        """A rule that a process needs; of one that was doubted it is known why it is not there."""
        if not any(doubt.rule == rule and not doubt.kept for doubt in self.doubts):
            self.doubt(rule, what)

    # --- quotes and numbers -----------------------------------------------------------------

    def cited(self, name: str, rule: Quoted) -> Citation | None:
        """Where a rule's sentence stands. An exception beside it is held against the rule."""
        if not rule.quote.strip():
            if rule.value.strip():
                self.doubt(name, f"“{_short(rule.value)}” has no sentence of the text")
            return None
        words = re.escape(" ".join(rule.quote.split()))
        own = re.search(rf"(?<!\w){words}(?!\w)", self.process.quote)  # it may stand elsewhere too
        where = rule.section or self.process.section
        cite = self.cite if own else located(self.constitution, rule.quote, where)
        if cite is None:
            near = nearest(self.constitution, rule.quote)
            hint = f"; the nearest is “{_short(near)}”" if near else ""
            self.doubt(name, f"“{_short(rule.quote)}” does not stand in the text{hint}")
            return None
        for exception in ground(self.constitution, rule.value, cite).exceptions:
            self.doubt(name, exception, kept=True)
        return cite

    def carries(self, name: str, said: str, cite: Citation) -> bool:
        """Whether the sentence has these numbers."""
        found = ground(self.constitution, said, cite)
        hard = [each for each in found.objections if each not in found.exceptions]
        for each in hard:
            self.doubt(name, each)
        return not hard

    def number(
        self, rule: Quoted, cite: Citation, fits: Callable[[Quantity], bool]
    ) -> Quantity | None:
        """The number that is said; where none is, the only one of its kind in the sentence."""
        said = [each for each in quantities(rule.value) if fits(each)]
        if said:
            return said[0]
        quoted = [each for each in quantities(rendered(cite.quote)) if fits(each)]
        return quoted[0] if len({(each.value, each.unit) for each in quoted}) == 1 else None

    # --- periods ----------------------------------------------------------------------------

    def periods(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """How long it is discussed and voted on; one period told as both is the vote's."""
        discussion = self.period("discussion", self.rules.discussion)
        lasts = self.period("lasts", self.rules.lasts)
        if lasts is None:
            self.missing("lasts", "without the sentence on how long the vote is open it never ends")
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
            self.doubt(name, f"“{_short(said)}” is no length of time")
            return None
        return (
            {"value": said, "cite": cite.model_dump()} if self.carries(name, said, cite) else None
        )

    # --- who --------------------------------------------------------------------------------

    def who(self, name: str, rule: Quoted) -> tuple[str, Citation | None]:
        """Who may, as a condition, and the sentence that says so."""
        cite = self.cited(name, rule)
        counted = max((each.end for each in quantities(rule.value)), default=0)
        words = re.findall(r"[\w-]+", rule.value[counted:].casefold())
        if cite is not None and set(words) & _EVERYBODY:
            return "True", cite
        role = self.role(words, cite) if cite else None
        if cite is not None and role is None:
            self.doubt(name, f"“{_short(rule.value)}” is no role that its sentence names")
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
        quoted = set(map(stem, re.findall(r"[\w-]+", rendered(cite.quote))))
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
            self.doubt("abstaining", f"“{_short(rule.value)}” is no word of its sentence for it")
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
        deciding = [identifier(each) for each in choices if each != absent]
        apart = absent is not None and self.rules.abstentions == "count for nothing"
        counted = f"({' + '.join(deciding)})" if apart else "votes"
        return [*self.quorum(counted), *self.passing(names), {"otherwise": "not passed"}]

    def quorum(self, counted: str) -> Iterator[dict[str, Any]]:
        rule = self.rules.quorum
        cite = self.cited("quorum", rule)
        if cite is None:
            return
        found = self.number(rule, cite, lambda each: not is_time(each.unit) and each.value > 0)
        if found is not None and self.said_of_passing(found, cite):
            self.notes.append("quorum: its sentence says what it takes to pass; not taken twice")
            return
        if found is None and MAJORITY.search(f"{rule.value} {rendered(cite.quote)}"):
            when = f"{counted} <= eligible - {counted}"
        elif found is not None and self.carries("quorum", found.text, cite):
            when = f"{counted} < {found.value}"
            if share := share_of(found):
                than = "<=" if _exceeded(cite, found) else "<"
                when = f"{counted} {than} {share} * eligible"
        else:
            if found is None:
                self.doubt("quorum", f"“{_short(rule.value)}” is neither a number nor a share")
            return
        yield {"when": when, "outcome": "no quorum", "cite": cite.model_dump()}

    def said_of_passing(self, number: Quantity, cite: Citation) -> bool:
        rule = self.rules.passing
        same = cite == located(self.constitution, rule.quote, rule.section or self.process.section)
        other = self.number(rule, cite, lambda each: share_of(each) is not None) if same else None
        return other is not None and other.share == number.share

    def passing(self, names: list[str]) -> Iterator[dict[str, Any]]:
        """What passes. A share in the sentence decides, whatever way it was taken for."""
        rule, passes = self.rules.passing, self.rules.passes
        cite = self.cited("passing", rule)
        if cite is None:
            self.missing("passing", "the sentence that says what it takes to pass is not found")
            return
        shares = [each.text for each in quantities(rendered(cite.quote)) if share_of(each)]
        if shares and passes != "nobody against":
            when = self.by_share(names[0], names[1], cite)
        elif shares:
            told = ", ".join(f"“{_short(share)}”" for share in shares)
            self.doubt("passing", f"its sentence has {told}, which “{passes}” leaves out")
            return
        else:
            when = self.by_words(names, cite)
        if when is not None:
            yield {"when": when, "outcome": "passed", "cite": cite.model_dump()}

    def by_words(self, names: list[str], cite: Citation) -> str | None:
        passes = self.rules.passes
        if passes not in _SAYING:
            value = _short(self.rules.passing.value)
            self.doubt("passing", f"“{value}” is no share, and no way to pass that is known")
            return None
        if not _SAYING[passes].search(rendered(cite.quote)):
            self.doubt("passing", f"its sentence has no word for “{passes}”")
            return None
        if passes in _MAJORITIES and (told := _MAJORITY_OF.search(rendered(cite.quote))):
            voting = partaking(set(told["whom"].casefold().split()))
            passes = "more for than against" if voting else "more than half of all"
        yes = names[0]
        stops = [name for name in names[1:] if _has(cite, name.replace("_", " "))]
        return {
            "more for than against": f"{yes} > {names[1]}",
            "more than half of all": f"{yes} > eligible - {yes}",
            "nobody against": f"{yes} > 0 and {max(stops, key=len, default=names[1])} == 0",
        }[passes]

    def by_share(self, yes: str, no: str, cite: Citation) -> str | None:
        rule = self.rules.passing
        found = self.number(rule, cite, lambda each: share_of(each) is not None)
        if found is None:
            self.doubt("passing", f"“{_short(rule.value)}” is none of the shares of its sentence")
            return None
        if not self.carries("passing", found.text, cite):
            return None
        than = ">" if _exceeded(cite, found) else ">="
        if self.of_all(found, cite):
            return f"{yes} {than} {share_of(found)} * eligible"
        return f"{yes} + {no} > 0 and {yes} {than} {share_of(found)} * ({yes} + {no})"

    def of_all(self, share: Quantity, cite: Citation) -> bool:
        """Whether it is a share of all who may vote, and not of those who do."""
        same = (e for e in quantities(rendered(cite.quote)) if e.share == share.share and e.of)
        if (told := next(same, None)) is not None:
            return not partaking(set(told.of.split()))
        everybody = self.rules.passes == "a share of all"
        whom = "all who may vote" if everybody else "those voting for or against"
        self.notes.append(f"passing: its sentence does not say of whom; the draft says of {whom}")
        return everybody


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


def share_of(number: Quantity) -> Fraction | None:
    """The share a number is, between none and all; a count is none."""
    part = number.unit == "percent" or (not number.unit and number.value < 1)
    return number.share if part and 0 < number.share <= 1 else None


def _exceeded(cite: Citation, number: Quantity) -> bool:
    """Whether the sentence asks for more than the number."""
    text = rendered(cite.quote)
    return any(
        each.share == number.share and _EXCEEDED.search(text[: each.start])
        for each in quantities(text)
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
    return wanted <= set(map(stem, re.findall(r"\w+", rendered(cite.quote))))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _short(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 120 else f"{words[:120].rsplit(' ', 1)[0]} …"
