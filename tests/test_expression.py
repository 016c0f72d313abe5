"""The expression language: exact, closed and bounded."""

import ast
import string
import warnings
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govbot.expression import (
    FUNCTIONS,
    MAX_BITS,
    MAX_LENGTH,
    ExpressionError,
    evaluate,
    holds,
    names_in,
    parse,
)

NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.fractions(max_denominator=10**6))
SCRAPS = (
    "a b yes size ceil max ( ) [ ] , . + - * / // % ** == != < <= > >= and or not in if else"
    " 1 2 0.5 9999999999 'x' \"y\" True None lambda : { } := # \\ \n"
).split(" ")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1 + 0.2 == 0.3", True),
        ("2 / 3", Fraction(2, 3)),
        ("6 / 3", 2),
        ("1.50", Fraction(3, 2)),
        (".5 + 1.", Fraction(3, 2)),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("2 ** -2", Fraction(1, 4)),
        ("ceil(0.05 * 41)", 3),
        ("floor(5 / 3)", 1),
        ("abs(-1.5)", Fraction(3, 2)),
        ("max(1, 5 / 2, 2)", Fraction(5, 2)),
        ("min(3)", 3),
        ("size(['a', 'b'])", 2),
        ("1 < 2 < 3", True),
        ("1 < 2 > 3", False),
        ("'a' in ['a', 'b']", True),
        ("'c' not in ['a', 'b']", True),
        ("not (True and False)", True),
        ("'yes' if 1 > 2 else 'no'", "no"),
        ("'é' == 'é' or 1.25 > 1", True),
        (" ( 1 +\n 2 ) ", 3),
    ],
)
def test_an_expression_has_its_exact_value(text: str, value: Any) -> None:
    found = evaluate(text, {})
    assert (found, type(found)) == (value, type(value))


@given(NUMBERS, NUMBERS)
def test_arithmetic_agrees_with_fractions(a: Fraction, b: Fraction) -> None:
    names = {"a": a, "b": b}
    assert evaluate("a + b", names) == Fraction(a) + b
    assert evaluate("a - b", names) == Fraction(a) - b
    assert evaluate("a * b", names) == Fraction(a) * b
    assert evaluate("a < b", names) is (Fraction(a) < b)
    assert evaluate("a == b", names) is (Fraction(a) == b)
    assert evaluate("max(a, b) - min(a, b) == abs(a - b)", names) is True
    if b:
        assert evaluate("a / b", names) == Fraction(a) / b
        assert evaluate("(a // b) * b + a % b == a", names) is True


@given(st.integers(0, 10**7), st.integers(0, 10**7 - 1))
def test_a_written_decimal_is_the_decimal_and_no_float(whole: int, part: int) -> None:
    written = f"{whole}.{part:07}"
    assert evaluate(written, {}) == Fraction(written)


@given(NUMBERS)
def test_a_whole_value_is_an_int_and_no_other_is(a: Fraction) -> None:
    value = evaluate("a", {"a": Fraction(a)})
    assert (type(value) is int) is (Fraction(a).denominator == 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "divides by zero"),
        ("1 % 0", "divides by zero"),
        ("0 ** -1", "divides by zero"),
        ("1 + True", "True is not a number"),
        ("'a' + 'b'", "'a' is not a number"),
        ("[1] * 9", "is not a number"),
        ("1 < 'b'", "'b' is not a number"),
        ("not 1", "1 is not a condition"),
        ("1 and True", "1 is not a condition"),
        ("1 if 2 else 3", "2 is not a condition"),
        ("'a' in 'abc'", "'abc' is not a list"),
        ("1 in 2", "2 is not a list"),
        ("size('abc')", "'abc' is not a list"),
        ("max()", "at least one number"),
        ("abs()", "do not fit together"),
        ("ceil(1, 2)", "do not fit together"),
        ("2 ** 0.5", "small whole number"),
        ("ceil", "['ceil'] is not known"),
        ("b + a", "['a', 'b'] is not known"),
    ],
)
def test_what_has_no_value_says_why_and_quotes_the_expression(text: str, why: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, {})
    assert why in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "if",
        "1; 2",
        "a = 1",
        "1\n2",
        "(1",
        "().__class__",
        "a.b",
        "a[0]",
        "a()",
        "max(*a)",
        "max(key=1)",
        "open('x')",
        "a.b()",
        "lambda: 1",
        "[x for x in a]",
        "{1}",
        "{'a': 1}",
        "f'{a}'",
        "b'a'",
        "(a := 1)",
        "await a",
        "a is b",
        "a | b",
        "~a",
        "None",
        "...",
        "1j",
        "1e9",
        "0x10",
        "1_000",
        "1234567890123456.0",
        "12345678901234567",
        "1.5or True",
        r"'\ud800'",
        "'\ud800'",
        "'a\x0cb'",
        "'a\rb'",
        "\x00",
    ],
)
def test_what_is_not_in_the_language_is_refused_before_it_is_run(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's own doubts must not be what refuses it
        with pytest.raises(ExpressionError):
            parse(text)


def test_a_function_cannot_be_carried_off_as_a_value() -> None:
    for name in FUNCTIONS:
        with pytest.raises(ExpressionError):
            evaluate(f"{name} == {name}", {})


def test_a_name_may_be_called_like_a_function() -> None:
    assert evaluate("size + size([1])", {"size": 4}) == 5
    assert names_in("size + size([1])") == {"size"}


@pytest.mark.parametrize("value", [0.5, float("nan"), float("inf")])
def test_a_float_among_the_names_is_refused(value: float) -> None:
    with pytest.raises(ExpressionError, match="write it as a fraction"):
        evaluate("share", {"share": value})


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9",
        "2**512",
        "(2**500)**(2**500)",
        "2**-9999",
        "0**1000000",
        "9**99**9 > 1",
        "*".join(["999999999999999"] * 30),
        "/".join(["999999999999999"] * 30),
        "+".join(["1"] * 200),
        "-" * 400 + "1",
        "(" * 240 + "1" + ")" * 240,
        "[" * 60 + "]" * 60,
        " not" * 100 + " True",
        "1" * 400,
        "." * 400,
        " " * MAX_LENGTH + "1",
    ],
)
def test_a_bomb_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, {})


