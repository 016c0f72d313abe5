"""What an amendment would do, for whoever proposes it and whoever votes on it.

Owns the putting together of what a changed text means, what its lint and its walk find that those
of the text in force do not, and what the past would have come to; and the words for it. Pure.
"""

from collections.abc import Callable, Iterable, Iterator

from govbot.charter import Reading
from govbot.constitution import Constitution
from govbot.exploring import explore
from govbot.lint import Finding, lint
from govbot.records import Entry, Member, Record
from govbot.rehearsal import Otherwise, Rehearsal, Rules, Verdict, rehearse
from govbot.rereading import Rereading, Stale, Step, reread
from govbot.silences import silences

MOST_SHOWN = 20  # processes told in full
MOST_SUMMED = 3  # of a kind, in a summary
NOTHING_YET = "No process has ended yet, so there is no past to rehearse it on."


class Foresight(Record):
    """What a changed text would bring about, as far as can be told beforehand."""

    base: str
    amended: str
    steps: tuple[Step, ...]
    stale: tuple[Stale, ...]
    findings: tuple[Finding, ...]  # of the lint, that the text in force does not have
    warnings: tuple[Finding, ...]  # of the walk through its states, likewise
    rehearsal: Rehearsal

    @property
    def grave(self) -> bool:
        """Whether something in it would keep the reading from coming into force."""
        return any(finding.level == "error" for finding in self.findings)


def foresee(
    entries: Iterable[Entry], before: Rules, text: Constitution, reading: Reading | None = None,
    members: Iterable[Member] = (), progress: Callable[[int], None] = lambda done: None,
) -> Foresight:  # fmt: skip
    """What the changed text would do; its reading is the one in force carried over, or given."""
    carried = reread(before.reading, before.constitution, text)
    if reading is not None:
        carried = Rereading(reading=reading)
    after, people = Rules(carried.reading, text), tuple(members)
    return Foresight(
        base=before.constitution.digest, amended=text.digest,
        steps=carried.steps, stale=carried.stale,
        findings=_new(_linted(before), _linted(after)),
        warnings=_new(
            explore(before.reading, before.constitution, people),
            explore(after.reading, text, people, before.reading),
        ),
        rehearsal=rehearse(entries, before, after, progress),
    )  # fmt: skip


def _linted(rules: Rules) -> list[Finding]:
    reading, text = rules.reading, rules.constitution
    return [*lint(reading, text), *silences(reading, text)]


def _new(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[Finding, ...]:
    known = {(each.level, each.where, each.what) for each in before}
    return tuple(each for each in after if (each.level, each.where, each.what) not in known)


# --- in full -------------------------------------------------------------------------------


def told(seen: Foresight) -> list[str]:
    """All of it, a line each."""
    lines = [*_rules(seen), *_found(seen), *_past(seen.rehearsal)]
    for each in seen.rehearsal.changed[:MOST_SHOWN]:
        lines += ["", *_otherwise(each)]
    if (more := len(seen.rehearsal.changed) - MOST_SHOWN) > 0:
        lines += ["", f"… and {more} more; --json has them all"]
    return lines


def _rules(seen: Foresight) -> Iterator[str]:
    """How the reading was carried over; every step is for people to check."""
    for step in seen.steps:
        held = f"{step.before} becomes {step.after}" if step.after else "its words have new numbers"
        yield f"read: {step.type}.{step.where}: {held}"
        yield f"    - “{step.old.quote}”"
        yield f"    + “{step.new.quote}”"
    for stale in seen.stale:
        yield f"stale: {stale.told}"


def _found(seen: Foresight) -> Iterator[str]:
    for finding in (*seen.findings, *seen.warnings):
        yield f"{finding.level}: {finding.where}: {finding.what}"


def _past(past: Rehearsal) -> Iterator[str]:
    yield (
        f"{past.ended} processes have ended: {past.replayed} were replayed, {past.untouched} are of"
        " types whose rules stay the same."
    )
    for left in past.left_out:
        yield f"not replayed: {left.processes} of type {left.type}: {left.why}"
    if past.others:
        yield f"{past.others} were decided under earlier rules; they are compared with today's"
    if past.tried:
        yield (
            f"{past.tried} attempts were refused at the time; what they held is not kept, so they"
            " are not replayed"
        )
    for refused in past.refused:
        yield (
            f"not taken: {refused.inputs} of {refused.input!r} in {refused.type}, one of them"
            f" because {refused.why}"
        )
    if past.refused:
        yield "Whoever gave them might have done so at another time; a rehearsal cannot know that."
    if past.moved:
        yield f"{past.moved} would have come out the same at another time."
    yield f"{len(past.changed)} would have come out differently."


def _otherwise(each: Otherwise) -> Iterator[str]:
    yield f"#{each.number} {each.title} ({each.type}): {_led(each)}"
    for mark, one in (("-", each.before), ("+", each.after)):
        yield f"    {mark} {one.outcome}{_by(one)}"
        yield from _sums(one)
    for refused in each.refused:
        yield f"    not taken: {refused}"
    if each.follows:
        begun = ", ".join(f"#{number}" for number in each.follows)
        yield f"    what it started might not have begun: {begun}"


def _by(one: Verdict) -> str:
    """The rule that decided, and the words it rests on."""
    if not one.rule:
        return ""
    words = f"{one.place}: “{one.quote}”" if one.quote else "without a quote"
    return f": by {one.rule!r}, {words}"


def _led(each: Otherwise) -> str:
    recorded = f" (recorded: {each.recorded})" if each.recorded != each.before.outcome else ""
    return f"{each.before.outcome} → {each.after.outcome}{recorded}"


def _sums(one: Verdict) -> Iterator[str]:
    if one.sums:
        yield f"      {one.sums}"


# --- in short ------------------------------------------------------------------------------


def summary(seen: Foresight) -> list[str]:
    """A few lines for a card: what voters should know beside the changed words and rules."""
    past = seen.rehearsal
    over = f"{past.ended} ended process{'es' if past.ended != 1 else ''}"
    lines = [f"Rehearsed over {over}: {_differing(past)}." if past.ended else NOTHING_YET]
    if past.refused:
        inputs = sum(refused.inputs for refused in past.refused)
        lines.append(f"{inputs} input{'s' if inputs != 1 else ''} would not have been taken.")
    grave = [*seen.findings, *seen.warnings]
    warned = [each.what for each in grave if each.level != "note"]
    lines += [f"Warning: {what}." for what in warned[:MOST_SUMMED]]
    if len(warned) > MOST_SUMMED:
        lines.append(f"… and {len(warned) - MOST_SUMMED} more warnings.")
    return lines


def _differing(past: Rehearsal) -> str:
    if not past.changed:
        return "none would have come out differently"
    named = [f"#{each.number} {_led(each)}" for each in past.changed]
    return f"{len(named)} would have come out differently ({_some(named, '; ')})"


def _some(items: list[str], between: str = ", ") -> str:
    more = f"{between}… and {len(items) - MOST_SUMMED} more" if len(items) > MOST_SUMMED else ""
    return between.join(items[:MOST_SUMMED]) + more
