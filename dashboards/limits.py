"""Colours by value: where a value stops being normal.

These colour charts and tables; they raise nothing. What raises alerts is the rule catalogue, which a site may change.
Sources: CJJ 51-2016 as quoted (methane, 20 %LEL), GB 5749-2022 as quoted (chlorine, turbidity), CJJ 58 by 3.3.1 of the
urban water supply code (0.14 MPa), GB 50688-2011 11.3.2 (lamp voltage), CJJ 6 (oxygen, 19.5 %), GBZ 2.1-2019 as quoted
(hydrogen sulfide). The other figures are proposals of practice.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

from dashboards.words import COLOURS


@dataclass(frozen=True, slots=True)
class Limits:
    """A colour from each value upwards, beginning with the colour below the first."""

    below: str
    steps: tuple[tuple[float, str], ...] = ()

    def thresholds(self) -> ThresholdsConfig:
        """The limits as Grafana takes them."""
        steps = [Threshold(value=None, color=COLOURS[self.below])]
        steps += [Threshold(value=value, color=COLOURS[colour]) for value, colour in self.steps]
        return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


NORMAL = Limits("green")
METHANE = Limits("green", ((10, "blue"), (20, "yellow"), (25, "orange"), (50, "red")))
WATER_PRESSURE = Limits("orange", ((0.10, "yellow"), (0.14, "blue"), (0.20, "green")))
CHLORINE = Limits("yellow", ((0.05, "blue"), (0.1, "green"), (2.0, "yellow")))
TURBIDITY = Limits("green", ((1.0, "yellow"),))
ROAD_DEPTH = Limits("green", ((5, "blue"), (15, "yellow"), (25, "orange"), (40, "red")))
TILT = Limits("green", ((10, "yellow"), (90, "orange")))
HYDROGEN_SULFIDE = Limits("green", ((10, "orange"),))
CARBON_MONOXIDE = Limits("green", ((20, "yellow"), (30, "orange")))
OXYGEN = Limits("orange", ((19.5, "green"), (23.5, "orange")))
RESIDUAL_CURRENT = Limits("green", ((30, "yellow"), (100, "orange"), (300, "red")))
#: Volts at the lamp, 90 to 107 % of 220 V.
LAMP_VOLTAGE_BAND = (198.0, 235.4)
LAMP_VOLTAGE = Limits("yellow", ((198, "green"), (235.4, "yellow")))
LIT_RATE = Limits("orange", ((90, "yellow"), (97, "green")))
COVERAGE = Limits("red", ((80, "orange"), (95, "yellow"), (99, "green")))
#: Counts of which none is the good number.
NONE_IS_GOOD = Limits("green", ((1, "yellow"),))
#: The alarm KPIs of ISA-18.2, as `kpi_limits` is delivered.
ALARM_RATE = Limits("green", ((6.001, "yellow"), (12.001, "orange")))
ALARM_DAY = Limits("green", ((145, "yellow"),))
ALARM_PEAK = Limits("green", ((11, "orange"),))
STALE = Limits("green", ((5, "orange"),))
#: Seconds until incidents and alarms are found, taken and over.
DETECT = Limits("green", ((60, "yellow"),))
ACKNOWLEDGE = Limits("green", ((600, "yellow"),))
RESTORE = Limits("green", ((14400, "yellow"),))
#: Seconds that a notification may wait.
WAITING = Limits("green", ((60, "yellow"), (600, "orange")))
#: 0 none, 1 blue, 2 yellow, 3 orange, 4 red, as the query asset_map numbers the levels.
SEVERITY = Limits("green", ((1, "blue"), (2, "yellow"), (3, "orange"), (4, "red")))