@pytest.mark.parametrize("text", [f"[{'1,' * 130}]", "not " * 30 + "True"])
def test_too_wide_and_too_deep_are_too_complicated(text: str) -> None:
    with pytest.raises(ExpressionError, match="too complicated"):
        parse(text)


def test_a_number_too_large_among_the_names_is_refused() -> None:
    for value in (2**MAX_BITS, Fraction(1, 2**MAX_BITS), -(2**100_000)):
        with pytest.raises(ExpressionError, match="too large"):
            evaluate("a", {"a": value})


def test_the_largest_numbers_still_work() -> None:
    assert evaluate("a", {"a": 2**MAX_BITS - 1}) == 2**MAX_BITS - 1
    assert evaluate("2 ** 256 - 1", {}) == 2**256 - 1


def check(text: str) -> None:
    """Evaluating may fail only as promised, and what it gives is of the promised kinds."""
    names = {"a": 3, "b": Fraction(1, 3), "yes": True, "list": ("x", 2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = evaluate(text, names)
        except ExpressionError as error:
            assert "\n" not in str(error)
        else:
            assert type(value) in {bool, int, Fraction, str, tuple}


@given(st.text(max_size=600))
def test_any_text_at_all_has_a_value_or_an_expression_error(text: str) -> None:
    check(text)


@given(st.text(string.printable, max_size=60))
def test_any_typed_text_has_a_value_or_an_expression_error(text: str) -> None:
    check(text)


@given(st.lists(st.sampled_from(SCRAPS), max_size=40), st.sampled_from(["", " "]))
def test_any_row_of_tokens_has_a_value_or_an_expression_error(row: list[str], gap: str) -> None:
    check(gap.join(row))


def test_conditions_stop_as_soon_as_they_are_decided() -> None:
    assert holds("True or missing", {}) is True
    assert holds("False and missing", {}) is False
    assert holds("1 > 2 > missing", {}) is False
    assert evaluate("1 if True else missing", {}) == 1


@pytest.mark.parametrize("text", ["1", "'yes'", "[True]", "agree"])
def test_what_is_no_condition_does_not_hold_and_says_so(text: str) -> None:
    with pytest.raises(ExpressionError, match="is not a condition"):
        holds(text, {"agree": 2})


def test_names_are_found_and_functions_are_not() -> None:
    assert names_in("ceil(0.05 * eligible) <= agree and 'x' in roles") == {
        "eligible",
        "agree",
        "roles",
    }


def test_evaluating_does_not_change_the_parsed_tree() -> None:
    text = "0.25 * a > 1"
    before = ast.dump(parse(text))
    evaluate(text, {"a": 3})
    assert ast.dump(parse(text)) == before


def test_a_long_expression_is_quoted_shortened() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("a" * (MAX_LENGTH + 1))
    assert len(str(caught.value)) < 160
