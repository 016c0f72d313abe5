"""Reads constitutions with a model, and prints what came of each as a row of a table.

    python benchmarks/reading.py FOLDER --model compatible:qwen@http://127.0.0.1:8093/v1

Every Markdown file of the folder is drafted, one after the other; the drafts go to `--out`.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from govbot.constitution import Constitution
from govbot.drafting import draft
from govbot.lint import errors
from govbot.llm.named import provider_named
from govbot.readingfile import load_reading
from govbot.review import as_yaml, counted

HEAD = (
    "| document | characters | sections | processes drafted | rules grounded | not | noted"
    " | lint errors | seconds |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def row(path: Path, model: str, window: int, at_most: int, out: Path) -> str:
    """The row of one document; its draft is loaded again from the file that people would get."""
    text = Constitution.load(path)

    def told(what: str, done: int, of: int) -> None:
        print(f"{path.stem}: {done + 1} of {of}: {what}", file=sys.stderr, flush=True)

    began = time.monotonic()
    provider = provider_named(model, os.environ)
    found = asyncio.run(draft(text, provider, window, at_most=at_most, told=told))
    seconds = time.monotonic() - began
    file = out / f"{path.stem}.reading.yaml"
    file.write_text(as_yaml(found), encoding="utf-8")
    again = load_reading(file)
    assert again == found.reading
    grounded, not_grounded, noted = counted(found, text)
    figures = (
        len(text.text), len(text.sections), len(again.processes), grounded, not_grounded, noted,
        len(errors(again, text)), round(seconds),
    )  # fmt: skip
    return f"| {path.stem} | {' | '.join(f'{figure:,}' for figure in figures)} |"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--model", required=True)
    asked.add_argument("--window", type=int, default=2000)
    asked.add_argument("--at-most", type=int, default=3)
    asked.add_argument("--out", type=Path, default=Path("drafts"))
    asked.add_argument("--only", nargs="*", help="names of documents, without .md")
    given = asked.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    print(HEAD, flush=True)
    for path in sorted(given.folder.glob("*.md")):
        if not given.only or path.stem in given.only:
            print(row(path, given.model, given.window, given.at_most, given.out), flush=True)


if __name__ == "__main__":
    main()
