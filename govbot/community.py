"""The kernel's two questions asked of a community: may this be recorded, and what holds after it.

Owns what belongs to no process: founding, the constitution and reading in force, members and their
roles, the effects that are due. Pure, like `govbot.process`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from immutables import Map

from govbot.breakglass import setting_aside_objections, switching_objections
from govbot.charter import reading_of
from govbot.errors import GovbotError
from govbot.records import (
    BOT,
    Adopted,
    Done,
    Effect,
    Entry,
    Fact,
    Founded,
    Managed,
    Opened,
    Ratified,
    Repaired,
    Seen,
    SetAside,
    StageEnded,
    Switched,
    canonical,
    digest,
)
from govbot.repairs import repair_objections
from govbot.state import Community, Switching, effective
from govbot.tools.dates import zone_named

_Bringing = Adopted | Ratified | StageEnded | Managed | SetAside | Switched | Repaired
BY_HAND = "by:"  # ahead of the name in which somebody adopts or ratifies at the machine


def community_objections(community: Community, fact: Fact) -> list[str]:
    """Why a fact that belongs to no process, or confirms an effect, may not be recorded."""
    match fact.body:
        case Founded() as body:
            return _founding_objections(community, body)
        case Adopted() as body:
            found = _adopting_objections(community, fact, body) or _news_objections(fact, body)
            if found:
                return found
            if digest(body.text.encode()) != body.constitution:
                return ["the text is not the one its digest names"]
        case Ratified() as body:
            return (
                _ratifying_objections(community, fact, body)
                or _reading_objections(community, body)
                or _news_objections(fact, body)
            )
        case Managed() as body if body.effect is not None:
            return _ruled_objections(community, fact, body)
        case Done() as body:
            return _done_objections(community, body)
        case SetAside() | Switched() | Repaired():
            return _breaking_objections(community, fact)
    return []


def _breaking_objections(community: Community, fact: Fact) -> list[str]:
    match fact.body:
        case SetAside() as body:
            return setting_aside_objections(community, fact, body)
        case Switched() as body:
            return switching_objections(community, fact, body)
        case Repaired() as body:
            return repair_objections(community, fact, body)
    return []


def _done_objections(community: Community, body: Done) -> list[str]:
    if community.pending.get(body.effect.id) != body.effect:
        return [f"the effect {body.effect.id!r} is not due"]
    if body.changed is not None and body.changed != touched(community, body.effect):
        return [f"the effect {body.effect.id!r} changes the roles of others than it says"]
    return []


def _adopting_objections(community: Community, fact: Fact, body: Adopted) -> list[str]:
    """A constitution in force is changed by an amendment's effect, or by whoever runs the bot."""
    if body.instead != community.constitution:
        return ["a constitution is in force; it changes only as it says itself"]
    if not community.constitution or (_by_hand(fact) and body.effect is None):
        return []
    effect = _amending(community, fact, body.effect)
    if effect is None:
        return ["no outcome calls for this constitution"]
    wanted = effect.arguments["amendment"]
    if wanted["base"] == body.instead and wanted["result"] != body.constitution:
        return ["the amendment makes another text"]
    return []


def _ratifying_objections(community: Community, fact: Fact, body: Ratified) -> list[str]:
    """The bot itself ratifies only at the founding, and what an amendment leaves standing."""
    if body.effect is None and not body.instead:
        bot_alone = fact.member == BOT and bool(community.reading)
        return ["a reading is ratified by people"] if bot_alone else []
    if body.instead != community.reading:
        return ["another reading is in force than the one it is to follow"]
    if (_by_hand(fact) and body.effect is None) or _amending(community, fact, body.effect):
        return []
    return ["no outcome calls for this reading"]


def news(id: str, text: str) -> tuple[Effect, ...]:
    """What tells the community of something that no process put in force; `id` is its fact's.

    An empty text is no news.
    """
    told = Effect(id=f"{id}:told", does="announce", arguments={"text": text})
    return (told,) if text else ()


def _news_objections(fact: Fact, body: Adopted | Ratified) -> list[str]:
    if not body.effects:
        return []
    text = body.effects[0].arguments.get("text")
    apart = fact.member != BOT and fact.process is None
    if apart and isinstance(text, str) and body.effects == news(fact.id, text):
        return []
    return ["what is put in force brings about nothing but its announcement"]


def _by_hand(fact: Fact) -> bool:
    """Whether it is in the name of whoever runs the bot; nobody in chat can speak so."""
    return fact.member.startswith(BY_HAND)


def _amending(community: Community, fact: Fact, id: str | None) -> Effect | None:
    """The amendment's effect that is due now and that the bot carries out with this fact."""
    effect = community.pending.get(id or "")
    owned = effect is not None and effect.id.startswith(f"{fact.process}:")
    due = effect is not None and effect.does == "amend" and fact.member == BOT
    return effect if due and owned else None


def _ruled_objections(community: Community, fact: Fact, body: Managed) -> list[str]:
    """A process is managed by the bot only where a ruling that people confirmed calls for it."""
    effect = community.pending.get(body.effect or "")
    if effect is None or effect.does != "manage" or fact.member != BOT:
        return ["no ruling calls for this"]
    wanted = effect.arguments
    if fact.process != f"process_{wanted['process']}" or body.act != wanted["act"]:
        return [f"the ruling is to {wanted['act']} process {wanted['process']}"]
    if (body.reason, body.by) != (wanted["reason"].strip(), wanted["by"]):
        return ["the ruling has other words"]
    return []


