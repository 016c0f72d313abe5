"""Providers by name: `anthropic:MODEL`, `openai:MODEL`, `compatible:MODEL@URL` (a server that
speaks Chat Completions), `messages:MODEL@URL` (one that speaks Anthropic's Messages).

The only place that knows all of them. Keys come from the environment.
"""

import difflib
from collections.abc import Callable, Mapping
from functools import partial

from pydantic import SecretStr

from govbot.errors import OperatorError
from govbot.llm import Provider

KNOWN = ("anthropic", "openai", "compatible", "messages")


def provider_named(spoken: str, environ: Mapping[str, str]) -> Provider:
    """The provider that `spoken` names; OperatorError says what is missing or misspelt."""
    kind, mark, model = spoken.partition(":")
    if kind not in KNOWN or not mark or not model:
        near = difflib.get_close_matches(kind, KNOWN, 1, 0.5)
        hint = f"; did you mean {near[0]!r}?" if near and near[0] != kind else ""
        raise OperatorError(
            f"{spoken!r} names no model; write anthropic:MODEL, openai:MODEL or"
            f" compatible:MODEL@URL{hint}"
        )
    if kind == "anthropic":
        from govbot.llm.anthropic import AnthropicProvider

        return AnthropicProvider(model, _key(environ, "ANTHROPIC_API_KEY"))
    from govbot.llm.openai import OpenAIProvider

    if kind == "openai":
        return OpenAIProvider(model, _key(environ, "OPENAI_API_KEY"))
    if kind == "messages":
        from govbot.llm.anthropic import AnthropicProvider

        return _compatible(partial(AnthropicProvider, schemas=False), model, environ)
    return _compatible(OpenAIProvider, model, environ)


def _compatible(make: Callable[..., Provider], spoken: str, environ: Mapping[str, str]) -> Provider:
    model, mark, url = spoken.partition("@")
    if not mark or not url.startswith(("http://", "https://")):
        raise OperatorError(
            f"{spoken!r} has no address; write compatible:MODEL@http://127.0.0.1:8080/v1"
        )
    key = environ.get("COMPATIBLE_API_KEY")
    # A model on one's own machine may take its time.
    return make(model, SecretStr(key) if key else None, url, timeout=300.0)


def _key(environ: Mapping[str, str], name: str) -> SecretStr:
    key = environ.get(name, "").strip()
    if not key:
        raise OperatorError(f"there is no key; set {name} in the environment")
    return SecretStr(key)
