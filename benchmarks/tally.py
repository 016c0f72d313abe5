"""How long an election takes to count: `python benchmarks/tally.py`.

A million different rankings of ten candidates, as Python lists, from the call of `tally` to its
result; each method in a process of its own, so that each shows its own memory. Where the library
`pref_voting` is installed (`pip install pref_voting`), it counts the same ballots in the same run.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BALLOTS, CANDIDATES, SEATS = 1_000_000, 10, 3
LIMITS = {"plurality": 1.0, "schulze": 5.0, "irv": 5.0, "stv-scottish": 10.0, "stv-meek": 0.0}
MOST_MB = 1500


def ballots(count: int) -> list[list[str]]:
    """Rankings around a common order, so that rounds are many and few ballots are alike."""
    import numpy as np

    chance = np.random.default_rng(20261121)
    strength = chance.normal(size=(count, CANDIDATES)) + np.linspace(0, 1, CANDIDATES)
    names = np.array([f"candidate {n}" for n in range(CANDIDATES)])
    return names[np.argsort(-strength, axis=1)].tolist()  # type: ignore[no-any-return]  # lists of names


def ours(method: str, count: int) -> dict[str, Any]:
    from govbot.tools import tally

    held = ballots(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    seats = SEATS if method.startswith("stv") else 1
    winners = tally(held, method=method, seats=seats).winners
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak": peak, "ballots": before, "winners": sorted(winners)}


def library(method: str, count: int) -> dict[str, Any]:
    """The same by pref_voting; its own form of the ballots is made before the clock starts."""
    from pref_voting.profiles import Profile
    from pref_voting.proportional_methods import stv_meek, stv_scottish
    from pref_voting.voting_methods import beat_path, instant_runoff, plurality

    held = [[int(name.split()[1]) for name in ballot] for ballot in ballots(count)]
    found: dict[str, Callable[[Any], list[int]]] = {
        "plurality": plurality, "schulze": beat_path, "irv": instant_runoff,
        "stv-scottish": lambda profile: stv_scottish(profile, num_seats=SEATS),
        "stv-meek": lambda profile: stv_meek(profile, num_seats=SEATS),
    }  # fmt: skip
    started = time.perf_counter()
    winners = found[method](Profile(held))
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "winners": sorted(f"candidate {n}" for n in winners)}


def alone(what: str, method: str, count: int) -> dict[str, Any]:
    code = f"import json, benchmarks.tally as t; print(json.dumps(t.{what}({method!r}, {count})))"
    told = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    if told.returncode != 0:
        return {}
    result: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return result


def row(method: str, limit: float, mine: dict[str, Any], other: dict[str, Any]) -> str:
    met, target, beside = "", "", "–"
    if limit:
        met = "yes" if mine["seconds"] < limit and mine["peak"] < MOST_MB else "**no**"
        target = f"< {limit:.0f} s, < {MOST_MB} MB"
    if other:
        same = "" if other["winners"] == mine["winners"] else " (another winner!)"
        times = other["seconds"] / mine["seconds"]
        beside = f"{other['seconds']:.2f} s: {times:.1f} × as long{same}"
    memory = f"{mine['peak']:,.0f} MB, of it {mine['ballots']:,.0f} MB the lists"
    return f"| {method} | {mine['seconds']:.2f} s | {memory} | {target} | {met} | {beside} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ballots", type=int, default=BALLOTS)
    count = parser.parse_args().ballots
    print(f"{count:,} different ballots, {CANDIDATES} candidates; {SEATS} seats where there are\n")
    print("| method | time | peak memory | target | met | pref_voting |")
    print("| --- | --- | --- | --- | --- | --- |")
    for method, limit in LIMITS.items():
        mine = alone("ours", method, count)
        print(row(method, limit, mine, alone("library", method, count)), flush=True)


if __name__ == "__main__":
    main()
