"""Numbers as texts say them: figures, words, shares and times, and when two are the same."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.numbers import Quantity, numbers_in, quantities, same

UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen".split()
TEENS = "fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()


def spelled(n: int) -> str:
    """An independent writer of numbers, as the English do."""
    if n < 20:
        return (UNITS + TEENS)[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f"-{UNITS[n % 10]}" if n % 10 else "")
    if n < 1000:
        rest = f" and {spelled(n % 100)}" if n % 100 else ""
        return f"{UNITS[n // 100]} hundred{rest}"
    name, size = ("million", 10**6) if n >= 10**6 else ("thousand", 1000)
    rest = n % size
    between = " and " if 0 < rest < 100 else ", "
    return f"{spelled(n // size)} {name}" + (between + spelled(rest) if rest else "")


def one(text: str) -> Quantity:
    found = quantities(text)
    assert len(found) == 1, found
    return found[0]


def said(text: str) -> list[tuple[str, str]]:
    return [(str(number.value), number.unit) for number in quantities(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,000 members", [("1000", "members")]),
        ("1\u00a0000 members", [("1000", "members")]),
        ("(100,000,000, at most)", [("100000000", "")]),
        ("1.5 million tokens", [("1500000", "tokens")]),
        ("66.7 % of votes", [("667/10", "percent")]),
        ("66,7 %", [("667/10", "percent")]),
        ("fifty percent", [("50", "percent")]),
        ("fifty per cent of all", [("50", "percent")]),
        ("⅔ of members", [("2/3", "")]),
        ("1½ years", [("3/2", "years")]),
        ("two-thirds", [("2/3", "")]),
        ("two-\nthirds", [("2/3", "")]),
        ("a two thirds majority", [("2/3", "")]),
        ("2/3 vote participation", [("2/3", "")]),
        ("one half", [("1/2", "")]),
        ("half of the members", [("1/2", "")]),
        ("three quarters", [("3/4", "")]),
        ("a third of members", [("1/3", "")]),
        ("one-third", [("1/3", "")]),
        ("half an hour", [("1/2", "hours")]),
        ("two and a half years", [("5/2", "years")]),
        ("a fortnight", [("14", "days")]),
        ("two fortnights", [("28", "days")]),
        ("a week", [("1", "weeks")]),
        ("a further month", [("1", "months")]),
        ("two weeks' notice", [("2", "weeks")]),
        ("five (5) days", [("5", "days")]),
        ("two (2) year term", [("2", "years")]),
        ("five (6) days", [("5", "days"), ("6", "days")]),
        ("forty-eight (48) hours", [("48", "hours")]),
        ("7-day period", [("7", "days")]),
        ("a one-year term", [("1", "years")]),
        ("48h", [("48", "hours")]),
        ("14-16 days", [("14", "days"), ("16", "days")]),
        ("between two and four weeks", [("2", "weeks"), ("4", "weeks")]),
        ("5 working days", [("5", "business days")]),
        ("14 calendar days", [("14", "days")]),
        ("twenty-one days", [("21", "days")]),
        ("one hundred and twenty members", [("120", "members")]),
        ("between one hundred and two hundred members", [("100", ""), ("200", "members")]),
        ("between one hundred and two thousand", [("100", ""), ("2000", "")]),
        ("a dozen members", [("12", "members")]),
        ("two dozen", [("24", "")]),
        ("twice a month", [("2", "times")]),
        ("at least once", [("1", "times")]),
        ("5 or more members", [("5", "members")]),
        ("five elected board members", [("5", "members")]),
        ("9-of-12 multisig", [("9", ""), ("12", "")]),
        ("15th of March", [("15", "ordinal")]),
        ("$1,000", [("1000", "$")]),
        ("7 Tage", [("7", "days")]),
        ("3 jours", [("3", "days")]),
        ("1/3/2024", [("1", ""), ("3", ""), ("2024", "")]),
        ("agree >= 2/3 * votes", [("2/3", "")]),
    ],
)
def test_numbers_are_read_with_their_units(text: str, expected: list[tuple[str, str]]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a majority", "the third of May", "a third party", "third-party tools", "on behalf of",
        "the first half of the year", "once a quorum is reached", "once again", "no one may",
        "one-on-one", "one another", "Section 3.1", "Articles 3, 4 and 5", "§ 4", "No. 3", "Art. 7",
        "choice_2", "L2", "v1.2", "1.2.3", "1. Members vote", "- 2) They do", "per year",
        "every day", "1/0", "a second vote", "hundreds of", "weeks later", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert quantities(text) == []


@given(st.integers(0, 10**9 - 1))
def test_a_number_written_out_is_read_back(n: int) -> None:
    number = one(f"At least {spelled(n)}, no fewer.")
    assert number.value == n and number.text == spelled(n)


@given(st.integers(0, 10**9 - 1), st.sampled_from(["{}", "{:,}"]))
def test_a_figure_is_read_back(n: int, form: str) -> None:
    number = one(f"At least {form.format(n)} of them.")
    assert number.value == n and number.text == form.format(n)


@given(st.integers(1, 30), st.integers(3, 10), st.sampled_from(["-", " "]))
def test_a_fraction_written_out_is_read_back(count: int, below: int, tie: str) -> None:
    name = "third quarter fifth sixth seventh eighth ninth tenth".split()[below - 3]
    written = f"{spelled(count)}{tie}{name}{'s' if count > 1 else ''} of members"
    assert one(written).value == Fraction(count, "345678910".find(str(below)) + 3)


@given(st.lists(st.integers(2, 400), min_size=1, max_size=5), st.booleans())
def test_numbers_are_read_in_order_where_they_stand(numbers: list[int], words: bool) -> None:
    text = "; ".join(f"no more than {spelled(n) if words else n} seats" for n in numbers)
    found = quantities(text)
    assert [(q.value, q.unit) for q in found] == [(n, "seats") for n in numbers]
    assert all(text[q.start : q.end] == q.text for q in found)


@given(st.text(alphabet="0123456789 ,.%/½⅔()-–\n'’aonethirdswkhf_$", max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    for number in quantities(text):
        assert text[number.start : number.end] == number.text


@pytest.mark.parametrize("text", ["1-", "one to ", "(1", "half of votes ", "a full ", "1/"])
def test_a_long_text_is_read_too(text: str) -> None:
    assert quantities(text * 3000) is not None


@pytest.mark.parametrize(
    ("one_text", "other", "expected"),
    [
        ("48 hours", "two days", True),
        ("48 hours", "48 days", False),
        ("1 week", "7 days", True),
        ("a week", "seven days", True),
        ("a fortnight", "2 weeks", True),
        ("12 months", "a year", True),
        ("1 month", "30 days", False),
        ("5 working days", "5 days", False),
        ("5 working days", "five business days", True),
        ("2/3", "66.7 %", True),
        ("2/3", "66.67 percent", True),
        ("2/3", "67%", True),
        ("2/3", "66%", False),
        ("2/3", "66.6%", False),
        ("2/3", "0.667", True),
        ("2/3", "0.7", False),
        ("3/8", "38%", False),
        ("3/8", "37.5 %", True),
        ("half", "fifty percent", True),
        ("50", "50%", False),
        ("50 votes", "50%", False),
        ("2/3", "3/4", False),
        ("5 people", "five members", True),
        ("5 members", "5 signatures", False),
        ("5 votes", "five vote", True),
        ("5", "5 members", True),
        ("5", "5 days", False),
        ("twice", "two times", True),
    ],
)
def test_two_numbers_are_the_same_in_value_and_unit(
    one_text: str, other: str, expected: bool
) -> None:
    a, b = one(one_text), one(other)
    assert same(a, b) is expected and same(b, a) is expected


def test_fifty_percent_is_fifty_in_percent_and_a_half_as_a_share() -> None:
    number = one("fifty percent of all members")
    assert (number.value, number.unit, number.share) == (50, "percent", Fraction(1, 2))
    assert number.of == "all members"


def test_the_values_of_a_text_include_the_words_they_are_made_of() -> None:
    assert numbers_in("twenty-one days or 66.7 percent") == {20, 1, 21, Fraction("66.7")}
    assert numbers_in("1,000 of ⅔") == {1000, Fraction(2, 3)}
