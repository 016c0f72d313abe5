"""Files of ballots, in the formats people have.

Owns the reading of CSV, BLT (OpenSTV), PrefLib (soc, soi, toc, toi), Pabulib (pb) and JSON into a
`Contest`. Pure: text in, ballots out. Promises that a fault names its line and what was expected,
and that nothing is guessed: what a number means is said by the method it is read for.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from govbot.errors import MemberError
from govbot.tools.ballots import weight_of
from govbot.tools.methods import METHODS, Kind

MOST_LINE = 1_000_000
STEP = 5000  # lines between two reports of progress

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Contest:
    """A file of ballots as far as it says: what is to be counted, and how if it tells."""

    ballots: list[Any]
    candidates: tuple[str, ...] | None = None
    title: str = ""
    method: str = ""
    seats: int = 1
    withdrawn: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def read_contest(
    text: str, name: str, reads: Kind | None = None, progress: Progress = lambda done: None
) -> Contest:
    """The contest in a file. Its format is that of its name's ending; `reads` is the kind of
    ballot wanted, which a table of numbers needs to be understood. `progress` hears of lines."""
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    if ending not in _FORMATS:
        known = ", ".join(sorted(_FORMATS))
        raise MemberError(f"{name} ends in {ending!r}; the formats known are {known}")
    if not text.strip():
        raise MemberError(f"{name} is empty; there is nothing to count")
    return _FORMATS[ending](_Lines(text, name, progress), reads)


class _Lines:
    """A file's lines, with the number of the one at hand for what must be said of it."""

    def __init__(self, text: str, name: str, progress: Progress) -> None:
        self.text, self.name, self.progress = text.removeprefix("\ufeff"), name, progress
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self.text.splitlines(), 1):
            self.number = number
            if number % STEP == 0:
                self.progress(number)
            if len(line) > MOST_LINE:
                raise self.fault(f"a line has {len(line)} characters; at most {MOST_LINE} fit")
            yield line

    def fault(self, what: str) -> MemberError:
        return MemberError(f"{self.name}, line {self.number}: {what}")

    def whole(self, text: str, what: str, least: int = 0) -> int:
        if not re.fullmatch(r"\s*\+?[0-9]{1,15}\s*", text) or int(text) < least:
            raise self.fault(f"{text.strip()[:40]!r} is no {what}; a whole number is expected")
        return int(text)


def _weighed(ballot: list[Any], weight: Any, key: str = "ranking") -> Any:
    """A ballot as the tools read it: plain where it counts once."""
    return ballot if weight == 1 else {key: ballot, "weight": weight}


def _key(reads: Kind | None) -> str:
    return "approvals" if reads == "approvals" else "choice" if reads == "choice" else "ranking"


# --- BLT ---------------------------------------------------------------------------------------


def _blt(lines: _Lines, reads: Kind | None) -> Contest:
    """OpenSTV's BLT: candidates and seats, withdrawn, ballots up to a 0, names, title."""
    stream = _useful(lines)
    head = next(stream, "").split()
    if len(head) != 2:
        raise lines.fault("the first line must be the numbers of candidates and of seats")
    count = lines.whole(head[0], "number of candidates", 1)
    seats = lines.whole(head[1], "number of seats", 1)
    out: list[int] = []
    rows: list[tuple[Any, list[list[int]]]] = []
    for line in stream:
        parts = line.split()
        if parts == ["0"]:
            break
        if parts[0].startswith("-") and all(p.startswith("-") for p in parts) and not rows:
            out += [lines.whole(part[1:], "withdrawn candidate", 1) for part in parts]
            continue
        rows.append(_blt_ballot(lines, parts, count))
    else:
        raise lines.fault("the ballots do not end with a line that is 0; is the file cut short?")
    names = [_unquoted(next(stream, "")) for _ in range(count)]
    if "" in names:
        raise lines.fault(f"there are {names.index('')} names for {count} candidates")
    named = _named(names, lines.name)
    ballots = [
        _weighed(_tiers([[named[n - 1] for n in tier] for tier in tiers]), weight)
        for weight, tiers in rows
    ]
    if stray := [n for n in out if n > count]:
        raise lines.fault(f"candidate {stray[0]} is withdrawn and there are {count}")
    return Contest(
        ballots, tuple(named), _unquoted(next(stream, "")), "stv-scottish", seats,
        tuple(named[n - 1] for n in out),
    )  # fmt: skip


def _useful(lines: _Lines) -> Iterator[str]:
    for line in lines:
        quoted = line.lstrip().startswith('"')
        if found := (line if quoted else line.partition("#")[0]).strip():
            yield found


