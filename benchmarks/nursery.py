"""Starts senders in no time: Django is loaded once, and each sender is forked from that.

Senders that take two seconds to start are killed while they start, and not at work. It takes a line
for each sender it is to start, prints its process id, and forgets it when it ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType


class Nursery:
    """Processes of one command, all with the same environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def __enter__(self) -> Nursery:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.nursery"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self

    def start(self, *command: str) -> Sender:
        """Start a management command as a process of its own."""
        assert self._process.stdin and self._process.stdout
        print(*command, file=self._process.stdin, flush=True)
        return Sender(int(self._process.stdout.readline()))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


class Sender:
    """A process that somebody else has started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)

    @property
    def has_ended(self) -> bool:
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        return False


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # So that nothing remains of who has ended.
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            call_command(*line.split())
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
