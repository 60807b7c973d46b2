"""One delivery through Apprise: a URL, a message, a verdict. Knows nothing of queues and retries.

Apprise answers success or failure and no more, so every failure may be retried.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import apprise

#: Mail relays state no pause of their own; Apprise would wait as long as for a chat service.
_UNHURRIED = ("mailto", "mailtos")
#: Webhooks whose body takes further fields, so that a program need not parse the text.
_STRUCTURED = ("json", "jsons", "form", "forms", "xml", "xmls")
_LONGEST_ERROR = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of one attempt; `error` never holds a part of the address."""

    sent: bool
    error: str = ""


def _asset() -> apprise.AppriseAsset:
    # No executor shared between channels, no clock of Apprise's own: the lane of each channel bounds its time.
    return apprise.AppriseAsset(
        app_id="City Lifeline",
        app_desc="City Lifeline",
        async_mode=False,
        service_timeout=0,
        allow_templates=False,
        secure_logging=True,
    )


def default_pause_s(url: str) -> float | None:
    """Least seconds between two deliveries that the service asks for; None if the URL is not one of Apprise's."""
    logger = logging.getLogger("apprise")
    level = logger.level
    # Apprise logs a URL that it cannot parse, and the URL may be a secret.
    logger.setLevel(logging.CRITICAL)
    try:
        service = apprise.Apprise.instantiate(url, asset=_asset()) if url else None
    finally:
        logger.setLevel(level)
    if service is None:
        return None
    return 0.0 if _scheme(url) in _UNHURRIED else float(service.request_rate_per_sec)


def send(url: str, *, title: str, body: str, facts: Mapping[str, str], timeout_s: float) -> Outcome:
    """Delivers one message; blocks about `timeout_s` at most unless the receiver drips.

    Args:
        url: Apprise URL of the receiver.
        title: One line.
        body: Plain text.
        facts: Fields that structured webhooks carry beside the text, among them the stable id.
        timeout_s: Longest wait for a connection, and for each answer.
    """
    service = apprise.Apprise.instantiate(_complete(url, facts, timeout_s), asset=_asset())
    if service is None:
        return Outcome(sent=False, error="Apprise does not understand the address")
    # A new service object has no memory of earlier deliveries; the lane keeps the pause between two.
    service.request_rate_per_sec = 0
    notifier = apprise.Apprise(asset=_asset())
    notifier.add(service)
    result = notifier.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT, log_level=logging.WARNING)
    if result:
        return Outcome(sent=True)
    lines = [entry.message for service_result in result for attempt in service_result for entry in attempt.logs]
    return Outcome(sent=False, error=redacted("; ".join(lines) or "the receiver did not take it", url))


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower()


def _complete(url: str, facts: Mapping[str, str], timeout_s: float) -> str:
    query = urlsplit(url).query
    extra = [f"{key}={timeout_s:g}" for key in ("cto", "rto") if not re.search(rf"(^|&){key}=", query)]
    if _scheme(url) in _STRUCTURED:
        extra += [f":{key}={quote(value, safe='')}" for key, value in facts.items()]
    return f"{url}{'&' if '?' in url else '?'}{'&'.join(extra)}"


def redacted(text: str, url: str) -> str:
    """The text without any part of the address that may be a secret: user, password, path, values of the query."""
    parts = urlsplit(url)
    secrets = {url, parts.username, parts.password, *parts.path.split("/")}
    secrets |= {pair.partition("=")[2] for pair in parts.query.split("&")}
    if _scheme(url) not in {*_STRUCTURED, *_UNHURRIED}:
        # Chat services carry their key where a host would stand.
        secrets.add(parts.netloc)
    known = {form for s in secrets if s and len(s) > 2 for form in (s, unquote(s))}
    for secret in sorted(known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST_ERROR]
