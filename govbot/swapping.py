"""Another constitution instead of the one in force: what that would change, told beforehand.

Owns the preview: what runs on under its old rules, who gains and loses which role, which process
types and rules appear, change or vanish, with both quotes. Pure. Decides nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from govbot.amendments import short
from govbot.carrying import warnings
from govbot.charter import Charter, Reading, citations_in, leaves
from govbot.constitution import Constitution
from govbot.records import Member, Record
from govbot.rereading import Stale

MOST_LISTED = 20  # running processes of one type that are named one by one
MOST_HOLDERS = 5  # of a role that are named in a chat
NOTHING = "–"


class Running(Record):
    """A process that has not ended, as far as the preview shows it."""

    number: int
    title: str
    type: str


class RuleChange(Record):
    """One rule on both sides: what it is and the words it rests on."""

    where: str
    before: str
    after: str
    old_quote: str = ""
    new_quote: str = ""


class RoleChange(Record):
    """A role that one of both does not know, and who has it now."""

    role: str
    quote: str
    holders: tuple[str, ...] = ()


class TypeChange(Record):
    """A process type on one side or on both."""

    type: str
    title: str
    quote: str
    rules: tuple[RuleChange, ...] = ()


class Preview(Record):
    """Everything that people should know before another constitution comes into force."""

    old: str
    new: str
    running: tuple[Running, ...]
    gained: tuple[RoleChange, ...]
    lost: tuple[RoleChange, ...]
    appear: tuple[TypeChange, ...]
    change: tuple[TypeChange, ...]
    vanish: tuple[TypeChange, ...]
    warnings: tuple[str, ...]


def preview(
    old: Reading, new: Reading, stale: tuple[Stale, ...], running: Sequence[Running],
    members: Mapping[str, Member],
) -> Preview:  # fmt: skip
    """What changes between two readings for a community that has these members and processes."""
    both = [type for type in old.processes if type in new.processes]
    return Preview(
        old=old.constitution,
        new=new.constitution,
        running=tuple(running),
        gained=tuple(_roles(new, old, {})),
        lost=tuple(_roles(old, new, members)),
        appear=tuple(_types(new, old)),
        change=tuple(
            _type(type, new.processes[type], rules)
            for type in both
            if (rules := tuple(_rules(old.processes[type], new.processes[type])))
        ),
        vanish=tuple(_types(old, new)),
        warnings=tuple(warnings(old.processes, new.processes, stale)),
    )


def _roles(one: Reading, other: Reading, members: Mapping[str, Member]) -> Iterator[RoleChange]:
    """The roles that only one side knows."""
    for role, cite in one.roles.items():
        if role not in other.roles:
            holders = tuple(m.name for m in members.values() if role in m.roles)
            yield RoleChange(role=role, quote=cite.quote, holders=holders)


def _types(one: Reading, other: Reading) -> Iterator[TypeChange]:
    for type, charter in one.processes.items():
        if type not in other.processes:
            yield _type(type, charter, ())


def _type(type: str, charter: Charter, rules: tuple[RuleChange, ...]) -> TypeChange:
    return TypeChange(type=type, title=charter.title, quote=charter.cite.quote, rules=rules)


def _rules(old: Charter, new: Charter) -> Iterator[RuleChange]:
    """The rules in which two charters of one name differ; a quote alone that moved is no rule."""
    before, after = (dict(leaves(_document(charter))) for charter in (old, new))
    quotes = [_quotes(charter) for charter in (old, new)]
    for where in dict.fromkeys([*before, *after]):
        place = where.rpartition(".")[0] if where.endswith(".quote") else where
        if where.endswith(".section") or before.get(where) == after.get(where):
            continue
        yield RuleChange(
            where=where, before=before.get(where, NOTHING), after=after.get(where, NOTHING),
            old_quote=_nearest(quotes[0], place), new_quote=_nearest(quotes[1], place),
        )  # fmt: skip


def _document(charter: Charter) -> object:
    return charter.model_dump(mode="json", exclude_defaults=True)


def _quotes(charter: Charter) -> dict[str, str]:
    """The quote of every rule by the rule's path."""
    return {path.removesuffix("cite").rstrip("."): c.quote for path, c in citations_in(charter)}


