"""What an outcome may bring about, as rules of a charter.

Owns the closed list of effects and the kinds of text that rules are written in: expressions,
durations, names. Knows nothing of charters. Promises that what loads is well-formed.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from govbot.errors import GovbotError
from govbot.expression import parse as parse_expression
from govbot.records import Act, Citation, Record
from govbot.switches import Resuming, SettingAside, Suspending
from govbot.tools.dates import parse_duration


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


class Amending(Record):
    """The field that holds the amendment."""

    amendment: Name


class AmendConstitution(Record):
    amend_constitution: Amending


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
    | Annotated[AmendConstitution, Tag("amend_constitution")]
    | Annotated[Platform, Tag("platform")]
    | Annotated[SettingAside, Tag("set_aside")]
    | Annotated[Suspending, Tag("suspend")]
    | Annotated[Resuming, Tag("resume_bot")],
    Discriminator(
        _effect_kind,
        custom_error_type="no_effect",
        custom_error_message=f"an effect is one of {', '.join(EFFECTS)}",
    ),
]
