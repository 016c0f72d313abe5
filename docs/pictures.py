"""Draws pictures of cards for the documentation: `python docs/pictures.py`, in a checkout.

They show what Discord is sent, as nearly as it draws it; fonts and colours are its own. Needs
Pillow (`python -m pip install pillow`) and the DejaVu fonts. Not run by tests: run it when a
snapshot of a card has changed, and look at what it drew.
"""

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from community import START  # noqa: E402  the tests' own scenes are what is drawn
from scenes import SCENES, played  # noqa: E402

from govbot.parts import Card  # noqa: E402
from govbot.surfaces.discord.render import embed, rows  # noqa: E402

# Scenes, and how many days after their beginning they are looked at.
PICTURED = {
    "open_with_votes": 3, "ended_passed": 6, "ended_blocked": 11, "hidden": 6, "approvals": 1,
    "paused": 1, "hostile_title": 1,
}  # fmt: skip
SCALE = 2  # for sharp letters on fine screens
WIDE, MARGIN, INSIDE, GAP = 560, 16, 14, 8
GROUND, BOX, TEXT, DIM = "#313338", "#2b2d31", "#dbdee1", "#949ba4"
STRONG, BUTTON, CALLED = "#f2f3f5", "#4e5058", "#c9cdfb"

Run = tuple[str, str, str]  # words, font, colour
_MARKUP = re.compile(
    r"\\(?P<escaped>[^0-9A-Za-z\s])|\*\*(?P<bold>.+?)\*\*(?!\*)|\*(?P<italic>.+?)\*"
    r"|<t:(?P<moment>\d+):(?P<style>[FR])>|<@(?P<called>\d+)>"
)


@cache
def font(kind: str, size: int) -> ImageFont.FreeTypeFont:
    names = {"bold": "DejaVuSans-Bold.ttf", "italic": "DejaVuSans-Oblique.ttf"}
    return ImageFont.truetype(names.get(kind, "DejaVuSans.ttf"), size * SCALE)


# --- what Discord makes of its Markdown -----------------------------------------------------


def moment(seconds: int, style: str, now: datetime) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    if style == "F":
        return at.strftime("%A, %-d %B %Y at %H:%M")
    days = (at - now).days
    far = f"{abs(days)} day{'s' if abs(days) != 1 else ''}"
    return f"in {far}" if days > 0 else f"{far} ago" if days < 0 else "today"


def runs(markdown: str, now: datetime, kind: str = "", colour: str = TEXT) -> Iterator[Run]:
    """A line's words, each with its font and colour."""
    place = 0
    for found in _MARKUP.finditer(markdown):
        yield markdown[place : found.start()], kind, colour
        place = found.end()
        if found["escaped"]:
            yield found["escaped"], kind, colour
        elif found["moment"]:
            yield moment(int(found["moment"]), found["style"], now), kind, CALLED
        elif found["called"]:
            yield f"@{found['called']}", kind, CALLED
        elif found["bold"]:
            yield from runs(found["bold"], now, "bold", colour)
        else:
            yield from runs(found["italic"], now, "italic", colour)
    yield markdown[place:], kind, colour


# --- drawing --------------------------------------------------------------------------------


class Page:
    """A picture that grows downwards as things are drawn on it."""

    def __init__(self, now: datetime) -> None:
        self.image = Image.new("RGB", (WIDE * SCALE, 2400 * SCALE), GROUND)
        self.draw = ImageDraw.Draw(self.image)
        self.now, self.y = now, MARGIN

    def words(self, markdown: str, x: int, wide: int, size: int = 14, **style: str) -> int:
        """Draws lines at `x`, folded to `wide`; how high they are."""
        y = self.y
        for line in markdown.replace("\u200b", "").split("\n"):
            alike = groupby(runs(line, self.now, **style), key=lambda run: run[1:])
            joined = [("".join(run[0] for run in some), *look) for look, some in alike]
            y = self._line(joined, x, y, wide, size)
        return y - self.y

    def _line(self, line: list[Run], x: int, y: int, wide: int, size: int) -> int:
        at, high = float(x), size + 6
        for words, kind, colour in line:
            for word in re.findall(r"\s+|\S+", words):
                length = font(kind, size).getlength(word) / SCALE
                if at + length > x + wide and at > x and word.strip():
                    at, y = float(x), y + high
                self.draw.text((at * SCALE, y * SCALE), word, colour, font(kind, size))
                at += length
        return y + high

    def down(self, high: int) -> None:
        self.y += high

    def box(self, left: int, top: int, right: int, low: int, colour: str, round: int = 4) -> None:
        corners = [left * SCALE, top * SCALE, right * SCALE, low * SCALE]
        self.draw.rounded_rectangle(corners, round * SCALE, fill=colour)

    def finished(self) -> Image.Image:
        whole = self.image.crop((0, 0, WIDE * SCALE, (self.y + MARGIN) * SCALE))
        return whole.quantize(48, dither=Image.Dither.NONE)


def picture(card: Card, now: datetime) -> Image.Image:
    """A card with its buttons. Drawn twice: the ground must be there before what stands on it."""
    page = Page(now)
    inside(page, card)
    low, page = page.y + INSIDE, Page(now)
    stripe = f"#{embed(card)['color']:06x}"
    page.box(MARGIN, MARGIN, WIDE - MARGIN, low, stripe)
    page.box(MARGIN + 4, MARGIN, WIDE - MARGIN, low, BOX)
    inside(page, card)
    page.y = low + GAP
    for row in rows(card, lambda choice: choice.label):
        buttons(page, [each["label"] for each in row["components"]])
    return page.finished()


def inside(page: Page, card: Card) -> None:
    made, x, wide = embed(card), MARGIN + INSIDE + 4, WIDE - 2 * (MARGIN + INSIDE) - 4
    page.down(INSIDE)
    page.down(page.words(made["title"], x, wide, 16, kind="bold", colour=STRONG) + GAP)
    if "description" in made:
        page.down(page.words(made["description"], x, wide) + GAP)
    for fields in beside(made["fields"]):
        tallest, each = 0, wide // len(fields)
        for place, field in enumerate(fields):
            tallest = max(tallest, shown(page, field, x + place * each, each - GAP))
        page.down(tallest + GAP)
    page.down(page.words(made["footer"]["text"], x, wide, 12, colour=DIM))


def shown(page: Page, field: dict[str, str], x: int, wide: int) -> int:
    top = page.y
    page.down(page.words(field["name"], x, wide, 13, kind="bold", colour=STRONG))
    high = page.words(field["value"], x, wide, 13)
    low, page.y = page.y + high, top
    return low - top


def beside(fields: Iterable[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """Fields that stand in one row together."""
    row: list[dict[str, str]] = []
    for field in fields:
        if row and not (field["inline"] and len(row) < 3):
            yield row
            row = []
        row.append(field)
        if not field["inline"]:
            yield row
            row = []
    if row:
        yield row


def buttons(page: Page, labels: list[str]) -> None:
    x, high = MARGIN, 32
    for each in labels:
        length = int(font("", 14).getlength(each) / SCALE)
        page.box(x, page.y, x + length + 32, page.y + high, BUTTON, 8)
        page.draw.text(((x + 16) * SCALE, (page.y + 7) * SCALE), each, STRONG, font("", 14))
        x += length + 32 + GAP
    page.down(high + GAP)


def main() -> None:
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    for name, days in PICTURED.items():
        with tempfile.TemporaryDirectory() as place:
            card = played(SCENES[name], Path(place))
        path = folder / f"{name.replace('_', '-')}.png"
        picture(card, START + timedelta(days=days)).save(path, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