def _nearest(quotes: Mapping[str, str], where: str) -> str:
    """The quote of the rule itself, or of the nearest one it is part of."""
    while where and where not in quotes:
        where = where.rpartition(".")[0]
    return quotes.get(where, "")


# --- in words --------------------------------------------------------------------------------


def told(found: Preview, old: Constitution, new: Constitution) -> Iterator[str]:
    """The preview for people."""
    yield f"From: {old.title} ({old.digest})"
    yield f"To:   {new.title} ({new.digest})"
    yield from ("", *found.warnings) if found.warnings else ()
    yield from ("", *_told_running(found.running))
    for what, roles in (("Roles that are new", found.gained), ("Roles that go", found.lost)):
        if roles:
            yield from ("", f"{what}:")
        for role in roles:
            who = f"; {', '.join(role.holders)} had it" if role.holders else ""
            yield f"  {role.role}: “{_fold(role.quote)}”{who}"
    for what, types in (
        ("Kinds of process that are new", found.appear),
        ("Kinds of process that go", found.vanish),
    ):
        if types:
            yield from ("", f"{what}:")
        yield from (f"  {each.title}: “{_fold(each.quote)}”" for each in types)
    if found.change:
        yield from ("", "Kinds of process that change:")
    for each in found.change:
        yield f"  {each.title}"
        for rule in each.rules:
            yield from _told_rule(rule)


def announced(found: Preview, title: str, by: str) -> str:
    """What the community is told of another constitution that nobody voted on in chat."""
    return "\n".join([
        f"THE CONSTITUTION WAS CHANGED BY WHOEVER RUNS THE BOT, in the name of {by}: “{title}” is"
        f" in force, version {short(found.new)}; it was {short(found.old)}.",
        *found.warnings,
        *in_short(found),
        "What is running keeps the rules it was opened under.",
    ])  # fmt: skip


def ratification(old: Reading, new: Reading, members: Mapping[str, Member], by: str) -> str:
    """What the community is told when its constitution is read anew."""
    changes = list(in_short(preview(old, new, (), (), members)))
    return "\n".join([
        f"The constitution was read anew, and the reading ratified in the name of {by}.",
        *(changes or ["No rule changes by that."]),
        "What is running keeps the rules it was opened under.",
    ])  # fmt: skip


def in_short(found: Preview) -> Iterator[str]:
    """The kinds of process and the roles that come and go, and what is running, for a chat."""
    if running := len(found.running):
        plural = "processes finish" if running > 1 else "process finishes"
        yield f"{running} running {plural} under the old rules."
    for what, names in (
        ("Roles that are new", [_held(each) for each in found.gained]),
        ("Roles that go", [_held(each) for each in found.lost]),
        ("Kinds of process that are new", [each.title for each in found.appear]),
        ("Kinds of process whose rules change", [each.title for each in found.change]),
        ("Kinds of process that go", [each.title for each in found.vanish]),
    ):
        if names:
            yield f"{what}: {', '.join(names)}."


def _held(each: RoleChange) -> str:
    """A role, and who has it now."""
    shown, more = each.holders[:MOST_HOLDERS], len(each.holders) - MOST_HOLDERS
    holders = ", ".join([*shown, f"{more} more"] if more > 0 else shown)
    return f"{each.role} ({holders})" if holders else each.role


def _told_running(running: Sequence[Running]) -> Iterator[str]:
    if not running:
        yield "Nothing is running."
        return
    plural = "processes finish" if len(running) > 1 else "process finishes"
    yield f"{len(running)} running {plural} under the old rules:"
    by_type: dict[str, list[Running]] = {}
    for each in running:
        by_type.setdefault(each.type, []).append(each)
    for type, those in by_type.items():
        shown = ", ".join(f"#{each.number} {each.title}" for each in those[:MOST_LISTED])
        more = f" and {len(those) - MOST_LISTED} more" if len(those) > MOST_LISTED else ""
        yield f"  {type}: {shown}{more}"


def _told_rule(rule: RuleChange) -> Iterator[str]:
    yield f"    {rule.where}: {rule.before} → {rule.after}"
    if rule.old_quote:
        yield f"      before: “{_fold(rule.old_quote)}”"
    if rule.new_quote:
        yield f"      after:  “{_fold(rule.new_quote)}”"


def _fold(text: str) -> str:
    return " ".join(text.split())
