"""Which documented (operation, status) pairs the api tests and the fuzzer saw, and which nobody ever did.

Every test process notes what it sees in the run's folder; the last one to end holds the sum against
`tests/contract/never_seen.txt`. That list only shrinks: a new line needs its reason.
"""

from pathlib import Path

from app.http import specs, systems
from app.http.routing import Router

# Proved by faults of the server itself, which no client can bring about (design section 7).
SERVER_SIDE = {500, 502, 503, 504, 507, 101}
KNOWN = Path(__file__).parents[1] / "contract" / "never_seen.txt"


def documented(audience: str = "public") -> dict[str, set[int]]:
    """`system.operationId` -> statuses that its spec names, over all systems."""
    return {
        f"{system}.{operation['operationId']}": {int(code) for code in operation["responses"]}
        for system, document in _documents(audience).items()
        for _, _, operation in specs.operations(document)
    }


def _documents(audience: str) -> dict[str, dict]:
    return {
        system.name: specs.document(systems.root(), system, audience)
        for system in systems.load_systems(systems.root())
        if system.files[audience]
    }


class Seen:
    """Notes (operation, status) pairs of this process, each once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._pairs: set[tuple[str, int]] = set()
        self._router: Router[str] = Router()
        for system, document in _documents("public").items():
            for path, method, operation in specs.operations(document):
                self._router.add(method.upper(), path, f"{system}.{operation['operationId']}")

    def answer(self, method: str, path: str, status: int) -> None:
        """Note an answer by the request's method and path."""
        found = self._router.match(method, path)
        if found is not None and method != "HEAD":
            self.pair(found[0], status)

    def pair(self, operation: str, status: int) -> None:
        """Note an answer of `system.operationId`."""
        if (operation, status) not in self._pairs:
            self._pairs.add((operation, status))
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{operation} {status}\n")


def never_seen(folder: Path) -> list[str]:
    """Documented pairs that no process of the run noted, as `system.operation status`."""
    seen = {line for file in folder.glob("statuses-*.txt") for line in file.read_text("utf-8").splitlines()}
    wanted = {
        f"{operation} {status}" for operation, statuses in documented().items() for status in statuses - SERVER_SIDE
    }
    return sorted(wanted - seen)


def accepted() -> set[str]:
    """The pairs that are known never to be seen; each line of the file is `system.operation status: reason`."""
    return {line.partition(":")[0] for line in KNOWN.read_text("utf-8").splitlines() if line and line[0] != "#"}
