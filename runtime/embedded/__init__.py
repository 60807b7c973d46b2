"""The embedded broker and database: real servers from Python wheels, run as children of this process.

For a fresh machine, demonstrations and tests: no Docker, no root, no installation. Both listen on 127.0.0.1 only, ask
for no password, and keep their data in a folder. A deployment uses servers of its own (deploy/).
"""

from runtime.embedded.broker import EmbeddedBroker
from runtime.embedded.database import EmbeddedDatabase
from runtime.embedded.folder import InUseError
from runtime.embedded.server import StartError

__all__ = ["EmbeddedBroker", "EmbeddedDatabase", "InUseError", "StartError"]
