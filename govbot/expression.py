"""The expression language of charters: exact, small and bounded.

Owns the grammar (numbers, names, comparisons, `and`/`or`/`not`, `in`, `a if c else b` and a few
functions) on top of simpleeval. Knows nothing of processes or members. Promises that every number
is an `int` or a `Fraction`, that no expression reaches an attribute, that none costs more than a
bounded amount of time and memory, and that whatever goes wrong is an `ExpressionError`.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from simpleeval import InvalidExpression, SimpleEval

from govbot.errors import GovbotError

MAX_LENGTH = 500
MAX_NODES = 120
MAX_DEPTH = 24
MAX_BITS = 512
MAX_DIGITS = 15

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")
# Escapes could write text that has no UTF-8; other control characters count as line ends for some.
_UNREADABLE = re.compile(r"[\\\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


# Exactly these: a bool is an int to `isinstance`, and no number here.
_NUMBERS = frozenset({int, Fraction})


class ExpressionError(GovbotError):
    """An expression cannot be read or has no value; the message quotes it."""


def _number(value: Any) -> int | Fraction:
    if type(value) not in _NUMBERS:
        raise ExpressionError(f"{value!r} is not a number")
    return value  # type: ignore[no-any-return]  # its type has just been looked at


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"{value!r} is not a condition; compare it with something")
    return value


def _bounded(value: int | Fraction) -> int | Fraction:
    whole = value.numerator
    if whole.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise ExpressionError("a number grew too large")
    return whole if value.denominator == 1 else value


def _arithmetic(operation: Callable[..., Any]) -> Callable[..., Any]:
    def run(*operands: Any) -> int | Fraction:
        try:
            return _bounded(operation(*(_number(operand) for operand in operands)))
        except ZeroDivisionError:
            raise ExpressionError("it divides by zero") from None

    return run


def _power(base: int | Fraction, exponent: int | Fraction) -> int | Fraction:
    if not isinstance(exponent, int) or abs(exponent) > MAX_BITS:
        raise ExpressionError("an exponent must be a small whole number")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MAX_BITS:
        raise ExpressionError("a number grew too large")
    return Fraction(base) ** exponent


def _ordered(operation: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: operation(_number(left), _number(right))


def _contains(item: Any, group: Any) -> bool:
    # A text on the right would mean "is part of the text", which no rule means.
    if isinstance(group, str) or not hasattr(group, "__contains__"):
        raise ExpressionError(f"{group!r} is not a list")
    return bool(item in group)


def _size(group: Any) -> int:
    if isinstance(group, str) or not hasattr(group, "__len__"):
        raise ExpressionError(f"{group!r} is not a list")
    return len(group)


def _extreme(pick: Callable[..., Any]) -> Callable[..., Any]:
    def run(*operands: Any) -> int | Fraction:
        if not operands:
            raise ExpressionError("min and max need at least one number")
        return _number(pick(_number(operand) for operand in operands))

    return run


OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: _arithmetic(lambda a, b: a + b),
    ast.Sub: _arithmetic(lambda a, b: a - b),
    ast.Mult: _arithmetic(lambda a, b: a * b),
    ast.Div: _arithmetic(lambda a, b: Fraction(a) / b),
    ast.FloorDiv: _arithmetic(lambda a, b: a // b),
    ast.Mod: _arithmetic(lambda a, b: a % b),
    ast.Pow: _arithmetic(_power),
    ast.USub: _arithmetic(lambda a: -a),
    ast.UAdd: _arithmetic(lambda a: a),
    ast.Not: lambda a: not _truth(a),
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: _ordered(lambda a, b: a < b),
    ast.LtE: _ordered(lambda a, b: a <= b),
    ast.Gt: _ordered(lambda a, b: a > b),
    ast.GtE: _ordered(lambda a, b: a >= b),
    ast.In: _contains,
    ast.NotIn: lambda a, b: not _contains(a, b),
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ceil": _arithmetic(math.ceil),
    "floor": _arithmetic(math.floor),
    "abs": _arithmetic(abs),
    "min": _extreme(min),
    "max": _extreme(max),
    "size": _size,
}

_GRAMMAR = (
    ast.Expr,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.UnaryOp,
    ast.BinOp,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.Compare,
    ast.IfExp,
    ast.Call,
    ast.List,
    ast.Tuple,
    *OPERATORS,
)


class _Exact(SimpleEval):  # type: ignore[misc]  # simpleeval ships no types
    """simpleeval with exact values, strict conditions and a closed grammar."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names, self.operators, self.functions = names, OPERATORS, FUNCTIONS

    def _eval(self, node: ast.AST) -> Any:
        # simpleeval looks for modules in every value on the way; a closed grammar holds none.
        return _HANDLERS[type(node)](self, node)

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise InvalidExpression(node.id)
        value = self.names[node.id]
        if isinstance(value, float):
            raise ExpressionError(f"{node.id} is {value!r}; write it as a fraction, to stay exact")
        return _bounded(value) if type(value) in _NUMBERS else value

    def _eval_literal(self, node: ast.Constant) -> Any:
        return node.value

    def _eval_items(self, node: ast.List | ast.Tuple) -> tuple[Any, ...]:
        return tuple(self._eval(item) for item in node.elts)

    def _eval_ifexp(self, node: ast.IfExp) -> Any:
        return self._eval(node.body if _truth(self._eval(node.test)) else node.orelse)

    def _eval_boolop(self, node: ast.BoolOp) -> bool:
        wanted = isinstance(node.op, ast.Or)
        for value in node.values:
            if _truth(self._eval(value)) is wanted:
                return wanted
        return not wanted


