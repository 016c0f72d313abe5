"""Audits: what is written cannot be forged by what was said, and reaches the disk whole."""

import asyncio
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from community import JURY
from engine_contract import KEY, MemoryEngine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

import govbot.archive
from govbot.agent import Agent
from govbot.app import checked, templates
from govbot.archive import Archive, write_whole
from govbot.audit import AuditTrail, Listed, escape, index, slug
from govbot.errors import OperatorError
from govbot.memory import Memory
from govbot.parts import Reply
from govbot.projection import Projection
from govbot.readers.offline import OfflineReader
from govbot.records import (
    BOT,
    Adopted,
    Body,
    Fact,
    Founded,
    Give,
    Intent,
    Manage,
    Member,
    Open,
    Ratified,
    Request,
    StageEnded,
)
from govbot.scheduler import Scheduler
from govbot.testing import MemorySurface, SetClock

START = datetime(2026, 2, 7, 9, tzinfo=UTC)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Town:
    """A community, its people and its clock; every call is a message handled."""

    def __init__(self, folder: Path, template: str, names: dict[str, str], zone: str) -> None:
        self.clock, self.names, self.said = SetClock(START), names, 0
        self.memory = Memory(MemoryEngine(KEY), Projection(":memory:"))
        self.archive = Archive(self.memory, folder / "audits")
        self.agent = Agent(self.memory, OfflineReader(), self.clock)
        self.scheduler = Scheduler(self.agent, MemorySurface().announce)
        self.template, self.zone = template, zone

    async def begin(self) -> None:
        """Founds the community; everybody is met."""
        constitution, reading = checked(templates().get(self.template) or Path(self.template))
        bodies: tuple[Body, ...] = (
            Founded(name="Town", vkey=KEY.vkey, zone=self.zone),
            Adopted(constitution=constitution.digest, text=constitution.text),
            Ratified(
                constitution=constitution.digest, reading=reading.digest, document=reading.document
            ),
        )
        for n, body in enumerate(bodies):
            fact = Fact(id=f"start:{n}", at=START, member=BOT, body=body)
            await self.memory.record(fact).durable()
        for id in self.names:
            await self.agent.meet(self.member(id))

    def member(self, id: str) -> Member:
        roles = ("member", "moderator") if id == "ana" else ("member",)
        return Member(id=f"local:{id}", name=self.names[id], roles=roles)

    async def says(self, id: str, text: str, action: Intent | None = None) -> Reply:
        self.said += 1
        self.clock.advance(timedelta(minutes=1))
        member = self.member(id)
        return await self.agent.handle(
            Request(id=f"r:{self.said}", member=member, text=text, action=action)
        )

    async def wait(self, days: int) -> None:
        self.clock.advance(timedelta(days=days))
        await self.scheduler.settle()

    def audit(self, number: int = 1) -> str:
        return self.archive.render(self.memory.get_process(number))

    async def close(self) -> None:
        await self.memory.close()


def town(
    folder: Path,
    template: str = "example",
    people: Sequence[str] = ("ana", "bo", "cy"),
    names: dict[str, str] | None = None,
    zone: str = "UTC",
) -> Town:
    return Town(folder, template, names or {id: id for id in people}, zone)


def propose(text: str) -> Open:
    return Open(type="standard_proposal", fields={"proposal_text": text})


def vote(value: object, reason: str = "", process: int = 1) -> Give:
    return Give(process=process, input="vote", value=value, reason=reason)


# --- escaping -----------------------------------------------------------------------------

SNIPPETS = [
    "# ", "## Decisions", "[a](b)", "[a]: b", "| a | b |", "| - | - |", "---", "===", "![x](y)",
    "<b>", "<!--", "<https://evil.example>", "https://evil.example", "www.evil.example", "\n",
    "\r", "\n\n", "\t", "    ", "\u2028", "\u202e", "\u200b", "\u2066", "```", "~~~", "`", "``",
    "*", "**", "_", "__", "~~", "~", "> ", "- ", "+ ", "1. ", "1) ", "-", "=", "\\", "&amp;",
    "&lt;b&gt;", "&#35;", "$x$", "a@b.example", "^1", "[^1]", "[^1]:", ":", "//", "\x00",
    "\x1b[31m", "\x7f", "word", "é", "ﬀ", "🦔", "👩\u200d👧", "مرحبا", "```\n# x\n```",
    "<script>alert(1)</script>", "\\[", "\\\\", "*a*", "- **entry 9** · passed",
    "**Standard proposal 1 has ended: passed.**", "WWW.", "http:\\//",
]  # fmt: skip
pieces = st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=4))
hostile = st.lists(pieces, max_size=8).map("".join)

