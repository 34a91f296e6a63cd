"""Passkeys (vmm 4)."""

from app.core.calls import Caller, Request
from app.core.mail import base_url
from app.vmm import passkeys
from app.vmm.authenticators import party
from app.vmm.documents import document, done


def make_credential(body: dict, caller: Caller, request: Request):
    """What to ask an authenticator; then its answer."""
    site = party(base_url())
    if "id" not in body and "rawId" not in body:
        return document(passkeys.options_to_make(caller, body, site, request.client))
    return document(passkeys.make(caller, body, site, request.headers.get("user-agent", "")))


def list_credentials(caller: Caller):
    """The passkeys of the caller."""
    return document(passkeys.listed(int(caller.id)))


def delete_credential(body: dict, caller: Caller):
    """Forget a passkey."""
    passkeys.delete(int(caller.id), body["key_id"])
    return done("credential", body["key_id"])


def get_assertion(body: dict):
    """What to ask an authenticator that shall show a passkey."""
    return document(passkeys.options_to_show(body["user_login"], party(base_url())))


def verify_assertion(body: dict, request: Request):
    """A session by passkey."""
    return document(*passkeys.log_in(body, party(base_url()), request.client))
