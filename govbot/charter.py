"""Rules as data: the reading of a constitution and the charters it is made of.

Owns the models, their YAML form and the names an expression may use. Knows nothing of running
processes, storage or chat. Promises that what loads is well-formed (expressions parse, stages
exist, every duration is one); whether it is *sound* is `govbot.lint`'s question, and whether it is
*grounded* is `govbot.verify`'s.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationError, model_validator

from govbot.errors import GovbotError, OperatorError
from govbot.expression import parse as parse_expression
from govbot.records import Citation, Record, canonical, digest
from govbot.tools.dates import parse_duration

MAX_BYTES = 1_000_000


def _expression(text: str) -> str:
    try:
        parse_expression(text)
    except GovbotError as error:
        raise ValueError(str(error)) from None
    return text


def _duration(text: str) -> str:
    try:
        parse_duration(text)
    except GovbotError as error:
        raise ValueError(str(error)) from None
    return text


Expression = Annotated[str, AfterValidator(_expression)]
Duration = Annotated[str, AfterValidator(_duration)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]


def identifier(choice: str) -> str:
    """The name of a choice in an expression: `stand aside` is counted as `stand_aside`."""
    return re.sub(r"\W+", "_", choice.casefold()).strip("_")


class Who(Record):
    """Who may: a condition over `roles`, `me`, `opener`, a member's facts, fields and draws."""

    who: Expression
    cite: Citation | None = None


class Lasts(Record):
    value: Duration
    cite: Citation | None = None


class Switch(Record):
    value: bool
    cite: Citation | None = None


class Condition(Record):
    when: Expression
    cite: Citation | None = None


class FieldRule(Record):
    """Something asked for when a process is opened."""

    type: Literal["text", "member", "number"] = "text"
    label: str = ""
    required: bool = True
    most: int = Field(4000, gt=0, le=20_000)


class InputRule(Record):
    """One kind of input: who may give it, in what shape, how often, and who sees it."""

    kind: Name
    who: Expression
    cite: Citation | None = None
    takes: Literal["choice", "text", "member", "number", "nothing"] = "nothing"
    choices: tuple[str, ...] = ()
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
        if (self.takes == "choice") != bool(self.choices):
            raise ValueError("an input takes a choice exactly when it lists choices")
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

    Where fewer are eligible than are to be drawn, the process ends with the outcome `short`.
    """

    who: Expression
    count: int = Field(gt=0, le=10_000)
    short: str = "void"
    cite: Citation | None = None


class Announce(Record):
    announce: str


class RoleChange(Record):
    role: str
    to: Expression


class GrantRole(Record):
    grant_role: RoleChange


class RevokeRole(Record):
    revoke_role: RoleChange


class ProcessStart(Record):
    type: Name
    fields: dict[str, Expression] = {}


class StartProcess(Record):
    start_process: ProcessStart


def _effect_kind(given: Any) -> str | None:
    """Which effect is meant, so that a fault in one is not told as a fault of all."""
    names = given if isinstance(given, Mapping) else getattr(type(given), "model_fields", ())
    return next((kind for kind in EFFECTS if kind in names), None)


EFFECTS = ("announce", "grant_role", "revoke_role", "start_process")
EffectRule = Annotated[
    Annotated[Announce, Tag("announce")]
    | Annotated[GrantRole, Tag("grant_role")]
    | Annotated[RevokeRole, Tag("revoke_role")]
    | Annotated[StartProcess, Tag("start_process")],
    Discriminator(
        _effect_kind,
        custom_error_type="no_effect",
        custom_error_message=f"an effect is one of {', '.join(EFFECTS)}",
    ),
]


class OutcomeRule(Record):
    """What follows when a stage ends: the first rule whose `when` holds, or `otherwise`."""

    when: Expression | None = None
    otherwise: str | None = None
    outcome: str | None = None
    next: Name | None = None
    cite: Citation | None = None
    effects: tuple[EffectRule, ...] = ()

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if (self.when is None) == (self.otherwise is None):
            raise ValueError("an outcome has either `when` or `otherwise`")
        if self.when is not None and self.outcome is None and self.next is None:
            raise ValueError("`when` needs an `outcome`, a `next` stage or both")
        return self

    @property
    def named(self) -> str | None:
        """The outcome's name; a rule that only leads on to a stage has none."""
        return self.outcome or self.otherwise


