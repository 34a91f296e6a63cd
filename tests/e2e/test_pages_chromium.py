"""The pages in a real browser (Debian's Chromium, headless): what people see and do, on a phone and on a desk.

With FLOTILLA_SCREENSHOTS=FOLDER the pages are kept as pictures there.
"""

import os
import shutil
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import node
from tests.support import server as servers
from tests.support.mailbox import mailbox
from tests.support.waiting import eventually

CHROMIUM = shutil.which("chromium")
SIZES = {"phone": (375, 800), "desk": (1280, 900)}
SERIOUS = {"serious", "critical"}
REFERENCES = [
    "/ui/reference/mender",
    "/ui/reference/nebula",
    "/ui/reference/vmm",
    "/ui/reference/ngenea",
    "/ui/reference/flotilla",
]
PAGES = ["/ui/", "/ui/nothing", "/ui/mender/password", *REFERENCES]
COUNT = "#operations-devauth_management-count_devices"
STATUS = f"{COUNT} .live-responses-table .response td.response-col_status"

PATIENCE = 120_000  # ms; a machine may be busy
expect.set_options(timeout=PATIENCE)

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.xdist_group("pages")]


@pytest.fixture(scope="module")
def box():
    with mailbox() as box:
        yield box


@pytest.fixture(scope="module")
def server(tmp_path_factory, box):
    smtp = f"smtp://127.0.0.1:{box.port}"
    started = servers.start(tmp_path_factory.mktemp("pages"), CHECK_ANSWERS="true", SMTP_URL=smtp)
    yield started
    assert started.stop() == 0


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        reason = "chromium is not installed"
        if os.environ.get("FLOTILLA_E2E") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


