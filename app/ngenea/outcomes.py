"""What became of a path in a task (ngenea 3.2)."""

from dataclasses import dataclass
from typing import Literal

State = Literal["processed", "failed", "skipped", "aborted"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`path` is absolute on the site, in bytes; `size` is that of the file, in bytes.

    `failed` says why in `code` (for programs) and `message` (for people); `skipped` had nothing to be done, `aborted`
    vanished and was allowed to.
    """

    path: bytes
    state: State
    size: int = 0
    code: str = ""
    message: str = ""