PLAIN = {"text", "text_special"}


def shown(text: str) -> str:
    """What a reader should see of a text: one line, with what is invisible made visible."""
    hidden = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in hidden else c
        for c in " ".join(text.split())
    )


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or []]


@settings(max_examples=120, deadline=None)
@given(hostile)
@example("# x")
@example("1. x")
@example("a\n\n# b")
@example("www.www.evil")
@example("\\")
@example("=")
def test_an_escaped_text_is_one_block_that_shows_it_and_does_nothing_else(text: str) -> None:
    made = escape(text)
    assert "\n" not in made
    tokens = MARKDOWN.parse(f"- {made}\n")
    kinds = [token.type for token in tokens]
    block = ["paragraph_open", "inline", "paragraph_close"] if made else []
    item = ["bullet_list_open", "list_item_open", "list_item_close", "bullet_list_close"]
    assert kinds == [*item[:2], *block, *item[2:]]
    assert {token.type for token in inline(tokens)} <= PLAIN
    assert "".join(token.content for token in inline(tokens)) == shown(text)


@settings(max_examples=120, deadline=None)
@given(hostile)
def test_an_escaped_text_stays_in_its_cell_of_a_table(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| x{escape(text)} | y |\n")
    cells = [token.content for token in tokens if token.type == "inline"]
    assert len(cells) == 4 and cells[3] == "y"
    assert [token.type for token in tokens].count("tr_open") == 2
    assert {token.type for token in inline(tokens)} <= PLAIN
    row = [token for token in tokens if token.type == "inline"][2]
    assert "".join(token.content for token in row.children or []) == f"x{shown(text)}"


@settings(max_examples=120, deadline=None)
@given(hostile)
def test_an_escaped_text_in_a_heading_or_in_quotation_marks_stays_there(text: str) -> None:
    for before, after, kind in (
        ("# Process 1: ", "", "heading_open"),
        ("“", "”", "paragraph_open"),
    ):
        tokens = MARKDOWN.parse(f"{before}{escape(text)}{after}\n\nnext\n")
        opened = [token.type for token in tokens if token.type.endswith("_open")]
        assert opened == [kind, "paragraph_open"]
        assert {token.type for token in inline(tokens)} <= PLAIN


@settings(max_examples=120, deadline=None)
@given(hostile)
def test_no_address_survives_for_a_reader_that_links_bare_ones(text: str) -> None:
    made = escape(text)
    assert not re.search(r"(?<!\\)://", made) and not re.search(r"www\.", made, re.IGNORECASE)
    assert not re.search(r"(?<!\\)@", made)


@settings(max_examples=120, deadline=None)
@given(hostile)
def test_nothing_that_hides_or_turns_text_survives(text: str) -> None:
    made = escape(text)
    assert not {unicodedata.category(c) for c in made} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert not set(made) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b")


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=300))
def test_a_file_name_is_plain_and_short_whatever_the_title(title: str) -> None:
    made = slug(title)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", made)


@pytest.mark.parametrize(
    ("title", "made"),
    [
        ("Überfällige Bücher", "uberfallige-bucher"),
        ("../../etc/passwd", "etc-passwd"),
        ("مرحبا", "process"),
        ("", "process"),
        ("a" * 99, "a" * 40),
        ("-".join("ab" * 30), "a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b-a-b"),
    ],
)
def test_a_title_is_told_in_its_file_name(title: str, made: str) -> None:
    assert slug(title) == made[:40].strip("-")


# --- nobody can forge an audit ------------------------------------------------------------


def structure(markdown: str) -> list[object]:
    """What a text is made of: its blocks and marks, without the words."""
    return [
        (token.type, token.tag, [c.type for c in token.children or [] if c.type not in PLAIN])
        for token in MARKDOWN.parse(markdown)
    ]


