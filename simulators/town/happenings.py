"""What may happen in the town: every kind of event, whom it befalls and its parameters. Scenarios are checked by this.

Events of the world (`water`, `drainage`, `gas`, `lighting`, `manhole`, `power`) change what is true and belong to the
engines. Events of the devices (`device`) change only what is reported and belong to the device layer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Domain = Literal["water", "drainage", "gas", "lighting", "manhole", "power", "device"]
#: Targets that are no kinds of assets.
DEVICE, GATEWAY, CARRIER, TOWN = "device", "gateway", "carrier", "town"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """A number of an event; `unit` is UCUM."""

    default: float
    unit: str
    minimum: float
    maximum: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of event.

    Attributes:
        targets: Kinds of assets it may befall, or DEVICE, GATEWAY, CARRIER; TOWN alone: it has no target.
        lasts: Whether it may have an end.
    """

    name: str
    domain: Domain
    targets: frozenset[str]
    text_en: str
    text_zh: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    lasts: bool = True


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One event. Times in microseconds since 1970 (UTC); without `until` it lasts to the end.

    Attributes:
        target: Asset, device, gateway or carrier; None for an event of the whole town.
        observed: For faults of devices: the property that is affected; None means all of them.
        parameters: Every parameter of its kind, defaults filled in.
    """

    kind: str
    target: str | None
    since: int
    until: int | None = None
    observed: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.parameters[name]

    @property
    def identity(self) -> tuple[object, ...]:
        """All of it as something that can be hashed and compared."""
        return self.kind, self.target, self.since, self.until, self.observed, tuple(sorted(self.parameters.items()))


def _kind(
    name: str,
    targets: str,
    text_en: str,
    text_zh: str,
    *,
    lasts: bool = True,
    **parameters: tuple[float, str, float, float, str],
) -> Kind:
    domain: Domain = name.partition(".")[0]  # type: ignore[assignment]
    return Kind(
        name=name,
        domain=domain,
        targets=frozenset(targets.split()),
        text_en=text_en,
        text_zh=text_zh,
        lasts=lasts,
        parameters={
            key: Parameter(default=default, unit=unit, minimum=low, maximum=high, text=text)
            for key, (default, unit, low, high, text) in parameters.items()
        },
    )


_ANY_DEVICE = DEVICE

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        # The world.
        _kind(
            "power.lost",
            "pump_station cabinet booster_station treatment_plant",
            "The supply fails",
            "供电中断",
        ),
        _kind(
            "water.burst",
            "water_main pressure_point district_meter",
            "A main bursts",
            "供水管道爆管",
            emitter=(10.0, "L/s/m0.5", 0.1, 200, "emitter coefficient: flow in L/s at 1 m of pressure head"),
        ),
        _kind(
            "water.contamination",
            "treatment_plant pressure_point quality_point booster_station",
            "Something gets into the water",
            "供水污染",
            mass=(3e5, "mg/min", 1, 1e7, "mass injected"),
            demand_cl2=(0.05, "1", 0, 10, "free chlorine used up per mass of contaminant, mg/mg"),
        ),
        _kind("water.dosing_lost", "treatment_plant", "Chlorine is not dosed any more", "加氯中断"),
        _kind("water.pump_outage", "booster_station treatment_plant", "Pumps stand still", "供水泵停运"),
        _kind(
            "water.turbid",
            "treatment_plant pressure_point quality_point",
            "Sediment is stirred up",
            "供水浑浊",
            rise=(3.0, "[NTU]", 0.1, 100, "rise of turbidity at the peak"),
        ),
        _kind(
            "drainage.storm",
            TOWN,
            "A cloudburst (Chicago storm)",
            "短时强降雨（芝加哥雨型）",
            lasts=False,
            depth=(38.0, "mm", 1, 300, "rain in all"),
            minutes=(120.0, "min", 10, 1440, "how long it rains"),
            peak=(0.4, "1", 0.1, 0.9, "where the peak lies, as a part of the duration"),
        ),
        _kind(
            "drainage.pump_trip",
            "pump_station",
            "A pump trips",
            "水泵跳闸",
            pump=(1.0, "1", 1, 3, "number of the pump"),
        ),
        _kind(
            "drainage.pump_no_flow",
            "pump_station",
            "A pump runs and moves nothing (dry, or impeller lost)",
            "水泵空转",
            pump=(1.0, "1", 1, 3, "number of the pump"),
        ),
        _kind(
            "drainage.pump_locked",
            "pump_station",
            "A rotor is locked: overcurrent, no flow",
            "水泵堵转",
            pump=(1.0, "1", 1, 3, "number of the pump"),
        ),
        _kind(
            "drainage.inflow",
            "sewer_point manhole deep_manhole",
            "Illicit discharge into the drain",
            "违规排水",
            flow=(0.2, "m3/s", 0.001, 5, "discharge"),
        ),
        _kind(
            "drainage.blockage",
            "sewer_point",
            "A sewer clogs below a level point",
            "管道淤堵",
            open=(0.03, "1", 0.01, 1, "part of the section that stays open"),
        ),
        _kind(
            "gas.leak",
            "valve_well gas_main",
            "Gas leaks from a hole",
            "燃气泄漏",
            hole=(5.0, "mm", 0.5, 40, "diameter of the hole"),
            reaches=(0.001, "1", 0, 0.05, "part of the leak that finds its way into each chamber nearby"),
            lag=(20.0, "min", 0, 240, "time that gas needs through the soil to a chamber"),
        ),
        _kind(
            "gas.dig",
            "gas_main valve_well",
            "An excavator hits the gas main: works, a large hole, shaken covers",
            "第三方施工挖损燃气管道",
            hole=(25.0, "mm", 5, 40, "diameter of the hole"),
            reaches=(0.0005, "1", 0, 0.05, "part of the leak that finds its way into each chamber nearby"),
            lag=(15.0, "min", 0, 240, "time that gas needs through the soil to a chamber"),
        ),
        _kind(
            "gas.regulator",
            "regulator_station",
            "A regulator drifts from its set pressure",
            "调压器失准",
            outlet=(4.0, "kPa", 0, 10, "low pressure at the outlet"),
        ),
        _kind(
            "manhole.biogas",
            "manhole deep_manhole valve_well",
            "Sewer gas gathers: methane with hydrogen sulfide and little oxygen",
            "污水沼气积聚",
            ch4=(30.0, "%{LEL}", 0, 100, "methane at the peak"),
            h2s=(20.0, "mg/m3", 0, 150, "hydrogen sulfide at the peak"),
            hours=(2.0, "h", 0.1, 48, "time to the peak"),
        ),
        _kind("manhole.flooded_well", "valve_well", "Water stands in a valve well", "阀井积水"),
        _kind(
            "manhole.cover_open",
            "manhole deep_manhole",
            "A cover is taken away or displaced",
            "井盖丢失或移位",
            tilt=(35.0, "deg", 0, 180, "tilt of the cover"),
        ),
        _kind(
            "lighting.feeder_out",
            "cabinet",
            "A feeder of a cabinet is dead: its lamps stay dark",
            "照明回路断电",
            feeder=(1.0, "1", 1, 9, "number of the feeder"),
        ),
        _kind(
            "lighting.leakage",
            "cabinet lamp",
            "Current leaks to earth, more where water stands",
            "照明漏电",
            dry=(15.0, "mA", 0, 1000, "residual current while dry"),
            wet=(120.0, "mA", 0, 1000, "residual current while water stands at the cabinet"),
        ),
        _kind(
            "lighting.lamps_out",
            "cabinet",
            "Part of the lamps of a cabinet is defective",
            "部分路灯故障",
            share=(0.3, "1", 0, 1, "part of the lamps"),
        ),
        _kind("lighting.burns_by_day", "cabinet", "Lamps burn by day: the contactor is stuck", "路灯白天亮灯"),
        _kind("lighting.door", "cabinet", "A cabinet stands open", "控制柜门打开"),
        # What devices make of it.
        _kind(
            "device.drift",
            _ANY_DEVICE,
            "A sensor drifts",
            "传感器漂移",
            per_day=(0.1, "1", -1e6, 1e6, "drift in the unit of the property a day"),
        ),
        _kind(
            "device.bias",
            _ANY_DEVICE,
            "A sensor reads too much or too little",
            "传感器偏差",
            offset=(1.0, "1", -1e6, 1e6, "offset in the unit of the property"),
        ),
        _kind("device.stuck", _ANY_DEVICE, "A sensor repeats its last value", "传感器卡死"),
        _kind(
            "device.spikes",
            _ANY_DEVICE,
            "Single wild values",
            "数据尖峰",
            size=(10.0, "1", -1e6, 1e6, "height in the unit of the property"),
            every=(30.0, "min", 1, 10_000, "mean time between two"),
        ),
        _kind(
            "device.noisy",
            _ANY_DEVICE,
            "A sensor is noisier than it should be",
            "噪声增大",
            factor=(10.0, "1", 0, 1000, "times its usual noise"),
        ),
        _kind("device.dead", _ANY_DEVICE, "A device says nothing more, and keeps nothing", "设备离线"),
        _kind("device.restart", _ANY_DEVICE, "A device restarts: what it held is lost", "设备重启", lasts=False),
        _kind(
            "device.battery_low",
            _ANY_DEVICE,
            "A battery runs down",
            "电池耗尽",
            volts_per_day=(0.2, "V", 0.001, 50, "loss of voltage a day"),
        ),
        _kind(
            "device.clock_wrong",
            _ANY_DEVICE,
            "A clock goes wrong",
            "时钟偏差",
            seconds=(120.0, "s", -86_400, 86_400, "what it is ahead of time"),
        ),
        _kind(
            "device.poor_link",
            f"{_ANY_DEVICE} {GATEWAY} {CARRIER}",
            "Messages are delayed, sent twice, out of order or lost",
            "通信质量差",
            lost=(0.0, "1", 0, 1, "part lost for good (a device without memory)"),
            twice=(0.1, "1", 0, 1, "part sent twice"),
            late=(0.2, "1", 0, 1, "part that is late, and so out of order"),
            seconds=(120.0, "s", 1, 86_400, "how late at most"),
        ),
        _kind(
            "device.gateway_out",
            GATEWAY,
            "A gateway is offline; it forwards what it stored when it returns",
            "网关离线",
            keeps=(1.0, "1", 0, 1, "part of the messages that is kept and forwarded"),
        ),
        _kind(
            "device.carrier_out",
            CARRIER,
            "A carrier's network is down; devices send what they stored when it returns",
            "运营商网络中断",
            keeps=(1.0, "1", 0, 1, "part of the messages that is kept and sent later"),
        ),
    )
}


def of_domains(happenings: Iterable[Happening], *domains: Domain) -> tuple[Happening, ...]:
    """Those that concern some networks, in order of time."""
    own = [h for h in happenings if KINDS[h.kind].domain in domains]
    return tuple(sorted(own, key=lambda h: (h.since, h.kind, h.target or "")))
