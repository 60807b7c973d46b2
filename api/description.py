"""What the API says about itself: OpenAPI with every problem it may answer, and a page that needs no internet."""

import hashlib
import html
import json
import re
from base64 import b64encode
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse

from api.problems import MEDIA_TYPE, ProblemBody

TITLE = "City Lifeline"
VERSION = "1"
DESCRIPTION = """\
Reads what the networks of a city report, and acts on alerts. 读取城市生命线各网络的监测数据，处置警情。

**Access.** `Authorization: Bearer TOKEN`; roles viewer, operator, admin. On loopback no token is needed until the first
one is made. **Times** are RFC 3339 with a zone; answers are in UTC. **Pages**: follow `next` (also a `Link` header)
with `cursor`. **Errors** are problems (RFC 9457), `application/problem+json`.
"""
_PROBLEMS = {
    "400": "The body is not text in UTF-8.",
    "401": "A valid token is needed.",
    "403": "The token's role is too low.",
    "404": "There is no such thing.",
    "409": "Somebody else was first, or the state of the alert does not allow this.",
    "413": "The body is too large.",
    "422": "A value of the request cannot be used; `errors` names each.",
    "429": "Too many requests without a valid token.",
    "503": "Cannot be answered now; `Retry-After` says when to try again.",
}
_BOLD, _CODE = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"`(.+?)`")
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a2330;background:#fff}
h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid #ccd3dc}code,pre{font-family:ui-monospace,monospace}
article{border:1px solid #ccd3dc;border-radius:6px;padding:.2rem 1rem;margin:1rem 0}pre{background:#f3f5f8;padding:.6rem
;overflow:auto}.get{color:#0b6e4f}.post{color:#a34700}table{border-collapse:collapse;width:100%}td{
padding:.2rem .8rem .2rem 0;vertical-align:top;border-top:1px solid #eef1f5}
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dbe3ec}pre{background:#1c252f}
article,h2,td{border-color:#334}a{color:#7db8ff}
.get{color:#5fd3a8}.post{color:#ffb066}}
"""


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document; made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=TITLE, version=VERSION, description=DESCRIPTION, routes=app.routes)
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        body = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(body.pop("$defs", {}))
        schemas["Problem"] = body
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                _add_problems(path, method, operation)
        app.openapi_schema = schema
    return app.openapi_schema


def _add_problems(path: str, method: str, operation: dict[str, Any]) -> None:
    if path in {"/healthz", "/readyz"}:
        return
    operation["security"] = [{"token": []}, {}]
    reference = {"$ref": "#/components/schemas/Problem"}
    for status, description in _PROBLEMS.items():
        if (
            (status == "404" and "{" not in path)
            or (status in {"400", "413"} and "requestBody" not in operation)
            or (status == "409" and method == "get")
        ):
            continue
        operation["responses"][status] = {"description": description, "content": {MEDIA_TYPE: {"schema": reference}}}


def page(schema: dict[str, Any]) -> HTMLResponse:
    """The documentation as one page that loads nothing from anywhere."""
    groups: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation.get("tags", ["other"])[0], []).append(_article(schema, method, path, operation))
    sections = "".join(f"<h2>{html.escape(tag)}</h2>{''.join(articles)}" for tag, articles in groups.items())
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{TITLE} API</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        f"{_STYLE}</style></head><body><h1>{TITLE} API</h1>{_paragraphs(DESCRIPTION)}"
        f'<p>Machine-readable: <a href="openapi.json">openapi.json</a></p>{sections}</body></html>'
    )
    digest = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
    return HTMLResponse(body, headers={"Content-Security-Policy": policy})


def _paragraphs(text: str) -> str:
    marked = _CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<b>\1</b>", html.escape(text.strip())))
    return "".join(f"<p>{paragraph}</p>" for paragraph in marked.split("\n\n"))


def _article(schema: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(p['name'])}</code></td><td>{p['in']}</td>"
        f"<td>{html.escape(p.get('description', ''))}</td><td><code>{html.escape(_example(p))}</code></td></tr>"
        for p in operation.get("parameters", [])
    )
    table = f"<table>{rows}</table>" if rows else ""
    data = f" -H 'Content-Type: application/json' -d '{_body(schema, operation)}'" if "requestBody" in operation else ""
    verb = "" if method == "get" else f" -X {method.upper()}"
    call = f'curl{verb} -H "Authorization: Bearer $TOKEN" "$LIFELINE{path}"'
    return (
        f'<article><h3><span class="{method}">{method.upper()}</span> <code>{html.escape(path)}</code></h3>'
        f"<p><b>{html.escape(operation.get('summary', ''))}</b></p>"
        f"{_paragraphs(operation.get('description', ''))}{table}"
        f"<pre>{html.escape(call + data)}</pre></article>"
    )


def _body(schema: dict[str, Any], operation: dict[str, Any]) -> str:
    """A body with what is needed, out of the examples of its fields."""
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    model = schema["components"]["schemas"][reference.rpartition("/")[2]]
    needed = {name: field for name, field in model["properties"].items() if name in model["required"]}
    return json.dumps({name: _example({"schema": field}) for name, field in needed.items()}, ensure_ascii=False)


def _example(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    for source in (schema, *schema.get("anyOf", [])):
        if source.get("examples"):
            return json.dumps(source["examples"][0], ensure_ascii=False).strip('"')
        if source.get("enum"):
            return " | ".join(map(str, source["enum"]))
    return str(schema["default"]) if schema.get("default") is not None else ""
