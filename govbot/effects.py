"""What an outcome is, and what it may bring about: a small, closed set of effects.

Owns the rules of outcomes and effects as data. How an effect is carried out is the scheduler's and
the surfaces' business; an effect that is not here cannot be asked for.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from govbot.records import Act, Citation, Record
from govbot.shapes import Duration, Expression, Name
from govbot.switches import Resuming, SettingAside, Suspending


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


class Carried(Record):
    """A field that holds a ruling, and the acts that it may be about."""

    ruling: Name
    may: tuple[Act, ...] = Field(min_length=1)


class CarryOut(Record):
    carry_out: Carried


class PlatformRule(Record):
    """Something done in the chat itself, only ever by a rule that a sentence of the text gives.

    Without `channel` it is done to the process's own thread. `channel` and `name` are expressions
    that name a channel or a thread, `to` the members of a time-out.
    """

    do: Literal[
        "lock",
        "unlock",
        "pin",
        "unpin",
        "rename",
        "create_channel",
        "create_thread",
        "time_out",
        "end_time_out",
    ]
    cite: Citation
    channel: Expression | None = None
    name: Expression | None = None
    to: Expression | None = None
    lasts: Duration | None = None

    @model_validator(mode="after")
    def _has_what_it_takes(self) -> Self:
        wanted = {
            "rename": "name", "create_channel": "name", "create_thread": "name",
            "time_out": "to lasts", "end_time_out": "to",
        }.get(self.do, "")  # fmt: skip
        if missing := [name for name in wanted.split() if getattr(self, name) is None]:
            raise ValueError(f"{self.do} needs {' and '.join(missing)}")
        return self


class Platform(Record):
    platform: PlatformRule


class Amending(Record):
    """The field that holds the amendment."""

    amendment: Name


class AmendConstitution(Record):
    amend_constitution: Amending


def _effect_kind(given: Any) -> str | None:
    """Which effect is meant, so that a fault in one is not told as a fault of all."""
    names = given if isinstance(given, Mapping) else getattr(type(given), "model_fields", ())
    return next((kind for kind in EFFECTS if kind in names), None)


EFFECTS = (
    "announce", "grant_role", "revoke_role", "start_process", "carry_out", "platform", "set_aside",
    "suspend", "resume_bot", "amend_constitution",
)  # fmt: skip
EffectRule = Annotated[
    Annotated[Announce, Tag("announce")]
    | Annotated[GrantRole, Tag("grant_role")]
    | Annotated[RevokeRole, Tag("revoke_role")]
    | Annotated[StartProcess, Tag("start_process")]
    | Annotated[CarryOut, Tag("carry_out")]
    | Annotated[Platform, Tag("platform")]
    | Annotated[SettingAside, Tag("set_aside")]
    | Annotated[Suspending, Tag("suspend")]
    | Annotated[Resuming, Tag("resume_bot")]
    | Annotated[AmendConstitution, Tag("amend_constitution")],
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
