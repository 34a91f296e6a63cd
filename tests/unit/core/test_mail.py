"""Mail reaches a real SMTP server, under TLS where that is offered."""

import smtplib
import ssl
from urllib.parse import quote

import pytest

from app.core import db, mail
from app.core.errors import Unavailable
from app.core.mail import Mail
from tests.support import certificates
from tests.support.mailbox import PASSWORD, USER, mailbox
from tests.support.server import free_port

SENDER = "flotilla@fleet.example.com"


@pytest.fixture(autouse=True)
def restored():
    yield
    mail.configure(Mail(None, SENDER, ""))


@pytest.fixture
def context(tmp_path) -> ssl.SSLContext:
    certificates.self_signed(tmp_path)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return made


def configured(box, scheme="smtp", user="", authorities=None) -> None:
    mail.configure(Mail(f"{scheme}://{user}127.0.0.1:{box.port}", SENDER, "https://fleet.example.com", authorities))


def test_a_mail_says_from_to_and_what():
    with mailbox() as box:
        configured(box)
        mail.send("ada@example.com", "Gr\u00fc\u00dfe", "Zeile 1\nZeile 2 \u20ac\n")
    (found,) = box.mails
    assert (found["From"], found["To"], found["Subject"]) == (SENDER, "ada@example.com", "Gr\u00fc\u00dfe")
    assert found.get_content().splitlines() == ["Zeile 1", "Zeile 2 \u20ac"]
    assert found["Date"]
    assert found["Message-ID"].endswith("@fleet.example.com>")
    assert box.tls == [False]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_tls_and_a_login(scheme, context, tmp_path):
    with mailbox(context, implicit=scheme == "smtps") as box:
        configured(box, scheme, f"{USER}:{quote(PASSWORD, safe='')}@", tmp_path / "cert.pem")
        mail.send("ada@example.com", "s", "t")
    assert (box.tls, box.users) == ([True], [USER])


def test_a_certificate_that_nobody_vouches_for_gets_nothing(context):
    with mailbox(context) as box:
        configured(box, user=f"{USER}:{quote(PASSWORD, safe='')}@")
        with pytest.raises(ssl.SSLCertVerificationError):
            mail.send("ada@example.com", "s", "t")
    assert box.mails == []


def test_what_fails_is_raised():
    with mailbox() as box:
        configured(box, user="other:wrong@")
        with pytest.raises(smtplib.SMTPAuthenticationError):
            mail.send("ada@example.com", "s", "t")
    mail.configure(Mail(f"smtp://127.0.0.1:{free_port()}", SENDER, ""))
    with pytest.raises(OSError, match="refused"):
        mail.send("ada@example.com", "s", "t")
    mail.configure(Mail(None, SENDER, ""))
    with pytest.raises(Unavailable, match="SMTP_URL"):
        mail.send("ada@example.com", "s", "t")


def test_a_header_cannot_be_smuggled_in():
    with mailbox() as box:
        configured(box)
        with pytest.raises(ValueError, match="Header values"):
            mail.send("ada@example.com\nBcc: eve@example.com", "s", "t")
    assert box.mails == []


def test_no_mail_is_sent_while_others_wait_to_write(database):
    mail.configure(Mail("smtp://127.0.0.1:1", SENDER, ""))
    with db.write(), pytest.raises(RuntimeError, match="inside a write transaction"):
        mail.send("ada@example.com", "s", "t")
