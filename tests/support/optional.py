"""Parts that a machine may lack. A missing part fails its tests, unless the person who runs them says to do without."""

import os

import pytest

VARIABLE = "LIFELINE_TEST_WITHOUT"


def missing(part: str, remedy: str) -> None:
    """Fails with the remedy, or skips when LIFELINE_TEST_WITHOUT (a comma-separated list) names the part."""
    if part in os.environ.get(VARIABLE, "").split(","):
        pytest.skip(f"{part} is not there and {VARIABLE} says to do without")
    pytest.fail(f"{part} is not there: {remedy}; or run with {VARIABLE}={part}", pytrace=False)
