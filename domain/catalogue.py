"""The shipped vocabulary: five networks and the catalogue of observed properties (`properties.csv`).

Units are UCUM. Ranges are what the instruments of the field can report, not what is normal: a value outside is doubtful
data, never an alarm. Sites add properties of their own in `properties.csv` of their registry folder.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import cast

from domain.registry import Network, Property, PropertyType

NETWORKS = (
    Network(id="gas", name_en="Gas", name_zh="燃气"),
    Network(id="water", name_en="Water supply", name_zh="供水"),
    Network(id="drainage", name_en="Drainage", name_zh="排水"),
    Network(id="manhole", name_en="Manholes", name_zh="窨井"),
    Network(id="lighting", name_en="Street lighting", name_zh="路灯"),
)


@cache
def properties() -> tuple[Property, ...]:
    """The shipped properties, in the order of the file."""
    text = (files("domain") / "properties.csv").read_text(encoding="utf-8")
    return tuple(
        Property(
            id=row["id"],
            network=row["network"] or None,
            unit=row["unit"],
            type=cast("PropertyType", row["type"]),
            minimum=float(row["minimum"]),
            maximum=float(row["maximum"]),
            name_en=row["name_en"],
            name_zh=row["name_zh"],
            interval_s=int(row["interval_s"]) if row["interval_s"] else None,
        )
        for row in csv.DictReader(text.splitlines())
    )
