"""Sections, ids, citations, search and guidance, on crafted, arbitrary and real Markdown."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from govbot.constitution import MAX_BYTES, Constitution
from govbot.errors import OperatorError
from govbot.passages import spans_of
from govbot.records import Citation, digest

CLUB = """\
# Rules of the Club

We run this club together.

## Article 1: Members

### Section 1.1: Joining

Anyone may join. A moderator, e.g. the host, greets
new members. Membership costs nothing.

## Article 3: Proposals

### Section 3.1: Proposal Types

- Discussion period: 6 days
  minimum
- Passage threshold: two-thirds
  1. abstentions are not counted
  2. blocks are

| Type | Quorum |
|------|--------|
| Urgent | 3 members |

### Section 3.2: Appeals

A rejected proposal may be appealed within 14 days.
"""


def ids(text: str) -> list[str]:
    return [section.id for section in Constitution(text).sections]


def headings(*titles: str) -> list[str]:
    """The ids of headings, each given as its marks and title."""
    return ids("\n\n".join(titles))


TAGGED = """\
<p>We meet here. All are welcome.</p>
<h2 id="one">Section 1: Chain &quot;ownership&quot;</h2>
<p>A motion runs for <strong>1 week.</strong> It then ends, unlike
a wish.</p>
<ol>
    <li><strong>First</strong>: someone asks.</li>
    <li>
        <p>Then all answer. Nobody waits.</p>
    </li>
</ol>
<h3>Voting <em>period</em></h3>

Plain words again.

<pre>
<h1>Code is no heading</h1>
</pre>

<!-- <h1>Nor is a remark</h1> -->

