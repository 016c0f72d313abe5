"""Overruling the bot and switching it off: what people's own processes may do to it.

Owns which facts are taken while the bot is off, what setting an outcome aside undoes, and the words
for both. Pure, like the kernel that asks it.
"""

from collections.abc import Callable
from datetime import datetime

from govbot.charter import Charter, effects_of
from govbot.records import (
    BOT,
    Adopted,
    Citation,
    Decision,
    Done,
    Effect,
    Fact,
    Founded,
    Opened,
    Ratified,
    Repaired,
    Seen,
    SetAside,
    Switched,
)
from govbot.state import Community, Process
from govbot.switches import Resuming, SettingAside
from govbot.tools.dates import when

# What is done of the outbox while the bot is off: telling, and switching.
DONE_WHILE_OFF = ("announce", "suspend", "resume_bot")
_INVERSE = {"grant_role": "revoke_role", "revoke_role": "grant_role"}


def can_resume(charter: Charter) -> bool:
    """Whether some outcome switches the bot on again."""
    return any(isinstance(effect, Resuming) for effect in effects_of(charter))


def subjects(charter: Charter) -> tuple[str, ...]:
    """The fields that name a process whose outcome some outcome of this one sets aside."""
    named = (e.set_aside.process for e in effects_of(charter) if isinstance(e, SettingAside))
    return tuple(dict.fromkeys(named))


# --- switching -----------------------------------------------------------------------------


def told_off(community: Community) -> str:
    """The line under every reply while the bot is off; nothing while it is on."""
    switching = community.switching
    if switching is None or switching.on_at is not None:
        return ""
    types = [charter.title for charter in community.charters.values() if can_resume(charter)]
    by = f": “{types[0]}”" if types else ""
    return (
        f"The bot is off since {when(switching.off_at, community.zone)}, by process"
        f" #{switching.by}. Until it is on again it takes only what can switch it on{by}."
    )


def held(community: Community, charter: Charter | None) -> bool:
    """Whether a process under this charter stands still because the bot is off."""
    return community.off and (charter is None or not can_resume(charter))


def waits(community: Community, effect: Effect) -> bool:
    """Whether an effect is done only once the bot is on again."""
    return community.off and effect.does not in DONE_WHILE_OFF


def off_objections(community: Community, fact: Fact, process: Process | None) -> list[str]:
    """Why a fact is not taken while the bot is off."""
    if not community.off or isinstance(fact.body, Founded | Seen | Repaired):
        return []
    if adopting(community, fact):
        return []
    if isinstance(fact.body, Done):
        return ["the bot is off"] if waits(community, fact.body.effect) else []
    charter = process.charter if process is not None else None
    if isinstance(fact.body, Opened):
        charter = community.charters.get(fact.body.type)
    if isinstance(fact.body, Switched) or not held(community, charter):
        return []
    assert community.switching is not None
    return [f"process {community.switching.by} switched the bot off, so it takes nothing else now"]


def adopting(community: Community, fact: Fact) -> bool:
    """Whether a fact carries out the adoption that a repair has just forced."""
    body = fact.body
    last = community.repairs[-1].body if community.repairs else None
    if not isinstance(last, Repaired) or last.act != "adopt":
        return False
    if isinstance(body, Adopted):
        return body.constitution == last.constitution
    return isinstance(body, Ratified) and body.reading == last.reading


def switching_objections(community: Community, fact: Fact, body: Switched) -> list[str]:
    """The bot is switched only by an outcome, and only from one state to the other."""
    effect = community.pending.get(body.effect)
    does = "resume_bot" if body.on else "suspend"
    if effect is None or effect.does != does or fact.member != BOT:
        return ["no outcome switches the bot"]
    if body.by != effect.arguments["by"] or fact.process != f"process_{body.by}":
        return [f"the outcome is that of process {effect.arguments['by']}"]
    if community.off is not body.on:
        return [f"the bot is {'on' if body.on else 'off'} already"]
    expected = switched(effect).effects
    return [] if body.effects == expected else ["it brings about what no rule says"]


def switched(effect: Effect) -> Switched:
    """The entry by which an effect switches the bot."""
    told = Effect(id=f"{effect.id}:told", does="announce", arguments={"text": ""})
    by, on = effect.arguments["by"], effect.does == "resume_bot"
    return Switched(on=on, effect=effect.id, by=by, effects=(told,))


def switching_decision(body: Switched, cite: Citation | None) -> Decision:
    state = "on again" if body.on else "off"
    meaning = (
        "What fell due in the meantime ends now, as at its deadline."
        if body.on
        else "Until it is on again it takes only what can switch it on; no other stage ends."
    )
    return Decision(
        reasoning=f"The outcome of process {body.by} switches the bot {state}. {meaning}",
        result=f"switched {state}",
        citations=(cite,) if cite else (),
    )


