"""Text of people or of a model as a reader should see it: nothing invisible, nothing piled up.

Owns which characters may stand as they are, for surfaces that show what others wrote. Pure.
Promises that what cannot be seen is shown by its code point, marks that turn the direction of
writing among it, and that what scripts and emoji need to be written rightly stays.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

MARKS = 4  # combining marks on one character; no script in everyday use stacks more
_JOINERS = "\u200c\u200d"
_FORMS = "\ufe0e\ufe0f"  # ask for the plain or the coloured form of the character before them
# Letters by their category that show nothing, or nothing of their own.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_UNSEEN = frozenset(("Cc", "Cf", "Co", "Cs", "Zl", "Zp"))
# Selectors of forms, and places of Unicode that are kept for what shows nothing.
_RESERVED = re.compile("[\u2065\ufe00-\ufe0f\ufff0-\ufff8\ufffe\uffff\U000e0000-\U000e0fff]")
_BREAKS = re.compile("\r\n?|\x85|\u2028|\u2029")


def legible(text: str) -> str:
    """The text with line ends as one kind, and whatever cannot be seen shown as `⟨U+200B⟩`."""
    text = _BREAKS.sub("\n", text)
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_shown(text))


def folded(text: str) -> str:
    """The same on one line."""
    return " ".join(legible(text).split())


def _shown(text: str) -> Iterator[str]:
    # A run of the same hidden character is told once, so that thousands do not push all else away.
    for hidden, run in groupby(_judged(text), key=lambda judged: judged[1]):
        if not hidden:
            yield from (char for char, _ in run)
            continue
        for char, same in groupby(char for char, _ in run):
            count = len([*same])
            yield f"⟨U+{ord(char):04X}{f'×{count}' if count > 1 else ''}⟩"


def _judged(text: str) -> Iterator[tuple[str, bool]]:
    """Each character that is kept, and whether it is to be shown by its code point."""
    before, marks = "", 0
    for place, char in enumerate(text):
        combining = is_mark(char)
        marks = marks + 1 if combining else 0
        if marks > MARKS:
            continue
        hidden = _is_hidden(char) and not _has_its_place(char, before, text[place + 1 : place + 2])
        if combining and not hidden and not before.strip():
            yield "◌", False  # or it would sit on whatever is written before the text
        yield char, hidden
        before = "" if hidden else char


def is_mark(char: str) -> bool:
    """Whether it is drawn onto the character before it."""
    return unicodedata.category(char) in ("Mn", "Me", "Mc")


def _is_hidden(char: str) -> bool:
    if char in "\n\t":
        return False
    if char in _BLANK or _RESERVED.match(char):
        return True
    return unicodedata.category(char) in _UNSEEN


def _has_its_place(char: str, before: str, after: str) -> bool:
    """Whether it is needed here: joiners in scripts and emoji, the form of a picture."""
    if char in _FORMS:
        return bool(before.strip()) and not before.isalpha() and before not in _FORMS
    if char not in _JOINERS or not before or not after:
        return False
    if char == "\u200d" and _pictures(before) and unicodedata.category(after) in ("So", "Sm"):
        return True
    return _joins(before) and _joins(after)


def _pictures(char: str) -> bool:
    return char in _FORMS or unicodedata.category(char) in ("So", "Sk")


def _joins(char: str) -> bool:
    """Letters without cases, as in Arabic, Persian and the scripts of India, and their marks."""
    return unicodedata.category(char) == "Lo" and char not in _BLANK or is_mark(char)
