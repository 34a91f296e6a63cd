"""The one exception tree: what rules raise and what the pipeline renders in the envelope of its system."""

import errno
from collections.abc import Mapping, Sequence
from typing import Any


class Problem(Exception):
    """An answer of 400 or above.

    detail: one clear line for the client. errors: (JSON pointer, message) pairs of a validation. headers: added to the
    answer. keep: commit what the unit of work did before answering. body: extra members of the error envelope.
    """

    status = 500

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        keep: bool = False,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.keep = keep
        self.body = dict(body or {})


class BadRequest(Problem):
    status = 400


class Unauthorized(Problem):
    status = 401


class Forbidden(Problem):
    status = 403


class NotFound(Problem):
    status = 404


class MethodNotAllowed(Problem):
    status = 405


class NotAcceptable(Problem):
    status = 406


class RequestTimeout(Problem):
    status = 408


class Conflict(Problem):
    status = 409


class PreconditionFailed(Problem):
    status = 412


class PayloadTooLarge(Problem):
    status = 413


class UnsupportedMediaType(Problem):
    status = 415


class RangeNotSatisfiable(Problem):
    status = 416


class Unprocessable(Problem):
    status = 422


class UpgradeRequired(Problem):
    status = 426


class TooManyRequests(Problem):
    status = 429


class BadGateway(Problem):
    status = 502


class Unavailable(Problem):
    status = 503


class GatewayTimeout(Problem):
    status = 504


class InsufficientStorage(Problem):
    status = 507


def is_disk_full(exc: Exception) -> bool:
    """Whether an error says that a disk or a quota is full."""
    return isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT)