def _founding_objections(community: Community, body: Founded) -> list[str]:
    if community.name:
        return [f"this ledger is already that of {community.name!r}"]
    try:
        zone_named(body.zone)
    except GovbotError as error:
        return [str(error)]
    return []


def _reading_objections(community: Community, body: Ratified) -> list[str]:
    if body.constitution != community.constitution:
        return ["the reading is of another constitution than the one in force; read it again"]
    try:
        reading = reading_of(body.document)
    except (ValueError, GovbotError) as error:
        return [f"the reading is not well-formed: {error}"]
    if (
        digest(canonical(body.document)) != body.reading
        or reading.constitution != body.constitution
    ):
        return ["the reading is not the one its digest names"]
    return []


def apply_community(community: Community, entry: Entry) -> Community:
    """The community after an entry. Most leave it as it is, so this stays cheap."""
    change = _CHANGES.get(entry.body.kind)
    return change(community, entry) if change else community


def _founded(community: Community, entry: Entry) -> Community:
    body = cast(Founded, entry.body)
    return replace(community, name=body.name, zone=body.zone, next_number=body.first_number)


def _adopted(community: Community, entry: Entry) -> Community:
    adopted = replace(community, constitution=cast(Adopted, entry.body).constitution)
    return _brought(adopted, entry)


def _ratified(community: Community, entry: Entry) -> Community:
    body = cast(Ratified, entry.body)
    charters = reading_of(body.document).processes
    ratified = replace(
        community, reading=body.reading, charters=charters, provisional=body.provisional
    )
    return _brought(ratified, entry)


def _seen(community: Community, entry: Entry) -> Community:
    member = cast(Seen, entry.body).member
    # Once the platform has stopped reporting a role, a new report of it counts again.
    still = tuple(r for r in community.revoked.get(member.id, ()) if r in member.roles)
    seen = replace(community, platform=community.platform.set(member.id, member))
    return _with_roles(seen, member.id, community.granted.get(member.id, ()), still)


def _with_roles(
    community: Community, id: str, granted: tuple[str, ...], revoked: tuple[str, ...]
) -> Community:
    member, members = community.platform.get(id), community.members
    if member is not None:
        members = members.set(id, effective(member, granted, revoked))
    return replace(
        community,
        granted=_kept(community.granted, id, granted),
        revoked=_kept(community.revoked, id, revoked),
        members=members,
    )


def _kept(
    roles: Map[str, tuple[str, ...]], id: str, held: tuple[str, ...]
) -> Map[str, tuple[str, ...]]:
    if held:
        return roles.set(id, held)
    return roles.delete(id) if id in roles else roles


def touched(community: Community, effect: Effect) -> tuple[str, ...] | None:
    """Whose roles an effect would change now; None for one that is not about roles."""
    if effect.does not in ("grant_role", "revoke_role"):
        return None
    after = changed(community, effect)
    return tuple(id for id in effect.arguments["to"] if _roles(community, id) != _roles(after, id))


def _roles(community: Community, id: str) -> frozenset[str]:
    member = community.members.get(id)
    return frozenset(member.roles if member is not None else community.granted.get(id, ()))


def changed(community: Community, effect: Effect) -> Community:
    """The community once an effect on roles is done; one of another kind changes none."""
    if effect.does not in ("grant_role", "revoke_role"):
        return community
    role = effect.arguments["role"]
    for id in effect.arguments["to"]:
        granted = tuple(r for r in community.granted.get(id, ()) if r != role)
        revoked = tuple(r for r in community.revoked.get(id, ()) if r != role)
        reported = (member := community.platform.get(id)) is not None and role in member.roles
        if effect.does == "grant_role":
            granted = (*granted, role)
        elif reported:
            revoked = (*revoked, role)
        community = _with_roles(community, id, granted, revoked)
    return community


def _numbered(community: Community, entry: Entry) -> Community:
    return replace(community, next_number=cast(Opened, entry.body).number + 1)


def _brought(community: Community, entry: Entry) -> Community:
    effects = cast(_Bringing, entry.body).effects
    pending = community.pending
    for effect in effects:
        pending = pending.set(effect.id, effect)
    return replace(community, pending=pending)


def _done(community: Community, entry: Entry) -> Community:
    body = cast(Done, entry.body)
    effect = body.effect
    community = replace(community, pending=community.pending.delete(effect.id))
    return changed(community, effect) if body.ok else community


def _switched(community: Community, entry: Entry) -> Community:
    body = cast(Switched, entry.body)
    if body.on and community.switching is not None:
        switching = replace(community.switching, on_at=entry.at)
    else:
        switching = Switching(off_at=entry.at, by=body.by)
    return _brought(replace(community, switching=switching), entry)


def _repaired(community: Community, entry: Entry) -> Community:
    body = cast(Repaired, entry.body)
    community = replace(community, repairs=(*community.repairs, entry))
    if body.act == "grant_role":
        arguments = {"role": body.role, "to": [body.to]}
        granting = Effect(id=entry.id, does="grant_role", arguments=arguments)
        community = changed(community, granting)
    elif body.act == "resume" and community.switching is not None:
        switching = replace(community.switching, on_at=entry.at)
        community = replace(community, switching=switching)
    return _brought(community, entry)


_CHANGES: Mapping[str, Callable[[Community, Entry], Community]] = {
    "founded": _founded,
    "adopted": _adopted,
    "ratified": _ratified,
    "seen": _seen,
    "opened": _numbered,
    "stage_ended": _brought,
    "managed": _brought,
    "done": _done,
    "set_aside": _brought,
    "switched": _switched,
    "repaired": _repaired,
}
