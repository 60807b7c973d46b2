"""Structured logs: one event a line on standard error, as JSON for machines or as text for a terminal, without secrets.

Other libraries' logs take the same way, so that one place decides about format, level and what is masked.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

from runtime.settings import Settings

_MASK = "***"
_SECRET_KEY = re.compile(r"password|passwd|secret|token|authorization|api_?key|credential", re.IGNORECASE)
#: The password of a URL: everything between the user's colon and the last @ before the path.
_URL_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*):[^\s/]*(?=@)")
#: Libraries that speak of every step at level info.
_TALKATIVE = ("asyncio", "httpx", "httpcore", "urllib3", "uvicorn.access", "apprise")


def masked(value: Any) -> Any:  # noqa: ANN401 - anything that may stand in a log line
    """The value without passwords: of URLs inside texts, and of keys that name a secret, at any depth."""
    if isinstance(value, str):
        return _URL_PASSWORD.sub(rf"\1:{_MASK}", value)
    if isinstance(value, Mapping):
        return {k: _MASK if isinstance(k, str) and _SECRET_KEY.search(k) else masked(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(masked(v) for v in value) if type(value) in {list, tuple} else masked(list(value))
    return value


def _mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = _MASK if _SECRET_KEY.search(key) else masked(value)
    return event


def configure(stage: str, settings: Settings) -> None:
    """Sends every log of this process to standard error; each line names the stage. May be called again."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if not text:
        shared.append(structlog.processors.format_exc_info)
    shared.append(_mask_secrets)
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(stage=stage)