def whole_life(names: dict[str, str], text: str, reason: str, comment: str) -> tuple[str, str]:
    """A proposal with everything in it that members can say; its audit and the index."""

    async def live(town: Town) -> tuple[str, str]:
        await town.begin()
        await town.says("ana", text, propose(text))
        await town.says("bo", reason, vote("agree", reason))
        await town.says("cy", reason, vote("disagree", reason))
        await town.says("cy", comment, Give(process=1, input="comment", value=comment))
        await town.says("bo", comment, vote("perhaps"))
        extend = Manage(process=1, act="extend", reason=reason, by="1 day")
        await town.says("bo", comment, extend)
        await town.says("ana", comment, extend)
        await town.wait(8)
        await town.says("cy", comment, vote("agree", reason))
        process = town.memory.get_process(1)
        made = town.audit(), index([Listed.of(process)])
        await town.close()
        return made

    with TemporaryDirectory() as folder:
        return asyncio.run(live(town(Path(folder), names=names)))


PLAINLY = whole_life({"ana": "ana", "bo": "bo", "cy": "cy"}, "text", "reason", "comment")


@settings(max_examples=10, deadline=None)
@given(st.lists(hostile.map(lambda text: f"{text}x"[:150]), min_size=6, max_size=6))
@example(["# x", "[a](b)", "| a | b |", "![x](y)", "<b>\n\n## Decisions\n\n- passed", "www.evil"])
@example(["\n\n---\n\n", "```", "`", "<!--", "~~~\n", "**x**"])
def test_an_audit_has_the_same_build_whatever_members_say(said: list[str]) -> None:
    said = [text if text.strip() else "x" for text in said]
    names = dict(zip(("ana", "bo", "cy"), said[:3], strict=True))
    audit, listed = whole_life(names, *said[3:])
    assert structure(audit) == structure(PLAINLY[0])
    assert structure(listed) == structure(PLAINLY[1])


def test_what_members_said_can_be_read_in_the_audit() -> None:
    names = {"ana": "Ana [admin](x)", "bo": "# Bo", "cy": "<b>Cy"}
    text = "we ask https://evil.example\n\n## Decisions\n\n- passed"
    audit, _ = whole_life(names, text, "reason *one*", "comment | two")
    told = " ".join(token.content for token in inline(MARKDOWN.parse(audit)))
    assert "Ana [admin](x) (local:ana)" in told and "<b>Cy (local:cy)" in told
    assert "we ask https://evil.example ## Decisions - passed" in told
    assert "because reason *one*" in told and "comment | two" in told
    headings = [line for line in audit.split("\n") if line.startswith("## ")]
    assert headings == [
        "## Constitutional basis", "## What was asked", "## Who was eligible", "## What was given",
        "## Timeline", "## Decisions", "## Who was refused, and why", "## How to object",
        "## How to verify",
    ]  # fmt: skip


def test_no_link_or_image_or_html_is_in_any_audit() -> None:
    for text in ("[a](b)", "![x](y)", "<b>", "https://evil", "[^1]: x", "<https://evil>"):
        audit, listed = whole_life({"ana": text, "bo": text, "cy": text}, text, text, text)
        kinds = {token.type for token in (*MARKDOWN.parse(audit), *inline(MARKDOWN.parse(audit)))}
        assert not kinds & {"link_open", "image", "html_block", "html_inline", "fence"}
        links = [token for token in inline(MARKDOWN.parse(listed)) if token.type == "link_open"]
        assert [link.attrs["href"] for link in links] == [f"1-{slug(text)}.md"]


# --- what an audit tells ------------------------------------------------------------------


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Town]:
    made = town(tmp_path)
    yield made
    asyncio.run(made.close())


def lives(town: Town, *votes: tuple[str, str]) -> str:
    """A proposal with these votes, to its end; its audit."""

    async def live() -> None:
        await town.begin()
        await town.says("ana", "", propose("we plant trees"))
        for id, choice in votes:
            await town.says(id, "", vote(choice))
        await town.wait(6)

    asyncio.run(live())
    return town.audit()


def test_the_audit_of_a_tie_says_that_it_was_one(ours: Town) -> None:
    audit = lives(ours, ("ana", "agree"), ("bo", "disagree"), ("cy", "abstain"))
    assert "**Standard proposal 1 has ended: rejected.**" in audit
    assert "“agree > disagree” does not hold with agree = 1, disagree = 1" in audit
    assert "a tied vote among them, is rejected" in audit
    assert "| agree | 1 | ana (local:ana) |" in audit
    assert "| disagree | 1 | bo (local:bo) |" in audit
    assert "| abstain | 1 | cy (local:cy) |" in audit
    assert "- result: `False`" in audit


