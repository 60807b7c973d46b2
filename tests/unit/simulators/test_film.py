"""The film of an incident: what is seen when, in a file that plays anywhere."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from simulators.film import Pin, film
from simulators.town.ground import Ground, ground
from simulators.town.truth import Span, Truth

_SVG = "{http://www.w3.org/2000/svg}"
_SPAN = Span(start=1_781_470_800_000_000, steps=120)
_PICTURES = np.arange(0, 120, 12)


@pytest.fixture(scope="module")
def here() -> Ground:
    return ground("test")


def _filmed(here: Ground, **given: object) -> str:
    nodes = tuple(here.crossings)
    contaminant = np.zeros((120, len(nodes)))
    contaminant[60:, nodes.index("121")] = 3.0
    truth = Truth(
        span=_SPAN,
        signals={},
        fields={"water.contaminant": contaminant, "drainage.street": np.linspace(0, 0.5, 120)[:, None]},
        things={"water.contaminant": nodes, "drainage.street": ("D1-UP1",)},
    )
    longitude, latitude = here.degrees(*here.crossings["121"])
    pin = Pin(
        longitude=longitude,
        latitude=latitude,
        level="red",
        since=int(_SPAN.times[84]),
        until=int(_SPAN.times[108]),
        text="Chlorine <lost> & gone",
    )
    options: dict[str, object] = {
        "title": "A day",
        "pictures": _PICTURES,
        "standing": {"D1-UP1": here.crossings["121"]},
        **given,
    }
    return film(here, truth, [pin], **options)  # type: ignore[arg-type]


def _parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - we have just written it


def _when(element: ET.Element, attribute: str) -> dict[float, str]:
    animation = next(a for a in element.iter(f"{_SVG}animate") if a.get("attributeName") == attribute)
    keys = [float(key) for key in str(animation.get("keyTimes")).split(";")]
    return dict(zip(keys, str(animation.get("values")).split(";"), strict=True))


def test_a_main_changes_colour_in_the_picture_in_which_the_contaminant_arrives(here: Ground) -> None:
    root = _parsed(_filmed(here))
    mains = [p for p in root.findall(f"{_SVG}path") if p.find(f"{_SVG}animate") is not None]
    touching = [way for way in here.ways if "121" in way.ends]
    assert len(mains) == len(touching) > 0
    for main in mains:
        assert list(_when(main, "stroke")) == [0.0, 0.5]


def test_an_alert_is_seen_from_when_it_is_raised_until_it_is_cleared(here: Ground) -> None:
    root = _parsed(_filmed(here))
    ring = next(g for g in root.findall(f"{_SVG}g") if len(g.findall(f"{_SVG}circle")) == 2)
    assert _when(ring, "opacity") == {0.0: "0", 0.7: "1", 0.9: "0"}


def test_water_on_the_street_grows_with_its_depth(here: Ground) -> None:
    root = _parsed(_filmed(here))
    puddle = next(c for c in root.findall(f"{_SVG}circle"))
    radii = [float(radius) for radius in _when(puddle, "r").values()]
    assert radii == sorted(radii)
    assert radii[0] == 0 < radii[-1]


def test_the_film_needs_nothing_from_elsewhere_and_runs_nothing(here: Ground) -> None:
    text = _filmed(here)
    assert "<script" not in text
    assert not re.search(r"(href|src|url\()", text)
    assert "Chlorine &lt;lost&gt; &amp; gone" in text


def test_the_same_incident_gives_the_same_file_and_the_other_language_other_words(here: Ground) -> None:
    assert _filmed(here) == _filmed(here)
    assert "Alerts" in _filmed(here)
    assert "告警" in _filmed(here, language="zh")


def test_the_clock_shows_the_time_of_the_county(here: Ground) -> None:
    # 2026-06-15 05:00 in UTC+8 is where the span begins.
    clocks = re.findall(r">(\d\d:\d\d)</text>", _filmed(here))
    assert clocks[:3] == ["05:00", "05:12", "05:24"]
