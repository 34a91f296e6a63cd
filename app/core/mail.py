"""Mail by SMTP: with TLS where the server offers it, without where it does not (design section 3)."""

import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from app.core import db
from app.core.errors import Unavailable

PATIENCE: Final = 30.0
MAX_ADDRESS: Final = 256
ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
PORTS: Final = {"smtp": 25, "smtps": 465}


@dataclass(frozen=True)
class Mail:
    """How mail is sent. `base_url` is what links in it begin with; `authorities`: further ones (PEM) for TLS."""

    smtp_url: str | None
    sender: str
    base_url: str
    authorities: Path | None = None


_mail: Mail | None = None


def is_address(text: str) -> bool:
    """Whether a text is an e-mail address of ASCII letters, of at most 256 characters."""
    return len(text) <= MAX_ADDRESS and ADDRESS.fullmatch(text) is not None


def configure(mail: Mail) -> None:
    """Send mail in this way."""
    global _mail
    _mail = mail


def base_url() -> str:
    """What links in mail begin with: how this server is called from outside."""
    return "" if _mail is None else _mail.base_url


def settings() -> Mail:
    """How mail is sent. Raises Unavailable where it is not."""
    if _mail is None or _mail.smtp_url is None:
        raise Unavailable("this server sends no mail: SMTP_URL is not set")
    return _mail


def send(to: str, subject: str, text: str) -> None:
    """Hand a mail to the SMTP server. Raises Unavailable without one, OSError or SMTPException when it fails."""
    db.outside("sending mail")
    mail = settings()
    parts = urlsplit(mail.smtp_url or "")
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    trusted = ssl.create_default_context(cafile=mail.authorities)
    if mail.authorities is not None:
        trusted.load_default_certs()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.sender, to, subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=mail.sender.rpartition("@")[2])
    message.set_content(text)
    with _connected(parts.scheme, host, port, trusted) as server:
        if parts.username is not None:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)


def _connected(scheme: str, host: str, port: int, trusted: ssl.SSLContext) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=trusted)
    server = smtplib.SMTP(host, port, timeout=PATIENCE)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=trusted)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server
