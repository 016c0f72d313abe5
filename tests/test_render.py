"""What Discord is shown: cards as they look, text that does nothing but say, limits that are kept.

`python tests/test_render.py` renews the snapshots; read what changed before keeping it.
"""

import re
import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scenes import HOSTILE, SCENES, played

from govbot.legible import legible
from govbot.parts import Announcement, Bar, Card, Choice, Deadline, Quote, Reply, Says, Tally
from govbot.records import Give, Show
from govbot.surfaces.discord.render import (
    SHORTENED,
    content,
    cut,
    embed,
    embeds,
    escaped,
    label,
    rows,
    size,
    split,
)

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "run `python tests/test_render.py` to renew it, then read what changed"


def custom_id(choice: Choice) -> str:
    give = choice.action
    assert isinstance(give, Give)
    return f"g:v:{give.process}:{give.input}:{give.value}"


# --- snapshots ------------------------------------------------------------------------------


def drawn(card: Card) -> str:
    """An embed and its buttons as text to be read."""
    made = embed(card)
    lines = [f"colour #{made['color']:06x}", "", f"# {made['title']}", ""]
    lines += [made["description"], ""] if "description" in made else []
    for field in made["fields"]:
        beside = " (beside the one before)" if field["inline"] else ""
        lines += [f"## {field['name']}{beside}", field["value"], ""]
    lines += [f"footer: {made['footer']['text']}", ""]
    for row in rows(card, custom_id):
        lines += [
            "  ".join(f"[{each['label']}]({each['custom_id']})" for each in row["components"])
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


@pytest.mark.parametrize("name", sorted(SCENES))
def test_each_kind_of_card_looks_as_it_did(name: str, tmp_path: Path) -> None:
    path = SNAPSHOTS / f"{name}.txt"
    assert path.is_file(), f"{path.name} is missing; {RENEW}"
    shown = drawn(played(SCENES[name], tmp_path))
    assert shown == path.read_text(), f"{path.name} differs; {RENEW}"


def test_every_snapshot_is_of_a_scene() -> None:
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(SCENES)


def renew() -> None:
    SNAPSHOTS.mkdir(exist_ok=True)
    for path in SNAPSHOTS.glob("*.txt"):
        path.unlink()
    for name, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            (SNAPSHOTS / f"{name}.txt").write_text(drawn(played(scene, Path(folder))))


# --- text that does only what it says ---------------------------------------------------------

# An escape is dropped before what is no letter, figure or white space; the rest is shown.
ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
AWAKE = [
    re.compile(pattern)
    for pattern in (
        r"[\\*_~`|\[\]<>]",
        r"(?m)^\s*(#{1,3}|-#|[-+]|\d+[.)])(\s|$)",
        r"://",
        r":[\w+-]+:",
        r"(?i)discord(app)?\.[a-z]+/",
    )
]
CALLING = re.compile(r"(?i)@(everyone|here|[!&]?\d)")
SPECIAL = st.text(
    alphabet=st.sampled_from(
        "ab1.)#-+*_~`|\\[]()<>@!&:/ \n\t\u0301\u200b\u202e\u200d👩❤\ufe0f"
    ) | st.characters()
)  # fmt: skip
PHRASES = st.lists(
    st.sampled_from(
        ["@everyone", "@here", "@e\u0301veryone", "<@1>", "<@!1>", "<@&1>", "<#1>", "<t:1:R>",
         "<:a:1>", "</vote:1>", "https://a.b/c_d", "discord.gg/x", ":100:", "||x||", "**b**",
         "# h", "-# s", "- l", "1. n", "> q", ">>> r", "```c```", "`t`", "[a](b)", "\\", "\n",
         " ", "word", "\u0301", "\u202e"]
    )
).map("".join)  # fmt: skip


def awake(markdown: str) -> list[str]:
    """What of a text Discord would act on."""
    asleep = ESCAPE.sub("·", markdown)
    # Discord may drop marks, and so see a name called that had one in it.
    bare = "".join(c for c in asleep if unicodedata.category(c) not in ("Mn", "Me", "Mc"))
    return [each.pattern for each in [*AWAKE, CALLING] if each.search(asleep)] + [
        CALLING.pattern for _ in CALLING.findall(bare)
    ]


def shows(markdown: str) -> str:
    return ESCAPE.sub(r"\1", markdown).replace("@\u200b", "@")


@given(SPECIAL | PHRASES)
@example(HOSTILE)
def test_text_of_people_reads_as_it_was_written_and_does_nothing(text: str) -> None:
    assert shows(escaped(text)) == legible(text)
    assert not awake(escaped(text))


@given(SPECIAL | PHRASES)
@example("a" * 58 + "1. x")
def test_it_does_nothing_in_any_piece_it_is_split_into(text: str) -> None:
    for piece in split(escaped(text), 64):
        assert not awake(piece), piece


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("@everyone", "@\u200beveryone"),
        ("@HERE", "@\u200bHERE"),
        ("@alice and a@b.c", "@alice and a@b.c"),
        ("<@1>", r"\<@" + "\u200b" + r"1\>"),
        ("https://a.b", r"https\://a.b"),
        ("- a\n  1. b\n3.5 -2 C#", "\\- a\n  1\\. b\n3.5 -2 C#"),
        ("#1 is no heading\n## but this", "#1 is no heading\n\\## but this"),
        ("18:30 at 9:00", "18:30 at 9:00"),
        ("plain, (round) words! 100%?", "plain, (round) words! 100%?"),
        ("al\u200bice", "al⟨U+200B⟩ice"),
    ],
)
def test_only_what_would_do_something_is_escaped(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


def test_labels_have_no_markdown_to_escape() -> None:
    assert label("**Agree**\nnow") == "**Agree** now"
    assert label(" \u3000 ") == "–"
    assert label("x" * 100) == "x" * 79 + "…"


# --- lengths ------------------------------------------------------------------------------------


@given(SPECIAL, st.integers(1, 30))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, most: int) -> None:
    made = cut(escaped(text), most)
    assert size(made) <= most
    if size(escaped(text)) > most:
        assert made.endswith("…") and escaped(text).startswith(made[:-1])
        assert not awake(made)
    else:
        assert made == escaped(text)


