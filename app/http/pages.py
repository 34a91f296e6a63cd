"""Pages for people, by Flask, under /ui: nothing is loaded from outside."""

from collections.abc import Sequence
from typing import Final

from flask import Flask, Response, abort, render_template, request

from app import __version__
from app.http.systems import System

VIEWER: Final = "swagger-ui-5.35.0"
"""The folder of the vendored viewer; its name changes with its version, so a browser may keep it for good."""
SECURITY_HEADERS: Final = {
    # The viewer draws its icons from data URLs. It needs no inline script or style.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none';"
        " form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_pages(systems: Sequence[System]) -> Flask:
    """The WSGI app of the pages; `systems` are those this server offers."""
    pages = Flask("flotilla", root_path=__file__.rpartition("/")[0])
    pages.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    pages.jinja_env.globals.update(version=__version__, viewer=VIEWER)
    pages.url_map.merge_slashes = False  # its redirect would repeat the Host header
    named = {system.name: system for system in systems}

    @pages.get("/")
    def start() -> str:
        return render_template("start.html", systems=[system for system in systems if system.name != "flotilla"])

    @pages.get("/reference/<name>")
    def reference(name: str) -> str:
        if name not in named:
            abort(404)
        return render_template("reference.html", system=named[name])

    @pages.get("/<name>/password")
    def password(name: str) -> str:
        system = named.get(name)
        if system is None or system.login is None or not system.login.reset:
            abort(404)
        return render_template("password.html", system=system)

    @pages.errorhandler(404)
    def missing(error: Exception) -> tuple[str, int]:
        return render_template("missing.html"), 404

    @pages.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        response.headers.pop("Date", None)  # the server sends its own
        if response.status_code == 200 and request.path.startswith(f"/static/{VIEWER}/"):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return pages
