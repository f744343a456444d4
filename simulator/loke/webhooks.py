"""LOKE's endpoints for webhooks: subscriptions are kept, nothing is ever delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.loke.paging import missing, refuse
from simulator.loke.world import Organization
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.loke.wire import Loke

EVENTS = frozenset({
    "customer.created", "customer.updated", "customer.updated-statistics", "payment.completed",
    "payment.refunded",
})  # fmt: skip


def webhooks(_: Loke, __: Request, org: Organization, ___: Sequence[str]) -> Answer:
    """GET …/webhooks; secrets are not told."""
    return ok(list(org.webhooks.values()))


def put_webhook(loke: Loke, request: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """PUT …/webhooks/{ref} with url, secret and known events."""
    body = request.object()
    url, secret, events = body.get("url"), body.get("secret"), body.get("events")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return refuse(loke, 400, "bad_request", "url must be an address")
    if not isinstance(secret, str) or not secret:
        return refuse(loke, 400, "bad_request", "secret is required")
    if not isinstance(events, list) or not events or not EVENTS.issuperset(map(str, events)):
        return refuse(loke, 400, "bad_request", "events must be known ones")
    org.webhooks[ids[0]] = {"ref": ids[0], "url": url, "events": events}
    return ok(org.webhooks[ids[0]])


def delete_webhook(loke: Loke, _: Request, org: Organization, ids: Sequence[str]) -> Answer:
    """DELETE …/webhooks/{ref}."""
    return Answer(204) if org.webhooks.pop(ids[0], None) else missing(loke, "Webhook")
