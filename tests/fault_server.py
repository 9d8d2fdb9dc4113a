"""A real SMTP server in a process of its own that can be as unkind as real ones are.

It prints each address once it has the whole message, before it answers, so that its output is the
truth about what was sent. Addresses say what happens to them: `refuse...` is refused for good,
`busy...` for now, `reset...` is accepted and the connection torn down before the answer, `hang...` is
accepted and never answered, and `storm...` is turned away, with everybody, the first two times.
"""

import asyncio
import random
import subprocess
import sys
import threading
from collections import Counter

SLOWEST_ANSWER = 0.02
HANGS = 60  # far longer than a worker waits for an answer


class Handler:
    storms = 2

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refuse"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try later"
        if address.startswith("storm") and Handler.storms:
            Handler.storms -= 1  # Of all connections: each of them has a handler of its own.
            return "421 4.7.0 too many messages, slow down"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(random.uniform(0, SLOWEST_ANSWER))
        (address,) = envelope.rcpt_tos
        print(address, flush=True)
        if address.startswith("reset"):
            server.transport.abort()
        if address.startswith("hang"):
            await asyncio.sleep(HANGS)
        return "250 OK"


async def serve():
    from aiosmtpd.smtp import SMTP

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class FaultServer:
    """Starts the server, and knows what it has accepted so far."""

    def __enter__(self):
        command = [sys.executable, "-m", "tests.fault_server"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.port = int(self.process.stdout.readline())
        self.lines = []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        return self

    def _read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(line.strip())
                self.news.notify_all()

    def wait_for(self, number):
        """Return once so many messages have been accepted."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.lines) >= number, timeout=120)

    @property
    def accepted(self):
        return Counter(self.lines)

    def __exit__(self, *error):
        self.process.kill()
        self.reader.join()
        self.process.wait()
        self.process.stdout.close()


if __name__ == "__main__":
    asyncio.run(serve())
