"""Where uploaded sheets lie until they are deleted: in a folder that no web server shows."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .. import conf

if TYPE_CHECKING:
    from .models import ImportBatch

PIECE = 2**20  # bytes


def folder() -> Path:
    """Return the folder of uploaded sheets, made where it is missing, for our own eyes alone.

    By default it lies beside the database file, else in BASE_DIR. Raises ImproperlyConfigured
    where a web server would hand its files out.
    """
    found = Path(conf.import_dir() or _beside_the_database() / "engagement-imports").resolve()
    for name in ("MEDIA_ROOT", "STATIC_ROOT"):
        shown = getattr(settings, name, None)
        if shown and found.is_relative_to(Path(shown).resolve()):
            raise ImproperlyConfigured(
                f"Set WAGTAIL_ENGAGEMENT_IMPORT_DIR to a folder outside {name}."
            )
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def _beside_the_database() -> Path:
    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"] and Path(str(database["NAME"])).is_absolute():
        return Path(str(database["NAME"])).parent
    return Path(getattr(settings, "BASE_DIR", os.getcwd()))


def keep(file: IO[Any]) -> tuple[str, str]:
    """Copy a file there under a name that tells nothing; return the name and the SHA-256."""
    name = secrets.token_hex(16)
    digest = hashlib.sha256()
    handle = os.open(folder() / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as kept:
        while piece := file.read(PIECE):
            digest.update(piece)
            kept.write(piece)
    return name, digest.hexdigest()


def again(name: str) -> str:
    """Give a file one more name, under which it stays when the others are dropped; return that.

    Raises FileNotFoundError.
    """
    other = secrets.token_hex(16)
    source, target = folder() / Path(name).name, folder() / other
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # A file system without links.
        shutil.copyfile(source, target)
        target.chmod(0o600)
    return other


def path_of(batch: ImportBatch) -> Path:
    """Return where the sheet of a batch lies; a name is never a way out of the folder."""
    return folder() / (Path(batch.stored_as).name or "none")


def drop(name: str) -> None:
    """Delete a file, if it is there."""
    if name:
        (folder() / Path(name).name).unlink(missing_ok=True)
