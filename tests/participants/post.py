"""A resident's side of the post: what arrives, and what opening a link leads to."""

import re

from django.core import mail
from django.utils import timezone

from wagtail_engagement.participants import sending

LINK = re.compile(r"https://engage\.example\.gov\.uk(/engagement/[cpflmr]/[\w-]{22,43}/)")
HANDLE = re.compile(r'name="handle" value="(\w+)"')


def send(at=None):
    """Let the worker send what is due, and return the mails that went out."""
    before = len(mail.outbox)
    sending.work(at=at or timezone.now())
    return mail.outbox[before:]


def link_in(message):
    """The path of the one link in a mail."""
    return LINK.search(message.body).group(1)


def open_link(client, path):
    """Follow a link as a browser does; return the clean page."""
    return client.get(path, follow=True)


def press(client, page, button):
    """Press a button of a page that was opened."""
    form = {button: "1", "handle": HANDLE.search(page.content.decode()).group(1)}
    return client.post(page.request["PATH_INFO"], form, follow=True)
