"""Every noun that is kept, as a frozen value, and the one spelling of each.

Owns facts, entries, decisions, members, intents, requests and replies, their canonical bytes
(RFC 8785) and digests. Knows nothing of storage, rules or chat. Promises that equal values have
equal bytes on every machine, for ever: changing a field here changes digests already written.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Any, Literal, NoReturn

import rfc8785
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

FORMAT = 1
BOT = "govbot"
MAX_INTEGER = 2**53 - 1
GENESIS = "sha256:" + "0" * 64


class Record(BaseModel):
    """A frozen value; unknown fields are errors."""

    # A NaN must reach `canonical` as what it is, to be refused there, not as null.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


def stamp(moment: datetime) -> str:
    """A moment in UTC in one fixed width, so that text order is time order."""
    text = moment.isoformat(timespec="microseconds")
    if not text.endswith("+00:00"):  # a moment in UTC, as nearly all are, need not be moved there
        text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{text[:-6]}Z"


def moment(text: str) -> datetime:
    """The moment a `stamp` names."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


Moment = Annotated[AwareDatetime, PlainSerializer(stamp, return_type=str, when_used="json")]


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} has a fraction; write it as text so that it stays exact")


def _bounded(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_INTEGER:
        raise ValueError(f"{text} is too large for JSON; write it as text")
    return value


_WRITER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)
_READER = json.JSONDecoder(parse_float=_refuse, parse_int=_bounded, parse_constant=_refuse)


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value; no fractions, no integers past 2**53.

    Raises ValueError for a value with no canonical form (a lone surrogate, a float).
    """
    text = _WRITER.encode(value)
    _READER.decode(text)
    # RFC 8785 sorts keys by UTF-16 units; that is code point order until a key leaves the BMP.
    if not text.isascii() and max(text) > "\uffff":
        return bytes(rfc8785.dumps(value))
    return text.encode()


def parse(data: str | bytes) -> Any:
    """JSON with only the numbers `canonical` writes; ValueError otherwise."""
    return json.loads(data, parse_float=_refuse, parse_int=_bounded, parse_constant=_refuse)


def digest(data: bytes) -> str:
    """The digest of bytes, tagged by its algorithm."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def plain(value: Any) -> Any:
    """An expression's value as JSON: a fraction becomes the text `p/q`, a set a sorted list."""
    if isinstance(value, Fraction):
        return (
            value.numerator if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
        )
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted((plain(item) for item in value), key=lambda item: (str(type(item)), item))
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


class Citation(Record):
    """A place in the constitution and its words there, verbatim."""

    section: str
    quote: str = Field(min_length=1)


class Calculation(Record):
    """One call of a pure tool; run again it gives the same result."""

    tool: str
    arguments: dict[str, Any]
    result: Any


class Decision(Record):
    """Why the bot did something, and what read or ruled it so."""

    reasoning: str
    result: str
    reader: str = "rule"
    citations: tuple[Citation, ...] = ()
    calculations: tuple[Calculation, ...] = ()


class Member(Record):
    """A person or an agent as its platform names it, with facts such as joined_at."""

    id: str = Field(min_length=1, max_length=200)
    name: str = Field(max_length=200)
    roles: tuple[str, ...] = ()
    facts: dict[str, str | int | bool] = {}


# --- what a reader may put to people -------------------------------------------------------


Act = Literal["pause", "resume", "extend", "cancel", "grant_role", "revoke_role", "announce"]


class Ruling(Record):
    """What somebody is asked to decide where no rule foresees it: one act, and the words for it.

    It comes from a reader and has no force: a process whose charter lets people decide such things
    carries it as a field. `by` is a duration in words, `to` a member's id, `others` what further
    readers proposed instead, in words.
    """

    does: Act
    process: int | None = None
    by: str = Field("", max_length=100)
    role: str = Field("", max_length=100)
    to: str = Field("", max_length=200)
    text: str = Field("", max_length=1000)
    because: str = Field(max_length=1000)
    quotes: tuple[Citation, ...] = Field(min_length=1, max_length=5)
    reader: str = Field(max_length=200)
    others: tuple[str, ...] = Field((), max_length=5)


class Amendment(Record):
    """A change of the version of the constitution whose digest is `base`, and what it results in.

    An edit (first, last, text) puts `text` in the place of these lines, counted from 1; one whose
    last line is before its first puts it ahead of that. `reading` is what the new text means,
    where a whole reading is proposed with it.
    """

    base: str
    edits: tuple[tuple[int, int, str], ...] = Field(min_length=1, max_length=2000)
    result: str
    reading: dict[str, Any] | None = Field(default=None, exclude_if=lambda reading: reading is None)


