"""What authenticators are asked and what they answer: WebAuthn, without rows (vmm 4).

The panel reads base64 without `-` and `_`, other clients base64url: what we draw has neither, so that both can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorAttachment,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

NAME: Final = "Flotilla"
BINARY: Final = ("attestationObject", "clientDataJSON", "authenticatorData", "signature", "userHandle")
ATTACHMENTS: Final = tuple(one.value for one in AuthenticatorAttachment)
ATTESTATIONS: Final = tuple(one.value for one in AttestationConveyancePreference)

Options = dict[str, Any]
Answer = Mapping[str, Any]


class Refused(Exception):
    """An answer of an authenticator that proves nothing; says why."""


@dataclass(frozen=True, slots=True)
class Party:
    """The site that keys are for: its id (a host name) and the origin that browsers say."""

    id: str
    origin: str


def party(base_url: str) -> Party:
    """The relying party of a server whose public address this is."""
    parts = urlsplit(base_url)
    return Party(parts.hostname or "localhost", f"{parts.scheme}://{parts.netloc}")


def creation(site: Party, challenge: str, handle: str, login: str, known: Sequence[str], wanted: Options) -> Options:
    """What an authenticator is asked that shall make a key. `known`: ids of keys that the user has already."""
    attachment = wanted.get("authenticator_attachment")
    return _plain(
        generate_registration_options(
            rp_id=site.id,
            rp_name=NAME,
            user_name=login,
            user_id=base64url_to_bytes(handle),
            user_display_name=login,
            challenge=base64url_to_bytes(challenge),
            attestation=AttestationConveyancePreference(wanted.get("attestation_type") or "none"),
            authenticator_selection=AuthenticatorSelectionCriteria(
                authenticator_attachment=AuthenticatorAttachment(attachment) if attachment else None,
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.PREFERRED,
            ),
            exclude_credentials=_descriptors(known),
        )
    )


def request(site: Party, challenge: str, known: Sequence[str]) -> Options:
    """What an authenticator is asked that shall show one of the keys of these ids."""
    return _plain(
        generate_authentication_options(
            rp_id=site.id, challenge=base64url_to_bytes(challenge), allow_credentials=_descriptors(known)
        )
    )


def _descriptors(known: Sequence[str]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known]


def _plain(options: Any) -> Options:
    found: Options = orjson.loads(options_to_json(options))
    return found


def challenge_of(answer: Answer) -> str:
    """The challenge that an answer is to. Raises Refused."""
    try:
        said = orjson.loads(base64url_to_bytes(_url(_response(answer)["clientDataJSON"])))
        return _url(said["challenge"])
    except (ValueError, KeyError, TypeError) as exc:
        raise Refused("clientDataJSON names no challenge") from exc


def made(site: Party, answer: Answer, challenge: str) -> tuple[str, bytes, int]:
    """The id, the public key (COSE) and the count of a key that was made. Raises Refused."""
    try:
        found = verify_registration_response(
            credential=_normal(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.id,
            expected_origin=site.origin,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise Refused(str(exc)) from exc
    return bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count


def shown(site: Party, answer: Answer, challenge: str, public_key: bytes, count: int) -> int:
    """The new count of a key that was shown. Raises Refused, also for one that did not grow."""
    try:
        return verify_authentication_response(
            credential=_normal(answer),
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=count,
        ).new_sign_count
    except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
        raise Refused(str(exc)) from exc


def key_id(answer: Answer) -> str:
    """The id of the key that an answer is about."""
    return _url(answer.get("rawId") or answer.get("id") or "")


def user_handle(answer: Answer) -> str:
    """What the authenticator calls the user by; '' when it does not say."""
    return _url(_response(answer).get("userHandle") or "")


def _url(text: str) -> str:
    """Base64 of either alphabet, as base64url without padding."""
    return text.strip().replace("+", "-").replace("/", "_").rstrip("=")


def _normal(answer: Answer) -> Options:
    response = {name: _url(value) for name, value in _response(answer).items() if name in BINARY and value}
    return {"id": key_id(answer), "rawId": key_id(answer), "type": answer.get("type"), "response": response}


def _response(answer: Answer) -> Options:
    return answer.get("response") or {}
