"""Tokens of the caller (vmm 4)."""

from datetime import timedelta

from app.core.calls import Caller
from app.vmm import sessions
from app.vmm.documents import document, done


def create_token(body: dict, caller: Caller):
    """A token for a program."""
    lifetime, revoke_all = timedelta(seconds=body["token_lifetime"]), body.get("token_revoke_all") or False
    return document(sessions.create(int(caller.id), lifetime, revoke_all=revoke_all))


def list_tokens(caller: Caller):
    """All tokens, without what they are."""
    return document(sessions.listed(int(caller.id)))


def revoke_token(body: dict, caller: Caller):
    """End a token."""
    return done("token", sessions.revoke(int(caller.id), body["token_name"]))
