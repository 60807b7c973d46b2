"""The shipped vocabulary in the database: five networks and the catalogue of observed properties."""

from psycopg import Connection
from psycopg.rows import TupleRow

from domain.catalogue import NETWORKS, properties
from storage.sql import queries


def seed(connection: Connection[TupleRow]) -> None:
    """Writes the shipped networks and properties; runs after every migration and changes what has changed."""
    sql = queries("registry")
    with connection.transaction(), connection.cursor() as cursor:
        for network in NETWORKS:
            cursor.execute(
                sql["upsert_network"], {"id": network.id, "name_en": network.name_en, "name_zh": network.name_zh}
            )
        for item in properties():
            cursor.execute(
                sql["upsert_property"],
                {
                    "id": item.id,
                    "network": item.network,
                    "unit": item.unit,
                    "type": item.type,
                    "minimum": item.minimum,
                    "maximum": item.maximum,
                    "name_en": item.name_en,
                    "name_zh": item.name_zh,
                },
            )
