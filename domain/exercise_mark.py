"""How everything that belongs to an exercise is marked: by its area.

An exercise has areas that nothing else has: 99, which is no province, seven digits of the exercise, three of the
district. The database derives every other mark from it (`exercise_of` of the schema); a test holds the two together.
"""

import re
from typing import Literal

#: Which answers hold what belongs to exercises.
Exercises = Literal["exclude", "only", "include"]
#: What stands before everything that people read of an exercise.
BANNER_EN = "EXERCISE – "
BANNER_ZH = "【演练】"
#: What the ids of its assets and devices begin with; nothing real may.
RESERVED = "exercise-"
_AREA = re.compile(r"99([0-9]{7})[0-9]{3}")


def exercise_of(area: str) -> int | None:
    """The exercise that an area belongs to; None of a real one."""
    found = _AREA.fullmatch(area)
    return int(found[1]) if found else None


def area_of(exercise: int, district: str) -> str:
    """The area of an exercise that stands for a real one: the last three digits of that stay."""
    return f"99{exercise:07d}{district[-3:]:0>3}"


def twin_id(exercise: int, identifier: str) -> str:
    """The id in an exercise of what stands for a real thing."""
    return f"{RESERVED}{exercise}-{identifier}"


def original_id(identifier: str) -> str:
    """What `twin_id` was made of; any other id as it is."""
    found = re.match(rf"{RESERVED}\d+-", identifier)
    return identifier[found.end() :] if found else identifier
