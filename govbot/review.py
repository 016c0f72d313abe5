"""A draft as people look at it: a table of its rules, and its file with what stands in the way.

Owns the row that puts a rule beside the words it rests on, and the comments of a draft's YAML.
Promises that nothing a draft could not ground is missing from either, and that no text of a model
or a constitution can end a comment.
"""

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from govbot.charter import Charter, DrawRule, InputRule, TallyRule
from govbot.constitution import Constitution
from govbot.drafting import Draft, Drafted
from govbot.effects import OutcomeRule
from govbot.grounding import Grounding, ground, ground_charter, owners_in
from govbot.lint import Finding, lint
from govbot.passages import spans_of
from govbot.records import Record
from govbot.shapes import Condition, Lasts, Switch, Who

LONGEST_COMMENT = 600
GROUNDED = "grounded"
_WIDTH = 96


class Row(Record):
    """One rule: its value, the sentences it rests on, those round them, what is held against it.

    A finding that belongs to no quote has a row of its own, without text.
    """

    rule: str
    value: str = ""
    section: str = ""
    before: str = ""
    text: str = ""
    after: str = ""
    held: str = ""  # `grounded`, or the objections of the text
    findings: tuple[str, ...] = ()  # of the lint

    @property
    def grounded(self) -> bool:
        return self.held == GROUNDED


def review(draft: Draft, constitution: Constitution) -> list[Row]:
    """Every rule of a draft with its quote, then what was read and has no place in a charter."""
    checked = lint(draft.reading, constitution)
    rows: list[Row] = []
    for type, charter in draft.reading.processes.items():
        mine = [f for f in checked if f.where == type or f.where.startswith(f"{type}.")]
        rows += _rows(type, charter, constitution, mine)
    for each in draft.drafted:
        for name, cite in each.beside:
            found = ground(constitution, "", cite)
            rows.append(
                Row(
                    rule=f"{each.type}, {name}", value="has no place in the charter",
                    held=GROUNDED, **_quoted(found),
                )
            )  # fmt: skip
    return rows


def _quoted(found: Grounding) -> dict[str, Any]:
    """A quote's section and sentences, with the sentence before and the one after."""
    if found.place is None:
        return {"section": found.citation.section, "text": found.citation.quote}
    text = found.place.section.text
    spans = spans_of(text)
    before = [span for span in spans if span[1] <= found.place.start]
    after = [span for span in spans if span[0] >= found.place.end]
    near = [text[first:last] for first, last in (*before[-1:], *after[:1])]
    words = [" ".join(each.split()) for each in near]
    return {
        "section": found.place.section.id, "text": found.surrounding,
        "before": words[0] if before else "", "after": words[-1] if after else "",
    }  # fmt: skip


def _rows(
    type: str, charter: Charter, constitution: Constitution, findings: list[Finding]
) -> Iterator[Row]:
    left = list(findings)
    owners = list(owners_in(charter))
    for (path, found), owner in zip(ground_charter(constitution, charter), owners, strict=True):
        rule = f"{type}.{path}".removesuffix(".cite")
        # What the text objects to is told by the lint too: once is enough.
        here = [f for f in left if f.where == rule]
        left = [f for f in left if f not in here]
        yield Row(
            rule=rule, value=_value(owner), **_quoted(found),
            held=GROUNDED if found.passes else "; ".join(found.objections) or found.status,
            findings=tuple(_told(f) for f in here if f.what not in found.objections),
        )  # fmt: skip
    for where in dict.fromkeys(finding.where for finding in left):
        yield Row(rule=where, findings=tuple(_told(f) for f in left if f.where == where))


def _told(finding: Finding) -> str:
    return f"{finding.level}: {finding.what}"


def _value(rule: Record | None) -> str:
    """What a rule says, as short as it can be told."""
    match rule:
        case Lasts() | Switch():
            return str(rule.value)
        case OutcomeRule():
            return f"{rule.when or 'otherwise'}: {rule.named or rule.next}"
        case InputRule():
            return f"{', '.join(rule.choices) or rule.takes} by {rule.who}"
        case DrawRule():
            return f"{rule.count} of {rule.who}"
        case TallyRule():
            return rule.method
        case Condition():
            return rule.when
        case Who():
            return rule.who
        case Charter():
            return rule.title
    return ""


# --- the file --------------------------------------------------------------------------------


def as_yaml(draft: Draft) -> str:
    """The draft as a reading's file; above each process what people should know of it."""
    document = draft.reading.document
    processes = document.pop("processes", {})
    lines = ["# Drafted by a model; nobody has ratified it. Read every rule beside its quote."]
    lines += [_comment(note) for note in draft.notes]
    for each in draft.drafted:
        if each.charter is None:
            why = "; ".join((*each.notes, *each.problems))
            lines.append(_comment(f"Not drafted: {each.title}: {why}"))
    lines += ["", _dumped(document).rstrip()]
    if processes:
        lines += ["", "processes:"]
    known = {each.type: each for each in draft.drafted}
    for type, charter in processes.items():
        lines += ["", *(f"  {_comment(said)}" for said in _said(known.get(type)))]
        lines.append(textwrap.indent(_dumped({type: charter}).rstrip(), "  "))
    return "\n".join(lines) + "\n"


def _dumped(document: object) -> str:
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return text


def _said(each: Drafted | None) -> Iterator[str]:
    if each is None:
        yield "Kept: every sentence it rests on still stands."
        return
    yield from (f"Not grounded: {problem}" for problem in each.problems)
    yield from (f"Note: {note}" for note in each.notes)
    for finding in each.findings:
        where = finding.where.removeprefix(each.type).strip(".") or "all of it"
        yield f"{finding.level}: {where}: {finding.what}"
    yield from (f"Beside, {name}: {c.section}: “{c.quote}”" for name, c in each.beside)


def _comment(text: str) -> str:
    """A comment of one line, with nothing in it that YAML could take for its end."""
    said = "".join(c for c in " ".join(text.split()) if c.isprintable())
    return f"# {said[:LONGEST_COMMENT]}"


def counted(draft: Draft, constitution: Constitution) -> tuple[int, int, int]:
    """How many rules are grounded, how many are not, and how many things are noted."""
    rows = [row for row in review(draft, constitution) if row.text]
    grounded = sum(row.grounded for row in rows)
    noted = len(draft.notes) + sum(len(d.problems) + len(d.notes) for d in draft.drafted)
    return grounded, len(rows) - grounded, noted
