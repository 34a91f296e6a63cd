"""What is vendored is what its version published: the viewer of the pages (tools/package.json names the version)."""

import json

from app.http import pages
from tests.support import node

FOLDER = node.TOOLS.parent / "app" / "http" / "static" / pages.VIEWER
FILES = {"swagger-ui-bundle.js", "swagger-ui-bundle.js.LICENSE.txt", "swagger-ui.css", "LICENSE", "NOTICE"}


def test_the_viewer_is_as_it_was_published():
    version = json.loads((node.TOOLS / "package.json").read_text("utf-8"))["devDependencies"]["swagger-ui-dist"]
    assert f"swagger-ui-{version}" == pages.VIEWER
    assert {file.name for file in FOLDER.iterdir()} == FILES
    published = node.modules() / "swagger-ui-dist"
    for name in FILES:
        assert (FOLDER / name).read_bytes() == (published / name).read_bytes(), name