@pytest.mark.parametrize(
    ("text", "most", "made"),
    [
        ("abcdef", 4, "abc…"),
        ("ab\\*cd", 4, "ab…"),
        ("abe\u0301d", 4, "ab…"),
        ("a😀bc", 3, "a…"),
        ("a👩\u200d💻b", 5, "a…"),
        ("a🇩🇪🇫🇷", 8, "a🇩🇪…"),
        ("a 👍🏽 b", 5, "a…"),
        ("ab <t:1:R>", 8, "ab…"),
        ("ab cd", 4, "ab…"),
    ],
)
def test_nothing_that_belongs_together_is_parted(text: str, most: int, made: str) -> None:
    assert cut(text, most) == made


def test_size_is_never_less_than_the_characters() -> None:
    assert (size("abc"), size("ä"), size("😀"), size("\ud800")) == (3, 1, 2, 1)


# --- messages longer than one may be --------------------------------------------------------


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        (" \n ", []),
        ("short", ["short"]),
        (f"{'a' * 40}\n\n{'b' * 20}\n{'c' * 20}", ["a" * 40, f"{'b' * 20}\n{'c' * 20}"]),
        (f"{'a' * 40}\n{'b b. ' * 5}b", ["a" * 40, f"{'b b. ' * 5}b"]),
        (f"{'a' * 30}. {'b' * 20} {'c' * 20}", [f"{'a' * 30}.", f"{'b' * 20} {'c' * 20}"]),
        (f"{'a' * 30} {'b' * 40}", ["a" * 30, "b" * 40]),
        ("a" * 130, ["a" * 60, "a" * 60, "a" * 10]),
        ("a\n\n" + "b " * 40, ["a\n\n" + ("b " * 29).strip(), ("b " * 11).strip()]),
    ],
)
def test_long_text_is_parted_at_paragraphs_lines_sentences_then_words(
    text: str, pieces: list[str]
) -> None:
    assert split(text, 64) == pieces


def test_code_that_is_parted_is_closed_and_opened_again() -> None:
    code = "\n".join(f"    line {n}" for n in range(12))
    pieces = split(f"Look:\n```py\n{code}\n```\nAnd so on.", 64)
    assert len(pieces) > 2 and pieces[-1].endswith("And so on.")
    for piece in pieces:
        assert len(piece) <= 64 and piece.count("```") % 2 == 0
    assert all(piece.startswith("```py\n    line") for piece in pieces[1:-1])
    inside = "\n".join(piece.replace("```py", "").replace("```", "") for piece in pieces)
    assert [line for line in inside.split("\n") if "line" in line] == code.split("\n")


def test_marks_of_code_that_are_escaped_or_never_closed_are_no_code() -> None:
    for text in (r"\`\`\`" + " word" * 30, "``` " + "word " * 30):
        assert squeezed("".join(split(text, 64))) == squeezed(text)


