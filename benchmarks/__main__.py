"""Run every comparison on every database that is there. Fails on wrong results, never on times."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from . import database

# Rounds, and requests of each kind in a round.
SIZES = {"small": (2, 3), "full": (9, 60)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--here", action="store_true", help="only the database of DATABASE_URL")
    options = parser.parse_args()
    if options.here:
        return _run(options.size)
    failed = 0
    for address in database.found():
        # Django has one database for its lifetime, so each has a process of its own.
        again = [sys.executable, "-m", "benchmarks", "--here", "--size", options.size]
        environment = {name: kept for name, kept in os.environ.items() if name != "DATABASE_URL"}
        if address:
            environment["DATABASE_URL"] = address
        failed += subprocess.run(again, env=environment, check=False).returncode != 0
    return int(failed > 0)


def _run(size: str) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.db import connection

    from . import (
        batch_calls,
        choosing,
        importing,
        kills,
        long_sheet,
        pages,
        register,
        sending,
        statements,
    )

    print(f"\n{connection.display_name}, Django {django.get_version()}, size {size}\n", flush=True)
    rounds, requests = SIZES[size]
    with database.scratch():
        wrong = [*pages.run(rounds=rounds, requests=requests), *statements.run()]
    with database.scratch():  # An empty register, which these fill and empty by themselves.
        # The long sheet first, for its memory is measured.
        wrong += [*long_sheet.run(size), *importing.run(size), *register.run(size)]
        wrong += choosing.run(size)
    with database.scratch():
        wrong += [*sending.run(size), *kills.run(size), *batch_calls.run(size)]
    for line in wrong:
        print(f"WRONG: {line}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