<h2>Pets &amp; <em>plants</em></h2>
"""


def test_headings_in_html_are_headings() -> None:
    found = Constitution(TAGGED)
    assert [(s.id, s.title, s.path) for s in found.sections] == [
        ("preamble", "Preamble", ("Preamble",)),
        ("section-1", 'Section 1: Chain "ownership"', ('Section 1: Chain "ownership"',)),
        ("voting-period", "Voting period", ('Section 1: Chain "ownership"', "Voting period")),
        ("pets-plants", "Pets & plants", ("Pets & plants",)),
    ]
    assert found.query("plants").citations[0].quote == "Pets &amp; <em>plants</em>"


def test_html_has_sentences_and_its_tags_part_them() -> None:
    text = Constitution(TAGGED).sections[1].text
    assert [" ".join(text[first:last].split()) for first, last in spans_of(text)] == [
        "A motion runs for <strong>1 week.</strong>", "It then ends, unlike a wish.",
        "<strong>First</strong>: someone asks.", "Then all answer.", "Nobody waits.",
    ]  # fmt: skip


def test_no_ends_a_sentence_but_before_a_figure() -> None:
    text = "All say yes or no. One no is enough. See no. 5 of the list."
    found = [text[first:last].strip() for first, last in spans_of(text)]
    assert found == ["All say yes or no.", "One no is enough.", "See no. 5 of the list."]


def cite(section: str, quote: str) -> Citation:
    return Citation(section=section, quote=quote)


def refuse(error: OSError) -> None:
    raise error


@pytest.fixture
def club() -> Constitution:
    return Constitution(CLUB)


# --- sections ----------------------------------------------------------------------------


def test_each_heading_begins_a_section_that_ends_before_the_next(club: Constitution) -> None:
    article = club.section("article-3")
    section = club.section("article-3.2")
    assert article and section
    assert (article.first, article.last, article.level) == (12, 13, 2)
    assert (section.first, section.last) == (26, 28)
    assert section.text == CLUB[CLUB.index("### Section 3.2") :].rstrip("\n")


def test_a_breadcrumb_leads_from_the_outermost_heading_but_not_from_the_document_title(
    club: Constitution,
) -> None:
    section = club.section("article-3.1")
    assert section
    assert section.path == ("Article 3: Proposals", "Section 3.1: Proposal Types")
    assert section.breadcrumb == "Article 3: Proposals › Section 3.1: Proposal Types"
    assert club.sections[0].path == ("Rules of the Club",)
    assert club.section("article-9") is None


def test_a_numbered_outermost_heading_is_no_document_title() -> None:
    made = Constitution("# Article 3: Proposals\n\n## Section 3.1: Proposal Types\n\nText.")
    assert made.sections[1].breadcrumb == "Article 3: Proposals › Section 3.1: Proposal Types"


def test_several_top_headings_all_show_in_breadcrumbs() -> None:
    made = Constitution("# A side\n\n## One\n\n# B side\n\n## Two")
    crumbs = [s.breadcrumb for s in made.sections]
    assert crumbs == ["A side", "A side › One", "B side", "B side › Two"]


def test_underlined_headings_are_headings() -> None:
    made = Constitution("Club\n====\n\nVoting\nand counting\n---\n\nText.\n")
    assert [(s.title, s.level, s.first, s.last) for s in made.sections] == [
        ("Club", 1, 1, 3),
        ("Voting and counting", 2, 4, 8),
    ]


def test_a_title_is_what_a_reader_sees() -> None:
    made = Constitution("## **Bold** `code` &amp; [a link](https://example.org)  and \\*stars ##\n")
    assert made.sections[0].title == "Bold code & a link and *stars"


def test_a_heading_without_words_is_untitled() -> None:
    (only,) = Constitution("#\n\nText.").sections
    assert (only.id, only.title) == ("untitled", "Untitled")


BLOCKS = {
    "code": "```\n# not a heading\n```",
    "other code": "~~~ text\n# not a heading\n\n## nor this\n~~~",
    "code that never closes": "```\n# not a heading\n\n## nor this",
    "indented code": "    # indented",
    "a quotation": "> # quoted",
    "a list": "- # listed\n\n  ## still listed\n\n      # code",
    "a table": "| a |\n|---|\n| b |\n===",
    "a comment": "<!--\n# hidden\n-->",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_what_stands_in_code_quotations_lists_and_tables_begins_no_section(block: str) -> None:
    assert ids(f"# Title\n\n{block}\n") == ["title"]


def test_a_document_without_headings_is_one_section() -> None:
    made = Constitution("We decide together.\n\nAll of us.\n")
    (only,) = made.sections
    assert (only.id, only.level, only.first, only.last) == ("text", 0, 1, 3)
    assert made.title == "Constitution"


def test_text_before_the_first_heading_is_the_preamble_unless_it_is_blank() -> None:
    assert ids("\n \n# Rules\n") == ["rules"]
    made = Constitution("\nWe, the members.\n\n# Rules\n\nBe kind.")
    assert ids(made.text) == ["preamble", "rules"]
    assert made.holds(cite("preamble", "We, the members."))
    assert made.title == "Rules"


def test_a_heading_named_preamble_keeps_its_id_when_an_introduction_is_written() -> None:
    assert ids("# Preamble\n") == ["preamble"]
    assert ids("Hello.\n\n# Preamble\n") == ["preamble~2", "preamble"]


def test_front_matter_is_skipped_and_lines_still_count_from_the_top() -> None:
    made = Constitution("---\ntitle: x\ntags:\n  - a\n# note\n---\n\n# Rules\n\nBe kind.\n")
    (rules,) = made.sections
    assert (rules.first, rules.last) == (8, 10)
    assert made.find("title: x") is None


def test_prose_between_rules_of_hyphens_is_not_hidden_as_front_matter() -> None:
    made = Constitution("---\nEvery member has one vote.\n\n---\n\n# Rules\n")
    assert made.find("Every member has one vote.")
    assert Constitution("---\nnever: closed\n").find("never: closed")


def test_a_byte_order_mark_hides_no_heading() -> None:
    made = Constitution("\ufeff# Rules\n\nBe kind.\n")
    assert ids(made.text) == ["rules"]
    assert made.digest != Constitution("# Rules\n\nBe kind.\n").digest
    assert made.sections[0].text.startswith("# Rules")


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_change_the_digest_and_nothing_else(ending: str, club: Constitution) -> None:
    other = Constitution(CLUB.replace("\n", ending))
    assert other.sections == club.sections
    assert other.digest != club.digest
    for made in (club, other):
        assert made.holds(cite("article-3.1", "Discussion period: 6 days minimum"))
        assert made.holds(cite("article-3.1", f"6 days{ending}  minimum"))


def test_the_digest_is_of_the_exact_bytes(club: Constitution) -> None:
    assert club.digest == digest(CLUB.encode())
    assert Constitution(CLUB + " ").digest != club.digest


# --- ids ---------------------------------------------------------------------------------


IDS = """
Article 3: Proposals = article-3 | ARTICLE III — PROPOSALS = article-3 | Article IX = article-9 |
Part I Overview = part-1 | **Rule 4.** Conduct = rule-4 | § 4 = section-4 | §4 Votes = section-4 |
4. Votes = section-4 | 3.1 Voting = section-3.1 | IV. Quorum = section-4 | A. Quorum = section-a |
Appendix C = appendix-c | Article 3a: Late votes = article-3a | Step 2: Present = step-2 |
I propose, you vote = i-propose-you-vote | Civil conduct = civil-conduct | Mix. Match = mix-match |
Section a member reads = section-a-member-reads | A member's vote = a-member-s-vote |
3d printing = 3d-printing | 2024 budget = 2024-budget | 1st amendment = 1st-amendment |
Articles of Faith = articles-of-faith | Größe & ÉLAN = grösse-élan | हिन्दी नियम = हिन्दी-नियम |
投票 = 投票 | ?! = section | a/b~2 = a-b-2
"""


@pytest.mark.parametrize("pair", re.split(r"\s*\|\s*", IDS.strip()))
def test_an_id_is_the_number_of_a_heading_or_else_its_words(pair: str) -> None:
    title, _, id = pair.partition(" = ")
    assert headings(f"# {title}") == [id]


@pytest.mark.parametrize(
    "title", ["Section 3.1: Types", "Section 1", "3.1 Types", "1. Types", "§ 1", "I. Types", "3.1."]
)
def test_a_number_under_a_numbered_heading_keeps_its_word(title: str) -> None:
    assert headings("# Article 3: Proposals", f"## {title}") == ["article-3", "article-3.1"]


def test_numbers_combine_over_headings_without_one() -> None:
    made = headings("# Article 3", "## Voting", "### 1. Who", "#### 3.1.2 By proxy", "#### b) All")
    assert made[2:] == ["article-3.1", "article-3.1.2", "article-3.1.b"]


def test_article_31_is_not_taken_for_a_part_of_article_3() -> None:
    assert headings("# Article 3", "## 31. Odd") == ["article-3", "article-3.31"]


def test_a_repeated_id_takes_its_parent_in_front_and_then_a_count() -> None:
    made = headings("# Rule 1", "## Vote", "# Rule 2", "## Vote", "## Vote", "# Vote", "# Vote")
    expected = "rule-1 vote rule-2 rule-2/vote rule-2/vote~2 vote~2 vote~3"
    assert made == expected.split()


def test_ids_of_numbered_sections_survive_edits_elsewhere(club: Constitution) -> None:
    edited = Constitution(CLUB.replace("## Article 3", "## Article 2: New\n\nNew.\n\n## Article 3"))
    assert {s.id for s in club.sections} < {s.id for s in edited.sections}
    for section in club.sections:
        kept = edited.section(section.id)
        assert kept and kept.text == section.text


# --- citations ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quote", ["greets\nnew", " greets \u00a0\u2003\tnew\r\n\u2028", "1.1: Joining Anyone may join."]
)
def test_white_space_of_any_kind_is_folded(club: Constitution, quote: str) -> None:
    assert club.holds(cite("article-1.1", quote))


@pytest.mark.parametrize(
    ("section", "quote"),
    [
        ("article-1.1", "anyone may join"),
        ("article-1.1", "Anyone may join!"),
        ("article-1.1", "Anyone mayjoin"),
        ("article-1.1", "Any\u00adone may join"),
        ("article-1.1", "Anyone … greets"),
        ("article-1.1", "A rejected proposal may be appealed"),
        ("article-1", "Anyone may join."),
        ("article-9", "Anyone may join."),
        ("", "Anyone may join."),
        ("article-1.1", " "),
        ("article-1.1", "\n\u2003"),
    ],
)
def test_nothing_else_is_folded(club: Constitution, section: str, quote: str) -> None:
    assert not club.holds(cite(section, quote))
    assert club.around(cite(section, quote)) == ""


def test_an_empty_quote_never_holds(club: Constitution) -> None:
    empty = Citation.model_construct(section="article-1.1", quote="")
    assert not club.holds(empty)
    assert club.around(empty) == ""


def test_a_quote_is_found_in_the_first_section_that_has_it(club: Constitution) -> None:
    found = club.find("within 14\ndays")
    assert found and found.id == "article-3.2"
    twice = Constitution("# First\n\nsame\n\n# Second\n\nsame").find("same")
    assert twice and twice.id == "first"
    assert club.find("no such words") is None
    assert club.find("") is club.find(" \n") is None


@pytest.mark.parametrize(
    ("quote", "around"),
    [
        ("may join", "Anyone may join."),
        ("the host", "A moderator, e.g. the host, greets new members."),
        ("join. A", "Anyone may join. A moderator, e.g. the host, greets new members."),
        ("6 days", "Discussion period: 6 days minimum"),
        ("not counted", "abstentions are not counted"),
        ("not counted 2. blocks", "abstentions are not counted 2. blocks are"),
        ("3 members", "| Urgent | 3 members |"),
        ("3: Propo", "Article 3: Proposals"),
        ("Joining Anyone", "Section 1.1: Joining Anyone may join."),
    ],
)
def test_around_a_quote_are_its_whole_sentences_or_items(
    club: Constitution, quote: str, around: str
) -> None:
    section = club.find(quote)
    assert section and club.around(cite(section.id, quote)) == around


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("See Art. 3 of this. Then stop!", ["See Art. 3 of this.", "Then stop!"]),
        ('He said "Go." We went.', ['He said "Go."', "We went."]),
        ("Ask J. Smith. Or not?", ["Ask J. Smith.", "Or not?"]),
        ("Pay 2.50 or more. Wait here.", ["Pay 2.50 or more.", "Wait here."]),
        ("**Be kind.** Be fair.", ["**Be kind.**", "Be fair."]),
        ("全员投票。多数通过。", ["全员投票。", "多数通过。"]),
        ("> One is quoted. Two\n> is too.", ["One is quoted.", "Two > is too."]),
        ("1. First. Still.\n2. Second.", ["First.", "Still.", "Second."]),
        ("```\nfirst row\n\nsecond row\n```", ["first row", "second row"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    made = Constitution(text)
    assert [made.around(cite("text", sentence)) for sentence in sentences] == sentences
    middles = [max(re.findall(r"\w+", sentence), key=len) for sentence in sentences]
    assert [made.around(cite("text", middle)) for middle in middles] == sentences


# --- search ------------------------------------------------------------------------------


def test_a_search_finds_other_forms_of_a_word(club: Constitution) -> None:
    assert [s.id for s in club.search("appealing")] == ["article-3.2"]


def test_a_search_ignores_accents_and_case() -> None:
    made = Constitution("# Règles\n\nLe Comité élit.\n\n# Autre\n\nRien.")
    assert [s.id for s in made.search("COMITE")] == ["règles"]


def test_a_heading_weighs_more_than_the_text_below() -> None:
    made = Constitution(
        "# Money\n\nThe quorum is not about money, nor is quorum cheap.\n\n"
        "# Quorum\n\nHalf of the members must be present.\n\n# Other\n\nNothing."
    )
    assert [s.id for s in made.search("quorum")] == ["quorum", "money"]


def test_a_section_is_found_by_the_heading_above_it(club: Constitution) -> None:
    assert "article-3.2" in [s.id for s in club.search("proposals")]


def test_a_search_gives_at_most_k(club: Constitution) -> None:
    assert len(club.search("members proposals", 2)) == 2
    assert club.search("members", 0) == []
    assert club.search("members", -1) == []


@pytest.mark.parametrize("text", ["", " ", "?!", "what may we do?", '"', "* - ^ :", "\ud800"])
def test_a_search_for_no_words_finds_nothing(club: Constitution, text: str) -> None:
    assert club.search(text) == []


SYNTAX = """appealed" OR "members; appealed NOT proposal; NEAR(appealed days, 1); title:appealed;
nothing* appealed; ' drop table sections -- appealed; appealed\x00"""


