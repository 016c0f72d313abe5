"""OpenAI's models, and every server that speaks its Chat Completions (llama.cpp, Ollama, vLLM).

Thin over the official SDK. OpenAI itself is asked by its Responses API, other servers by Chat
Completions with a JSON schema.
"""

from typing import Any

from pydantic import SecretStr

from govbot.llm import Prompt, Usage, Value
from govbot.llm.wire import RETRIES, answered, failure, failure_of, strict


class OpenAIProvider:
    """`base_url` names a compatible server; without it OpenAI's own. Times are in seconds."""

    def __init__(
        self, model: str, key: SecretStr | None = None, base_url: str | None = None,
        timeout: float = 60.0,
    ) -> None:  # fmt: skip
        self.model, self.base_url = model, base_url
        self.name = f"openai:{model}" if base_url is None else f"compatible:{model}"
        self._key, self._timeout = key, timeout
        self._client: Any = None

    async def complete(self, prompt: Prompt, schema: type[Value]) -> tuple[Value, Usage]:
        ask = self._respond if self.base_url is None else self._chat

        async def asked(text: str) -> tuple[str, Usage]:
            return await ask(prompt, text, schema)

        return await answered(asked, prompt, schema, self.name)

    def _open(self) -> Any:
        if self._client is None:
            import openai

            self._client = openai.AsyncOpenAI(
                api_key=self._key.get_secret_value() if self._key else "none",
                base_url=self.base_url, timeout=self._timeout, max_retries=RETRIES,
            )  # fmt: skip
        return self._client

    async def _respond(self, prompt: Prompt, text: str, schema: type[Value]) -> tuple[str, Usage]:
        import openai

        shape = {
            "type": "json_schema", "name": schema.__name__, "schema": strict(schema),
            "strict": True,
        }  # fmt: skip
        try:
            answer = await self._open().responses.create(
                model=self.model, instructions=prompt.system, input=text, text={"format": shape},
                max_output_tokens=prompt.most, store=False,
            )  # fmt: skip
        except openai.OpenAIError as error:
            raise failure_of(error, self.name) from None
        spent = answer.usage
        cached = spent.input_tokens_details.cached_tokens if spent else 0
        usage = Usage(
            model=self.name, read=spent.input_tokens if spent else 0,
            written=spent.output_tokens if spent else 0, cached=cached or 0,
        )  # fmt: skip
        if answer.status == "incomplete":
            raise failure("truncated", self.name, usage)
        parts = [part for item in answer.output for part in getattr(item, "content", None) or ()]
        if any(part.type == "refusal" for part in parts):
            raise failure("refused", self.name, usage)
        return answer.output_text, usage

    async def _chat(self, prompt: Prompt, text: str, schema: type[Value]) -> tuple[str, Usage]:
        import openai

        # Not strict: a small model that must fill in every field fills them with inventions.
        shape = {"name": schema.__name__, "schema": schema.model_json_schema()}
        try:
            answer = await self._open().chat.completions.create(
                model=self.model, temperature=0, max_tokens=prompt.most,
                messages=[
                    {"role": "system", "content": prompt.system}, {"role": "user", "content": text}
                ],
                response_format={"type": "json_schema", "json_schema": shape},
            )  # fmt: skip
        except openai.OpenAIError as error:
            raise failure_of(error, self.name) from None
        spent = answer.usage
        details = spent.prompt_tokens_details if spent else None
        usage = Usage(
            model=self.name, read=spent.prompt_tokens if spent else 0,
            written=spent.completion_tokens if spent else 0,
            cached=(details.cached_tokens if details else 0) or 0,
        )  # fmt: skip
        if not answer.choices:
            raise failure("invalid", self.name, usage)
        choice = answer.choices[0]
        if choice.finish_reason == "length":
            raise failure("truncated", self.name, usage)
        if choice.message.refusal:
            raise failure("refused", self.name, usage)
        return choice.message.content or "", usage
