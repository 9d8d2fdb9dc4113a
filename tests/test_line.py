"""The connection that a worker keeps: over a real server that says no at every step."""

import socketserver
import threading

import django
import pytest
from django.test import override_settings

from wagtail_engagement import mail
from wagtail_engagement.line import Line
from wagtail_engagement.mail import Verdict

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Server(socketserver.ThreadingTCPServer):
    """Answers each command as told, keeps what it got, and hangs up where told to."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, answers, pipelining):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.answers, self.pipelining = answers, pipelining
        self.bodies, self.connections = [], 0


class Conversation(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.server.connections += 1
        self.say("220 ready")
        for line in self.rfile:
            word = line[:4].decode().upper().strip()
            answer = self.server.answers.get(word, "250 OK")
            if answer == "hang up":
                return
            if word == "EHLO":
                self.say("250-here\r\n250 PIPELINING" if self.server.pipelining else "250 here")
            elif word == "DATA" and word not in self.server.answers:
                self.say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.bodies.append(body)
                if self.server.answers.get("body") == "hang up":
                    return
                self.say(self.server.answers.get("body", "250 OK"))
            else:
                self.say("221 bye" if word == "QUIT" else answer)
                if word == "QUIT":
                    return


@pytest.fixture(params=[False, True], ids=["step by step", "pipelined"])
def serve(request):
    """Return a function that starts a server, and one that hands a message to it."""
    servers, lines = [], []

    def start(**answers):
        server = Server(answers, request.param)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        line = Line()
        lines.append(line)
        options = {"host": "127.0.0.1", "port": server.server_address[1]}
        chosen = {
            "EMAIL_BACKEND": SMTP,
            "EMAIL_HOST": options["host"],
            "EMAIL_PORT": options["port"],
        }
        if django.VERSION >= (6, 1):
            chosen = {"MAILERS": {"default": {"BACKEND": SMTP, "OPTIONS": options}}}

        def give(to="ann@example.com", text="Text\n.\n.. end"):
            with override_settings(**chosen):
                return line.hand_over(
                    mail.build(to=to, subject="Buses", text=text, html="<p>x</p>")
                )

        return server, give

    yield start
    for line in lines:
        line.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_many_messages_go_over_one_connection_and_arrive_whole(serve):
    server, give = serve()
    assert [give().verdict for _ in range(3)] == [Verdict.ACCEPTED] * 3
    assert (server.connections, len(server.bodies)) == (1, 3)
    assert b"\r\n..\r\n... end" in server.bodies[0]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ({"MAIL": "550 not you"}, Verdict.UNABLE),
        ({"MAIL": "hang up"}, Verdict.UNABLE),
        ({"RCPT": "550 no such mailbox"}, Verdict.REFUSED),
        ({"RCPT": "451 greylisted"}, Verdict.LATER),
        ({"RCPT": "451 4.7.1 rate limit exceeded"}, Verdict.UNABLE),
        ({"RCPT": "hang up"}, Verdict.LATER),
        ({"RCPT": "550 no such mailbox", "RSET": "hang up"}, Verdict.REFUSED),
        ({"DATA": "451 later"}, Verdict.LATER),
        ({"DATA": "hang up"}, Verdict.LATER),
        ({"body": "554 spam"}, Verdict.REFUSED),
        ({"body": "454 Throttling failure"}, Verdict.UNABLE),
        ({"body": "451 later"}, Verdict.LATER),
        ({"body": "hang up"}, Verdict.UNKNOWN),
    ],
)
def test_only_a_break_after_the_body_leaves_a_message_in_doubt(serve, answers, verdict):
    _server, give = serve(**answers)
    assert give().verdict is verdict


def test_a_refused_address_does_not_spoil_the_connection_for_the_next(serve):
    server, give = serve(RCPT="550 no such mailbox")
    assert give().verdict is Verdict.REFUSED
    server.answers.clear()
    assert give().verdict is Verdict.ACCEPTED and server.connections == 1


def test_a_server_that_has_had_enough_of_one_connection_gets_a_new_one(serve):
    server, give = serve()
    give()
    server.answers["MAIL"] = "421 too many messages on this connection"
    assert give().verdict is Verdict.RENEW
    server.answers.clear()
    assert give().verdict is Verdict.ACCEPTED and server.connections == 2


def test_an_address_with_a_command_in_it_is_refused_before_anything_is_said(serve):
    server, give = serve()
    assert give(to="a@b.example>\r\nRCPT TO:<x@y.z").verdict is Verdict.REFUSED
    assert server.bodies == []


def test_a_server_that_is_not_there_has_got_nothing(serve):
    server, give = serve()
    server.shutdown()
    server.server_close()
    assert give().verdict is Verdict.UNABLE
