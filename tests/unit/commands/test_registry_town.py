"""`lifeline registry export --town`: the simulated town as a registry folder, without a database."""

from pathlib import Path

from typer.testing import CliRunner

from commands.registry import app
from domain.registry_folder import read
from simulators.town.build import build, registry


def test_the_folder_holds_the_town_of_its_seed(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(tmp_path), "--town", "test", "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert sorted(read(tmp_path).assets, key=repr) == sorted(registry(build("test", 3)).assets, key=repr)


def test_a_scale_that_is_none_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["export", str(tmp_path / "town"), "--town", "city"])
    assert done.exit_code == 2
    assert not (tmp_path / "town").exists()
