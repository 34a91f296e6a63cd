"""A corpus of requests: the examples of the specs, what the api tests send, and a sample of what the fuzzer sends.

The latter two stand in tests/reference/corpus/SYSTEM.jsonl, where tokens and ids are names in braces. To record anew:

    rm -f build/requests.jsonl
    FLOTILLA_RECORD=$PWD/build/requests.jsonl .venv/bin/python -m pytest -q tests/api tests/fuzz/test_fuzz.py
    .venv/bin/python -m tests.support.corpus build/requests.jsonl [SYSTEM ...]
"""

import base64
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.http import specs, systems
from app.http.plan import follow, parameters_of
from app.http.routing import Router
from tests.support.artifacts import build

FOLDER = Path(__file__).parents[1] / "reference" / "corpus"
SYSTEMS = ("mender", "nebula", "vmm", "ngenea")
FUZZED = 4  # requests of the fuzzer kept for each operation and status; of the api tests all,
MOST = {"ngenea": 4}  # but of so many tests so many, from the shortest to the longest
BY_CHANCE = [  # what tests draw by chance; two requests that differ in no more are the same
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "id"),
    (re.compile(r"Basic [A-Za-z0-9+/=]+"), "name and password"),
    (re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}"), "mac"),
    (re.compile(r"[A-Za-z0-9+/=\\_-]{40,}"), "key"),
    (re.compile(r"\d+"), "number"),
]
LASTING = {  # tokens that tests and fuzzer use of the Nebula manager
    "local-token": "boss",
    "the-token-of-the-local-administrator": "boss",
    "a-token-of-the-reader": "reader",
}
NUMBERED = re.compile(r"/(\w+)/{id}/")  # in paths of Ngenea Hub
MAX_BODY = 4000
IGNORED = {
    "host", "user-agent", "accept", "accept-encoding", "connection", "content-length", "transfer-encoding",
    "x-schemathesis-testcaseid",
}  # fmt: skip