_HANDLERS: Mapping[type, Callable[..., Any]] = {
    ast.Expr: _Exact._eval_expr,
    ast.Constant: _Exact._eval_literal,
    ast.Name: _Exact._eval_name,
    ast.UnaryOp: _Exact._eval_unaryop,
    ast.BinOp: _Exact._eval_binop,
    ast.BoolOp: _Exact._eval_boolop,
    ast.Compare: _Exact._eval_compare,
    ast.IfExp: _Exact._eval_ifexp,
    ast.Call: _Exact._eval_call,
    ast.List: _Exact._eval_items,
    ast.Tuple: _Exact._eval_items,
}


def _depth(node: ast.AST) -> int:
    """Depth of the tree, counted without recursion so that depth itself cannot hurt."""
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]
    return deepest


def _literal(node: ast.Constant, text: str) -> Any:
    value = node.value
    if isinstance(value, bool | str):
        return value
    written = ast.get_source_segment(text, node) or ""
    if not isinstance(value, int | float) or not _NUMBER.fullmatch(written):
        raise ExpressionError(f"{written[:40]!r} is not a value this language knows")
    if len(written) > MAX_DIGITS + 1:
        raise ExpressionError(f"{written[:40]!r} has too many digits; write a fraction")
    # Python reads `1or x` as `1 or x`, though not for much longer.
    if _rest(node, text)[:1].isalnum():
        raise ExpressionError(f"{written!r} runs into the next word; leave a space")
    return _bounded(Fraction(written))


def _rest(node: ast.Constant, text: str) -> str:
    """What follows a literal on its line; Python counts columns in UTF-8 bytes."""
    line = text.split("\n")[(node.end_lineno or 1) - 1]
    return line.encode()[node.end_col_offset or 0 :].decode()


def _objection(node: ast.AST) -> str | None:
    if not isinstance(node, _GRAMMAR):
        return f"{type(node).__name__} is not allowed"
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            return f"the only functions are {', '.join(sorted(FUNCTIONS))}"
        if node.keywords:
            return "functions take no named arguments"
    return None


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.Expr:
    """The checked tree of an expression; raises `ExpressionError` quoting it."""
    shown = text if len(text) <= 80 else text[:79] + "…"
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{shown!r} is longer than {MAX_LENGTH} characters")
    if unreadable := _UNREADABLE.search(text):
        raise ExpressionError(f"{shown!r} contains {unreadable[0]!r}; leave it out")
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{shown!r} is not an expression") from None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ExpressionError(f"{shown!r} is not one expression")
    tree = body[0]
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES or _depth(tree) > MAX_DEPTH:
        raise ExpressionError(f"{shown!r} is too complicated; split the rule")
    for node in nodes:
        if objection := _objection(node):
            raise ExpressionError(f"{shown!r}: {objection}")
        if isinstance(node, ast.Constant):
            node.value = _literal(node, text.strip())
    return tree


@lru_cache(maxsize=4096)
def names_in(text: str) -> frozenset[str]:
    """The names an expression asks for, functions left out."""
    nodes = list(ast.walk(parse(text)))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    return frozenset(n.id for n in nodes if isinstance(n, ast.Name) and id(n) not in called)


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    """The exact value of an expression: bool, int, Fraction or text.

    `names` maps each name to a plain value; a missing one is an `ExpressionError`.
    """
    tree = parse(text)
    try:
        return _Exact(names).eval(text, previously_parsed=tree)
    except ExpressionError as error:
        raise ExpressionError(f"{text!r} has no value: {error}") from None
    except InvalidExpression:
        missing = sorted(names_in(text) - set(names))
        raise ExpressionError(f"{text!r} has no value: {missing} is not known here") from None
    except TypeError:
        raise ExpressionError(f"{text!r} has no value: its parts do not fit together") from None


def holds(text: str, names: Mapping[str, Any]) -> bool:
    """Whether a condition is true; an expression that is no condition is an error."""
    value = evaluate(text, names)
    if not isinstance(value, bool):
        raise ExpressionError(f"{text!r} is not a condition; its value is {value}")
    return value
