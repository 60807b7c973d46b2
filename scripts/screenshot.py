"""Pictures of the demo for the READMEs, from a real run: docs/images/demo.svg and demo-zh.svg.

    .venv/bin/python scripts/screenshot.py [--seconds 50] [--png FOLDER]

Publishes the county for a while in a temporary folder and draws the same moment in English and in Chinese.
"""

import argparse
import io
import re
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import cairosvg
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI

from commands.demo_run import Demo
from commands.demo_view import Moment, View
from runtime.settings import load

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 120, 30
TITLES = {"en": "make demo", "zh": "make demo · lifeline demo --language zh"}
#: Whoever looks at the picture needs no font from the network.
FONTS = "'DejaVu Sans Mono', Menlo, Consolas, 'Noto Sans Mono CJK SC', 'Microsoft YaHei', monospace"


def main() -> None:
    """Runs the demo and writes the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=50, help="how long to publish before the picture is taken")
    parser.add_argument("--png", type=Path, help="also write PNG files into this folder")
    options = parser.parse_args()
    moment = _moment(options.seconds)
    (ROOT / "docs" / "images").mkdir(parents=True, exist_ok=True)
    for language, name in (("en", "demo.svg"), ("zh", "demo-zh.svg")):
        svg = _picture(moment, language)
        (ROOT / "docs" / "images" / name).write_text(svg, encoding="utf-8")
        if options.png:
            cairosvg.svg2png(svg.encode(), write_to=str(options.png / Path(name).with_suffix(".png")), scale=1.2)
        print(f"docs/images/{name}")


def _moment(seconds: float) -> Moment:
    """What the demo looks like after so many seconds."""
    stop = threading.Event()
    with tempfile.TemporaryDirectory(prefix="lifeline-screenshot-") as folder:
        settings = load({}).model_copy(update={"data_dir": Path(folder), "api_port": 0})
        with Demo(settings, 1, stop, print) as demo:
            demo.start(60.0)
            watch = demo.watch()
            watch.moment()
            stop.wait(max(0.0, seconds - 10))
            # Rates are those of the last ten seconds.
            watch.moment()
            stop.wait(10)
            moment = watch.moment()
            watch.close()
    return replace(moment, docs_url="http://127.0.0.1:8080/docs")


def _picture(moment: Moment, language: str) -> str:
    console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO(), force_terminal=True)
    view = View(language=language, zone=ZoneInfo("Asia/Shanghai"))
    console.print(view.draw(moment, HEIGHT))
    template = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    template = template.replace("Fira Code, monospace", FONTS)
    return console.export_svg(title=TITLES[language], theme=MONOKAI, code_format=template, unique_id=f"demo-{language}")


if __name__ == "__main__":
    main()