def _blt_ballot(lines: _Lines, parts: list[str], count: int) -> tuple[Any, list[list[int]]]:
    if parts[0].startswith("(") and parts[0].endswith(")"):
        parts = parts[1:]  # a ballot's own id, as some programs write it
    if len(parts) < 2 or parts[-1] != "0":
        raise lines.fault("a ballot must be a weight, the candidates in order, and 0")
    weight = weight_of(parts[0], f"{lines.name}, line {lines.number}: the weight")
    tiers = [
        [lines.whole(each, "candidate", 1) for each in part.split("=")]
        for part in parts[1:-1]
        if part != "-"
    ]
    if stray := [n for tier in tiers for n in tier if n > count]:
        raise lines.fault(f"there is no candidate {stray[0]}; they go from 1 to {count}")
    return weight, tiers


def _tiers(tiers: list[list[str]]) -> list[Any]:
    return [tier[0] if len(tier) == 1 else tier for tier in tiers]


def _unquoted(text: str) -> str:
    return text.strip().strip('"').strip()


def _named(names: Sequence[str], file: str) -> list[str]:
    """Names that differ; two that are spelled alike are told apart by their place."""
    clean = [" ".join(str(name).split()) for name in names]
    if "" in clean:
        raise MemberError(f"{file}: candidate {clean.index('') + 1} has no name; give one")
    return [f"{n} ({i})" if clean.count(n) > 1 else n for i, n in enumerate(clean, 1)]


# --- PrefLib -----------------------------------------------------------------------------------

_NAME = re.compile(r"#\s*ALTERNATIVE NAME\s+(\d+)\s*:\s*(.*)", re.IGNORECASE)
_TITLE = re.compile(r"#\s*TITLE\s*:\s*(.*)", re.IGNORECASE)
_TIER = re.compile(r"\{([^{}]*)\}|([^,{}]+)")


def _preflib(lines: _Lines, reads: Kind | None) -> Contest:
    """PrefLib's orders, with today's headers or those before 2022."""
    names: dict[int, str] = {}
    labels: dict[int, str] = {}
    title, ballots, old, expected = "", list[Any](), False, 0
    for line in lines:
        if found := _NAME.match(line):
            names[int(found[1])] = found[2].strip()
        elif found := _TITLE.match(line):
            title = found[1].strip()
        elif line.startswith("#") or not line.strip():
            continue
        elif not names and not old and line.strip().isdigit():
            old, expected = True, lines.whole(line, "number of candidates", 1)
        elif len(names) < expected:
            number, _, name = line.partition(",")
            names[lines.whole(number, "candidate's number", 1)] = name.strip()
        elif expected:
            expected = 0  # the line of totals: voters, sum, different orders
        else:
            labels = labels or _labels(names, lines)
            ballots.append(_preflib_ballot(lines, line, labels, "," if old else ":"))
    return Contest(ballots, tuple((labels or _labels(names, lines)).values()), title)


def _labels(names: Mapping[int, str], lines: _Lines) -> dict[int, str]:
    if not names:
        raise lines.fault("no candidates are named; is this a PrefLib file?")
    return dict(
        zip(sorted(names), _named([names[n] for n in sorted(names)], lines.name), strict=True)
    )


def _preflib_ballot(lines: _Lines, line: str, labels: Mapping[int, str], mark: str) -> Any:
    count, found, order = line.partition(mark)
    if not found:
        raise lines.fault("an order must be a count, a colon and the candidates")
    if order.count("{") != order.count("}"):
        raise lines.fault("a brace is not closed; is the file cut short?")
    tiers = []
    for together, single in _TIER.findall(order):
        numbers = [lines.whole(n, "candidate", 1) for n in (together or single).split(",") if n]
        if stray := [n for n in numbers if n not in labels]:
            raise lines.fault(f"there is no candidate {stray[0]}; {len(labels)} are named")
        if numbers:
            tiers.append([labels[n] for n in numbers])
    return _weighed(_tiers(tiers), lines.whole(count, "count", 1))


# --- Pabulib -----------------------------------------------------------------------------------


