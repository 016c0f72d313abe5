"""Several models' drafts of one constitution, side by side.

Owns what counts as the same reading and what people are shown where models differ. Pure. Promises
that a rule is called agreed only if that many drafts give it the same value; whose words they quote
for it may differ.
"""

from collections.abc import Iterator, Mapping

from govbot.charter import Reading, leaves
from govbot.drafting import Draft
from govbot.records import Record

# What may differ between two drafts that say the same: the sentence quoted, and wording.
_WORDING = {"cite", "phrases", "title", "label", "quote", "section"}
NOTHING = "–"


class Split(Record):
    """A rule that too few drafts give the same value: who says what."""

    where: str
    versions: tuple[tuple[str, str], ...]  # the model, its value

    def in_words(self) -> str:
        said = " · ".join(f"{model}: {value}" for model, value in self.versions)
        return f"the models do not agree on {self.where}: {said}"


def splits(drafts: Mapping[str, Draft], k: int) -> tuple[Split, ...]:
    """Every rule on which fewer than `k` of the drafts (by model) agree."""
    rules = {model: dict(_rules(draft.reading)) for model, draft in drafts.items()}
    found = []
    for where in dict.fromkeys(where for each in rules.values() for where in each):
        said = {model: each.get(where, NOTHING) for model, each in rules.items()}
        counts = {value: list(said.values()).count(value) for value in said.values()}
        if max(counts.values()) < k:
            found.append(Split(where=where, versions=tuple(said.items())))
    return tuple(found)


def joined(drafts: Mapping[str, Draft], k: int) -> Draft:
    """The first draft with the charters that only others have, and every split as a note.

    What is not agreed stays in as its model has it: people see all versions and choose.
    """
    first, *others = drafts.values()
    processes = dict(first.reading.processes)
    roles = dict(first.reading.roles)
    drafted = list(first.drafted)
    for other in others:
        new = set(other.reading.processes) - set(processes)
        processes |= {type: other.reading.processes[type] for type in sorted(new)}
        roles = {**other.reading.roles, **roles}
        drafted += [each for each in other.drafted if each.title not in {d.title for d in drafted}]
    notes = (*first.notes, *(split.in_words() for split in splits(drafts, k)))
    reading = first.reading.model_copy(update={"processes": processes, "roles": roles})
    return first.model_copy(update={"reading": reading, "notes": notes, "drafted": tuple(drafted)})


def _rules(reading: Reading) -> Iterator[tuple[str, str]]:
    for where, value in leaves(reading.document["processes"] if reading.processes else {}):
        if not set(where.split(".")) & _WORDING:
            yield where, value
