"""`lifeline rules copy`: the shipped catalogue as a folder of one's own."""

from pathlib import Path

import typer


def copy(
    folder: Path = typer.Argument(help="Where to; it must not exist, or be empty."),
) -> None:
    """Copies the shipped catalogue with its tests into a folder, to begin one's own with.

    Example: `lifeline rules copy ./our-rules`
    """
    import shutil

    from domain.errors import ConfigurationError
    from rules.load import SHIPPED

    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"folder {folder}", ["there is something in it already: name another folder"])
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True, ignore=lambda _, names: [n for n in names if n[0] in "._"])
    files = sorted(folder.rglob("*.yaml"))
    typer.echo(f"{len(files)} files are in {folder}. Set LIFELINE_RULES_DIR to it to put them in force.")