def test_the_audit_of_no_votes_says_that_nothing_was_given(ours: Town) -> None:
    audit = lives(ours)
    assert "**Standard proposal 1 has ended: rejected.**" in audit
    assert "Nothing has been given." in audit and "| vote | count | by |" not in audit
    assert "agree = 0, disagree = 0" in audit and "## Who was refused" not in audit


def test_an_audit_says_what_was_asked_of_whom_and_how_to_object(ours: Town) -> None:
    audit = lives(ours, ("ana", "agree"), ("bo", "agree"))
    process = ours.memory.get_process(1)
    assert f"Constitution `{process.constitution}`, read as `{process.reading}`." in audit
    assert "- proposal text: we plant trees" in audit
    assert "- vote, comment (`'member' in roles`): 3 — ana (local:ana), bo (local:bo)" in audit
    assert "may ask the moderators to review it within 14 days" in " ".join(audit.split())
    assert "- Read by: rule" in audit and "(`article-3.1`)" in audit
    entries = ours.memory.history("process_1")
    assert f"- Record: entries {entries[0].n} to {entries[-1].n} of the ledger" in audit
    for entry in entries:
        assert f"· entry {entry.n} ·" in audit


def test_an_audit_is_the_same_whenever_it_is_rendered(ours: Town) -> None:
    audit = lives(ours, ("bo", "agree"))
    ours.clock.advance(timedelta(days=400))
    renamed = Member(id="local:bo", name="Somebody else", roles=())
    asyncio.run(ours.agent.meet(renamed))
    assert ours.audit() == audit and "bo (local:bo)" in audit


def test_one_decision_can_be_shown_by_itself(ours: Town) -> None:
    audit = lives(ours, ("bo", "agree"))
    process = ours.memory.get_process(1)
    trail = AuditTrail(ours.memory.constitution())
    ended = next(e for e in ours.memory.history("process_1") if isinstance(e.body, StageEnded))
    told = trail.format_decision(ended, process)
    assert told.startswith("### Stage ended: passed\n") and told in audit
    assert (
        f"Decision ID: `process_1_{ended.n}`" in told and "- expression: `agree > disagree`" in told
    )
    done = ended.model_copy(update={"decision": None})
    assert trail.format_decision(done, process) == ""


def test_times_are_told_in_the_zone_of_the_community(tmp_path: Path) -> None:
    ours = town(tmp_path, zone="America/New_York")
    audit = lives(ours, ("bo", "agree"))
    asyncio.run(ours.close())
    assert "- Opened: February 7, 2026 at 04:01 EST" in audit


def test_a_refusal_is_told_with_what_was_said_and_why(ours: Town) -> None:
    async def live() -> None:
        await ours.begin()
        await ours.says("ana", "", propose("we plant trees"))
        await ours.says("bo", "I vote perhaps", vote("perhaps"))

    asyncio.run(live())
    audit = ours.audit()
    told = audit.partition("## Who was refused, and why")[2]
    assert "bo (local:bo) · vote: " in told and "They said: “I vote perhaps”" in told
    assert "**Standard proposal 1 is open in its stage “Discussion and vote” until " in audit


def test_hidden_inputs_stay_hidden_until_the_end_in_every_part_of_an_audit(tmp_path: Path) -> None:
    people = ("ana", "bo", "cy", "dan", "eve", "flo", "gus")
    ours = town(tmp_path, JURY, people)

    def verdict(value: str, reason: str) -> Give:
        return Give(process=1, input="verdict", value=value, reason=reason)

    async def live() -> tuple[str, str]:
        await ours.begin()
        fields = {"respondent": "local:bo", "complaint": "they deleted my posts"}
        await ours.says("ana", "", Open(type="complaint", fields=fields))
        await ours.wait(5)
        first, second = (
            id.partition(":")[2] for id in ours.memory.get_process(1).drawn["jurors"][:2]
        )
        await ours.says(first, "I find it dismissed because zebra", verdict("dismissed", "zebra"))
        await ours.says(second, "I find it dismissed", verdict("dismissed", ""))
        await ours.says(first, "I find it dismissed, giraffe", verdict("dismissed", "giraffe"))
        early = ours.audit()
        await ours.wait(3)
        return early, ours.audit()

    early, late = asyncio.run(live())
    asyncio.run(ours.close())
    given = early.partition("## What was given")[2]
    for word in ("zebra", "giraffe"):
        assert word not in early and word in late
    told = given.partition("## Decisions")[0] + given.partition("## Who was refused")[2]
    assert "dismissed" not in told and "hidden until the end" in told
    assert "Verdict: 1 given, hidden until the end." in early
    assert "| dismissed | 1 |" in late


