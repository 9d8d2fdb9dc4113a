"""What goes on behind a page: faults, requests, barriers, and a picture of it."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

RESULTS = Path(__file__).resolve().parent.parent.parent / "test-results"
# `target-size` is off in axe unless its tag is asked for.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
REPORT = "only reported: "
# Said by scripts that run before those of any page.
FIRST = f"""
  // Wagtail's editor says goodbye when its page is left, which could be after the end of a test.
  navigator.sendBeacon = () => true;
  addEventListener("securitypolicyviolation", (event) => {{
    if (event.disposition !== "report") return;
    console.log("{REPORT}" + event.violatedDirective + " " + event.sample);
  }});
"""
# `_response` knows the address of what could not be loaded, and FIRST tells of what is reported.
JUDGED_ELSEWHERE = ("Failed to load resource", "policy is report-only")
WIDTHS = {"narrow": 320, "wide": 1280}


class Watch:
    """Listens to one browser context, from its first page to its last."""

    def __init__(self, context, home):
        context.add_init_script(FIRST)
        self.home = urlsplit(home).netloc
        self.faults = []
        self.requests = []
        self.reports = []  # what the admin's policy would have forbidden
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("dialog", self._dialog)

    def _console(self, message):
        text = message.text
        if text.startswith(REPORT):
            self.reports.append(text.removeprefix(REPORT))
        elif message.type == "error" and not any(words in text for words in JUDGED_ELSEWHERE):
            self.faults.append(f"console: {text[:400]}")

    def _request(self, request):
        address = urlsplit(request.url)
        self.requests.append(f"{request.method} {address.path}")
        if address.scheme in ("http", "https") and address.netloc != self.home:
            self.faults.append(f"another host was asked: {request.url}")

    def _response(self, response):
        is_page = response.request.resource_type == "document"
        if response.status == 400 and "/admin/pages/" in response.url:
            return  # Wagtail saves by itself, and hears that a half-typed page is not complete.
        if response.status >= (500 if is_page else 400):
            self.faults.append(f"{response.status} at {response.url}")

    def _dialog(self, dialog):
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def barriers(page, *, within=None):
    """What axe finds against WCAG 2.2 AA on a page, or within an axe context, one line each."""
    options = {"runOnly": TAGS, "resultTypes": ["violations"]}
    found = Axe().run(page, context=within, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for rule in found
        for node in rule["nodes"]
    ]


def shot(page, name):
    """Keep a picture of the whole page under test-results, where SCREENSHOTS=1 asks for it."""
    if os.environ.get("SCREENSHOTS") == "1":
        page.screenshot(path=RESULTS / f"{name}.png", full_page=True)


def too_wide(page):
    """How many pixels a page is wider than the window: people would have to scroll sideways."""
    root = "document.documentElement"
    return page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
