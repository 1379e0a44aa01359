"""A client over HTTP, on a connection that it keeps."""

from http.client import HTTPConnection, HTTPException
from time import perf_counter
from typing import Any, Self

import orjson

from bench.feed.crowd import Failed

LIMIT = 300


class Client:
    """Asks one question after the other, in somebody's name. As a context manager it closes its connection."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, query: str, **variables: object) -> tuple[dict[str, Any], float]:
        """The answer's data, and the milliseconds until it had come; raises Failed unless it is an answer in full."""
        body = orjson.dumps({"query": query, "variables": variables})
        asked = perf_counter()
        try:
            self._connection.request("POST", "/graphql", body, self._headers)
            heard = self._connection.getresponse().read()
        except (OSError, HTTPException) as problem:
            raise Failed(f"A request got no answer: {problem!r}") from None
        took = (perf_counter() - asked) * 1000
        answer = orjson.loads(heard)
        if answer.get("errors"):
            raise Failed(f"The answer was: {heard.decode()}")
        return answer["data"], took
