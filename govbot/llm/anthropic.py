"""Anthropic's models, and servers that speak its Messages API.

Thin over the official SDK: one `messages.create` with an output schema and a cached system block.
Why an answer stopped is looked at before what it says.
"""

import json
from typing import Any

from pydantic import SecretStr

from govbot.llm import Prompt, Usage, Value
from govbot.llm.wire import RETRIES, answered, failure, failure_of, strict


class AnthropicProvider:
    """`schemas` says whether the server knows output schemas; where not, the prompt has it."""

    def __init__(
        self, model: str, key: SecretStr | None = None, base_url: str | None = None,
        timeout: float = 60.0, schemas: bool = True,
    ) -> None:  # fmt: skip
        self.model, self.base_url = model, base_url
        self.schemas, self.name = schemas, f"anthropic:{model}"
        self._key, self._timeout = key, timeout
        self._client: Any = None

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        async def asked(text: str) -> tuple[str, Usage]:
            return await self._message(prompt, text, schema)

        return await answered(asked, prompt, schema, self.name)

    def _open(self) -> Any:
        if self._client is None:
            import anthropic

            self._client = anthropic.AsyncAnthropic(
                api_key=self._key.get_secret_value() if self._key else "none",
                base_url=self.base_url, timeout=self._timeout, max_retries=RETRIES,
            )  # fmt: skip
        return self._client

    async def _message(self, prompt: Prompt, text: str, schema: type[Value]) -> tuple[str, Usage]:
        import anthropic

        system, shape = prompt.system, strict(schema)
        more: dict[str, Any] = {}
        if self.schemas:
            more["output_config"] = {"format": {"type": "json_schema", "schema": shape}}
        else:
            system += f"\nAnswer with JSON of this schema alone: {json.dumps(shape)}"
        cached = {"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}
        try:
            answer = await self._open().messages.create(
                model=self.model, max_tokens=prompt.most, system=[cached],
                messages=[{"role": "user", "content": text}], **more,
            )  # fmt: skip
        except anthropic.AnthropicError as error:
            raise failure_of(error, self.name) from None
        spent = answer.usage
        from_cache = spent.cache_read_input_tokens or 0
        into_cache = spent.cache_creation_input_tokens or 0
        usage = Usage(
            model=self.name, read=spent.input_tokens + from_cache + into_cache,
            written=spent.output_tokens, cached=from_cache,
        )  # fmt: skip
        if answer.stop_reason == "max_tokens":
            raise failure("truncated", self.name, usage)
        if answer.stop_reason == "refusal":
            raise failure("refused", self.name, usage)
        return "".join(block.text for block in answer.content if block.type == "text"), usage
