"""AsyncClient with Client's face, so that one test speaks to both."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import kith


class AwaitedClient:
    def __init__(self, *words: Any, **named: Any) -> None:
        self._client = kith.AsyncClient(*words, **named)  # first: where it refuses, no loop is left
        self._loop = asyncio.new_event_loop()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*words: Any, **named: Any) -> Any:
            result = method(*words, **named)
            if inspect.isasyncgen(result):
                return self._drawn(result)
            return self._loop.run_until_complete(result) if inspect.isawaitable(result) else result

        return call

    def _drawn(self, generator: Any) -> Iterator[Any]:
        end = object()
        try:
            while (one := self._loop.run_until_complete(anext(generator, end))) is not end:
                yield one
        finally:
            self._loop.run_until_complete(generator.aclose())

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()
