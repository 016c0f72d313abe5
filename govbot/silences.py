"""What a constitution does not say: questions that come up in every community sooner or later.

Owns the words by which a text speaks of such a question, in several languages, and the notes on
those it is silent about. Pure. Decides nothing: a silence may be meant, so it is told as a note,
with the words beside which one would look for an answer. A text may also speak of something in
words that are not listed here; then there is a note too many.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from govbot.charter import Charter, InputRule, Reading, Stage, citations_in, effects_of, identifier
from govbot.constitution import Constitution
from govbot.effects import GrantRole, OutcomeRule, RevokeRole
from govbot.expression import names_in
from govbot.lint import Finding
from govbot.numbers import Quantity, quantities
from govbot.records import Citation

# How words begin by which a text speaks of something. Another language is another line.
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "tie": {
        "en": ("tie", "tied", "equal", "evenly", "as many", "draw lots", "drawn by lot", "by lot"),
        "de": ("stimmengleichheit", "gleichstand", "gleich viele", "gleichviel"),
        "fr": ("égalité", "autant de", "partage des voix"),
        "es": ("empate", "igualdad", "tantos como"),
    },
    "rest": {
        "en": (
            "otherwise", "every other case", "all other cases", "any other case", "in other cases",
            "unless", "does not reach", "do not reach", "only when", "only if", "or else",
            "is not adopted", "is rejected", "stays as it is", "stay as they are",
        ),
        "de": ("andernfalls", "ansonsten", "sonst", "in allen anderen"),
        "fr": ("sinon", "dans le cas contraire", "dans les autres cas", "à défaut"),
        "es": ("de lo contrario", "en caso contrario", "en los demás casos", "si no"),
    },
    "silence": {
        "en": (
            "silence", "silent", "nobody", "no one", "no vote", "none", "says nothing",
            "say nothing", "said nothing", "fewer than", "less than", "at least", "quorum", "lapse",
            "without an answer", "does not answer", "do not answer",
        ),
        "de": ("schweig", "niemand", "keine stimme", "mindestens", "quorum", "weniger als"),
        "fr": ("silence", "personne", "aucun", "au moins", "quorum", "moins de"),
        "es": ("silencio", "nadie", "ningún", "ninguna", "al menos", "quórum", "menos de"),
    },
    "abstention": {
        "en": (
            "abstain", "abstention", "stand aside", "stands aside", "blank vote", "those who say",
        ),
        "de": ("enthalt", "enthält sich"),
        "fr": ("abstention", "abstien", "s’abst", "s'abst", "vote blanc"),
        "es": ("abstención", "abstenciones", "abstener", "abstien", "voto en blanco"),
    },
    "vacancy": {
        "en": (
            "vacan", "vacat", "empty", "while there is no", "there is no", "if there is no",
            "or none", "no longer has", "steps down", "step down", "stepping down", "resign",
            "successor", "replac", "until somebody", "until another", "falls free", "is free",
            "in office", "serves until", "serve until", "nobody holds", "nobody is", "is released",
        ),
        "de": ("vakan", "unbesetzt", "rücktritt", "tritt zurück", "nachfolg", "nachrück"),
        "fr": ("vacan", "démission", "successeur", "remplac"),
        "es": ("vacante", "dimis", "dimit", "renuncia", "suces", "reemplaz", "sustitu"),
    },
    "time zone": {
        "en": ("time zone", "timezone", "time-zone", "the zone", "local time", "utc", "gmt"),
        "de": ("zeitzone", "ortszeit", "utc", "mez"),
        "fr": ("fuseau", "heure locale", "utc"),
        "es": ("zona horaria", "huso horario", "hora local", "utc"),
    },
    "notice": {
        "en": (
            "notice", "beforehand", "in advance", "ahead of", "announce", "is discussed",
            "are discussed", "discussion", "days before", "hours before", "weeks before",
            "is told to",
        ),
        "de": ("vorab", "im voraus", "ankündig", "bekannt", "frist", "einladung", "diskussion"),
        "fr": ("préavis", "à l’avance", "à l'avance", "annonc", "convocation", "discussion"),
        "es": ("preaviso", "antelación", "anunci", "convocatoria", "discusión", "debate"),
    },
    "emergency": {
        "en": (
            "emergenc", "urgen", "cannot wait", "can not wait", "in haste", "pressing", "at risk",
        ),
        "de": ("notfall", "dringend", "dringlich", "eilfall", "gefahr"),
        "fr": ("urgen", "péril"),
        "es": ("emergencia", "urgen", "peligro"),
    },
    "bot": {
        "en": ("bot", "bots", "the software", "assistant", "the machine"),
        "de": ("bot", "bots", "die software", "assistent"),
        "fr": ("bot", "robot", "logiciel", "assistant"),
        "es": ("bot", "robot", "programa", "asistente"),
    },
    "overruling": {
        "en": (
            "overrul", "overrid", "overrode", "set aside", "switched off", "switch it off",
            "switch the bot off", "turned off", "can be wrong", "put right", "correct", "reverse",
            "stopped", "mistake",
        ),
        "de": ("überstimm", "aufheb", "aufgehoben", "abschalt", "abgeschaltet", "berichtig"),
        "fr": ("annul", "désactiv", "corrig", "arrêt"),
        "es": ("anul", "desactiv", "apag", "correg", "corrig"),
    },
    # Of whom a share is: written after it, or before it in the same sentence.
    "base": {
        "en": (
            "member", "voter", "vote", "those who", "present", "eligible", "cast", "everyone",
            "everybody", "people", "holder", "panel", "juror", "director", "all of",
        ),
        "de": ("mitglied", "stimm", "anwesend", "wahlberechtigt", "abgegeben", "aller"),
        "fr": ("membre", "votant", "voix", "présent", "électeur", "exprimé", "inscrits"),
        "es": ("miembro", "vota", "voto", "presente", "elector", "emitid", "socio"),
    },
}  # fmt: skip
QUORUM: Mapping[str, tuple[str, ...]] = {
    "en": ("quorum", "take part", "takes part", "turnout", "participat", "are present"),
    "de": ("quorum", "beteilig", "beschlussfähig", "anwesend"),
    "fr": ("quorum", "particip", "présents"),
    "es": ("quórum", "quorum", "particip", "presentes"),
}


def _pattern(words: Mapping[str, tuple[str, ...]]) -> re.Pattern[str]:
    each = sorted({word for those in words.values() for word in those}, key=len, reverse=True)
    # A word of three letters or less is itself and does not begin another: `bot`, not `both`.
    told = [
        r"\s+".join(map(re.escape, w.split())) + (r"(?!\w)" if len(w) < 4 else "") for w in each
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(told)})", re.IGNORECASE)


_PATTERNS = {topic: _pattern(words) for topic, words in WORDS.items()}
_QUORUM = _pattern(QUORUM)
_HELD = re.compile(r"""['"]([^'"]+)['"]\s+in\s+roles""")
ACTS = ("pause", "extend", "cancel")


def silences(reading: Reading, constitution: Constitution) -> list[Finding]:
    """A note on everything the text is silent about, as far as its rules make it matter."""
    said = _Said(reading, constitution)
    found = [*_of_all(said)]
    for type, charter in reading.processes.items():
        found += _of_one(type, charter, said)
    return list(dict.fromkeys(found))


class _Said:
    """Which sections speak of what."""

    def __init__(self, reading: Reading, constitution: Constitution) -> None:
        self.reading, self.constitution = reading, constitution
        self.topics = {
            section.id: {topic for topic, words in _PATTERNS.items() if words.search(section.text)}
            for section in constitution.sections
        }
        self.cited = {
            type: {citation.section for _, citation in citations_in(charter)}
            for type, charter in reading.processes.items()
        }
        taken = {id for ids in self.cited.values() for id in ids}
        self.general = {section.id for section in constitution.sections} - taken

    def anywhere(self, *topics: str) -> bool:
        """Whether some section speaks of all of these."""
        return any(set(topics) <= found for found in self.topics.values())

    def of(self, type: str, *topics: str) -> bool:
        """Whether a section that the charter rests on, or that is for all, speaks of one."""
        sections = self.cited[type] | self.general
        return any(set(topics) & self.topics.get(id, set()) for id in sections)


def _note(where: str, what: str) -> Finding:
    return Finding(level="note", where=where, what=what)


def _words(citation: Citation, constitution: Constitution) -> str:
    section = constitution.section(citation.section)
    return f"{section.breadcrumb if section else citation.section} (“{citation.quote}”)"


# --- of the whole ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    """What to ask of the whole text: which words answer it, and what is told if none do."""

    topics: tuple[str, ...]
    what: str


def _of_all(said: _Said) -> Iterator[Finding]:
    processes = said.reading.processes
    ballots = [rule for charter in processes.values() for rule in _ballots(charter)]
    questions: list[_Question] = []
    if any(stage.lasts for charter in processes.values() for stage in charter.stages):
        questions.append(_Question(("time zone",), "in which time zone its times are told"))
    voted = [charter for charter in processes.values() if any(_ballots(charter))]
    if voted and all(map(_at_once, voted)):
        questions.append(_Question(("notice",), "how long before a vote it is announced"))
    if any(len(rule.choices) > 1 for rule in ballots):
        questions.append(_Question(("abstention",), "what an abstention is, and if it counts"))
    if processes:
        questions.append(_Question(("emergency",), "what may be done in an emergency"))
        questions.append(_Question(("bot", "overruling"), "how the bot may be overruled"))
    for question in questions:
        if not said.anywhere(*question.topics):
            yield _note("constitution", f"the constitution does not say {question.what}")
    yield from _offices(said)


def _ballots(charter: Charter) -> Iterator[InputRule]:
    for stage in charter.stages:
        if (ballot := stage.ballot) is not None and ballot.choices:
            yield ballot


def _at_once(charter: Charter) -> bool:
    """Whether it is voted on from the moment it is opened."""
    first = charter.stages[0]
    return first.ballot is not None and bool(first.ballot.choices) and len(first.outcomes) > 1


def _offices(said: _Said) -> Iterator[Finding]:
    """Roles that rules ask for and that somebody may lose, with nothing on their being empty."""
    offices = {
        change.role
        for charter in said.reading.processes.values()
        for effect in effects_of(charter)
        if isinstance(effect, GrantRole | RevokeRole)
        for change in [effect.grant_role if isinstance(effect, GrantRole) else effect.revoke_role]
    }
    charters = said.reading.processes.values()
    asked = {role for charter in charters for role in _asked(charter)}
    members = next(iter(said.reading.roles), "")
    for role, citation in said.reading.roles.items():
        if role not in offices & asked or role == members:
            continue
        words = [re.escape(word.rstrip("y")) for word in re.findall(r"\w{4,}", role)] or [role]
        named = re.compile(rf"(?<!\w)(?:{'|'.join(words)})", re.IGNORECASE)
        about = [s for s in said.constitution.sections if named.search(s.text)]
        if not any("vacancy" in said.topics[section.id] for section in about):
            told = _words(citation, said.constitution)
            yield _note(
                f"roles.{role}", f"{told}: it does not say what holds while nobody is {role}"
            )


def _asked(charter: Charter) -> Iterator[str]:
    """The roles without which something cannot be given or managed."""
    whos = [rule.who for stage in charter.stages for rule in stage.inputs]
    whos += [rule.who for act in ACTS if (rule := charter.manage.rule(act)) is not None]
    for who in whos:
        yield from _HELD.findall(who)


# --- of one kind of process ------------------------------------------------------------------


def _of_one(type: str, charter: Charter, said: _Said) -> Iterator[Finding]:
    for stage in charter.stages:
        where = f"{type}.{stage.name}"
        yield from _bases(where, stage, said)
        rule = _deciding(stage)
        if rule is None or rule.cite is None:
            continue
        words = _words(rule.cite, said.constitution)
        if _compares(stage, rule) and not said.of(type, "tie", "rest"):
            yield _note(where, f"{words}: it does not say what happens on a tie")
        if stage.ballot is not None and not said.of(type, "silence", "rest"):
            yield _note(where, f"{words}: it does not say what happens when nobody votes")


def _deciding(stage: Stage) -> OutcomeRule | None:
    """The rule by which inputs decide; the first one that asks for them."""
    if stage.ballot is None or len(stage.outcomes) < 2:
        return None
    return next((rule for rule in stage.outcomes if rule.when and rule.cite), None)


def _compares(stage: Stage, deciding: OutcomeRule) -> bool:
    """Whether some outcome weighs two choices against each other."""
    choices = {identifier(choice) for rule in stage.inputs for choice in rule.choices}
    asked = (names_in(rule.when) & choices for rule in stage.outcomes if rule.when)
    return any(len(both) > 1 for both in asked)


def _bases(where: str, stage: Stage, said: _Said) -> Iterator[Finding]:
    """Shares of nobody in particular: “a quorum of one half”."""
    cites = [rule.cite for rule in stage.outcomes if rule.cite and rule.when]
    if stage.ends_early is not None and stage.ends_early.cite:
        cites.append(stage.ends_early.cite)
    for cite in dict.fromkeys(cites):
        section = said.constitution.section(cite.section)
        for share in filter(_is_share, quantities(cite.quote)):
            if share.of or _PATTERNS["base"].search(_after(cite.quote, share)):
                continue
            sentence = said.constitution.around(cite)
            if _PATTERNS["base"].search(_after(sentence, share)):
                continue
            what = "a quorum" if _QUORUM.search(sentence) else "a share"
            place = section.breadcrumb if section else cite.section
            told = f"{place} gives {what} of {share.text} and does not say of whom (“{cite.quote}”)"
            yield _note(where, told)


def _is_share(number: Quantity) -> bool:
    return number.unit == "percent" or (not number.unit and number.share.denominator > 1)


def _after(sentence: str, share: Quantity) -> str:
    """The sentence from the share on: what it is of is said after it, in most languages."""
    _, _, after = sentence.partition(share.text)
    return after