@pytest.mark.parametrize("text", SYNTAX.split(";"))
def test_search_syntax_in_a_text_is_only_words(club: Constitution, text: str) -> None:
    assert "article-3.2" in [s.id for s in club.search(text, 10)]


@settings(deadline=None)
@given(st.text(st.characters()))
def test_no_text_upsets_a_search_or_a_question(text: str) -> None:
    made = Constitution(CLUB)
    assert all(section in made.sections for section in made.search(text))
    guidance = made.query(text, text)
    assert all(made.holds(citation) for citation in guidance.citations)


# --- guidance ----------------------------------------------------------------------------


def test_an_answer_is_made_of_quotes_that_hold(club: Constitution) -> None:
    guidance = club.query("May a rejected proposal be appealed?")
    assert guidance.confidence == "high"
    assert [s.id for s in guidance.sections] == ["article-3.2"]
    assert guidance.citations == (
        cite("article-3.2", "A rejected proposal may be appealed within 14 days."),
    )
    (section,), (quote,) = guidance.sections, guidance.citations
    assert guidance.answer == f"{section.breadcrumb}: “{quote.quote}”"


def test_an_item_with_the_words_is_quoted_without_its_neighbours(club: Constitution) -> None:
    (quote,) = club.query("What is the passage threshold?").citations
    assert quote == cite("article-3.1", "Passage threshold: two-thirds")