def _pabulib(lines: _Lines, reads: Kind | None) -> Contest:
    """Pabulib's pb (Faliszewski et al. 2023): META, PROJECTS and VOTES, `;` between cells."""
    section, header, meta = "", list[str](), dict[str, str]()
    costs: dict[str, str] = {}
    ballots: list[Any] = []
    for row in csv.reader(iter(lines), delimiter=";"):
        cells = [cell.strip() for cell in row]
        if len(cells) == 1 and cells[0].upper() in ("META", "PROJECTS", "VOTES"):
            section, header = cells[0].upper(), []
        elif not any(cells):
            continue
        elif not header:
            header = [cell.lower() for cell in cells]
        elif section == "META":
            meta[cells[0].lower()] = cells[1] if len(cells) > 1 else ""
        elif section == "PROJECTS":
            costs[_cell(lines, cells, header, "project_id")] = _cell(lines, cells, header, "cost")
        elif section == "VOTES":
            voted = _cell(lines, cells, header, "vote")
            ballots.append({"approvals": [p.strip() for p in voted.split(",") if p.strip()]})
        else:
            raise lines.fault("META, PROJECTS or VOTES is expected first")
    if "budget" not in meta or not costs or section != "VOTES":
        raise lines.fault("a budget, PROJECTS and VOTES are expected; is the file cut short?")
    if (kind := meta.get("vote_type", "approval").lower()) not in ("approval", "choose-1"):
        raise MemberError(f"{lines.name} has {kind} votes; budgets are counted from approvals")
    shares = "equalshares" in meta.get("rule", "").lower()
    return Contest(
        ballots, tuple(costs), meta.get("description", ""),
        "equal-shares" if shares else "greedy-budget",
        options={"costs": costs, "budget": meta["budget"].replace(",", ".")},
    )  # fmt: skip


def _cell(lines: _Lines, cells: list[str], header: list[str], name: str) -> str:
    if name not in header or header.index(name) >= len(cells):
        raise lines.fault(f"there is no cell for {name!r}")
    return cells[header.index(name)]


# --- CSV ---------------------------------------------------------------------------------------

_RANK_HEAD = re.compile(
    r"(rank|choice|preference|vote)?[ _#-]*(\d+|first|second|third|\w+th|1st|2nd|3rd)?", re.I
)
_COUNTED = ("count", "weight", "votes")
_ASIDE = ("voter", "voter id", "voter_id", "id", "timestamp", "date", "ballot", "ballot id")
_SILENT = ("", "-", "no opinion", "none", "skipped", "undervote")


def _csv(lines: _Lines, reads: Kind | None) -> Contest:
    """A row a ballot: candidates in order of preference, or a number under each candidate's name.

    A number is a rank where a ranking is read, a score where scores are, and an approval where it
    is 1. Columns named count or weight, and voter, id or timestamp, are what they say.
    """
    rows = [(lines.number, [cell.strip() for cell in row]) for row in csv.reader(iter(lines))]
    rows = [(n, row) for n, row in rows if any(row)]
    header = [cell.lower() for cell in rows[0][1]]
    aside = {i for i, cell in enumerate(header) if cell in (*_COUNTED, *_ASIDE)}
    counted = next((i for i, cell in enumerate(header) if cell in _COUNTED), None)
    body = [row for _, row in rows[1:]]
    numbers = bool(body) and all(
        cell.lower() in _SILENT or re.fullmatch(r"\d{1,9}", cell)
        for row in body
        for i, cell in enumerate(row)
        if i not in aside
    )
    heads = not numbers and all(
        i in aside or _RANK_HEAD.fullmatch(cell) for i, cell in enumerate(header)
    )
    kept = rows[1:] if numbers or heads else rows
    if not (numbers or heads):
        aside, counted = set(), None
    names = _named([c for i, c in enumerate(rows[0][1]) if i not in aside], lines.name)
    ballots = []
    for lines.number, row in kept:
        weight = _csv_weight(lines, row, counted)
        cells = [cell for i, cell in enumerate(row) if i not in aside]
        ballots.append(_csv_ballot(lines, cells, names if numbers else None, weight, reads))
    return Contest(ballots, tuple(names) if numbers else None)


def _csv_weight(lines: _Lines, row: list[str], column: int | None) -> Any:
    if column is None or column >= len(row):
        return 1
    return weight_of(row[column], f"{lines.name}, line {lines.number}: the count")


def _csv_ballot(
    lines: _Lines, cells: list[str], names: list[str] | None, weight: Any, reads: Kind | None
) -> Any:
    if names is None:
        return _weighed([c for c in cells if c.lower() not in _SILENT], weight, _key(reads))
    if len(cells) > len(names):
        raise lines.fault(f"there are {len(cells)} cells under {len(names)} names")
    given = {
        name: int(cell)
        for name, cell in zip(names, cells, strict=False)
        if cell.lower() not in _SILENT
    }
    if reads == "scores":
        return {"scores": given, "weight": weight}
    if reads in ("approvals", "choice"):
        chosen = [name for name, mark in given.items() if mark]
        return _weighed(chosen, weight, _key(reads))
    places = sorted({rank for rank in given.values() if rank})
    tiers = [[name for name, rank in given.items() if rank == place] for place in places]
    return _weighed(_tiers(tiers), weight)