@dataclass(frozen=True)
class Recorded:
    """One request. `target` is path and query; names in braces stand for what the world of the replay has."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str  # base64
    chunked: bool = False

    @property
    def content(self) -> bytes:
        return base64.b64decode(self.body)

    def filled(self, world: Mapping[str, str]) -> "Recorded":
        """With names replaced by what the world has."""
        return replace(
            self,
            target=_fill(self.target, world),
            headers=tuple((name, _fill(value, world)) for name, value in self.headers),
        )


def _fill(text: str, world: Mapping[str, str]) -> str:
    for name, value in world.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def record(
    source: str, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes | None, status: int
) -> None:
    """Note a request and the status it got, when FLOTILLA_RECORD names a file."""
    file = os.environ.get("FLOTILLA_RECORD")
    if not file or len(body or b"") > MAX_BODY:
        return
    parts = urlsplit(url)
    pairs = [(name.lower(), value) for name, value in headers]
    entry = {
        "source": source,
        "status": status,
        "method": method,
        "target": parts.path + (f"?{parts.query}" if parts.query else ""),
        "headers": sorted(pair for pair in pairs if pair[0] not in IGNORED),
        "body": base64.b64encode(body or b"").decode(),
        "chunked": ("transfer-encoding", "chunked") in pairs,
    }
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    with Path(file).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(entry) + "\n")


def document(system: str) -> dict[str, Any]:
    """The public document of a system."""
    found = next(entry for entry in systems.load_systems(systems.root()) if entry.name == system)
    return specs.document(systems.root(), found, "public")


def load(system: str) -> list[Recorded]:
    """The recorded requests of a system."""
    lines = (FOLDER / f"{system}.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [Recorded(**entry | {"headers": tuple(map(tuple, entry["headers"]))}) for entry in entries]


def reduce(recorded: Path, system: str) -> list[Recorded]:
    """What to keep of recorded requests, the shortest first, without secrets."""
    router: Router[tuple[str, str]] = Router()
    for path, method, operation in specs.operations(document(system)):
        router.add(method.upper(), path, (operation["operationId"], path))
    kept: dict[tuple[str, int], dict[tuple[str, ...], Recorded]] = defaultdict(dict)
    fuzzed: dict[tuple[str, int], set[Recorded]] = defaultdict(set)
    for line in recorded.read_text("utf-8").splitlines():
        entry = json.loads(line)
        source, status = entry.pop("source"), entry.pop("status")
        path, _, query = entry["target"].partition("?")
        found = router.match(entry["method"], path)
        (operation, template), values = found or (("none", ""), {})
        for name, value in values.items() if status not in (400, 404) else ():
            # An authentication set belongs to its device.
            name = "pending_id" if name == "device_id" and "auth_set_id" in values else name
            path = template if name == "id" else path.replace(value, f"{{{name}}}", 1)
        path = _kinds(path)
        entry["target"] = f"{path}?{query}" if query else path
        entry["headers"] = tuple((name, _without_token(value, status)) for name, value in entry["headers"])
        request = Recorded(**entry)
        if source == "fuzz":
            fuzzed[operation, status].add(request)
        else:
            kept[operation, status].setdefault(_kind(request), request)
    most = MOST.get(system)
    chosen = {request for requests in kept.values() for request in _spread(requests.values(), most)}
    for requests in fuzzed.values():
        chosen |= set(sorted(requests, key=_size)[: most // 2 if most else FUZZED])
    return sorted(chosen, key=lambda request: (request.target, *_size(request)))


def _kinds(path: str) -> str:
    """A path whose number is called as what it is of: that of a job `{jobs}`."""
    return NUMBERED.sub(r"/\1/{\1}/", path)


def _kind(request: Recorded) -> tuple[str, ...]:
    """What a request is, but for what is by chance; the path as it is."""
    path, _, query = request.target.partition("?")
    texts = [BY_CHANCE[0][0].sub("id", path), query, str(request.headers), request.content.decode("latin-1")]
    for pattern, name in BY_CHANCE:
        texts[1:] = [pattern.sub(name, text) for text in texts[1:]]
    return request.method, *texts


def _spread(requests: Iterable[Recorded], most: int | None) -> list[Recorded]:
    """All, or so many of them: the shortest, the longest, and some between."""
    found = sorted(requests, key=_size)
    if most is None or len(found) <= most:
        return found
    return [found[at * (len(found) - 1) // (most - 1)] for at in range(most)]


def _size(request: Recorded) -> tuple[int, str]:
    text = json.dumps(asdict(request))
    return len(text), text


def _without_token(value: str, status: int) -> str:
    """A header without a token that nobody could use again."""
    word, _, token = value.partition("=") if value.startswith("JWT=") else value.partition(" ")
    if token in LASTING:
        return value.replace(token, f"{{{LASTING[token]}}}")
    if token.count(".") != 2:
        return value
    if status == 401:
        name = "revoked"
    else:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        name = "boss" if claims.keys() & {"typ", "token_type"} else "user" if claims.get("mender.user") else "device"
    return value.replace(token, f"{{{name}}}")


def examples(system: str) -> list[Recorded]:
    """Each operation with the examples of its spec: all of them, without what is optional, and each query alone."""
    made = document(system)
    return [
        request
        for path, method, operation in specs.operations(made)
        for request in _examples(made, path, method, operation)
    ]


def _examples(made: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> list[Recorded]:
    parameters = parameters_of(made, path, method)
    schemes = {name for entry in operation.get("security", []) for name in entry}
    pending = "{auth_set_id}" in path
    path = _kinds(path.replace("{device_id}", "{pending_id}") if pending else path)
    if operation["operationId"].startswith("create_"):
        for parameter in parameters:
            # The example of what is to be made is not there yet.
            path = path.replace(f"{{{parameter['name']}}}", str(parameter.get("example")))
    query = [
        (parameter["name"], value)
        for parameter in parameters
        if parameter["in"] == "query" and "example" in parameter
        for value in _many(parameter["example"])
    ]
    required = {p["name"] for p in parameters if p["in"] == "query" and p.get("required")}
    headers = [(p["name"].lower(), str(p["example"])) for p in parameters if p["in"] == "header" and "example" in p]
    if "BearerToken" in schemes:
        headers.append(("authorization", "Bearer {boss}"))
    elif "BasicUser" in schemes:
        headers.append(("authorization", "{basic}"))
    elif schemes:
        headers.append(("authorization", "Bearer {device}" if "DeviceJWT" in schemes else "Bearer {user}"))
    queries = [query, [pair for pair in query if pair[0] in required], *([pair] for pair in query)]
    targets = dict.fromkeys(f"{path}?{urlencode(pairs)}" if pairs else path for pairs in queries)
    return [
        Recorded(method.upper(), target, (*headers, *media), base64.b64encode(content).decode())
        for target in targets
        for media, content in _bodies(made, operation)
    ]


def _many(value: Any) -> list[str]:
    return [
        str(item).lower() if isinstance(item, bool) else str(item)
        for item in (value if isinstance(value, list) else [value])
    ]


def _bodies(made: Mapping[str, Any], operation: Mapping[str, Any]) -> list[tuple[tuple[tuple[str, str], ...], bytes]]:
    body = follow(made, operation.get("requestBody"))
    if body is None:
        return [((), b"")]
    media, entry = next(iter(body["content"].items()))
    if media == "multipart/form-data":
        content = build(name="an-example")
        part = b'--b\r\nContent-Disposition: form-data; name="artifact"; filename="a"\r\n\r\n'
        return [((("content-type", "multipart/form-data; boundary=b"),), part + content + b"\r\n--b--\r\n")]
    values = [entry["example"]] if "example" in entry else []
    values += [follow(made, one)["value"] for one in entry.get("examples", {}).values()]
    return [((("content-type", media),), json.dumps(value).encode()) for value in values]


if __name__ == "__main__":
    for system in sys.argv[2:] or SYSTEMS:
        lines = [json.dumps(asdict(request)) for request in reduce(Path(sys.argv[1]), system)]
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{system}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        print(f"{len(lines)} requests in {FOLDER / system}.jsonl")