def test_a_passage_that_announces_a_list_brings_its_items_and_no_others() -> None:
    made = Constitution(
        "# Types\n\nUrgent ones cannot wait:\n- 48 hours\n- 3 members\n\nOrdinary ones:\n- 6 days"
    )
    quotes = [c.quote for c in made.query("How long are urgent ones open?").citations]
    assert quotes == ["Urgent ones cannot wait:", "48 hours", "3 members"]


@pytest.mark.parametrize(
    ("question", "confidence"),
    [
        ("How long is the discussion period?", "high"),
        ("Is the discussion period adjustable?", "medium"),
        ("Is appealing frobnicated bananas?", "low"),
        ("Do frobnicated bananas count?", "low"),
        ("Are there bananas?", "none"),
    ],
)
def test_confidence_is_how_many_of_the_words_the_best_section_has(
    club: Constitution, question: str, confidence: str
) -> None:
    guidance = club.query(question)
    assert guidance.confidence == confidence
    assert bool(guidance.citations) == (confidence != "none")


def test_finding_nothing_is_said_and_proves_nothing(club: Constitution) -> None:
    guidance = club.query("Are there bananas?")
    assert "found nothing in the constitution for “bananas”" in guidance.answer
    assert "does not prove" in guidance.answer
    assert guidance.sections == ()


