"""Effects by which people overrule the bot or switch it, as a charter writes them.

Owns their shape alone; what they mean in a running community is `govbot.breakglass`'s.
"""

from govbot.records import Record


class Nothing(Record):
    """An effect that needs no more said: `{}`."""


class Subject(Record):
    """The number field of a charter that names the process whose outcome is set aside."""

    process: str


class SettingAside(Record):
    set_aside: Subject


class Suspending(Record):
    suspend: Nothing


class Resuming(Record):
    resume_bot: Nothing
