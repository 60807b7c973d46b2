"""The description and the service agree, for whatever a stranger may send."""

import json
from collections.abc import Iterable
from typing import Any, cast

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.api.conftest import City

EXAMPLES_EACH = 15
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_REQUEST = {"method", "url", "headers", "files", "data", "params", "auth", "cookies", "json"}


def _document(city: City) -> dict[str, Any]:
    document: dict[str, Any] = city.client.get("/openapi.json").json()
    # A stream has no end: it has tests of its own.
    del document["paths"]["/api/v1/stream"]
    return document


def test_every_operation_is_described_with_examples_and_problems(plain_standing_city: City) -> None:
    document = plain_standing_city.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            assert operation["summary"], name
            assert operation["description"], name
            assert " · " in operation["summary"] or path == "/healthz", name
            if path.startswith("/api/"):
                for status in ("401", "403", "422", "503"):
                    content = operation["responses"][status]["content"]
                    assert list(content) == ["application/problem+json"], name
            for parameter in operation.get("parameters", []):
                assert parameter.get("description"), (name, parameter["name"])
    models = document["components"]["schemas"]
    for name in ("AlertSummary", "Datastream", "Device", "AssetSummary", "Observation", "Problem"):
        assert "example" in json.dumps(models[name]), name


@pytest.mark.long
def test_whatever_is_asked_the_answer_is_one_that_was_described(plain_city: City) -> None:
    config = SchemathesisConfig.from_dict({})
    schema = schemathesis.openapi.from_dict(_document(plain_city), config=config)
    schema.config.base_url = plain_city.server.url
    operations: list[Any] = [found.ok() for found in cast("Iterable[Any]", schema.get_all_operations())]
    assert len(operations) > 15
    for operation in operations:
        strategy = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
        _examine(plain_city.client, strategy)


def _examine(client: httpx.Client, strategy: Any) -> None:  # noqa: ANN401
    @settings(
        max_examples=EXAMPLES_EACH,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def examine(case: Any) -> None:  # noqa: ANN401
        sent = case.as_transport_kwargs(base_url=str(client.base_url))
        wire: Any = requests.Request(**{k: v for k, v in sent.items() if k in _REQUEST}).prepare()
        answer = client.send(httpx.Request(wire.method or "", wire.url or "", headers=wire.headers, content=wire.body))
        case.validate_response(answer, checks=CHECKS)

    examine()


@pytest.mark.parametrize("text", ["429", "401"])
def test_problems_of_access_are_described_everywhere(plain_standing_city: City, text: str) -> None:
    for path, operations in _document(plain_standing_city)["paths"].items():
        if path not in {"/healthz", "/readyz"}:
            assert all(text in operation["responses"] for operation in operations.values()), path
