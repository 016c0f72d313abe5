"""Rules as data: the reading of a constitution and the charters it is made of.

Owns the models and the names an expression may use. Knows nothing of running
processes, storage or chat. Promises that what loads is well-formed (expressions parse, stages
exist, every duration is one); whether it is *sound* is `govbot.lint`'s question, and whether it is
*grounded* is `govbot.verify`'s.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from govbot.effects import (
    AmendConstitution,
    CarryOut,
    EffectRule,
    OutcomeRule,
    StartProcess,
)
from govbot.errors import GovbotError
from govbot.records import Act, Citation, Record, canonical, digest
from govbot.shapes import Condition, Exactly, Expression, Lasts, Name, Switch, Who
from govbot.switches import SettingAside
from govbot.tools.methods import check_options, method_named
from govbot.tools.weights import MetricRule

# What a method reads, and the shapes of input that give it.
BALLOTS_OF: Mapping[str, tuple[str, ...]] = {
    "choice": ("choice", "member"),
    "ranking": ("ranking",),
    "approvals": ("approvals",),
    "scores": ("scores",),
    "votes": ("scores",),
    "form": ("form",),
}


@lru_cache(maxsize=4096)
def identifier(choice: str) -> str:
    """The name of a choice in an expression: `stand aside` is counted as `stand_aside`."""
    return re.sub(r"\W+", "_", choice.casefold()).strip("_")


class FieldRule(Record):
    """Something asked for when a process is opened.

    A `ruling` is proposed by a reader; an `amendment` is a change of the constitution in force. A
    text with `choices` is one of them.
    """

    type: Literal["text", "member", "number", "ruling", "amendment"] = "text"
    choices: tuple[str, ...] = ()
    label: str = ""
    required: bool = True
    most: int = Field(4000, gt=0, le=20_000)

    @model_validator(mode="after")
    def _texts_are_chosen(self) -> Self:
        if self.choices and self.type != "text":
            raise ValueError(f"only a text is one of some choices, not a {self.type}")
        return self


Takes = Literal[
    "choice", "text", "member", "number", "nothing", "ranking", "approvals", "scores", "form"
]
# What can be chosen must be listed, here or by an earlier kind of input.
CHOOSING = ("choice", "ranking", "approvals", "scores")


class InputRule(Record):
    """One kind of input: who may give it, in what shape, how often, and who sees it."""

    kind: Name
    who: Expression
    cite: Citation | None = None
    takes: Takes = "nothing"
    choices: tuple[str, ...] = ()
    choices_from: Name | None = None  # an earlier kind of input: what was given can be chosen
    form: dict[Name, FieldRule] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    changeable: Switch = Switch(value=False)
    reason_required_for: tuple[str, ...] = ()
    many: bool = False
    hidden: bool = False
    counted_as: Name | None = None
    phrases: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _choices_make_a_choice(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("choices") and "takes" not in given:
            return {**given, "takes": "choice"}
        return given

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if (self.takes in CHOOSING) != bool(self.choices or self.choices_from):
            raise ValueError(
                "an input takes a choice, ranking, approvals or scores exactly when it lists"
                " choices or names where they are from"
            )
        if self.choices and self.choices_from:
            raise ValueError("choices are listed, or come from an earlier input: not both")
        if (self.takes == "form") != bool(self.form):
            raise ValueError("an input takes a form exactly when it lists the form's fields")
        if any(asked.type in ("ruling", "amendment") for asked in self.form.values()):
            raise ValueError("a ruling or amendment is a field of a process, not of a form")
        for choice in (*self.aliases, *self.reason_required_for):
            if choice not in self.choices:
                raise ValueError(f"{choice!r} is not one of the choices")
        names = [identifier(choice) for choice in self.choices]
        if len(set(names)) < len(names) or "" in names:
            raise ValueError("two choices have the same name in expressions")
        if self.many and self.changeable.value:
            raise ValueError("an input given many times cannot also be changeable")
        return self

    @property
    def counter(self) -> str:
        """The name of how many were given: `votes` for `vote` unless the charter names it."""
        return self.counted_as or f"{self.kind}s"


class DrawRule(Record):
    """A sortition at the start of a stage; expressions know the drawn by the draw's name.

    A draw whose `who` names another is made after it; otherwise they are made by their names.
    Where fewer are eligible than are to be drawn, the process ends with the outcome `short`.
    """

    who: Expression
    count: int = Field(gt=0, le=10_000)
    short: str = "void"
    cite: Citation | None = None


class MetricWeights(Record):
    """A weight made of metrics among a member's facts; see `govbot.tools.weights`."""

    metrics: tuple[dict[str, Any], ...] = Field(min_length=1)
    base: Exactly = 1
    floor: Exactly = 0
    ceiling: Exactly

    @model_validator(mode="after")
    def _rules(self) -> Self:
        self.rules()
        return self

    def rules(self) -> tuple[MetricRule, ...]:
        try:
            return tuple(MetricRule(**given) for given in self.metrics)
        except TypeError as error:
            raise ValueError(f"a metric has a part it does not know: {error}") from None
        except GovbotError as error:
            raise ValueError(str(error)) from None


