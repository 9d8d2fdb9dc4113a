"""A stand-in for the API of GOV.UK Notify, on a port of its own, that keeps what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A key's form is its name, the service and the secret, both as uuids.
SERVICE, SECRET = "1" * 8 + "-1111-1111-1111-" + "1" * 12, "2" * 8 + "-2222-2222-2222-" + "2" * 12
KEY = f"council-{SERVICE}-{SECRET}"
TEMPLATE = "33333333-3333-3333-3333-333333333333"
ACCEPTED = {"id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": None}


class Stub:
    """`answers` are (status, body) in turn, the last one for ever; `seen` are (path, headers, body)."""

    def __init__(self):
        self.seen, self.answers = [], [(201, ACCEPTED)]
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.seen.append((self.path, dict(self.headers), json.loads(body)))
                status, told = stub.answers.pop(0) if stub.answers[1:] else stub.answers[0]
                if status is None:  # Break off without a word.
                    self.close_connection = True
                    return
                said = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, status, *messages, error="BadRequestError"):
        told = {"errors": [{"error": error, "message": m} for m in messages], "status_code": status}
        self.answers = [(status, told)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
