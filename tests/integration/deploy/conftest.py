"""Secrets made by the script that a deployment runs."""

import subprocess
from pathlib import Path

import pytest

from tests.support.compose import ROOT


@pytest.fixture(scope="session")
def made_secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that deploy/make-secrets has filled, to be read only."""
    folder = tmp_path_factory.mktemp("deployment") / "secrets"
    subprocess.run([ROOT / "deploy/make-secrets", "--folder", folder], check=True, capture_output=True)
    return folder