# --- what an entry can say ---------------------------------------------------------------


class Founded(Record):
    """The first entry: what this ledger is of and which key signs it."""

    kind: Literal["founded"] = "founded"
    name: str
    vkey: str
    first_number: int = 1
    zone: str = "UTC"


class Effect(Record):
    """Something an outcome brings about; carried out from the outbox, once by id."""

    id: str
    does: Literal[
        "announce", "grant_role", "revoke_role", "start_process", "manage", "platform",
        "set_aside", "suspend", "resume_bot", "amend",
    ]  # fmt: skip
    arguments: dict[str, Any] = {}


class Adopted(Record):
    """A constitution's whole text, in force from here on, `instead` of another one if it has that.

    `effect` is the amendment's that calls for it; `effects` tell the community of one that no
    process put in force. Each is left out where there is none.
    """

    kind: Literal["adopted"] = "adopted"
    constitution: str
    text: str
    instead: str = Field(default="", exclude_if=lambda instead: not instead)
    effect: str | None = Field(default=None, exclude_if=lambda effect: effect is None)
    effects: tuple[Effect, ...] = Field(default=(), exclude_if=lambda effects: not effects)


class Ratified(Record):
    """A reading, in force from here on; `document` is the reading as data."""

    kind: Literal["ratified"] = "ratified"
    constitution: str
    reading: str
    document: dict[str, Any]
    # Put in force before people have ratified it: what runs under it binds nobody.
    provisional: bool = Field(default=False, exclude_if=lambda provisional: not provisional)
    # The reading before it and the effect that calls for it, where an amendment brought it.
    instead: str = Field(default="", exclude_if=lambda instead: not instead)
    effect: str | None = Field(default=None, exclude_if=lambda effect: effect is None)
    effects: tuple[Effect, ...] = Field(default=(), exclude_if=lambda effects: not effects)


class Seen(Record):
    """What the platform says of a member now."""

    kind: Literal["seen"] = "seen"
    member: Member


class Opened(Record):
    """A process begins, under the rules then in force; `eligible` counts each who-rule's people."""

    kind: Literal["opened"] = "opened"
    type: str
    number: int
    constitution: str
    reading: str
    title: str
    fields: dict[str, Any]
    stage: str
    due: Moment | None
    eligible: dict[str, int]
    drawn: dict[str, tuple[str, ...]] = {}
    effect: str | None = None  # the outcome of another process that started this one
    provisional: bool = Field(default=False, exclude_if=lambda provisional: not provisional)


class Given(Record):
    """A member's input: a vote, a comment, a verdict."""

    kind: Literal["input"] = "input"
    input: str
    stage: str
    value: Any = None
    reason: str = ""


class Turned(Record):
    """Something a member tried and the rules did not allow; it changes nothing."""

    kind: Literal["refused"] = "refused"
    tried: str
    said: str
    objections: tuple[str, ...]


class StageEnded(Record):
    """A stage is over, and what follows from it."""

    kind: Literal["stage_ended"] = "stage_ended"
    stage: str
    why: Literal["due", "early"]
    due: Moment | None
    rule: int
    outcome: str | None
    next: str | None
    next_due: Moment | None
    drawn: dict[str, tuple[str, ...]] = {}
    effects: tuple[Effect, ...] = ()


class Managed(Record):
    """A pause, resumption, extension or cancellation by someone the charter allows."""

    kind: Literal["managed"] = "managed"
    act: Literal["pause", "resume", "extend", "cancel"]
    reason: str
    due: Moment | None = None
    effects: tuple[Effect, ...] = ()
    # The ruling that calls for it, and the duration it names; left out where there is none, so
    # that entries of before keep their bytes.
    effect: str | None = Field(default=None, exclude_if=lambda effect: effect is None)
    by: str = Field(default="", exclude_if=lambda by: not by)


class Decided(Record):
    """A decision that changes no state: a ruling, a note for the record."""

    kind: Literal["decided"] = "decided"
    about: str


class Rehearsed(Record):
    """What voters are told of an amendment: what it would have done to the past, and its dangers.

    `entries` are those that were there to be played.
    """

    kind: Literal["rehearsed"] = "rehearsed"
    entries: int
    told: tuple[str, ...]


