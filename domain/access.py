"""Who may do what: three roles, each including the ones before it."""

from enum import StrEnum


class Role(StrEnum):
    """What the bearer of a token may do."""

    #: Reads everything but dead letters.
    VIEWER = "viewer"
    #: Also acknowledges, comments, shelves and resets alerts, and reads dead letters with their raw bytes.
    OPERATOR = "operator"
    #: Everything: also takes alerts, devices and assets out of service, and plans maintenance windows.
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do all that `other` may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)
