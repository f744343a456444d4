"""A refresh token that is replaced each time it is used.

The old one may die the moment the new one is issued, so the new one is on disk, flushed, before
anything is asked with what came beside it; and one process at a time refreshes. What nothing can
mend is an answer that never reaches the disk: a connection or a process that dies just then. The
next run ends 3, and the vendor has to be asked for a new first token.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import filelock
import httpx

from sources.auth import SHARE_OF_LIFE, Send, TokenRefusedError, field_of, token_in
from sources.errors import ConfigError, Locked
from sources.throttle import Timing

_PATIENCE = 120


@dataclass
class RefreshToken:
    """OAuth 2 refresh tokens that rotate.

    Attributes:
        first: The refresh token of the configuration; a stored successor of it wins. Another one
            configured later starts anew.
        vault: The file the successor is kept in, readable by its owner alone.
        send: Sends one request under the client's retry policy; returns answers below 500.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    first: str = field(repr=False)
    vault: Path
    timing: Timing
    send: Send
    _token: str | None = field(default=None, repr=False)
    _until: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def header(self) -> str:
        """Return `Bearer <token>`, refreshing when there is none that will last."""
        with self._lock:
            if self._token is None or self._until is None or self.timing.now() >= self._until:
                with self._alone():
                    self._refresh()
            return f"Bearer {self._token}"

    def renew(self, refused: str) -> bool:
        """Drop the refused token unless another thread has replaced it already."""
        with self._lock:
            if refused == f"Bearer {self._token}":
                self._token = None
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from refreshing meanwhile; only where a successor can be kept.

        Raises:
            ConfigError: The vault cannot be written; the refresh token was not spent.
            Locked: Another process has been refreshing for too long.
        """
        lock = filelock.FileLock(f"{self.vault}.lock", timeout=_PATIENCE)
        try:
            self.vault.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire()
            os.close(self._open_next())
        except filelock.Timeout:
            raise Locked(
                "another run has been renewing the same token for too long. Nothing was changed; "
                "the next run will do"
            ) from None
        except OSError as error:
            lock.release()
            raise ConfigError(
                f"{self.vault.parent} cannot be written ({type(error).__name__}), where the "
                "successor of a refresh token is kept. The token was not used; mend the folder"
            ) from None
        try:
            yield
        finally:
            self._next.unlink(missing_ok=True)
            lock.release()

    def _refresh(self) -> None:
        """Use the newest refresh token there is; its successor is stored before anything else."""
        current = self._stored() or self.first
        answer = self._ask(current)
        if answer.status_code in (400, 401) and current != self.first:
            # Restored from an old copy, or revoked: the configured one may still be good.
            answer = self._ask(self.first)
        successor = field_of(answer, "refresh_token")
        if answer.is_success and isinstance(successor, str) and successor not in ("", current):
            self._store(successor)
        self._token, lasts = token_in(answer)
        self._until = self.timing.now() + lasts * SHARE_OF_LIFE

    def _ask(self, refresh_token: str) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": refresh_token,
        }
        request = httpx.Request("POST", self.token_url, data=form)
        request.headers["Accept"] = "application/json"
        return self.send(request)

    @property
    def _origin(self) -> str:
        """Tells of which configured token the stored one is a successor, without telling it."""
        return hashlib.sha256(self.first.encode()).hexdigest()

    def _stored(self) -> str | None:
        try:
            held = json.loads(self.vault.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            raise TokenRefusedError("the stored refresh token cannot be read") from None
        if not isinstance(held, dict) or held.get("origin") != self._origin:
            return None
        token = held.get("refresh_token")
        return token if isinstance(token, str) else None

    def _store(self, successor: str) -> None:
        """Put the successor on disk, whole or not at all, before it can be used."""
        with os.fdopen(self._open_next(), "w", encoding="utf-8") as file:
            json.dump({"origin": self._origin, "refresh_token": successor}, file)
            file.flush()
            os.fsync(file.fileno())
        self._next.replace(self.vault)
        folder = os.open(self.vault.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def _next(self) -> Path:
        return self.vault.with_name(self.vault.name + ".new")

    def _open_next(self) -> int:
        return os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