Weights = Annotated[
    Annotated[Expression, Tag("expression")] | Annotated[MetricWeights, Tag("metrics")],
    Discriminator(lambda given: "expression" if isinstance(given, str) else "metrics"),
]


class TallyRule(Record):
    """How a stage's ballots are counted when it ends.

    Outcomes and effects then know `winner`, `winners` and the winners under the name `named`, which
    later stages know too. `weights` is an expression over a member's facts, or made of metrics;
    `delegated_by` the kind of input that names a delegate, `cap` the most that one may carry.
    `options` are the method's own; what is in `computed` is worked out from the names of outcomes.
    """

    method: str
    of: Name | None = None
    named: Name = "winners"
    seats: Annotated[int, Field(gt=0, le=10_000)] | Expression = 1
    weights: Weights | None = None
    delegated_by: Name | None = None
    cap: Exactly | None = None
    tie_break: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    computed: dict[str, Expression] = {}
    cite: Citation | None = None

    @model_validator(mode="after")
    def _method_takes_its_options(self) -> Self:
        try:
            check_options(method_named(self.method), (*self.options, *self.computed))
        except GovbotError as error:
            raise ValueError(str(error)) from None
        return self


class Stage(Record):
    name: Name
    title: str = ""
    lasts: Lasts | None = None
    draws: dict[Name, DrawRule] = {}
    inputs: tuple[InputRule, ...] = ()
    carries: tuple[Name, ...] = ()
    ends_early: Condition | None = None
    tally: TallyRule | None = None
    outcomes: tuple[OutcomeRule, ...] = Field(min_length=1)

    def input(self, kind: str) -> InputRule | None:
        for rule in self.inputs:
            if rule.kind == kind:
                return rule
        return None

    @property
    def ballot(self) -> InputRule | None:
        """The input whose roll is `eligible` in expressions: the counted one, else a choice."""
        if self.tally is not None and self.tally.of is not None:
            return self.input(self.tally.of)
        chosen = (rule for rule in self.inputs if rule.takes in CHOOSING)
        return next(chosen, self.inputs[0] if self.inputs else None)

    @model_validator(mode="after")
    def _counts_what_it_takes(self) -> Self:
        if self.tally is None:
            return self
        ballot, reads = self.ballot, method_named(self.tally.method).reads
        if ballot is None or ballot.takes not in BALLOTS_OF[reads]:
            takes = f"takes {ballot.takes}" if ballot else "is missing"
            raise ValueError(
                f"{self.tally.method} counts {' or '.join(BALLOTS_OF[reads])}, and the input"
                f" {self.tally.of or (ballot.kind if ballot else '')!r} {takes}"
            )
        for name in self.tally.tie_break:
            if reads != "form" and ballot.choices and name not in ballot.choices:
                raise ValueError(f"the tie-break names {name!r}, which is not one of the choices")
        if (by := self.tally.delegated_by) is not None and not self._has(by):
            raise ValueError(
                f"delegates come from {by!r}, which this stage neither takes nor carries"
            )
        return self

    @model_validator(mode="after")
    def _choices_are_there(self) -> Self:
        for rule in self.inputs:
            if rule.choices_from is not None and not self._has(rule.choices_from):
                raise ValueError(
                    f"the choices of {rule.kind!r} come from {rule.choices_from!r}; this stage must"
                    " take or carry it"
                )
        return self

    def _has(self, kind: str) -> bool:
        return kind in self.carries or self.input(kind) is not None

    @model_validator(mode="after")
    def _outcomes_in_order(self) -> Self:
        if any(rule.when is None for rule in self.outcomes[:-1]):
            raise ValueError("`otherwise` must come last: nothing after it can be reached")
        kinds = [rule.kind for rule in self.inputs]
        if len(set(kinds)) < len(kinds):
            raise ValueError("two inputs of one stage are of the same kind")
        return self