def test_finding_nothing_names_the_headings_most_like_the_words(club: Constitution) -> None:
    guidance = club.query("propositions?")
    assert guidance.confidence == "none"
    assert "Section 3.1: Proposal Types" in guidance.answer
    assert "article-3.1" in [s.id for s in guidance.sections]


def test_a_question_without_words_is_told_so(club: Constitution) -> None:
    guidance = club.query("What may we do?")
    assert guidance.confidence == "none"
    assert "no words" in guidance.answer


def test_context_ranks_but_is_not_answered() -> None:
    made = Constitution(
        "# Jury\n\nThe period is 3 days.\n\n# Election\n\nThe period is 9 days.\n\n# Tea\n\nHot."
    )
    assert made.query("Which period?", "the election").sections[0].id == "election"
    assert made.query("Which period?", "the jury").sections[0].id == "jury"
    assert "tea" not in [s.id for s in made.query("Which period?", "tea").sections]
    nothing = made.query("bananas?", "the jury")
    assert nothing.confidence == "none"
    assert [s.id for s in nothing.sections] == ["jury"]


def test_a_bare_heading_is_quoted_only_where_nothing_stands_below_it() -> None:
    bare = Constitution("# Rules\n\n## **Voting** rights ##\n\n### Who\n\nEveryone.\n")
    assert [s.id for s in bare.query("voting").sections] == ["who"]
    odd = Constitution("\x0c\nTitle\n===\n")  # the heading's first line is blank to a reader
    assert odd.query("title").citations == (cite("title", "Title"),)
    alone = Constitution("# Rules\n\nBe kind.\n\n## **Voting** rights ##\n")
    assert alone.query("voting").citations == (cite("voting-rights", "**Voting** rights"),)


def test_a_section_found_by_its_heading_is_quoted_from_its_beginning() -> None:
    made = Constitution("# Rules\n\n## Quorum\n\nHalf of us.\n\nThen we begin.\n")
    assert [c.quote for c in made.query("quorum?").citations] == ["Half of us.", "Then we begin."]


# --- loading -----------------------------------------------------------------------------