# Colours change gradually; what is half way is nobody's to read. What has no end (a spinner) is not waited for.
SETTLED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame(); await frame();
  const moving = document.getAnimations().filter(one => one.effect.getComputedTiming().endTime !== Infinity);
  await Promise.all(moving.map(one => one.finished.catch(() => {})));
}"""


class Tab:
    """A page of the browser, and all that it complains about or asks of others."""

    def __init__(self, browser, server, size):
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.url, self.faults = server.url, []
        self.page.on("console", lambda said: said.type == "error" and self.faults.append(said.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.context.route("**/*", self._only_here)

    def _only_here(self, route):
        if route.request.url.startswith((f"{self.url}/", "data:", "blob:")):
            route.continue_()
        else:
            self.faults.append(f"asked for {route.request.url}")
            route.abort()

    def open(self, path):
        self.page.goto(self.url + path)
        if path.startswith("/ui/reference/"):
            self.page.wait_for_selector("#viewer[data-ready] .opblock")
        elif path == "/ui/":
            self.page.wait_for_selector("#health[data-state]")
        return self

    def audit(self):
        """No fault, no horizontal scrolling, nothing that keeps people out."""
        width = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], "scrolls to the side"
        self.page.evaluate((node.modules() / "axe-core" / "axe.min.js").read_text("utf-8"))
        self.page.evaluate(SETTLED)
        found = self.page.evaluate("axe.run()")["violations"]
        serious = [(one["id"], [n["html"] for n in one["nodes"]][:3]) for one in found if one["impact"] in SERIOUS]
        assert serious == []
        assert self.faults == []

    def log_in(self, password):
        self.page.fill("input[name=username]", servers.EMAIL)
        self.page.fill("input[name=password]", password)
        self.page.press("input[name=password]", "Enter")

    def operation(self, selector):
        if self.page.locator(f"{selector} .opblock-body").count() == 0:
            self.page.click(f"{selector} .opblock-summary-control")
        self.page.wait_for_selector(f"{selector} .opblock-body")

    def close(self):
        self.context.close()


@pytest.fixture
def tab(browser, server, request):
    made = []

    def make(*options):
        made.append(Tab(browser, server, *options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_clean(tab, path, size):
    """In light colours, and in dark ones when somebody changes their mind."""
    opened = tab(size).open(path)
    if path == "/ui/nothing":
        assert opened.faults.pop() == "Failed to load resource: the server responded with a status of 404 (Not Found)"
    folder = os.environ.get("FLOTILLA_SCREENSHOTS")
    if folder and path in ("/ui/", "/ui/reference/mender"):
        name = "start" if path == "/ui/" else "reference"
        opened.page.screenshot(path=Path(folder) / f"{name}-{SIZES[size][0]}.png")
    opened.audit()
    opened.page.emulate_media(color_scheme="dark")
    opened.audit()


def test_the_start_page_says_what_is_on_and_how_it_is(tab):
    page = tab("desk").open("/ui/").page
    assert page.locator("#health").inner_text() == "This server is ready."
    page.click("text=Reference of mender")
    page.wait_for_selector("#viewer[data-ready]")
    assert page.locator("h1:visible").inner_text().startswith("Mender")


@pytest.mark.parametrize("size", SIZES)
def test_a_mailed_link_sets_a_new_password(tab, server, box, size):
    email = f"{size}@example.com"
    server.create_admin(email)
    start = f"{server.url}/api/management/v1/useradm/auth/password-reset/start"
    assert httpx.post(start, json={"email": email}).status_code == 202
    mail = eventually(lambda: next((found for found in box.mails if found["To"] == email), None))
    (link,) = [word for word in mail.get_content().split() if word.startswith("http")]
    opened = tab(size)
    assert link.startswith(f"{server.url}/ui/mender/password#/password/")
    page = opened.open(link.removeprefix(server.url)).page
    page.fill("input[name=password]", "a brand-new one")
    page.fill("input[name=again]", "another one")
    page.click("button")
    expect(page.locator("[role=status]")).to_have_text("The two are not the same.")
    page.fill("input[name=again]", "a brand-new one")
    page.click("button")
    expect(page.locator("[role=status]")).to_have_text("The password is set: log in with it.")
    opened.audit()
    assert server.login(email, "a brand-new one")
    assert link.rpartition("/")[2] not in server.log.read_text()


def test_the_start_page_says_when_the_server_is_not_ready(tab, server):
    opened = tab("phone")
    opened.context.route(
        "**/readyz", lambda route: route.fulfill(status=503, json={"error": "no database", "request_id": "1"})
    )
    opened.open("/ui/")
    assert opened.page.locator("#health").inner_text() == "This server is not ready: no database."
    assert opened.page.locator("#health").get_attribute("data-state") == "bad"


@pytest.mark.parametrize("size", SIZES)
def test_log_in_try_out_and_log_out(tab, size):
    opened = tab(size).open("/ui/reference/mender")
    page = opened.page
    opened.log_in("not the password")
    expect(page.locator("#said")).to_have_text("401: unauthorized")
    assert page.locator("#logout").is_hidden()
    assert "401" in opened.faults.pop()
    assert opened.faults == []

    opened.log_in(servers.PASSWORD)
    page.wait_for_selector("#logout:not([hidden])")
    assert page.locator("#said").inner_text() == f"Logged in as {servers.EMAIL}."
    assert page.locator("input[name=password]").input_value() == ""
    opened.operation(COUNT)
    page.click(f"{COUNT} .try-out__btn")
    page.click(f"{COUNT} .execute")
    expect(page.locator(STATUS)).to_contain_text("200")
    expect(page.locator(f"{COUNT} .live-responses-table .response td.response-col_description")).to_contain_text(
        '"count": 0'
    )
    opened.audit()

    page.click("#logout")
    expect(page.locator("#said")).to_have_text("Logged out.")
    page.click(f"{COUNT} .execute")
    expect(page.locator(STATUS)).to_contain_text("401")
    assert "401" in opened.faults.pop()
    opened.audit()


@pytest.mark.parametrize("size", SIZES)
def test_forms_of_every_kind_are_clean(tab, size):
    """Path, query, header, JSON and multipart fields, in light colours and in dark ones."""
    opened = tab(size).open("/ui/reference/mender")
    for name in (
        "devauth_management-set_auth_set_status",
        "devauth_management-list_devices",
        "devauth_management-get_device",
        "deployments_management-upload_artifact",
        "deployments_management-create_deployment",
        "devauth_devices-authenticate_device",
    ):
        selector = f"#operations-{name}"
        opened.operation(selector)
        opened.page.click(f"{selector} .try-out__btn")
    opened.audit()
    opened.page.emulate_media(color_scheme="dark")
    opened.audit()


def test_a_link_leads_to_an_operation(tab):
    opened = tab("desk").open("/ui/reference/mender")
    opened.operation(COUNT)
    assert opened.page.url.endswith(COUNT)
    linked = tab("phone").open(f"/ui/reference/mender{COUNT}")
    linked.page.wait_for_selector(f"{COUNT} .opblock-body")
    expect(linked.page.locator(COUNT)).to_be_in_viewport()
    linked.audit()


def test_the_dialog_of_the_viewer_is_clean(tab):
    opened = tab("phone").open("/ui/reference/mender")
    opened.page.click(".btn.authorize")
    opened.page.wait_for_selector(".modal-ux")
    opened.audit()