def passed_while_off(community: Community, due: datetime | None) -> str:
    """What people should know of a deadline that passed while the bot was off."""
    switching = community.switching
    if switching is None or switching.on_at is None or due is None:
        return ""
    if not switching.off_at <= due <= switching.on_at:
        return ""
    return (
        f"The deadline passed while the bot was off, from"
        f" {when(switching.off_at, community.zone)} to {when(switching.on_at, community.zone)},"
        f" by process {switching.by}."
    )


# --- setting aside -------------------------------------------------------------------------


def subject_objections(
    fact: Fact, community: Community, lookup: Callable[[str], Process | None]
) -> list[str]:
    """Why what a new process wants set aside cannot be."""
    body = fact.body
    if not isinstance(body, Opened) or (charter := community.charters.get(body.type)) is None:
        return []
    named = (body.fields[name] for name in subjects(charter) if name in body.fields)
    return [why for number in named for why in standing_objections(lookup(f"process_{number}"),
                                                                   number)]  # fmt: skip


def standing_objections(process: Process | None, number: int) -> list[str]:
    if process is None or process.status == "unopened":
        return [f"there is no process {number} that could be set aside"]
    if process.outcome is None:
        return [f"process {number} has come to no outcome yet that could be set aside"]
    if process.set_aside_by is not None:
        return [f"process {number} has been set aside by process {process.set_aside_by} already"]
    return []


def setting_aside_objections(community: Community, fact: Fact, body: SetAside) -> list[str]:
    """The community's side: an outcome that people came to calls for it."""
    effect = community.pending.get(body.effect)
    if effect is None or effect.does != "set_aside" or fact.member != BOT:
        return ["no outcome calls for this"]
    wanted = effect.arguments
    if fact.process != f"process_{wanted['process']}":
        return [f"the outcome sets aside process {wanted['process']}"]
    rule = body.rule.model_dump(mode="json") if body.rule else None
    if (body.by, rule) != (wanted["by"], wanted["rule"]):
        return [f"the outcome is that of process {wanted['by']}, by its own rule"]
    return []


def set_aside(process: Process, effect: Effect) -> SetAside:
    """The entry by which an effect sets a process's outcome aside, with what it undoes."""
    wanted = effect.arguments
    rule = Citation.model_validate(wanted["rule"]) if wanted["rule"] else None
    undone = inverses(process)
    return SetAside(effect=effect.id, by=wanted["by"], rule=rule, effects=undone)


def inverses(process: Process) -> tuple[Effect, ...]:
    """What undoes a process's role effects, the last first; the community is told."""
    named = f"{process.id}:{process.turn}:aside"
    told = Effect(id=f"{named}:0", does="announce", arguments={"text": ""})
    back = (
        Effect(id=f"{named}:{n}", does=_INVERSE[done.does], arguments=done.arguments)  # type: ignore[arg-type]  # the inverse of a role effect is one
        for n, done in enumerate(reversed(process.done), 1)
    )
    return (told, *back)


def setting_aside_decision(process: Process, body: SetAside, constitution: str) -> Decision:
    """Why, for the record of the process set aside. `constitution` is that of process `by`."""
    undone = [effect for effect in body.effects if effect.does != "announce"]
    lines = [f"The outcome of process {body.by} sets aside that of process {process.number}."]
    if body.rule is not None:
        lines.append(f"Its rule, {body.rule.section}, says: “{' '.join(body.rule.quote.split())}”")
    lines += [_undoing(effect) for effect in undone] or ["No role is to be given back or taken."]
    same = constitution == process.constitution
    return Decision(
        reasoning=" ".join(lines),
        result=f"set aside by process {body.by}",
        citations=(body.rule,) if body.rule is not None and same else (),
    )


def _undoing(effect: Effect) -> str:
    people, role = ", ".join(effect.arguments["to"]), effect.arguments["role"]
    if effect.does == "revoke_role":
        return f"The role {role!r} is taken from {people} again."
    return f"The role {role!r} is given back to {people}."


def kept_done(process: Process, body: Done) -> tuple[Effect, ...]:
    """What a process has done to roles, after this confirmation."""
    effect = body.effect
    if not body.ok or effect.does not in _INVERSE or process.set_aside_by is not None:
        return process.done
    people = effect.arguments["to"] if body.changed is None else list(body.changed)
    if not people:
        return process.done
    arguments = {**effect.arguments, "to": people}
    return (*process.done, effect.model_copy(update={"arguments": arguments}))
