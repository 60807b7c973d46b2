"""The data source that every panel asks: PostgreSQL as `lifeline_reader`."""

from typing import Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

#: As deploy/grafana/provisioning/datasources names it.
UID = "lifeline"
TYPE = "grafana-postgresql-datasource"


def reference() -> DataSourceRef:
    """The data source as panels and variables refer to it."""
    return DataSourceRef(type_val=TYPE, uid=UID)


class SqlQuery(Builder[Dataquery]):
    """A query of Grafana's PostgreSQL data source, which the foundation SDK does not describe."""

    def __init__(self, sql: str, layout: Literal["table", "time_series"] = "table") -> None:
        self._sql = sql
        self._layout = layout

    def build(self) -> Dataquery:
        """The query as dashboards hold it."""
        return UnknownDataquery(
            {
                "refId": "A",
                "datasource": {"type": TYPE, "uid": UID},
                "editorMode": "code",
                "format": self._layout,
                "rawQuery": True,
                "rawSql": self._sql,
            }
        )