# --- the index ----------------------------------------------------------------------------


def test_the_index_lists_every_process_newest_first(ours: Town) -> None:
    async def live() -> None:
        await ours.begin()
        for text in ("first | x", "[second](x)", "third"):
            await ours.says("ana", "", propose(text))
        await ours.says("ana", "", Manage(process=2, act="pause", reason="order"))
        await ours.says("ana", "", Manage(process=1, act="cancel", reason="no more"))

    asyncio.run(live())
    ours.archive.write_stale()
    tokens = MARKDOWN.parse((ours.archive.folder / "README.md").read_text())
    cells = [token for token in tokens if token.type == "inline"]
    words = ["".join(c.content for c in cell.children or []) for cell in cells]
    assert words[0] == "Audits" and words[1:5] == ["process", "type", "state", "audit"]
    rows = [words[n : n + 4] for n in range(5, len(words), 4)]
    assert rows == [
        ["3: third", "Standard proposal", "open", "3-third.md"],
        ["2: [second](x)", "Standard proposal", "paused", "2-second-x.md"],
        ["1: first | x", "Standard proposal", "cancelled", "1-first-x.md"],
    ]
    for row in rows:
        assert (ours.archive.folder / row[3]).is_file()


def test_the_index_of_nothing_is_a_table_of_nothing() -> None:
    assert [token.type for token in MARKDOWN.parse(index([]))].count("tr_open") == 1


# --- reaching the disk --------------------------------------------------------------------


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audits" / "1.md"
    write_whole(path, "old ✓\n")
    assert path.read_text() == "old ✓\n" and path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]
    for name in ("fsync", "replace", "chmod"):
        with monkeypatch.context() as broken:
            broken.setattr(os, name, _full)
            with pytest.raises(OperatorError, match="cannot be written: No space left on device"):
                write_whole(path, "new\n")
        assert path.read_text() == "old ✓\n" and list(path.parent.iterdir()) == [path]
    write_whole(path, "new\n")
    assert path.read_text() == "new\n"


def _full(*given: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "audits").write_text("not a folder")
    with pytest.raises(OperatorError, match="1.md cannot be written: "):
        write_whole(tmp_path / "audits" / "1.md", "x")


class Watch:
    """A clock of seconds that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(govbot.archive, "time", watch)
    return watch


def test_an_audit_waits_for_a_quiet_moment(ours: Town, watch: Watch) -> None:
    async def live() -> None:
        await ours.begin()
        await ours.says("ana", "", propose("we plant trees"))

    asyncio.run(live())
    path = ours.archive.folder / "1-we-plant-trees.md"
    ours.archive.write_quiet()
    assert not path.exists()
    watch.now += 0.9
    asyncio.run(ours.says("bo", "", vote("agree")))
    watch.now += 0.9
    ours.archive.write_quiet()
    assert not path.exists()
    watch.now += 0.1
    ours.archive.write_quiet()
    assert path.read_text() == ours.audit()


def test_an_audit_that_never_rests_is_written_all_the_same(ours: Town, watch: Watch) -> None:
    async def busy() -> list[int]:
        await ours.begin()
        await ours.says("ana", "", propose("we plant trees"))
        written: list[int] = []
        for second in range(90):
            await ours.says("bo", "", vote(("agree", "disagree")[second % 2]))
            watch.now += 0.5
            ours.archive.write_quiet()
            path = ours.archive.folder / "1-we-plant-trees.md"
            if path.exists():
                written.append(second)
                path.unlink()
        return written

    assert len(asyncio.run(busy())) >= 1


def test_what_is_behind_is_told_by_the_audits_own_word(ours: Town) -> None:
    lives(ours, ("bo", "agree"))
    archive, path = ours.archive, ours.archive.folder / "1-we-plant-trees.md"
    assert archive.behind() == ["process_1"]
    archive.write_stale()
    assert archive.behind() == [] and path.read_text() == ours.audit()
    for damage in (b"", b"\xff\xfe", b"- Record: entries 1 to x of\n", b"- Record: entries\n"):
        path.write_bytes(damage)
        assert archive.behind() == ["process_1"]
    archive.write(archive.behind())
    asyncio.run(ours.says("cy", "I vote agree", vote("agree")))
    assert archive.behind() == ["process_1"]
    archive.write_stale()
    assert archive.behind() == [] and "cy (local:cy)" in path.read_text()
