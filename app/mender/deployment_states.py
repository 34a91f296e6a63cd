"""What a device's part in a deployment may be, as tables (mender 4.7)."""

from typing import Final

PENDING: Final = "pending"
ON_THE_WAY: Final = ("downloading", "installing", "rebooting")
FINAL: Final = ("success", "failure", "noartifact", "already-installed", "aborted", "decommissioned")
ALL: Final = (PENDING, *ON_THE_WAY, *FINAL)

# What a device may say of itself; pending, noartifact, aborted and decommissioned are the server's word.
REPORTABLE: Final = (*ON_THE_WAY, "success", "failure", "already-installed")

# Finals that the server set against the device's will: every report is refused.
TAKEN_AWAY: Final = ("aborted", "decommissioned")


# The state of a pending part that has failed and is to be tried again: until the device asks, it may repeat its report.
RETRIED: Final = "failure"


def accepts(status: str, reported: str) -> bool:
    """Whether a device in `status` may report `reported`: anything on the way, then one final that it may repeat."""
    if status in TAKEN_AWAY:
        return False
    return status == reported if status in FINAL else reported in REPORTABLE


def column(status: str) -> str:
    """The column of the deployment that counts devices of a status."""
    return "n_" + status.replace("-", "_")
