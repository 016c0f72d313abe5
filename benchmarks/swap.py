"""How long the preview of a swap takes with many processes running: `python benchmarks/swap.py`.

Of the real thing: a folder founded and opened as the commands do it, then the preview as `govbot
constitution swap` makes it, in a view opened afresh. Prints Markdown.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from govbot.app import found, open_bot, open_view, undelivered, utc_now
from govbot.changing import planned
from govbot.config import Settings
from govbot.records import Member
from govbot.swapping import told

OPEN, RUNS = 1_000, 5


async def town(folder: Path, count: int) -> None:
    """A community under consensus with this many open proposals."""
    await found(folder, Settings(name="Town"), "consensus")
    bot = await open_bot(folder, undelivered)
    alice = Member(id="local:alice", name="alice", roles=("member",))
    await bot.agent.meet(alice)
    for n in range(count):
        id = f"p{n}"
        fields = {"proposal_text": f"we paint bench {n}"}
        fact = bot.memory.opening("proposal", fields, alice.id, utc_now(), id)
        await bot.memory.record(fact).durable()
    await bot.close()


def timed(folder: Path, which: str) -> float:
    started = time.perf_counter()
    plan = planned(open_view(folder), which)
    lines = list(told(plan.preview, plan.before, plan.after))
    assert plan.preview.running and lines
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--open", type=int, default=OPEN)
    count = parser.parse_args().open
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held) / "town"
        asyncio.run(town(folder, count))
        edited = Path(held) / "edited.md"
        text = (folder / "constitutions/constitution.md").read_text()
        edited.write_text(text.replace("for 3 days", "for 5 days"))
        print("| preview | measured | target | met |")
        print("| --- | --- | --- | --- |")
        for what, which in (("to another template", "jury"), ("to an edited file", str(edited))):
            seconds = statistics.median(timed(folder, which) for _ in range(RUNS))
            met = "yes" if seconds < 2 else "**no**"
            print(f"| {what}, {count:,} open processes | {seconds:.2f} s | < 2 s | {met} |")


if __name__ == "__main__":
    main()
