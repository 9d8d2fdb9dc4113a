"""Mail backends that fail in one known way each; set one as EMAIL_BACKEND in a test."""

import smtplib

import requests
from anymail.exceptions import AnymailRequestsAPIError
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend as Accepting


class Unreachable(BaseEmailBackend):
    """No server answers, so that certainly nothing left."""

    def open(self):
        raise ConnectionRefusedError("nobody listens")


class Refusing(BaseEmailBackend):
    """The server says no for good."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({"somebody": (550, b"no such mailbox")})


class Busy(BaseEmailBackend):
    """The server says no for now."""

    def send_messages(self, messages):
        raise smtplib.SMTPRecipientsRefused({"somebody": (451, b"try later")})


class Silent(Accepting):
    """The server takes the message and is then never heard again."""

    def send_messages(self, messages):
        super().send_messages(messages)
        raise TimeoutError("no answer")


class Unpaid(BaseEmailBackend):
    """The provider's key has run out."""

    def send_messages(self, messages):
        response = requests.Response()
        response.status_code = 401
        raise AnymailRequestsAPIError("key expired", response=response, status_code=401)


class Gone(BaseEmailBackend):
    """The server stops listening once the connection is open."""

    def send_messages(self, messages):
        raise ConnectionRefusedError("nobody listens")


class Throttled(BaseEmailBackend):
    """The server takes no more for now, as Amazon SES says it at the end of a message."""

    def send_messages(self, messages):
        raise smtplib.SMTPDataError(454, b"Throttling failure: Maximum sending rate exceeded.")
