"""An SMTP server on loopback that keeps what it gets."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.support.server import free_port

USER, PASSWORD = "mailer", "mail: secret/1"


class Mailbox:
    """What came, and whether each came under TLS. `refusing`: how many are refused first."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.tls: list[bool] = []
        self.users: list[Any] = []
        self.refusing = 0
        self.port = free_port()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.refusing:
            self.refusing -= 1
            return "451 try again"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.tls.append(server.transport.get_extra_info("ssl_object") is not None)
        self.users.append(session.auth_data)
        return "250 OK"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False, auth_data=data.login.decode())


@contextmanager
def mailbox(context: ssl.SSLContext | None = None, *, implicit: bool = False) -> Iterator[Mailbox]:
    """A running server; with a `context` it offers STARTTLS, or speaks TLS from the start (`implicit`)."""
    box = Mailbox()
    options: dict[str, Any] = {"authenticator": _authenticate, "auth_require_tls": context is not None and not implicit}
    if context is not None:
        options["ssl_context" if implicit else "tls_context"] = context
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
