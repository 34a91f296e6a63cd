"""Pages for people, by Flask, under /ui: nothing is loaded from outside."""

from collections.abc import Sequence

from flask import Flask, Response, render_template

from app import __version__
from app.http.specs import System

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_pages(systems: Sequence[System]) -> Flask:
    """The WSGI app of the pages; `systems` are those this server offers."""
    pages = Flask("flotilla", root_path=__file__.rpartition("/")[0])

    @pages.get("/")
    def start() -> str:
        offered = [system for system in systems if system.name != "flotilla"]
        return render_template("start.html", version=__version__, systems=offered)

    @pages.after_request
    def secure(response: Response) -> Response:
        response.headers.update(SECURITY_HEADERS)
        response.headers.pop("Date", None)  # the server sends its own
        return response

    return pages