@given(st.text(alphabet=st.characters() | st.sampled_from("a .\n\n  \\*")), st.integers(64, 200))
def test_split_loses_nothing_and_keeps_the_order(text: str, most: int) -> None:
    assume("`" not in text)
    pieces = split(text, most)
    assert squeezed("".join(pieces)) == squeezed(text)
    assert all(0 < size(piece) <= most and piece == piece.strip() for piece in pieces)


@given(st.text(alphabet=st.sampled_from("··· \n\n`\\"), max_size=400), st.integers(64, 90))
@example("```" + "·" * 300 + "```", 64)
@example("```\n·" + " " * 300 + "\n```·", 64)
@example("·" * 59 + "```··```" + "·" * 60, 64)
def test_split_keeps_within_the_limit_whatever_is_fenced(text: str, most: int) -> None:
    pieces = split(text, most)
    assert all(size(piece) <= most and piece.strip() for piece in pieces)
    kept = squeezed("".join(pieces)).replace("`", "")
    assert kept == squeezed(text).replace("`", "")


@given(st.text(alphabet=st.sampled_from("a\u0301\u0302\u200d👩🏽🇩🇪"), max_size=300))
def test_what_is_drawn_as_one_stays_in_one_piece(text: str) -> None:
    for piece in split(legible(text), 64)[1:]:
        first = piece[0]
        assert unicodedata.category(first) not in ("Mn", "Me", "Mc") and first not in "\u200d🏽"


def test_a_pile_of_marks_longer_than_a_message_is_parted_all_the_same() -> None:
    assert all(size(piece) <= 64 for piece in split("z" + "\u0301" * 500, 64))


# --- limits of cards ------------------------------------------------------------------------

