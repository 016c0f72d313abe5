"""The redline: what a lawyer would strike and underline."""

from hypothesis import given
from hypothesis import strategies as st

from govbot.constitution import Constitution
from govbot.redline import as_html, marked, plain_lines, redline

OLD = Constitution(
    "# Rules\n\n## Article 1: Votes\n\nA vote lasts 6 days & nights.\n\nOne.\n\nTwo.\n\nThree.\n"
)
NEW = Constitution(OLD.text.replace("6 days", "9 <b>weeks</b>"))
words = st.lists(st.sampled_from(["a", " ", "b", "\n", "c.", "é"]), max_size=12).map("".join)


@given(words, words)
def test_kept_and_struck_are_the_old_text_kept_and_added_the_new(old: str, new: str) -> None:
    pieces = marked(old, new)
    assert "".join(p.text for p in pieces if p.mark != "added") == old
    assert "".join(p.text for p in pieces if p.mark != "struck") == new


def test_only_the_words_that_differ_are_marked_under_their_article() -> None:
    shown = list(plain_lines(redline(OLD, NEW)))
    assert "A vote lasts [-6 days-]{+9 <b>weeks</b>+} & nights." in shown
    assert "Article 1: Votes" in shown
    assert any(line.startswith("…") and "unchanged lines" in line for line in shown)
    assert "Three." not in shown
    assert redline(OLD, OLD) == []


def test_the_page_escapes_everything_and_needs_nothing_else() -> None:
    page = as_html(OLD, NEW)
    assert "<del>6 days</del><ins>9 &lt;b&gt;weeks&lt;/b&gt;</ins> &amp; nights." in page
    assert "<b>" not in page and "http" not in page and "<script" not in page
    assert "Nothing differs." in as_html(OLD, OLD)
    hostile = Constitution("# <script>alert(1)</script>\n\n<img src=x onerror=y>\n")
    assert "<script" not in as_html(OLD, hostile) and "<img" not in as_html(OLD, hostile)
