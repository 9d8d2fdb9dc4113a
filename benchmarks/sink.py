"""A mail server that takes everything as fast as one process can, and counts who got what.

Run as a process of its own. It prints its port, and on every line that it is given on its input how
many messages it has taken since the last, and how many people got one.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from types import TracebackType

taken: Counter[bytes] = Counter()


class Conversation(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.waiting = b""
        self.is_body = False
        self.to = b""
        self._say(b"220 sink")

    def _say(self, *lines: bytes) -> None:
        self.transport.write(b"".join(line + b"\r\n" for line in lines))

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while True:
            end = b"\r\n.\r\n" if self.is_body else b"\r\n"
            line, found, rest = self.waiting.partition(end)
            if not found:
                return
            self.waiting = rest
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        if self.is_body:
            taken[self.to] += 1
            self.is_body = False
            self._say(b"250 OK")
            return
        word = line[:4].upper()
        if word == b"EHLO":
            self._say(b"250-sink", b"250-PIPELINING", b"250-8BITMIME", b"250 SIZE 10000000")
        elif word == b"DATA":
            self.is_body = True
            self._say(b"354 go on")
        elif word == b"QUIT":
            self._say(b"221 bye")
            self.transport.close()
        else:
            if word == b"RCPT":
                self.to = line[8:].lower()
            self._say(b"250 OK")


async def serve(conversation: type[asyncio.Protocol] = Conversation) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(conversation, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(sum(taken.values()), len(taken), flush=True)
        taken.clear()


class Sink:
    """Starts the server, and asks it what it has taken."""

    def __init__(self, module: str = "benchmarks.sink") -> None:
        self._module = module

    def __enter__(self) -> Sink:
        command = [sys.executable, "-m", self._module]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdin and self.process.stdout
        self.port = int(self.process.stdout.readline())
        return self

    def taken(self) -> tuple[int, int]:
        """Messages since the last question, and different people among them."""
        assert self.process.stdin and self.process.stdout
        print(file=self.process.stdin, flush=True)
        messages, people = self.process.stdout.readline().split()
        return int(messages), int(people)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
