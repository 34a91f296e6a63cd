"""Security requirements of an operation, compiled: extract each credential once, verify, choose an alternative.

Stands in for connexion's SecurityMiddleware: its functions run on the event loop, and a good credential of one
alternative hides a bad one of another (ecosystem.md section 1, rows 26 and 27).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from app.core.calls import Caller, NotMine, Request
from app.core.errors import Forbidden, Unauthorized
from app.http.origin import same_origin

SchemeFunction = Callable[[str, Request], "Caller | NotMine | None"]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Scheme:
    name: str
    place: str  # bearer | basic | header | cookie | query
    key: str
    function: SchemeFunction

    def challenge(self) -> str:
        """What WWW-Authenticate names for it (apiKey has no registered name)."""
        word = {"bearer": "Bearer", "basic": "Basic"}.get(self.place, "ApiKey")
        return f'{word} realm="{self.name}"'


def load_function(name: str) -> Any:
    """The function that systems.yaml names as `module:function`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def compile_schemes(definitions: Mapping[str, Any], functions: Mapping[str, str]) -> dict[str, Scheme]:
    """The security schemes of a document with their functions; a scheme without a function is refused."""
    schemes = {}
    for name, definition in definitions.items():
        if name not in functions:
            raise ValueError(f"security scheme {name} has no function in systems.yaml")
        place = definition["scheme"].lower() if definition["type"] == "http" else definition["in"]
        key = definition.get("name", "authorization")
        key = key.lower() if place in ("bearer", "basic", "header") else key
        schemes[name] = Scheme(name, place, key, load_function(functions[name]))
    return schemes


class Security:
    """The `security` of one operation. `check(request)` gives the caller or raises Unauthorized or Forbidden."""

    def __init__(
        self, system: str, requirements: list[dict[str, list[str]]], schemes: Mapping[str, Scheme], challenge: str = ""
    ) -> None:
        """`challenge`: what WWW-Authenticate says; by default each scheme that would do."""
        self._alternatives = [tuple(alternative) for alternative in requirements]
        names = dict.fromkeys(name for alternative in self._alternatives for name in alternative)
        self._schemes = [schemes[name] for name in names]
        self._shared = any(scheme.place == "header" and scheme.key == "authorization" for scheme in self._schemes)
        self._words = {scheme.place for scheme in self._schemes if scheme.place in ("bearer", "basic")}
        named = ", ".join(scheme.challenge() for scheme in self._schemes if scheme.place != "cookie")
        self.challenge = challenge or named
        self.open = not self._schemes
        self._anonymous = Caller(system, "anonymous", "")

    def check(self, request: Request) -> Caller:
        """Verify every credential that is present; one that is bad is 401, whatever else would pass."""
        if self.open:
            return self._anonymous
        callers: dict[str, Caller] = {}
        for scheme in self._schemes:
            credential = self._credential(scheme, request)
            if credential is None:
                continue
            caller = scheme.function(credential, request)
            if caller is None:
                raise Unauthorized("unauthorized")
            if isinstance(caller, Caller):
                callers[scheme.name] = caller
        for alternative in sorted(self._alternatives, key=len, reverse=True):
            if alternative and all(name in callers for name in alternative):
                self._refuse_foreign_origin(alternative, request)
                return callers[alternative[0]]
        if () in self._alternatives:
            return self._anonymous
        raise Unauthorized("unauthorized")

    def _credential(self, scheme: Scheme, request: Request) -> str | None:
        """The credential as text; None when absent. Raises Unauthorized for a malformed Authorization header."""
        if scheme.place == "cookie":
            return _cookie(request.headers.get("cookie", ""), scheme.key)
        if scheme.place == "query":
            return next((value for key, value in request.query if key == scheme.key), None)
        header = request.headers.get(scheme.key)
        if header is None or scheme.place == "header":
            return header
        word, _, credential = header.strip().partition(" ")
        credential = credential.strip()
        if word.lower() == scheme.place and credential and " " not in credential:
            return credential
        if word.lower() in self._words - {scheme.place} or (self._shared and word.lower() != scheme.place):
            return None
        raise Unauthorized("unauthorized")

    def _refuse_foreign_origin(self, alternative: tuple[str, ...], request: Request) -> None:
        by_cookie = any(scheme.place == "cookie" for scheme in self._schemes if scheme.name in alternative)
        if by_cookie and request.method not in SAFE_METHODS and not same_origin(request.headers, request.base_url):
            raise Forbidden("a request with a cookie must come from this origin")


def _cookie(header: str, name: str) -> str | None:
    if name not in header:
        return None
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        raise Unauthorized("unauthorized") from None
    return morsel.value if morsel is not None else None