class Stage(Record):
    name: Name
    title: str = ""
    lasts: Lasts | None = None
    draws: dict[Name, DrawRule] = {}
    inputs: tuple[InputRule, ...] = ()
    carries: tuple[Name, ...] = ()
    ends_early: Condition | None = None
    outcomes: tuple[OutcomeRule, ...] = Field(min_length=1)

    def input(self, kind: str) -> InputRule | None:
        for rule in self.inputs:
            if rule.kind == kind:
                return rule
        return None

    @property
    def ballot(self) -> InputRule | None:
        """The input whose roll is `eligible` in expressions: the first that takes a choice."""
        chosen = (rule for rule in self.inputs if rule.takes == "choice")
        return next(chosen, self.inputs[0] if self.inputs else None)

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
    """What a constitution means, as data; bound to that constitution by its digest."""

    constitution: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
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


# --- the YAML form -----------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: `yes` and `no` are words, and no key may come twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML leaves it out
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not used here; write the rule out",
                problem_mark=mark,
            )
        if event.tag is not None:
            raise yaml.MarkedYAMLError(
                problem=f"the tag {event.tag!r} is not used here; write the value without it",
                problem_mark=mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a word", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value!r} is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), None)
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?[0-9]{1,15}$"), None)


def _line(node: Any, path: tuple[str | int, ...]) -> int:
    """The line (from 1) of the deepest part of `path` that the document has."""
    line: int = node.start_mark.line + 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(k, v) for k, v in node.value if k.value == str(step)]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = [(item, item) for item in node.value[step : step + 1]]
        else:
            found = []
        if not found:
            continue  # a model's own step (a union's member) that the document does not show
        line, node = found[0][0].start_mark.line + 1, found[0][1]
    return line


def _shown(path: tuple[str | int, ...]) -> str:
    return ".".join(str(step) for step in path) or "the document"


def read_reading(text: str, name: str) -> Reading:
    """A reading from its YAML; OperatorError names file, line and field of the first fault."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise OperatorError(f"{name}, line {line}: {error.problem}; correct the file") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise OperatorError(f"{name} is not YAML ({error}); correct the file") from None
    if not isinstance(data, dict):
        raise OperatorError(f"{name} holds no reading; start from a template's reading file")
    try:
        return Reading.model_validate(data)
    except ValidationError as error:
        first, *rest = error.errors()
        where, what = first["loc"], str(first["msg"]).removeprefix("Value error, ")
        # A list whose only item is at fault is then also too short: that is no second fault.
        further = [fault for fault in rest if where[: len(fault["loc"])] != fault["loc"]]
        others = f" ({len(further)} more)" if further else ""
        line = _line(node, where)
        raise OperatorError(f"{name}, line {line}, {_shown(where)}: {what}{others}") from None


def load_reading(path: Path) -> Reading:
    """`read_reading` of a file."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or "unreadable"
        raise OperatorError(f"{path} cannot be read ({why}); check its name and rights") from None
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None
    if len(raw) > MAX_BYTES:
        raise OperatorError(f"{path} is larger than {MAX_BYTES} bytes; that is no reading")
    return read_reading(text, path.name)


@lru_cache(maxsize=64)
def _known(key: bytes) -> Reading:
    return Reading.model_validate_json(key)


def reading_of(document: Mapping[str, Any]) -> Reading:
    """A ratified document back as a reading; raises ValueError where it is not one."""
    return _known(canonical(document))
