"""Canonical bytes, digests and the plain form of values."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from govbot.records import (
    GENESIS,
    MAX_INTEGER,
    Citation,
    Entry,
    Fact,
    Given,
    Member,
    canonical,
    digest,
    moment,
    parse,
    plain,
    stamp,
)

# Keys from both sides of the surrogates: by UTF-16 units U+1F600 comes before U+FB01.
KEYS = st.one_of(
    st.text(max_size=4), st.text("a\ue000\ufb01\uffff\U0001f600\U00010000", max_size=3)
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER), st.text(max_size=8), KEYS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
MOMENTS = st.datetimes(datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
AT = datetime(2026, 2, 8, 18, 30, tzinfo=UTC)


@given(JSON)
def test_canonical_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(JSON)
def test_canonical_bytes_can_be_read_back_and_written_again(value: Any) -> None:
    assert parse(canonical(value)) == value
    assert canonical(parse(canonical(value))) == canonical(value)


def test_keys_are_sorted_by_utf_16_units() -> None:
    written = canonical({"\ufb01": 1, "\U0001f600": 2, "a": {"\uffff": 1, "\U00010000": 2}})
    assert written.decode() == ('{"a":{"\U00010000":2,"\uffff":1},"\U0001f600":2,"\ufb01":1}')


@given(st.dictionaries(KEYS, SCALARS, max_size=6))
def test_the_order_of_keys_does_not_change_the_bytes(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [0.5, 1.0, -0.0, 1e300, float("nan"), float("inf")])
def test_a_float_has_no_canonical_form(value: float) -> None:
    for nested in (value, [value], {"a": {"b": value}}, {"\U0001f600": value}):
        with pytest.raises(ValueError):
            canonical(nested)


@pytest.mark.parametrize("value", [MAX_INTEGER + 1, -MAX_INTEGER - 1, 10**40])
def test_an_integer_past_2_to_the_53_has_no_canonical_form(value: int) -> None:
    for nested in (value, [value], {"\U0001f600": value}):
        with pytest.raises(ValueError, match="too large"):
            canonical(nested)


def test_the_largest_integers_have_one() -> None:
    assert canonical([MAX_INTEGER, -MAX_INTEGER]) == b"[9007199254740991,-9007199254740991]"


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\ud83d"]])
def test_a_lone_surrogate_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize("value", [b"x", {1, 2}, AT, Fraction(1, 2)])
def test_what_is_no_json_has_no_canonical_form(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical(value)


@pytest.mark.parametrize("text", ["0.5", "1e3", "NaN", "-Infinity", str(2**53), "[1.0]", "{", ""])
def test_numbers_govbot_does_not_write_are_not_read(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_a_digest_names_its_algorithm_and_is_the_known_one() -> None:
    assert digest(b"abc") == (
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert len(GENESIS) == len(digest(b""))


# --- moments -------------------------------------------------------------------------------


@given(MOMENTS)
def test_a_stamp_names_its_moment(at: datetime) -> None:
    assert moment(stamp(at)) == at
    assert stamp(moment(stamp(at))) == stamp(at)


@given(MOMENTS, MOMENTS)
def test_stamps_sort_as_their_moments_do(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) is (one < other)
    assert len(stamp(one)) == len(stamp(other))


@given(MOMENTS.filter(lambda at: 1001 < at.year < 9998), st.integers(-23, 23))
def test_the_zone_a_moment_is_given_in_does_not_matter(at: datetime, hours: int) -> None:
    assert stamp(at.astimezone(timezone(timedelta(hours=hours)))) == stamp(at)


@pytest.mark.parametrize("text", ["2026-02-08", "2026-02-08T18:30:00Z", "2026-13-01T00:00:00.0Z"])
def test_what_is_no_stamp_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text)


# --- plain ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(2, 3), "2/3"),
        (Fraction(-1, 2), "-1/2"),
        (Fraction(4, 2), 2),
        (AT, "2026-02-08T18:30:00.000000Z"),
        (frozenset({"b", "a"}), ["a", "b"]),
        (("a", Fraction(1, 3), (True, None)), ["a", "1/3", [True, None]]),
        ({"share": Fraction(1, 2), 7: {"b"}}, {"share": "1/2", "7": ["b"]}),
        (True, True),
        (0, 0),
        ("1/2", "1/2"),
    ],
)
def test_a_value_has_one_plain_form(value: Any, expected: Any) -> None:
    found = plain(value)
    assert (found, type(found)) == (expected, type(expected))


@given(JSON)
def test_what_is_plain_stays_as_it_is(value: Any) -> None:
    assert plain(value) == value
    assert canonical(plain(value)) == canonical(value)


@given(st.fractions(max_denominator=10**9))
def test_a_plain_fraction_is_still_the_same_number(value: Fraction) -> None:
    assert Fraction(plain(value)) == value


# --- records -------------------------------------------------------------------------------


def vote() -> Fact:
    return Fact(
        id="r1",
        at=AT,
        member="discord:42",
        process="125",
        body=Given(input="vote", stage="discussion", value="agree"),
    )


def test_a_record_is_frozen_and_knows_its_fields() -> None:
    cite = Citation(section="article-1", quote="Members vote.")
    with pytest.raises(ValidationError):
        cite.quote = "Nobody votes."  # type: ignore[misc]  # that it is refused is the point
    with pytest.raises(ValidationError):
        Citation(section="article-1", quote="Members vote.", page=3)  # type: ignore[call-arg]  # likewise
    with pytest.raises(ValidationError):
        Citation(section="article-1", quote="")


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fact.model_validate({**vote().model_dump(), "at": datetime(2026, 2, 8)})  # noqa: DTZ001


def test_a_member_needs_an_id_and_facts_hold_no_fractions() -> None:
    with pytest.raises(ValidationError):
        Member(id="", name="Ana")
    with pytest.raises(ValidationError):
        Member(id="discord:42", name="Ana", facts={"weight": 0.5})  # type: ignore[dict-item]  # likewise


def test_an_entry_read_back_from_its_bytes_has_the_same_bytes() -> None:
    entry = Entry(**vote().model_dump(), n=1, prev=GENESIS)
    again = Entry.model_validate_json(entry.bytes())
    assert again == entry
    assert again.bytes() == entry.bytes() == rfc8785.dumps(parse(entry.bytes()))
