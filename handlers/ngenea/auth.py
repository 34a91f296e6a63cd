"""Tokens and keys for programs (ngenea 2)."""

from app.core import tokens
from app.core.calls import Caller, Request
from app.ngenea import auth, client_keys, users


def create_token(body: dict, request: Request):
    """Tokens by name and password."""
    return users.log_in(body["username"], body["password"], request.client)


def refresh_token(body: dict):
    """Another access token."""
    found = auth.holder(body["refresh"], auth.REFRESH)
    if found is None:
        raise auth.unauthorized("Token is invalid or expired", "token_not_valid")
    access = auth.issue(auth.ACCESS, found.user, found.generation, found.joined)
    return {"access": access, "refresh": body["refresh"]}


def verify_token(body: dict):
    """Whether a token is good."""
    if auth.holder(body["token"], body["type"]) is None:
        raise auth.unauthorized("Token is invalid or expired", "token_not_valid")
    return body


def get_public_key():
    """The key that verifies tokens."""
    return {"public_key": tokens.public_key("ngenea", "user")}


def list_client_keys(page, page_size, caller: Caller, request: Request):
    """Keys in pages."""
    return client_keys.listed(caller, request, page, page_size)


def create_client_key(body: dict, caller: Caller, request: Request):
    """A new key."""
    return client_keys.create(caller, body["name"], request.base_url), 201


def get_client_key(id_: int, request: Request):
    """One key."""
    return client_keys.get(id_, request.base_url)


def update_client_key(id_: int, body: dict, request: Request):
    """Rename a key."""
    return client_keys.rename(id_, body.get("name"), request.base_url)


def delete_client_key(id_: int):
    """Delete a key."""
    client_keys.delete(id_)
    return None, 204
