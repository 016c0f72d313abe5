"""Errors, sorted by who must act. Each message is one sentence that says what to do.

There is no fourth kind: a fault in govbot itself surfaces as an ordinary Python exception.
"""


class GovbotError(Exception):
    """Anything govbot raises on purpose."""


class ModelError(GovbotError):
    """The model may try again; members never see it."""


class MemberError(GovbotError):
    """The member who spoke can mend this; the message is shown to them."""


class OperatorError(GovbotError):
    """Whoever runs the bot can mend this; the message says how."""


class Refused(MemberError):
    """The rules do not allow it. Carries every objection, the first one first."""

    def __init__(self, objections: list[str]) -> None:
        super().__init__("; ".join(objections))
        self.objections = objections
