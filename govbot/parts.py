"""What people are told and what their chat is asked to do, typed: each surface shows it its way.

Owns replies, announcements and errands as frozen values. `text` always says all of it; parts say
the same for surfaces that can show more.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from govbot.records import Intent, Moment, Record


class Choice(Record):
    """Something the member can pick next."""

    label: str
    action: Intent
    reason: bool = False  # whether the rules ask for one with it


class Says(Record):
    """Plain words of the bot; what people wrote stands in them as they wrote it."""

    kind: Literal["text"] = "text"
    text: str


class Quote(Record):
    """Words of the constitution, and the breadcrumb of where they stand."""

    kind: Literal["quote"] = "quote"
    place: str
    words: str
    lead: str = "  "  # what text puts before it


class Bar(Record):
    """How many stand for one choice; `share` in words, such as `66.7%`."""

    label: str
    count: int
    share: str = ""


class Tally(Record):
    """What was given of one kind of input; `bars` is empty where choices are hidden or none.

    `said` is what text tells of it, a line each, which may be less than the bars show.
    """

    kind: Literal["tally"] = "tally"
    input: str
    given: int
    eligible: int | None = None  # how many may give it, where each gives it once
    hidden: bool = False
    bars: tuple[Bar, ...] = ()
    said: tuple[str, ...] = ()


class Deadline(Record):
    """When the present stage ends, or when the process did; `said` tells it with its time zone."""

    kind: Literal["deadline"] = "deadline"
    at: Moment | None
    said: str


class Card(Record):
    """A process as everybody may see it: nothing hidden, nothing about whoever looks at it."""

    kind: Literal["card"] = "card"
    process: int
    title: str
    type: str  # the charter's title
    opener: str  # the member's id
    by: str  # the same as text names them
    stage: str
    status: Literal["open", "paused", "ended"]
    outcome: str = ""
    text: str = ""  # what was proposed, in its opener's words
    notes: tuple[str, ...] = ()  # what to know before taking part, a line each
    deadline: Deadline
    tallies: tuple[Tally, ...] = ()
    chosen: tuple[str, ...] = ()  # who was drawn by lot or elected as what, a line each
    takes: tuple[str, ...] = ()  # who may give what, a line each
    rules: tuple[Quote, ...] = ()  # what decides the present stage
    choices: tuple[Choice, ...] = ()


Part = Annotated[Says | Quote | Tally | Deadline | Card, Field(discriminator="kind")]


class Reply(Record):
    """What the member is told. `entry` is the ledger position that makes it true.

    `text` says all of it; `parts` say the same for surfaces that can show more than text.
    """

    text: str
    ok: bool = True
    process: str | None = None
    entry: int | None = None
    parts: tuple[Part, ...] = ()
    choices: tuple[Choice, ...] = ()


class Errand(Record):
    """An effect that is for the platform to carry out. `id` is the same however often it is tried.

    `does` is an act of `govbot.charter.PlatformRule`, or `grant_role` and `revoke_role`, which the
    ledger has decided already; its arguments are those of the effect.
    """

    id: str
    process: str
    does: str
    arguments: dict[str, Any] = {}


class Acted(Record):
    """What became of an errand: done, or why not in a sentence; and what would undo it."""

    ok: bool = True
    note: str = ""
    undo: dict[str, Any] = {}


class Announcement(Record):
    """What the community is to be told. `id` is the same however often it is delivered."""

    id: str
    process: str
    text: str
    parts: tuple[Part, ...] = ()