class Extension(Who):
    at_most: Lasts


class Manage(Record):
    """Who may pause (and resume), extend or cancel; what is not named here nobody may."""

    pause: Who | None = None
    extend: Extension | None = None
    cancel: Who | None = None

    def rule(self, act: str) -> Who | None:
        """Who may: whoever may pause may resume."""
        found: Who | None = getattr(self, "pause" if act == "resume" else act)
        return found


class Charter(Record):
    """The rules of one process type."""

    title: str
    cite: Citation
    phrases: tuple[str, ...] = ()
    opened_by: Who
    fields: dict[Name, FieldRule] = {}
    named_after: Name | None = None
    stages: tuple[Stage, ...] = Field(min_length=1)
    manage: Manage = Manage()
    objecting: Citation | None = None

    def stage(self, name: str) -> Stage:
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        names = {stage.name for stage in self.stages}
        if len(names) < len(self.stages):
            raise ValueError("two stages have the same name")
        for stage in self.stages:
            for rule in stage.outcomes:
                if rule.next is not None and rule.next not in names:
                    raise ValueError(f"stage {stage.name!r} leads to {rule.next!r}: no such stage")
        if self.named_after is not None and self.named_after not in self.fields:
            raise ValueError(f"it is named after {self.named_after!r}, which is not a field")
        return self

    @model_validator(mode="after")
    def _rulings_are_fields(self) -> Self:
        asked = {name for name, rule in self.fields.items() if rule.type == "ruling"}
        for effect in effects_of(self):
            if isinstance(effect, CarryOut) and effect.carry_out.ruling not in asked:
                raise ValueError(
                    f"it carries out {effect.carry_out.ruling!r}, which is no field of type ruling"
                )
        if any(self.fields[name].required for name in asked):
            raise ValueError("a ruling comes from a reader, so it cannot be required of an opener")
        return self

    @model_validator(mode="after")
    def _subjects_are_numbers(self) -> Self:
        numbers = {name for name, rule in self.fields.items() if rule.type == "number"}
        for effect in effects_of(self):
            if isinstance(effect, SettingAside) and effect.set_aside.process not in numbers:
                named = effect.set_aside.process
                raise ValueError(f"it sets aside {named!r}, which is no field of type number")
        return self

    @model_validator(mode="after")
    def _amendments_are_fields(self) -> Self:
        for effect in effects_of(self):
            if isinstance(effect, AmendConstitution):
                rule = self.fields.get(effect.amend_constitution.amendment)
                if rule is None or rule.type != "amendment":
                    raise ValueError("what it amends the constitution by is no such field")
        return self

    @property
    def amends(self) -> bool:
        """Whether an outcome of it changes the constitution."""
        return any(isinstance(effect, AmendConstitution) for effect in effects_of(self))

    def may_rule(self, field: str) -> frozenset[Act]:
        """The acts that some outcome carries out of the ruling in this field."""
        return frozenset(
            act
            for effect in effects_of(self)
            if isinstance(effect, CarryOut) and effect.carry_out.ruling == field
            for act in effect.carry_out.may
        )

    @property
    def ruling(self) -> str | None:
        """The field that holds a ruling, in a charter for what no rule foresees."""
        return next((name for name, rule in self.fields.items() if rule.type == "ruling"), None)

    @model_validator(mode="after")
    def _carried_alike(self) -> Self:
        for kind in sorted({kind for stage in self.stages for kind in stage.carries}):
            taken = [rule for stage in self.stages if (rule := stage.input(kind)) is not None]
            if len({(rule.takes, rule.many) for rule in taken}) != 1:
                raise ValueError(
                    f"{kind!r} is carried over: some stage must take it, and all in one shape"
                )
        return self