WORDS = st.text(max_size=60) | st.sampled_from(["*" * 300, "x" * 5000, "😀 " * 900, "\n" * 50, ""])
BARS = st.builds(
    Bar, label=WORDS, count=st.integers(0, 10**6), share=st.sampled_from(["", "9.9%"])
)  # fmt: skip
TALLIES = st.builds(
    Tally, input=WORDS, given=st.integers(0, 10**6), eligible=st.none() | st.integers(0, 10**6),
    hidden=st.booleans(), bars=st.lists(BARS, max_size=40).map(tuple),
)  # fmt: skip
CHOICES = st.lists(
    st.builds(
        Choice, label=WORDS,
        action=st.builds(Give, process=st.just(1), input=st.just("vote"), value=st.integers(0, 9)),
    ), max_size=140,
).map(tuple)  # fmt: skip
MOMENTS = st.integers(0, 2**40).map(lambda second: datetime.fromtimestamp(second // 16, UTC))
CARDS = st.builds(
    Card, process=st.integers(0, 10**9), title=WORDS, type=WORDS, opener=WORDS, by=WORDS,
    stage=WORDS, status=st.sampled_from(["open", "paused", "ended"]), outcome=WORDS, text=WORDS,
    deadline=st.builds(
        Deadline, at=st.none() | MOMENTS,
        said=WORDS,
    ),
    tallies=st.lists(TALLIES, max_size=30).map(tuple),
    chosen=st.lists(WORDS, max_size=5).map(tuple), takes=st.lists(WORDS, max_size=30).map(tuple),
    rules=st.lists(st.builds(Quote, place=WORDS, words=WORDS), max_size=12).map(tuple),
    choices=CHOICES,
)  # fmt: skip


@given(CARDS)
def test_a_card_keeps_all_of_discord_s_limits_and_says_where_it_was_cut(card: Card) -> None:
    made = embed(card)
    fields = made["fields"]
    assert 0 < size(made["title"]) <= 256 and size(made.get("description", "")) <= 4096
    assert len(fields) <= 25 and size(made["footer"]["text"]) <= 2048
    for field in fields:
        assert 0 < size(field["name"]) <= 256 and field["name"].strip()
        assert 0 < size(field["value"]) <= 1024 and field["value"].strip()
    texts = [made["title"], made.get("description", ""), made["footer"]["text"]]
    texts += [text for field in fields for text in (field["name"], field["value"])]
    assert sum(size(text) for text in texts) <= 6000
    missing = sum(1 for tally in card.tallies if tally.hidden or tally.bars or tally.given) > 22
    if missing or size(escaped(card.text)) > 4096 and card.text.strip() != card.title.strip():
        assert made["footer"]["text"].endswith(SHORTENED)


@given(CARDS)
def test_rows_keep_discord_s_limits_and_offer_all_choices_or_none(card: Card) -> None:
    made = rows(card, lambda choice: "g:" + choice.label[:40], "g:menu:")
    assert len(made) <= 5
    found = 0
    for row in made:
        for each in row["components"]:
            assert size(each["custom_id"]) <= 100
            options = each.get("options", [each])
            found += len(options)
            assert all(0 < size(o["label"]) <= (100 if "options" in each else 80) for o in options)
            assert len(options) <= 25
        assert 0 < len(row["components"]) <= 5
    assert found == (len(card.choices) if len(card.choices) <= 125 else 0)


def test_an_id_that_discord_would_not_keep_is_refused(tmp_path: Path) -> None:
    card = played(SCENES["open_without_votes"], tmp_path)
    with pytest.raises(ValueError, match="shorten it"):
        rows(card, lambda choice: "x" * 101)


def test_more_choices_than_buttons_need_menus() -> None:
    show = Show(process=1)
    reply = Reply(text="", choices=tuple(Choice(label=f"{n}", action=show) for n in range(26)))
    assert rows(reply, lambda choice: choice.label) == []
    first, second = rows(reply, lambda choice: choice.label, "g:m:1:vote:")
    (menu,) = first["components"]
    assert (menu["custom_id"], menu["placeholder"], len(menu["options"])) == (
        "g:m:1:vote:0", "0 … 24", 25
    )  # fmt: skip
    assert [option["value"] for option in second["components"][0]["options"]] == ["25"]


# --- what is told and what is not -------------------------------------------------------------


def plain_card(**more: Any) -> Card:
    given: dict[str, Any] = {
        "process": 1, "title": "t", "type": "Poll", "opener": "local:a", "by": "@a", "stage": "s",
        "status": "open", "deadline": Deadline(at=None, said="No deadline"),
    }  # fmt: skip
    return Card(**{**given, **more})


@pytest.mark.parametrize("given", [0, 1, 5])
def test_a_card_is_the_same_however_many_have_given_what_is_hidden(given: int) -> None:
    hidden = Tally(input="verdict", given=given, eligible=5, hidden=True, said=("x",))
    first = Tally(input="verdict", given=0, eligible=5, hidden=True)
    assert embed(plain_card(tallies=(hidden,))) == embed(plain_card(tallies=(first,)))
    told = content(Reply(text="x", parts=(hidden,)))
    assert told == "Verdict: hidden until the end"


def test_whoever_opened_it_is_a_member_of_discord_or_a_name() -> None:
    def opener(card: Card) -> str:
        return str(embed(card)["fields"][2]["value"])

    assert opener(plain_card(opener="discord:42")) == "<@42>"
    assert opener(plain_card(opener="discord:x", by="@*a*")) == r"@\*a\*"
    assert opener(plain_card(opener="govbot", by="govbot")) == "govbot"


def test_the_same_words_are_not_said_twice() -> None:
    assert "description" not in embed(plain_card(text=" t\n"))
    assert embed(plain_card(text="t and more"))["description"] == "t and more"


def test_replies_are_told_in_markdown_of_their_parts() -> None:
    at = datetime(2026, 2, 14, 18, 30, tzinfo=UTC)
    said = "Deadline: February 14, 2026 at 18:30 UTC"
    tally = Tally(
        input="vote", given=3, eligible=5, said=("Agree: 2 (66.7%)",),
        bars=(Bar(label="Agree", count=2, share="66.7%"), Bar(label="Abstain", count=0)),
    )  # fmt: skip
    ranked = Tally(input="ballot", given=2, said=("Ballot: 2 given",))
    quote = Quote(place="Article 1", words="**All** vote.", lead="To object: ")
    parts = (Says(text="@a *yes*"), tally, ranked, Says(text=""), Deadline(at=at, said=said), quote)
    assert content(Reply(text="unused", parts=parts)).split("\n") == [
        r"@a \*yes\*",
        "▰▰▰▰▰▰▰▱▱▱ **Agree** 2 (66.7%)",
        "▱▱▱▱▱▱▱▱▱▱ **Abstain** 0",
        "Ballot: 2 given",
        "",
        f"{said} (<t:1771093800:R>)",
        "**To object:**",
        r"> “\*\*All\*\* vote.”",
        "> — *Article 1*",
    ]


def test_a_reply_s_card_is_an_embed_and_one_without_parts_its_text() -> None:
    card = plain_card()
    reply = Reply(text="all of it", parts=(card,))
    assert (content(reply), embeds(reply)) == ("", [embed(card)])
    told = Announcement(id="a", process="process_1", text="*words*")
    assert (content(told), embeds(told)) == (r"\*words\*", [])


if __name__ == "__main__":
    renew()
