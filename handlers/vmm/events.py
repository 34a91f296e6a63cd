"""Events (vmm 6)."""

from app.core.calls import Caller, Request
from app.core.errors import UpgradeRequired
from app.vmm import events
from app.vmm.documents import done

EVENT_STREAM = "text/event-stream"
WANTED = "events are had by GET, as a websocket or as server-sent events"


def subscribe(stream: str | None, last_event_id: str | None):
    """Wait for them."""
    return events.listen(stream or "", int(last_event_id or 0))


def subscribe_by_post(body: dict, request: Request):
    """Wait for them, or be told how."""
    if EVENT_STREAM in request.headers.get("accept", "").lower():
        return events.listen(body["stream"], 0)
    raise UpgradeRequired(WANTED, headers={"Upgrade": "websocket", "Connection": "Upgrade"})


def authenticate_stream(body: dict, caller: Caller):
    """They are mine."""
    return done("event", events.authenticate(caller, body["stream"]))
