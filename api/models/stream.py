"""What the stream carries."""

from pydantic import Field

from api.models.alerts import Event, KindName


class AlertEvent(Event):
    """Something that happened to an alert, with what the alert is about."""

    alert: int = Field(description="The alert; ask for it to know the rest.", examples=[42])
    rule: str
    subject: str
    kind: KindName
    alert_class: str
    network: str
    area: str
    asset: str | None
    device: str | None
    property: str | None
    title_en: str
    title_zh: str
