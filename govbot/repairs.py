"""What whoever runs the bot may force when no rule helps any more, and how loudly.

Owns the closed list of repairs, what the kernel asks of each, and the words in which every later
audit tells of it. Pure. Promises that a repair is announced, and that it does nothing but what it
names.
"""

from collections.abc import Iterable

from govbot.records import Effect, Entry, Fact, Repaired
from govbot.state import Community
from govbot.tools.dates import when

BY_HAND = "by:"  # before the name of whoever runs the bot; no platform names a member so
MOST = 1000  # characters of a reason


def in_words(body: Repaired) -> str:
    """What is forced."""
    match body.act:
        case "grant_role":
            return f"the role {body.role!r} is given to {body.to}"
        case "adopt":
            return f"the constitution {body.constitution} is put in force, read as {body.reading}"
    return "the bot is switched on again"


def announced(body: Repaired, id: str, by: str) -> Repaired:
    """The same with the announcement that it brings about; `id` is its fact's."""
    text = f"AN OPERATOR FORCES A REPAIR: {in_words(body)}. By {by}. Reason: {body.reason}"
    told = Effect(id=f"{id}:told", does="announce", arguments={"text": text})
    return body.model_copy(update={"effects": (told,)})


def forced(entry: Entry, zone: str) -> str:
    """The line on top of every later audit."""
    body = entry.body
    assert isinstance(body, Repaired)
    by = entry.member.removeprefix(BY_HAND)
    return (
        f"An operator forced a repair on {when(entry.at, zone)} ({in_words(body)}; by {by}):"
        f" {body.reason}; entry {entry.n}"
    )


def before(repairs: Iterable[Entry], n: int) -> list[Entry]:
    """The repairs that an audit up to entry `n` tells of."""
    return [entry for entry in repairs if entry.n < n]


def repair_objections(community: Community, fact: Fact, body: Repaired) -> list[str]:
    """Why a repair may not be recorded."""
    by = fact.member.removeprefix(BY_HAND).strip()
    if not fact.member.startswith(BY_HAND) or not by or fact.process is not None:
        return ["a repair is forced by whoever runs the bot, in their own name"]
    if not body.reason.strip() or len(body.reason) > MOST:
        return [f"a repair needs a reason of at most {MOST} characters"]
    said = {"act": body.act, "reason": body.reason, **_asked(body)}
    bare = Repaired.model_validate(said)
    if announced(bare, fact.id, by) != body:
        return ["a repair does one thing, and tells the community of just that"]
    return _act_objections(community, body)


_PARTS = {"grant_role": ("role", "to"), "adopt": ("constitution", "reading"), "resume": ()}


def _asked(body: Repaired) -> dict[str, str]:
    return {name: getattr(body, name) for name in _PARTS[body.act]}


def _act_objections(community: Community, body: Repaired) -> list[str]:
    match body.act:
        case "grant_role":
            if body.to not in community.members:
                return [f"{body.to!r} is no member here"]
            known = body.role in community.members[body.to].roles
            return [f"{body.to} has the role {body.role!r} already"] if known else []
        case "adopt":
            same = (body.constitution, body.reading) == (community.constitution, community.reading)
            return ["this constitution is in force already, read like this"] if same else []
    return [] if community.off else ["the bot is on already"]
