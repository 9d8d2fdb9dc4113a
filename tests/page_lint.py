"""Reads every page that the test client shows to residents, whatever its test is about (A02)."""

from collections import Counter

import html5lib
import pytest
from django.test import Client

POINTING = ("for", "aria-describedby", "aria-labelledby", "aria-controls")


def words(element):
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def faults(html):
    """What is wrong with a whole page, one sentence each."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(html)
    # Control characters that somebody typed are shown as they were typed.
    errors = [error for error in parser.errors if error[1] != "invalid-codepoint"]
    found = [f"invalid HTML at {place}: {code}" for place, code, _more in errors]
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    ids = Counter(element.get("id") for element in elements if element.get("id"))
    found += [f"id {name} is there {number} times" for name, number in ids.items() if number > 1]
    for element in elements:
        for attribute in POINTING:
            for name in (element.get(attribute) or "").split():
                if name not in ids:
                    found.append(f"{element.tag} {attribute} points to {name}, which is not there")
        if (element.get("href") or "").startswith("#") and element.get("href")[1:] not in ids:
            found.append(f"a link leads to {element.get('href')}, which is not there")
        if any(name.startswith("on") or name == "style" for name in element.keys()):
            found.append(f"{element.tag} has an inline script or style")
        if element.tag == "style" or (element.tag == "script" and not element.get("src")):
            found.append(f"an inline {element.tag}")
    return found + heading_faults(tree, elements)


def heading_faults(tree, elements):
    headings = [words(element) for element in elements if element.tag == "h1"]
    title = words(tree.find(".//title"))
    found = [] if tree.get("lang") else ["the page has no language"]
    if len(headings) != 1:
        return [*found, f"{len(headings)} main headings: {headings}"]
    if not headings[0] or not title.removeprefix("Error: ").startswith(headings[0]):
        found.append(f"the title “{title}” does not begin with the heading “{headings[0]}”")
    return found


def is_for_residents(response):
    """Pages from our own templates, outside the admin."""
    path = response.request["PATH_INFO"]
    named = [template.name or "" for template in getattr(response, "templates", [])]
    is_html = response.get("Content-Type", "").startswith("text/html")
    ours = any(name.startswith("wagtail_engagement/") for name in named)
    return is_html and ours and not response.streaming and not path.startswith("/admin/")


@pytest.fixture(autouse=True)
def every_page_is_read(monkeypatch):
    plain = Client.request

    def request(self, **environ):
        response = plain(self, **environ)
        if is_for_residents(response) and response.request["REQUEST_METHOD"] != "HEAD":
            found = "; ".join(faults(response.content.decode()))
            assert not found, f"{response.request['PATH_INFO']}: {found}"
        return response

    monkeypatch.setattr(Client, "request", request)