# --- JSON --------------------------------------------------------------------------------------

# What a contest's own words for its method begin with or hold, and what that is called here.
_SPOKEN = (
    ("cssd", "schulze-debian"), ("schulze", "schulze"), ("irv", "irv"), ("star", "star"),
    ("stv-meek", "stv-meek"), ("stv", "stv-scottish"), ("approval", "approval"),
    ("equalshares", "equal-shares"), ("greedy", "greedy-budget"),
)  # fmt: skip


def _json(lines: _Lines, reads: Kind | None) -> Contest:
    """Candidates by place and ballots grouped: {"candidates": […], "ballots": [[count, ballot]]}.

    A ballot is a ranking of places from 0 (a list within is a tier), a list of approved places, or
    a score for each candidate, as the method has it; `approvals` may be totals alone.
    """
    try:
        data = json.loads(lines.text, parse_float=str)
    except (json.JSONDecodeError, RecursionError) as error:
        lines.number = getattr(error, "lineno", 0)
        raise lines.fault("this is no JSON; is the file cut short?") from None
    if not isinstance(data, dict) or not isinstance(data.get("candidates"), list):
        raise lines.fault('an object with "candidates" is expected')
    rows = data["candidates"]
    projects = bool(rows) and all(isinstance(row, dict) and "id" in row for row in rows)
    names = _named([row["id"] if projects else row for row in rows], lines.name)
    method = _method(str(data.get("method", "")))
    wanted = reads or (METHODS[method].reads if method else "ranking")
    options = _json_options(data, method, dict(zip(names, rows, strict=True)) if projects else {})
    return Contest(
        _json_ballots(data, names, wanted, lines), tuple(names), str(data.get("title", "")), method,
        data.get("seats") or 1, options=options,
    )  # fmt: skip


def _method(spoken: str) -> str:
    if spoken in METHODS:
        return spoken
    words = re.split(r"[ ,(]+", spoken.lower())
    return next((name for word, name in _SPOKEN if word in words), "") or next(
        (name for word, name in _SPOKEN if words[0].startswith(word)), ""
    )


def _json_options(data: Mapping[str, Any], method: str, costs: Mapping[str, Any]) -> dict[str, Any]:
    if costs:
        prices = {name: row.get("cost") for name, row in costs.items()}
        return {"costs": prices, "budget": data.get("budget")}
    if method == "schulze-debian":
        return {"default": data.get("default_option", "")}
    apart = method == "schulze" and "compared with nobody" in str(data.get("ballot", ""))
    return {"unranked": "apart"} if apart else {}


def _json_ballots(
    data: Mapping[str, Any], names: list[str], reads: Kind, lines: _Lines
) -> list[Any]:
    if isinstance(totals := data.get("approvals"), list) and "ballots" not in data:
        return [{"approvals": [n], "count": t} for n, t in zip(names, totals, strict=False) if t]
    if not isinstance(held := data.get("ballots"), list):
        raise MemberError(f'{lines.name} has no "ballots"; nothing can be counted')
    made = []
    for place, row in enumerate(held, 1):
        try:
            count, ballot = row
            made.append(_json_ballot(count, ballot, names, reads))
        except (TypeError, ValueError, IndexError):
            raise MemberError(
                f"{lines.name}, ballot {place}: {str(row)[:60]} is not a count and a ballot of"
                f" candidates from 0 to {len(names) - 1}"
            ) from None
    return made


def _json_ballot(count: Any, ballot: Any, names: list[str], reads: Kind) -> Any:
    if reads == "scores":
        return {"scores": dict(zip(names, ballot, strict=True)), "count": count}
    tiers = [[_at(names, n) for n in (t if isinstance(t, list) else [t])] for t in ballot]
    if reads == "approvals":
        return {"approvals": [name for tier in tiers for name in tier], "count": count}
    return {_key(reads): _tiers(tiers), "count": count}


def _at(names: list[str], place: Any) -> str:
    if not isinstance(place, int) or place < 0:
        raise ValueError
    return names[place]


_FORMATS: Mapping[str, Callable[[_Lines, Kind | None], Contest]] = {
    "blt": _blt,
    "csv": _csv,
    "json": _json,
    "pb": _pabulib,
    **dict.fromkeys(("soc", "soi", "toc", "toi"), _preflib),
}
