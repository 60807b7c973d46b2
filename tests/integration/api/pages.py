"""Walking through pages."""

from typing import Any

import httpx


def walk(client: httpx.Client, path: str, **parameters: object) -> list[dict[str, Any]]:
    """All items of a list; each page must be full but the last, and the Link must say what `next` does."""
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = dict(parameters)
    while True:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if page["next"] is None:
            assert "link" not in answer.headers
            return items
        if "limit" in parameters:
            assert len(page["items"]) == parameters["limit"]
        assert answer.links["next"]["url"].endswith(f"cursor={page['next']}")
        query["cursor"] = page["next"]
