"""Counting a file of ballots: what `govbot tally` does between its arguments and its words.

Owns the reading of the file from the disk and how a result is told. What a ballot is and how it is
counted is `govbot.tools`'.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from govbot.errors import MemberError, OperatorError
from govbot.tools.ballotfiles import Contest, read_contest
from govbot.tools.methods import METHODS, count, method_named
from govbot.tools.results import TallyResult, listed, shown

MOST_BYTES = 2_000_000_000
MOST_LISTED = 20


def load_contest(path: Path, method: str, progress: Callable[[int], None]) -> Contest:
    """The contest in a file, its ballots read as the method needs them."""
    reads = method_named(method).reads if method else None
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise OperatorError(f"there is no file {str(path)!r}; correct the path") from None
    except UnicodeDecodeError as error:
        raise OperatorError(
            f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or "it is damaged or cut short"
        raise OperatorError(f"{path} cannot be read ({why}); mend or move it") from None
    return read_contest(text, path.name, reads, progress)


def option(spoken: str) -> tuple[str, Any]:
    """`name=value` from a command line: the value is JSON where it can be, else text."""
    name, mark, value = spoken.partition("=")
    if not mark:
        raise MemberError(f"{spoken!r} is no option; write it as name=value")
    try:
        return name.strip().replace("-", "_"), json.loads(value, parse_float=str)
    except ValueError:
        return name.strip().replace("-", "_"), value


def count_contest(contest: Contest, method: str, seats: int, **given: Any) -> TallyResult:
    """The result; what the caller gives beats what the file says."""
    name = method or contest.method
    if not name:
        raise MemberError(
            f"the file does not say how to count it; add --method, one of {', '.join(METHODS)}"
        )
    # What a file says of its own method is of no use to another.
    own = contest.options if name == contest.method else _shared(name, contest.options)
    withdrawn = (*contest.withdrawn, *given.pop("withdrawn", ()))
    return count(
        contest.ballots, name, seats=seats or contest.seats, candidates=contest.candidates,
        withdrawn=withdrawn, **{**own, **given},
    )  # fmt: skip


def _shared(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key in method_named(method).options}


def told(contest: Contest, result: TallyResult, explain: bool) -> Iterator[str]:
    """The result in lines: who won, what decided it, what could not be counted."""
    if contest.title:
        yield contest.title
    yield f"{result.method}, {shown(result.ballots)} ballots counted"
    yield f"{'Elected' if result.winners else 'Nobody is elected'}" + (
        f": {', '.join(result.winners)}" if result.winners else "."
    )
    for tie in result.ties:
        seed = f" (seed {tie.seed})" if tie.seed else ""
        yield f"Tie between {listed(tie.among)}: {tie.broken_by} put {tie.order[0]} first{seed}."
    if result.margin:
        yield f"Margin: {result.margin}"
    if result.spoilt:
        yield f"Not counted: {sum(each.count for each in result.spoilt):,}"
    if explain:
        yield ""
        yield from _account(result)


def _account(result: TallyResult) -> Iterator[str]:
    texts = [each.text for each in result.rounds if each.text]
    yield from texts if len(texts) > 1 else [result.explanation]
    if len(texts) <= 1 and len(result.counts) > 1:
        names = [name for level in result.ranking for name in level]
        yield from (f"  {shown(result.counts.get(name, 0)):>12}  {name}" for name in names)
    for each in result.spoilt[:MOST_LISTED]:
        where = f"Ballot {each.ballot}" if each.ballot else "Ballots"
        copies = f" ({each.count} like it)" if each.count > 1 else ""
        yield f"{where} not counted: {each.why}{copies}"
    if len(result.spoilt) > MOST_LISTED:
        yield f"… and {len(result.spoilt) - MOST_LISTED} more"