def test_a_file_is_loaded_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "rules.md"
    path.write_bytes("\ufeff# Rules\r\n\r\nBe kind.\r\n".encode())
    made = Constitution.load(path)
    assert made.digest == digest(path.read_bytes())
    assert Constitution.load(str(path)).title == "Rules"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; write"),
        (b" \n\t\r\n", "is empty; write"),
        ("\ufeff\n".encode(), "is empty; write"),
        (b"---\ntitle: x\n---\n", "is empty; write"),
        (b"# Rules\n\xff", "not UTF-8 at byte 8; save it as UTF-8"),
        ("# Rules".encode("utf-16"), "not UTF-8 at byte 0; save it as UTF-8"),
        (b"a" * (MAX_BYTES + 1), "larger than 4000000 bytes; shorten it"),
    ],
)
def test_a_file_that_is_no_constitution_is_refused_by_name(
    tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "rules.md"
    path.write_bytes(content)
    with pytest.raises(OperatorError, match=says) as refused:
        Constitution.load(path)
    assert str(path) in str(refused.value)


def test_a_missing_file_or_a_directory_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no file .*missing.md.*; write it or correct"):
        Constitution.load(tmp_path / "missing.md")
    with pytest.raises(OperatorError, match="is a directory; name the Markdown file"):
        Constitution.load(tmp_path)


def test_a_file_that_cannot_be_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, says in (
        (PermissionError(13, "Permission denied"), "may not be read; let this account read it"),
        (OSError(5, "Input/output error"), r"cannot be read \(Input/output error\); mend"),
    ):
        monkeypatch.setattr(Path, "open", lambda self, mode, error=error: refuse(error))
        with pytest.raises(OperatorError, match=f"rules.md.*{says}"):
            Constitution.load("rules.md")


# --- any text, and real ones -------------------------------------------------------------

MARKDOWN = st.lists(
    st.sampled_from(
        ["# Article 1", "## 1.1 Who", "### Quorum", "Title\n===", "IV. Late\n---", "---", "```", ""]
        + ["> # Quoted", "- item one.\n  more", "1. first", "| a | b |\n|---|---|\n| c | d |"]
        + ["Two sentences. Here, e.g. now.", "\ufeff", "#", "\t# code", "<div>", "key: value", "\r"]
        + ["# preamble", "# text~2", "[ref]: https://example.org", "> > - deep", "...", "Über uns?"]
    )
    | st.text(max_size=30),
    max_size=25,
).map("\n".join)


@settings(deadline=None, max_examples=300)
@given(MARKDOWN | st.text(st.characters(exclude_categories=["Cs"])))
def test_sections_cover_every_line_once_and_all_they_say_holds(text: str) -> None:
    made = Constitution(text)
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    covered = [n for s in made.sections for n in range(s.first, s.last + 1)]
    assert covered == sorted(set(covered))
    skipped = range(1, made.sections[0].first if made.sections else len(lines) + 1)
    blank = {n for n, line in enumerate(lines, 1) if not line.strip()}
    uncovered = set(range(1, len(lines) + 1)) - set(covered) - blank
    assert uncovered <= set(skipped)
    assert not uncovered or lines[0].rstrip() == "---"
    assert len({s.id for s in made.sections}) == len(made.sections)
    for section in made.sections:
        assert section.text == "\n".join(lines[section.first - 1 : section.last]).strip("\n")
        assert section.path[-1] == section.title


@settings(deadline=None)
@given(MARKDOWN)
def test_every_sentence_holds_and_stands_within_what_is_around_it(text: str) -> None:
    made = Constitution(text)
    for section in made.sections:
        for sentence in filter(str.strip, re.split(r"(?<=[.!?])\s+|\n", section.text)):
            quote = cite(section.id, sentence)
            assert made.holds(quote)
            around = made.around(quote)
            assert " ".join(sentence.split()) in around
            assert made.holds(cite(section.id, around))
            guidance = made.query(sentence)
            assert all(made.holds(citation) for citation in guidance.citations)


def test_real_constitutions_are_read_whole(shared: Path) -> None:
    paths = sorted((shared / "constitutions").glob("*.md"))
    assert len(paths) == 16
    for path in paths:
        made = Constitution.load(path)
        assert len({s.id for s in made.sections}) == len(made.sections)
        text = " ".join(path.read_text("utf-8").split())
        assert text.endswith(" ".join(" ".join(s.text for s in made.sections).split()))


def test_quotes_over_a_line_break_hold_in_real_constitutions(shared: Path) -> None:
    spanning = 0
    for path in sorted((shared / "constitutions").glob("*.md")):
        made = Constitution.load(path)
        for section in made.sections:
            for before, after in re.findall(r"(\w+ \w+)\n[ \t]*(\w+ \w+)", section.text):
                spanning += 1
                assert made.holds(cite(section.id, f"{before} {after}"))
                assert f"{before} {after}" in made.around(cite(section.id, f"{before} {after}"))
    assert spanning > 500


def test_real_constitutions_answer_questions_in_their_own_words(shared: Path) -> None:
    made = Constitution.load(shared / "constitutions" / "kubernetes-steering-charter.md")
    guidance = made.query("How can a member of the steering committee be removed?")
    assert guidance.confidence == "high"
    assert guidance.sections[0].id == "no-confidence"
    assert all(made.holds(citation) for citation in guidance.citations)
