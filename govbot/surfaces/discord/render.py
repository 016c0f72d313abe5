"""What Discord is to show, as plain values: cards, text and buttons, in the shape of its API.

Owns Discord's limits, its Markdown, and what a card looks like there. Pure, and knows nothing of
the client. Promises that text of people or of a model mentions nobody, links nowhere and styles
nothing, yet reads as it was written; that nothing is too long to be sent; and that a card tells
nothing of a hidden input, not even how many gave it: a card is edited in public, and so the time
of an edit would tell who has just voted.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from govbot.cards import gauge
from govbot.legible import folded, is_mark, legible
from govbot.parts import Announcement, Bar, Card, Choice, Deadline, Part, Quote, Reply, Says, Tally

# Lengths in UTF-16 units, which are never fewer than what Discord counts.
MESSAGE = 2000
TITLE, DESCRIPTION, NAME, VALUE, FOOTER = 256, 4096, 256, 1024, 2048
FIELDS, TOTAL = 25, 6000
ROWS, IN_ROW, OPTIONS = 5, 5, 25
LABEL, OPTION, CUSTOM_ID = 80, 100, 100

COLOURS = {"open": 0x5865F2, "paused": 0xF0B232, "ended": 0x80848E}
HIDDEN = "Hidden until the end"
NOTHING = "–"
SHORTENED = " · … the rest is in the audit"
KEPT_FOR_TEXT = 1000  # of an embed's characters, however much else it has to show

Json = dict[str, Any]


# --- text that does only what it says ------------------------------------------------------

_MARKED = re.compile(r"[\\*_~`|\[\]<>]")
# What begins a heading, small print or an item of a list wherever a line might come to begin.
_LEADING = re.compile(
    r"(?<!\S)(#(?=#{0,2}(?:\s|$))|-(?=[\s#]|$)|\+(?=\s|$)|\d{1,9}(?=[.)](?:\s|$)))"
)
# Addresses, `:names:` of emoji, and hosts whose paths are shown as invitations.
_COLON = re.compile(r":(?=//|[\w+\\-]+:)")
_INVITED = re.compile(r"(?i)(discord(?:app)?\.[a-z]+)/")
_CALLED = re.compile(r"everyone|here|[!&]?\d", re.IGNORECASE)
_REACH = 64  # characters after an @ in which a name may hide among marks that Discord drops
_ZERO_WIDTH = "\u200b"


def escaped(text: str) -> str:
    """Text of people or of a model, in Markdown that shows it and does nothing else."""
    shown = _MARKED.sub(r"\\\g<0>", legible(text))
    shown = _COLON.sub(r"\\:", _INVITED.sub(r"\1\\/", shown))
    shown = _LEADING.sub(lambda m: _led(m[0]), shown)
    return _uncalled(shown)


def _led(mark: str) -> str:
    return f"{mark}\\" if mark.isdigit() else f"\\{mark}"


def _uncalled(text: str) -> str:
    """An @ before a name that Discord would call is parted from it, as its own clients do."""
    first, *others = text.split("@")
    return first + "".join(f"@{_ZERO_WIDTH if _calls(other) else ''}{other}" for other in others)


def _calls(after: str) -> bool:
    bare = "".join(char for char in after[:_REACH] if not is_mark(char))
    return _CALLED.match(bare) is not None


def label(text: str, most: int = LABEL) -> str:
    """Text for where Discord knows no Markdown: a button, an option, the title of a form."""
    return cut(folded(text), most, escapes=False) or NOTHING


# --- lengths -------------------------------------------------------------------------------

_REGIONAL = range(0x1F1E6, 0x1F200)
_SKIN = range(0x1F3FB, 0x1F400)
_BEGINNING = re.compile(r"(?:#{1,3}|-#?|\+|\d{1,9}[.)])(?:\s|$)")  # of a heading or an item
_ADDRESSED = re.compile(r"<[^<>\s]{0,40}$")  # the beginning of `<t:1:F>` and its like


def size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int, escapes: bool = True) -> str:
    """The text, or as much of it as fits before a `…`."""
    if size(text) <= most:
        return text
    end = _whole(text, 0, _reach(text, 0, most - 1), escapes)
    return f"{text[:end].rstrip()}…"


def _reach(text: str, start: int, room: int) -> int:
    """How far from `start` the text may go within `room`."""
    window = text[start : start + room]
    if window.isascii():
        return start + len(window)
    return start + bisect_right([*accumulate(1 + (char > "\uffff") for char in window)], room)


def _whole(text: str, start: int, end: int, escapes: bool = True) -> int:
    """The last place up to `end` where nothing that belongs together is parted."""
    place = end
    while place > start and not _parts_nothing(text, place, escapes):
        place -= 1
    return place if place > start else end


def _parts_nothing(text: str, place: int, escapes: bool) -> bool:
    if not 0 < place < len(text):
        return True
    before, after = text[place - 1], text[place]
    if is_mark(after) or ord(after) in _SKIN or "\u200d" in (before, after):
        return False
    if ord(before) in _REGIONAL and ord(after) in _REGIONAL:
        return _run(text, place, lambda char: ord(char) in _REGIONAL) % 2 == 0
    if not escapes:
        return True
    if (
        before == after == "`"
        or _BEGINNING.match(text, place)
        or _run(text, place, lambda char: char == "\\") % 2
    ):
        return False
    opened = _ADDRESSED.search(text, max(0, place - 42), place)
    return opened is None or re.match(r"[^<>\s]{0,40}>", text[place : place + 42]) is None


def _run(text: str, place: int, such: Callable[[str], bool]) -> int:
    """How many such characters stand right before a place."""
    start = place
    while start > 0 and such(text[start - 1]):
        start -= 1
    return place - start


# --- messages longer than one may be -------------------------------------------------------

_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"\n")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]*_|]*(?=\s)|(?<=[。！？])")
_WORD = re.compile(r"\s")
_FENCED = re.compile(r"\\[\s\S]|```")
_LANGUAGE = re.compile(r"[\w+.#-]{0,20}\n")
_CLOSING = "\n```"


@dataclass(frozen=True)
class _Block:
    """A block of code: `opening` is its fence and language, `inner` to `close` what is in it."""

    start: int
    inner: int
    close: int
    opening: str

    @property
    def end(self) -> int:
        return self.close + len("```")


def split(text: str, most: int = MESSAGE) -> list[str]:
    """A text as messages of at most `most`: parted at paragraphs, else lines, sentences, words.

    A block of code that is parted is closed and opened again.
    """
    blocks, pieces, start = list(_blocks(text)), list[str](), 0
    while start < len(text):
        within = _block_at(blocks, start)
        head = within.opening if within else ""
        end = _parted(text, start, most - size(head), blocks)
        pieces.append(head + _piece(text, start, end, within, _block_at(blocks, end)))
        start = end + (_block_at(blocks, end) is not None and text[end : end + 1] == "\n")
    return [piece for piece in pieces if piece.strip()]


def _piece(text: str, start: int, end: int, opened: _Block | None, cut: _Block | None) -> str:
    """What stands between two cuts, without the white space outside code that a cut replaces."""
    body = text[start:end]
    body = body if opened else body.lstrip()
    if cut is None:
        return body.rstrip()
    return body + (_CLOSING.lstrip() if body.endswith("\n") else _CLOSING)


def _blocks(text: str) -> Iterator[_Block]:
    place = 0
    while (opening := _FENCED.search(text, place)) is not None:
        place = opening.end()
        if opening[0] != "```":
            continue
        close = text.find("```", place)
        if close < 0:
            return  # never closed: no block, only three marks
        language = _LANGUAGE.match(text, place, close)
        inner = language.end() if language else place
        if text[inner:close].strip():
            head = text[opening.start() : inner]
            yield _Block(opening.start(), inner, close, head if language else f"{head}\n")
        place = close + len("```")


def _block_at(blocks: Sequence[_Block], place: int) -> _Block | None:
    """The block that a cut here would part."""
    index = bisect_right(blocks, place, key=lambda block: block.start) - 1
    found = blocks[index] if index >= 0 else None
    return found if found is not None and found.start < place < found.end else None


def _parted(text: str, start: int, room: int, blocks: Sequence[_Block]) -> int:
    """Where the next message ends: the end of the text, or the best place to part it."""
    if size(text[start : start + room + 1]) <= room:
        return min(len(text), start + room)
    last = _reach(text, start, room - len(_CLOSING))
    early = start + (last - start) // 4  # a piece much shorter than it could be is no good piece
    for pattern, least in ((_PARAGRAPH, early), (_LINE, early), (_SENTENCE, early), (_WORD, start)):
        for place in _places(pattern, text, least, last):
            if _may_part(text, place, start, blocks):
                return place
    place = _whole(text, start, last)
    while place > start and not _may_part(text, place, start, blocks):
        place = _whole(text, start, place - 1)
    if place > start:
        return place
    block = _block_at(blocks, last)  # all white space but for a word: its fences stay whole
    return block.close if block is not None and start < block.close < last else last


def _places(pattern: re.Pattern[str], text: str, least: int, last: int) -> Iterator[int]:
    """Where a pattern lets the text be parted after `least`, from the last place to the first."""
    found = pattern.finditer(text, least, last + 2)
    sentence = pattern is _SENTENCE
    places = [each.end() if sentence else each.start() for each in found]
    return (place for place in reversed(places) if least < place <= last)


def _may_part(text: str, place: int, start: int, blocks: Sequence[_Block]) -> bool:
    """A block of code is parted within what is in it, with something left on either side."""
    block = _block_at(blocks, place)
    if block is None:
        return True
    return bool(text[max(block.inner, start) : place].strip() and text[place : block.close].strip())


# --- parts ---------------------------------------------------------------------------------


def content(shown: Reply | Announcement) -> str:
    """What a message says beside its cards; `split` it before it is sent."""
    if not shown.parts:
        return escaped(shown.text)
    return "\n".join(line for part in shown.parts for line in _said(part)).strip("\n")


def embeds(shown: Reply | Announcement) -> list[Json]:
    return [embed(part) for part in shown.parts if isinstance(part, Card)]


def _said(part: Part) -> Iterator[str]:
    match part:
        case Says(text=text):
            yield escaped(text)
        case Quote():
            yield from _quoted(part)
        case Tally():
            yield from _counted(part)
        case Deadline(at=at, said=said):
            yield escaped(said) + (f" ({stamp(at, 'R')})" if at else "")


def _quoted(quote: Quote) -> Iterator[str]:
    if lead := quote.lead.strip():
        yield f"**{escaped(lead)}**"
    yield f"> “{escaped(quote.words)}”"
    yield f"> — *{escaped(quote.place)}*"


def _counted(tally: Tally) -> Iterator[str]:
    """A line for each choice where choices show, else one, of what may be told."""
    if tally.hidden:
        yield f"{escaped(_name(tally.input))}: {HIDDEN.lower()}"
    elif tally.bars:
        yield from (_drawn(bar, tally.given) for bar in tally.bars)
    else:
        yield from (escaped(line) for line in tally.said)


def _drawn(bar: Bar, given: int) -> str:
    share = f" ({bar.share})" if bar.share else ""
    return f"{gauge(bar.count, given)} **{escaped(folded(bar.label))}** {bar.count}{share}"


def _name(input: str) -> str:
    return input.replace("_", " ").capitalize()


def stamp(moment: datetime, style: str) -> str:
    """A moment that every client shows in its own zone and words."""
    return f"<t:{int(moment.timestamp())}:{style}>"


# --- cards ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Shown:
    """A field before it is made to fit."""

    name: str
    lines: tuple[str, ...]
    inline: bool = False


def _shown(name: str, *lines: str, inline: bool = False) -> _Shown:
    """Nothing of a field may be empty."""
    told = tuple(line.strip() for line in lines if line.strip())
    return _Shown(name.strip() or NOTHING, told or (NOTHING,), inline)


def embed(card: Card) -> Json:
    """A card as an embed. Equal embeds show the same, so nothing needs to be edited."""
    headed, asked = escaped(folded(f"#{card.process} · {card.title}")), _asked(card)
    title, footer = cut(headed, TITLE), cut(folded(card.type), FOOTER // 8)
    room = TOTAL - size(title) - size(footer + SHORTENED)
    wanted = list(_fields(card))
    fields, left = _fitted(wanted, room - min(size(asked), KEPT_FOR_TEXT))
    text = cut(asked, min(DESCRIPTION, left + min(size(asked), KEPT_FOR_TEXT)))
    whole = [_field(shown, "\n".join(shown.lines)) for shown in wanted]
    fits = (title, text, fields) == (headed, asked, whole)
    return {
        "title": title,
        **({"description": text} if text else {}),
        "color": COLOURS[card.status],
        "fields": fields,
        "footer": {"text": footer if fits else footer + SHORTENED},
    }


def _asked(card: Card) -> str:
    """What was proposed, where it says more than the title does."""
    return "" if folded(card.text) == folded(card.title) else escaped(card.text).strip()


def _fields(card: Card) -> Iterator[_Shown]:
    yield _stands(card)
    yield _until(card)
    yield _shown("Opened by", _opener(card), inline=True)
    for tally in card.tallies:
        if tally.hidden or tally.bars or tally.given:
            yield _tallied(tally)
    if card.notes:
        yield _shown("To know", *(escaped(folded(line)) for line in card.notes))
    if card.chosen:
        yield _shown("Chosen", *(escaped(folded(line)) for line in card.chosen))
    if card.takes:
        yield _shown("Who may take part", *(escaped(folded(line)) for line in card.takes))
    if card.rules:
        rules = (f"“{escaped(rule.words)}” — *{escaped(rule.place)}*" for rule in card.rules)
        yield _shown("What the constitution says", *rules)


def _stands(card: Card) -> _Shown:
    if card.status == "ended":
        return _shown("Outcome", f"**{escaped(folded(card.outcome)) or NOTHING}**", inline=True)
    paused = " (paused)" if card.status == "paused" else ""
    return _shown("Stage", escaped(folded(card.stage)) + paused, inline=True)


def _until(card: Card) -> _Shown:
    name, at = "Ended" if card.status == "ended" else "Deadline", card.deadline.at
    lines = (stamp(at, "F"), stamp(at, "R")) if at else (escaped(card.deadline.said),)
    return _shown(name, *lines, inline=True)


def _opener(card: Card) -> str:
    """Their mention, which an embed shows and nobody is called by; else the name."""
    platform, _, id = card.opener.rpartition(":")
    return f"<@{id}>" if platform == "discord" and id.isdecimal() else escaped(folded(card.by))


def _tallied(tally: Tally) -> _Shown:
    name, eligible = escaped(_name(tally.input)), tally.eligible
    if tally.hidden:
        who = f" · {eligible} may give it" if eligible is not None else ""
        return _shown(name, f"{HIDDEN}{who}")
    given = f"{tally.given} of {eligible}" if eligible is not None else str(tally.given)
    if not tally.bars:
        return _shown(name, f"{given} given")
    return _shown(f"{name} · {given}", *(_drawn(bar, tally.given) for bar in tally.bars))


def _fitted(wanted: Sequence[_Shown], room: int) -> tuple[list[Json], int]:
    """As much of the fields as fits, and the room that is left."""
    made: list[Json] = []
    for shown in wanted[:FIELDS]:
        value = _lines(shown.lines, min(VALUE, room - size(shown.name)))
        if not value:
            break
        made.append(_field(shown, value))
        room -= size(made[-1]["name"]) + size(value)
    return made, room


def _field(shown: _Shown, value: str) -> Json:
    return {"name": cut(shown.name, NAME), "value": value, "inline": shown.inline}


def _lines(lines: Sequence[str], room: int) -> str:
    """As many lines as fit; of a first one too long, its beginning."""
    text = "\n".join(lines)
    if size(text) <= room:
        return text
    kept: list[str] = []
    for place, line in enumerate(lines):
        more = f"… and {len(lines) - place - 1} more"
        if size("\n".join([*kept, line, more])) > room:
            break
        kept.append(line)
    if kept:
        return "\n".join([*kept, f"… and {len(lines) - len(kept)} more"])
    return cut(lines[0], room) if room > 1 else ""


# --- buttons -------------------------------------------------------------------------------


def rows(shown: Card | Reply, custom_id: Callable[[Choice], str], menu: str = "") -> list[Json]:
    """Its choices as rows of buttons, or as menus where there are too many for buttons.

    `custom_id` gives what Discord sends back when one is picked; `menu` is what the menus' own ids
    begin with. More than five menus hold are left to be said in words: to offer some only would
    favour them.
    """
    picks = [(label(each.label), custom_id(each)) for each in shown.choices]
    if long := [id for _, id in picks if size(id) > CUSTOM_ID]:
        raise ValueError(f"Discord keeps {CUSTOM_ID} characters of {long[0]!r}; shorten it")
    if len(picks) <= ROWS * IN_ROW:
        buttons = [{"type": 2, "style": 2, "label": said, "custom_id": id} for said, id in picks]
        return [_row(some) for some in _in_parts(buttons, IN_ROW)]
    if len(picks) > ROWS * OPTIONS or not menu:
        return []
    options = [{"label": label(said, OPTION), "value": id} for said, id in picks]
    menus = enumerate(_in_parts(options, OPTIONS))
    return [_row([_menu(f"{menu}{place}", some)]) for place, some in menus]


def _row(components: Iterable[Json]) -> Json:
    return {"type": 1, "components": list(components)}


def _menu(custom_id: str, options: list[Json]) -> Json:
    first, last = options[0]["label"], options[-1]["label"]
    hint = cut(f"{first} … {last}", OPTION, escapes=False)
    return {"type": 3, "custom_id": custom_id, "options": options, "placeholder": hint}


def _in_parts(items: list[Json], most: int) -> list[list[Json]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
