"""Listeners to events of ui-vmm, for tests: server-sent events over httpx, in a thread of their own."""

import json
import queue
import threading
from typing import Any

import httpx

from app.core import ids
from tests.support.vmm import API, Panel


class Events:
    """An open stream of server-sent events; as a context it ends with the block."""

    def __init__(self, http: httpx.Client, name: str = "", **headers: str) -> None:
        self.name = name or ids.uuid()
        self._said: queue.Queue[dict[str, str]] = queue.Queue()
        self._happened: queue.Queue[dict[str, Any]] = queue.Queue()
        self._http = httpx.Client(base_url=http.base_url, timeout=30, verify=False)
        self._stream = self._http.stream(
            "GET",
            f"{API}/event.subscribe",
            params={"stream": self.name},
            headers={"Accept": "text/event-stream", **headers},
        )
        self._answer = self._stream.__enter__()
        assert self._answer.status_code == 200, self._answer.read()
        assert self._answer.headers["content-type"] == "text/event-stream"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self._answer.iter_lines():
                if not line and fields:
                    self._sort(fields)
                    fields = {}
                elif line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
        except (httpx.HTTPError, RuntimeError):
            pass
        self._said.put({"event": "ended"})

    def _sort(self, fields: dict[str, str]) -> None:
        """What happens on hosts apart from what was asked for here."""
        event = json.loads(fields["data"])
        if event.get("type") == "lifecycle":
            assert "id" not in fields and event["request_id"] == ""
            self._happened.put(json.loads(event["body"])["data"])
        else:
            self._said.put(fields)

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def of(self, caller: Panel) -> "Events":
        """The same, once it is said to be a caller's."""
        assert caller.done("event.auth", {"stream": self.name})["attributes"] == {"response": True}
        return self

    def next(self, timeout: float = 20) -> dict[str, Any]:
        """The next event, its document parsed."""
        fields = self._said.get(timeout=timeout)
        assert fields.get("event") is None, fields
        event: dict[str, Any] = json.loads(fields["data"])
        return {**event, "body": json.loads(event["body"]), "number": int(fields["id"])}

    def happened(self, timeout: float = 20) -> Any:
        """The next thing that happened on a host."""
        return self._happened.get(timeout=timeout)

    def closed(self, timeout: float = 30) -> int:
        """The code by which it is closed."""
        fields = self._said.get(timeout=timeout)
        assert fields.get("event") == "close", fields
        return int(json.loads(fields["data"])["code"])

    def silent(self, seconds: float = 1.5) -> bool:
        """Whether nothing comes for a while."""
        try:
            self._said.get(timeout=seconds)
        except queue.Empty:
            return True
        return False