class Term(Record):
    """A word the community uses, and what it means in expressions."""

    who: Expression
    cite: Citation


class Reading(Record):
    """What a constitution means, as data; bound to that constitution by its digest.

    `drafted_by` names the model that drafted it. A community that begins with a draft begins
    provisionally.
    """

    constitution: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    drafted_by: str = ""
    terms: dict[str, Term] = {}
    roles: dict[str, Citation] = {}
    processes: dict[Name, Charter] = {}

    @model_validator(mode="after")
    def _children_exist(self) -> Self:
        for name, charter in self.processes.items():
            for effect in effects_of(charter):
                if isinstance(effect, StartProcess):
                    started = effect.start_process.type
                    if started not in self.processes:
                        raise ValueError(f"{name!r} starts {started!r}: no such process type")
        return self

    @property
    def document(self) -> dict[str, Any]:
        """The reading as plain data, as it is ratified and digested."""
        data: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return data

    @property
    def digest(self) -> str:
        return digest(canonical(self.document))


def effects_of(charter: Charter) -> Iterator[EffectRule]:
    for stage in charter.stages:
        for rule in stage.outcomes:
            yield from rule.effects


def citations_in(value: Any) -> Iterator[tuple[str, Citation]]:
    """Every citation of a reading or charter, with the path of the rule it belongs to."""
    if isinstance(value, Citation):
        yield "", value
    elif isinstance(value, Record):
        for name in type(value).model_fields:
            yield from _beneath(name, getattr(value, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _beneath(str(key), item)
    elif isinstance(value, tuple):
        for item in value:
            label = getattr(item, "name", None) or getattr(item, "kind", None)
            yield from _beneath(str(label or value.index(item) + 1), item)


def _beneath(name: str, value: Any) -> Iterator[tuple[str, Citation]]:
    for path, citation in citations_in(value):
        yield f"{name}.{path}" if path else name, citation


@lru_cache(maxsize=64)
def _known(key: bytes) -> Reading:
    return Reading.model_validate_json(key)


def reading_of(document: Mapping[str, Any]) -> Reading:
    """A ratified document back as a reading; raises ValueError where it is not one."""
    return _known(canonical(document))


def differences(old: Reading, new: Reading) -> list[tuple[str, str, str]]:
    """What differs between two readings: where, before and after; a dash where there is nothing."""
    before, after = dict(leaves(old.document)), dict(leaves(new.document))
    return [
        (where, before.get(where, "–"), after.get(where, "–"))
        for where in dict.fromkeys([*before, *after])
        if before.get(where) != after.get(where)
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every value of a document with its path; items of lists by their name or kind."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            named = item.get("name") or item.get("kind") if isinstance(item, Mapping) else None
            yield from leaves(item, f"{path}.{named or place}")
    else:
        yield path, str(value)