class Done(Record):
    """An effect has been carried out, or has failed for good."""

    kind: Literal["done"] = "done"
    effect: Effect
    ok: bool = True
    note: str = ""
    # How the platform would put it back: an act of the same kind. Left out where there is none.
    undo: dict[str, Any] = Field(default={}, exclude_if=lambda undo: not undo)
    # Whose roles it changed, of those it names; entries of before do not say.
    changed: tuple[str, ...] | None = Field(default=None, exclude_if=lambda who: who is None)


class SetAside(Record):
    """The outcome of this process no longer holds: that of process `by` says so, by its `rule`.

    A process that still went on ends with it. `effects` undo what the outcome did to roles.
    """

    kind: Literal["set_aside"] = "set_aside"
    effect: str
    by: int
    rule: Citation | None
    effects: tuple[Effect, ...] = ()


class Switched(Record):
    """The bot is off, or on again, as the outcome of process `by` says."""

    kind: Literal["switched"] = "switched"
    on: bool
    effect: str
    by: int
    effects: tuple[Effect, ...] = ()


class Repaired(Record):
    """Whoever runs the bot has forced what no rule provides for: one of these acts and no other.

    `effects` tell the community of it.
    """

    kind: Literal["repaired"] = "repaired"
    act: Literal["grant_role", "adopt", "resume"]
    reason: str
    role: str = ""
    to: str = ""
    constitution: str = ""
    reading: str = ""
    effects: tuple[Effect, ...] = ()


Body = Annotated[
    Founded
    | Adopted
    | Ratified
    | Seen
    | Opened
    | Given
    | Turned
    | StageEnded
    | Managed
    | Decided
    | Rehearsed
    | Done
    | SetAside
    | Switched
    | Repaired,
    Field(discriminator="kind"),
]


class Fact(Record):
    """One thing to be recorded, before it has a place in the ledger. `id` makes it happen once."""

    id: str = Field(min_length=1, max_length=300)
    at: Moment
    member: str
    process: str | None = None
    body: Body
    decision: Decision | None = None


class Entry(Fact):
    """A fact in its place: the `n`-th, following the entry whose digest is `prev`."""

    v: Literal[1] = 1
    n: int
    prev: str

    def bytes(self) -> bytes:
        """The canonical bytes that are stored, hashed and signed."""
        return canonical(self.model_dump(mode="json"))


# --- what a member wants, and what they get ----------------------------------------------


class Open(Record):
    """Begin a process of a type the constitution knows."""

    kind: Literal["open"] = "open"
    type: str
    fields: dict[str, Any] = {}


class Give(Record):
    """Put an input into a process: `input` is its kind in the charter."""

    kind: Literal["input"] = "input"
    process: int
    input: str
    value: Any = None
    reason: str = ""


class Manage(Record):
    """Pause, resume, extend or cancel a process; `by` is a duration in words, such as '2 days'."""

    kind: Literal["manage"] = "manage"
    process: int
    act: Literal["pause", "resume", "extend", "cancel"]
    reason: str = ""
    by: str = ""


class Ask(Record):
    """A question about the rules, or about why a process went as it did."""

    kind: Literal["ask"] = "ask"
    question: str
    process: int | None = None


class Show(Record):
    """Where a process stands, or which are open."""

    kind: Literal["show"] = "show"
    process: int | None = None


class Rehearse(Record):
    """What a change of the constitution would do, said as an amendment says it."""

    kind: Literal["rehearse"] = "rehearse"
    words: str


class Unclear(Record):
    """Not understood: what was, and what would be."""

    kind: Literal["unclear"] = "unclear"
    understood: str = ""
    missing: str


class Want(Record):
    """Something to be done that none of the others is; whether any rule allows it is open."""

    kind: Literal["want"] = "want"
    what: str


Action = Annotated[Open | Give | Manage, Field(discriminator="kind")]


class Offer(Record):
    """What a reader takes a message to mean; nothing is done until the member says that it is so.

    A model may be wrong, or be talked into something by what others wrote, so what it reads is
    shown to the one who would be doing it.
    """

    kind: Literal["offer"] = "offer"
    actions: tuple[Action, ...] = Field(min_length=1, max_length=5)


Intent = Annotated[
    Open | Give | Manage | Ask | Show | Rehearse | Want | Unclear | Offer,
    Field(discriminator="kind"),
]


class Request(Record):
    """What reached the bot. `member` is the platform's word, never the text's."""

    id: str = Field(min_length=1, max_length=250)
    member: Member
    text: str = ""
    action: Intent | None = None
    about: int | None = None  # the process whose thread or card it came from
