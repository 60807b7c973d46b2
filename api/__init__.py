"""Storage -> programs: the HTTP interface (FastAPI, OpenAPI, RFC 9457 problems).

Reads everything, acts on alerts through `storage`. Imported by `commands` only.
"""
