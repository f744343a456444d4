"""How Collins refuses, in the words of the framework it is written with."""

from __future__ import annotations

from simulator.messages import Answer, ok


class Invalid(ValueError):
    """A request that is answered with 422; which field, and what is wrong with it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field

    def answer(self) -> Answer:
        """Return the answer that says so."""
        errors = {self.field: [str(self)]}
        return ok({"message": "The given data was invalid.", "errors": errors}, 422)


def missing(status: int = 404) -> Answer:
    """Return the answer for what there is not."""
    return ok({"message": "The requested resource was not found"}, status)


def forbidden(status: int = 403) -> Answer:
    """Return the answer for what the token may not see; a 404 gives nothing away."""
    return missing() if status == 404 else ok({"message": "This action is unauthorized."}, status)


def unauthenticated() -> Answer:
    """Return the answer to no token, or a wrong one."""
    return ok({"error": "Unauthenticated."}, 401)


def too_many() -> Answer:
    """Return the answer beyond the limit."""
    return ok({"message": "Too Many Attempts."}, 429)
