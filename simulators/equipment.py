"""What the county has in the field: kinds of assets, the devices on them, and how many of each stand in each town."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """A device on an asset of some kind. `suffix` tells devices of one asset apart."""

    model: str
    properties: tuple[str, ...]
    interval_s: int
    #: How it writes its messages: object, array (two samples a message) or senml.
    form: str = "object"
    suffix: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Equipment:
    """A kind of asset."""

    kind: str
    network: str
    name_en: str
    name_zh: str
    #: How many in each town, in the order of `streets.TOWNS`.
    counts: tuple[int, int, int, int]
    devices: tuple[Hardware, ...]
    #: Where it stands, in metres from a crossing.
    offset_m: tuple[float, float] = (0.0, 0.0)
    #: What each asset carries: its design, by which rules judge it.
    tags: Mapping[str, str] = field(default_factory=dict)


_CELL = ("device.battery", "device.rssi")
_PUMP = (
    "pump.state",
    "pump.fault",
    "pump.current",
    "pump.winding.temperature",
    "pump.starts",
    "pump.hours",
)

EQUIPMENT = (
    Equipment(
        kind="regulator_station",
        network="gas",
        name_en="Regulator station",
        name_zh="燃气调压站",
        counts=(2, 1, 1, 1),
        offset_m=(60, 45),
        tags={"set_pressure_kpa": "300"},
        devices=(
            Hardware(
                model="RTU-G4",
                interval_s=5,
                properties=("gas.pressure.mp", "gas.pressure.lp", "gas.flow", "gas.temperature", "gas.ch4.station"),
            ),
        ),
    ),
    Equipment(
        kind="valve_well",
        network="gas",
        name_en="Gas valve well",
        name_zh="燃气阀井",
        counts=(14, 6, 6, 3),
        offset_m=(12, 9),
        devices=(Hardware(model="LM-NB1", interval_s=10, properties=("gas.ch4.chamber", "gas.well.water", *_CELL)),),
    ),
    Equipment(
        kind="test_post",
        network="gas",
        name_en="Cathodic test post",
        name_zh="阴保测试桩",
        counts=(4, 2, 2, 1),
        offset_m=(-25, 14),
        devices=(Hardware(model="CP-NB1", interval_s=15, form="senml", properties=("gas.cathodic", *_CELL)),),
    ),
    Equipment(
        kind="treatment_plant",
        network="water",
        name_en="Water works",
        name_zh="自来水厂",
        counts=(0, 0, 0, 1),
        offset_m=(-120, 160),
        tags={"overflow_level_m": "4.5"},
        devices=(
            Hardware(
                model="RTU-W8",
                interval_s=5,
                properties=(
                    "water.pressure",
                    "water.flow",
                    "water.cl2.free",
                    "water.turbidity",
                    "water.ph",
                    "water.conductivity",
                    "water.temperature",
                    "water.tank.level",
                ),
            ),
        ),
    ),
    Equipment(
        kind="booster_station",
        network="water",
        name_en="Booster station",
        name_zh="加压泵站",
        counts=(1, 1, 1, 0),
        offset_m=(90, -70),
        tags={"duty_pumps": "1"},
        devices=(
            Hardware(
                model="RTU-W4",
                interval_s=5,
                properties=("water.pressure", "water.flow", "water.tank.level", "water.pump.state"),
            ),
        ),
    ),
    Equipment(
        kind="pressure_point",
        network="water",
        name_en="Pressure point",
        name_zh="管网测压点",
        counts=(10, 5, 5, 4),
        offset_m=(-14, 11),
        devices=(Hardware(model="PL-NB2", interval_s=10, properties=("water.pressure", "water.noise", *_CELL)),),
    ),
    Equipment(
        kind="district_meter",
        network="water",
        name_en="District meter",
        name_zh="分区计量表",
        counts=(2, 1, 1, 1),
        offset_m=(-40, -20),
        devices=(
            Hardware(model="DMA-4G", interval_s=10, properties=("water.flow", "water.pressure", "device.battery")),
        ),
    ),
    Equipment(
        kind="quality_point",
        network="water",
        name_en="Water quality point",
        name_zh="水质监测点",
        counts=(3, 1, 1, 1),
        offset_m=(-55, 30),
        devices=(
            Hardware(
                model="WQ-4",
                interval_s=10,
                form="senml",
                properties=("water.cl2.free", "water.turbidity", "water.ph", "water.temperature"),
            ),
        ),
    ),
    Equipment(
        kind="pump_station",
        network="drainage",
        name_en="Drainage pump station",
        name_zh="排水泵站",
        counts=(2, 1, 1, 0),
        offset_m=(110, -95),
        tags={"duty_pumps": "1", "rated_current_a": "42", "power_supplies": "1"},
        devices=(
            Hardware(model="PLC-WW", interval_s=5, suffix="well", properties=("pump.wetwell.level", "pump.voltage")),
            Hardware(model="PLC-P", interval_s=5, suffix="pump1", properties=_PUMP),
            Hardware(model="PLC-P", interval_s=5, suffix="pump2", properties=_PUMP),
        ),
    ),
    Equipment(
        kind="sewer_point",
        network="drainage",
        name_en="Sewer level point",
        name_zh="管道液位点",
        counts=(7, 4, 3, 2),
        offset_m=(18, -12),
        tags={"pipe_crown_m": "0.8", "depth_m": "2.5"},
        devices=(
            Hardware(model="RL-NB1", interval_s=10, form="array", properties=("drain.level", "drain.velocity", *_CELL)),
        ),
    ),
    Equipment(
        kind="underpass",
        network="drainage",
        name_en="Underpass",
        name_zh="下穿通道",
        counts=(2, 1, 1, 0),
        offset_m=(160, 0),
        devices=(Hardware(model="WD-4G", interval_s=5, properties=("drain.road.depth", "device.battery")),),
    ),
    Equipment(
        kind="rain_gauge",
        network="drainage",
        name_en="Rain gauge",
        name_zh="雨量站",
        counts=(1, 1, 1, 1),
        offset_m=(-80, 80),
        devices=(Hardware(model="RG-LW", interval_s=10, properties=("drain.rain", "device.battery")),),
    ),
    Equipment(
        kind="manhole",
        network="manhole",
        name_en="Manhole",
        name_zh="窨井",
        counts=(16, 9, 8, 4),
        offset_m=(6, -5),
        devices=(
            Hardware(model="MC-NB3", interval_s=15, form="senml", properties=("manhole.tilt", "manhole.open", *_CELL)),
        ),
    ),
    Equipment(
        kind="deep_manhole",
        network="manhole",
        name_en="Deep manhole",
        name_zh="深井",
        counts=(6, 3, 2, 2),
        offset_m=(14, 10),
        tags={"depth_m": "2.5"},
        devices=(
            Hardware(
                model="MG-NB5",
                interval_s=10,
                properties=(
                    "manhole.tilt",
                    "manhole.open",
                    "manhole.level",
                    "manhole.ch4",
                    "manhole.h2s",
                    "manhole.o2",
                    *_CELL,
                ),
            ),
        ),
    ),
    Equipment(
        kind="cabinet",
        network="lighting",
        name_en="Lighting cabinet",
        name_zh="路灯控制柜",
        counts=(4, 2, 2, 1),
        offset_m=(22, 20),
        tags={"rated_current_a": "40"},
        devices=(
            Hardware(
                model="LC-8",
                interval_s=5,
                properties=(
                    "light.voltage",
                    "light.current",
                    "light.power",
                    "light.energy",
                    "light.pf",
                    "light.leak",
                    "light.door",
                ),
            ),
        ),
    ),
    Equipment(
        kind="lamp",
        network="lighting",
        name_en="Street lamp",
        name_zh="路灯",
        counts=(20, 9, 8, 5),
        offset_m=(9, 16),
        devices=(
            Hardware(
                model="SL-LW",
                interval_s=15,
                form="array",
                properties=("light.state", "light.dim", "light.power", "light.tilt"),
            ),
        ),
    ),
    Equipment(
        kind="light_meter",
        network="lighting",
        name_en="Light meter",
        name_zh="照度计",
        counts=(1, 1, 1, 0),
        offset_m=(0, 24),
        tags={"least_lux": "15"},
        devices=(Hardware(model="LX-LW", interval_s=15, properties=("light.lux", "device.battery")),),
    ),
)
