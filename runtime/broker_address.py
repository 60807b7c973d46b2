"""Where the MQTT broker is: the one place where an mqtt:// or mqtts:// URL is taken apart."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, kw_only=True, slots=True)
class BrokerAddress:
    """Host, port and identity of a broker; the password never shows in a repr."""

    host: str
    port: int
    tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def parse(url: str) -> BrokerAddress:
    """The parts of `mqtt://user:password@host:port`; raises ValueError without repeating a password."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"broker URL with scheme {parts.scheme!r}: use mqtt://host:port, or mqtts:// for TLS")
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port of the broker URL is not a number from 0 to 65535") from None
    if not parts.hostname:
        raise ValueError("the broker URL names no host: use mqtt://host:port")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("the broker URL ends after the port: topics are not part of it")
    return BrokerAddress(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
