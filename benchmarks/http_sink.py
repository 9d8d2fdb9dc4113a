"""The providers of `batch_calls`: they answer every call at once, and count who was written to.

Run and asked as `sink` is, whose account it keeps.
"""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs

from .sink import serve, taken


class Calls(asyncio.Protocol):
    """One connection, with one call after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.waiting = bytearray()
        self.size = 0

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if len(self.waiting) < self.size:
            return
        head, end, body = bytes(self.waiting).partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        self.size = len(head) + 4 + length
        if len(body) < length:
            return
        self.waiting.clear()
        self.size = 0
        self._say(answer(lines[0].split()[1].decode(), body))

    def _say(self, said: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(said)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + said)


def answer(path: str, body: bytes) -> bytes:
    """Note who was written to, and say yes as the provider of this address would."""
    if path.startswith("/mailgun/"):
        taken.update(to.encode() for to in parse_qs(body.decode())["to"])
        return b'{"id": "<1@sink>", "message": "Queued. Thank you."}'
    data = json.loads(body)
    if path.startswith("/sendgrid/"):
        taken.update(one["to"][0]["email"].encode() for one in data["personalizations"])
        return b"{}"
    people = [message["To"][0]["Email"] for message in data["Messages"]]
    taken.update(to.encode() for to in people)
    said = [{"Status": "success", "To": [{"Email": to, "MessageID": 1}]} for to in people]
    return json.dumps({"Messages": said}).encode()


if __name__ == "__main__":
    asyncio.run(serve(Calls))
