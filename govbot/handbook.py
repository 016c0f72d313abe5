"""The pages about the templates, made from their texts, readings and stories.

Owns what a page shows and the table of all templates in the README; run as a program in a
checkout, it writes both. A test holds what is committed against what this makes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from govbot import app
from govbot.archive import write_whole
from govbot.charter import Charter, Reading, Stage
from govbot.config import reading_beside
from govbot.constitution import Constitution, Section
from govbot.errors import OperatorError
from govbot.stories import Story, load_story

WORDS = 450  # on a page
BEGIN, END = "<!-- the templates, made by `python -m govbot.handbook` -->", "<!-- end -->"


def pages(root: Path) -> dict[Path, str]:
    """Every file that is made, and what it must hold. `root` is the checkout."""
    made: dict[Path, str] = {}
    rows = []
    for path in (*app.governance_templates().values(), *app.dispute_templates().values()):
        constitution, reading = app.checked(path)
        story = load_story(root / "tests" / "stories" / path.name)
        made[root / "docs" / "templates" / path.name] = page(path, constitution, reading, story)
        rows.append(_row(path, constitution, reading, story))
    readme = root / "README.md"
    made[readme] = _with_table(readme.read_text(encoding="utf-8"), rows)
    return made


def page(path: Path, constitution: Constitution, reading: Reading, story: Story) -> str:
    """A template for people who choose: what it is for, what can be done, how it is lived."""
    kind, name = path.parent.name, path.stem
    option = f"--disputes {name}" if kind == app.DISPUTES else f"--template {name}"
    start = f"--template consensus {option}" if kind == app.DISPUTES else option
    lines = [
        f"# {constitution.title}",
        "",
        f"Made by `python -m govbot.handbook` from [the text](../../templates/{kind}/{path.name}),"
        f" [its reading](../../templates/{kind}/{reading_beside(path).name}) and"
        f" [its story](../../tests/stories/{path.name}): change those, not this.",
        "",
        f"    govbot init ours {start}",
        "",
        "## What it is for",
        "",
        _purpose(constitution),
        "",
        "## Roles",
        "",
        *(f"- **{role}**: “{_fold(cite.quote)}”" for role, cite in reading.roles.items()),
        "",
        "## Processes",
        "",
        "| process | who opens it | stages, and how long | how it can end |",
        "| --- | --- | --- | --- |",
        *(_process(charter) for charter in reading.processes.values()),
        "",
        *_told(story),
    ]
    return "\n".join(lines) + "\n"


def _purpose(constitution: Constitution) -> str:
    """The words of the first section that has any under its heading."""
    return next(words for each in constitution.sections if (words := _body(each)))


def _body(section: Section) -> str:
    return section.text.partition("\n")[2].strip() if section.level else section.text.strip()


def _process(charter: Charter) -> str:
    opened = charter.opened_by
    who = f"“{_fold(opened.cite.quote)}”" if opened.cite else f"`{opened.who}`"
    stages = "; ".join(_stage(stage) for stage in charter.stages)
    return f"| {charter.title} | {who} | {stages} | {', '.join(_ends(charter))} |"


def _stage(stage: Stage) -> str:
    title = stage.title or stage.name.replace("_", " ")
    lasts = stage.lasts.value if stage.lasts else ""
    early = "until it is done" if not lasts else ", or until it is done"
    return f"{title}: {lasts}{early if stage.ends_early else ''}"


def _ends(charter: Charter) -> Iterator[str]:
    """The outcomes that end a process, in the charter's order."""
    rules = [rule for stage in charter.stages for rule in stage.outcomes]
    names = [rule.named for rule in rules if rule.next is None and rule.named]
    names += [draw.short for stage in charter.stages[1:] for draw in stage.draws.values()]
    yield from dict.fromkeys(names)


def _told(story: Story) -> Iterator[str]:
    """The story with its headings one level lower: it is a chapter here."""
    before = ""
    for line in story.markdown.rstrip().split("\n"):
        if line.startswith("> announced:") and before.startswith(">"):
            yield ">"  # what is told to everyone is a paragraph of its own
        yield f"#{line}" if line.startswith("#") else line
        before = line


def _row(path: Path, constitution: Constitution, reading: Reading, story: Story) -> str:
    long = -(-len(constitution.text.split()) // WORDS)
    messages = sum(bool(beat.speaker) for beat in story.beats)
    told = f"[{messages} messages](tests/stories/{path.name})"
    linked = f"[{path.stem}](docs/templates/{path.name})"
    return f"| {linked} | {path.parent.name} | {len(reading.processes)} | {long} | {told} |"


def _with_table(readme: str, rows: list[str]) -> str:
    if not (BEGIN in readme and END in readme.partition(BEGIN)[2]):
        raise OperatorError(f"README.md lacks the lines {BEGIN} and {END}; put them back")
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    head = ["| template | form | processes | pages | story |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([f"{before}{BEGIN}", *head, *rows, f"{END}{after}"])


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def main() -> None:
    for path, text in pages(Path()).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)


if __name__ == "__main__":
    main()
