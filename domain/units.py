"""Units as people write them. Data carries UCUM codes; whoever reads a message or a screen knows °C, not Cel."""

_SHOWN = {
    "%{LEL}": "%LEL",
    "Cel": "°C",
    "[NTU]": "NTU",
    "[pH]": "",
    "1": "",
    "{starts}": "",
    "dB{m}": "dBm",
    "kW.h": "kWh",
    "m3/h": "m³/h",
    "mg/m3": "mg/m³",
    "uS/cm": "µS/cm",
    "deg": "°",
}


def shown(unit: str) -> str:
    """A UCUM code for people; empty for a bare number or a switch."""
    return _SHOWN.get(unit, unit)


def quantity(value: float, unit: str) -> str:
    """A value with its unit, in four digits."""
    return f"{value:.4g} {shown(unit)}".rstrip()
