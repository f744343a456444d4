"""Kounta's endpoints for webhooks: subscriptions are kept, nothing is ever delivered."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.kounta.paging import missing, refuse
from simulator.kounta.switches import Record
from simulator.kounta.world import Company
from simulator.messages import Answer, Request, ok

if TYPE_CHECKING:
    from simulator.kounta.wire import Kounta

TOPICS = frozenset({
    "customers/created", "customers/updated", "customers/deleted", "orders/completed",
})  # fmt: skip
_FIRST = 31_001
_DEFAULTS: Record = {"topic": None, "address": None, "format": "json", "filter": {}, "headers": {}}


def signature(body: bytes, key: str) -> str:
    """Return what `X-Kounta-Signature` holds for a body: hex HMAC-SHA256."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def webhooks(_: Kounta, __: Request, company: Company, ___: Sequence[str]) -> Answer:
    """GET …/webhooks."""
    return ok(list(company.webhooks.values()))


def webhook(_: Kounta, __: Request, company: Company, ids: Sequence[str]) -> Answer:
    """GET …/webhooks/{webhook}."""
    found = company.webhooks.get(int(ids[0]))
    return ok(found) if found else missing()


def post_webhook(kounta: Kounta, request: Request, company: Company, _: Sequence[str]) -> Answer:
    """POST …/webhooks with topic and address."""
    number = max(company.webhooks, default=_FIRST - 1) + 1
    answer = _store(kounta, company, number, _DEFAULTS, request.object())
    if answer.status == 200:
        answer.status = 201
        where = f"{kounta.base_url}/companies/{company.company_id}/webhooks/{number}"
        answer.headers["location"] = where
    return answer


def put_webhook(kounta: Kounta, request: Request, company: Company, ids: Sequence[str]) -> Answer:
    """PUT …/webhooks/{webhook}: what is given changes, all else stays."""
    found = company.webhooks.get(int(ids[0]))
    if found is None:
        return missing()
    return _store(kounta, company, int(ids[0]), found, request.object())


def delete_webhook(_: Kounta, __: Request, company: Company, ids: Sequence[str]) -> Answer:
    """DELETE …/webhooks/{webhook}."""
    return Answer(204) if company.webhooks.pop(int(ids[0]), None) else missing()


def _store(kounta: Kounta, company: Company, number: int, before: Record, given: Record) -> Answer:
    now = kounta.now()
    known = {name: given[name] for name in _DEFAULTS if name in given}
    hook: Record = {"id": number, "created_at": now} | before | known | {"updated_at": now}
    wrong = _wrong(hook)
    if wrong:
        return refuse(400, "invalid_request", wrong)
    company.webhooks[number] = hook
    return ok(hook)


def _wrong(hook: Record) -> str | None:
    """Return what is wrong with a subscription, None where nothing is."""
    if hook["topic"] not in TOPICS:
        return "topic must be a known one"
    if not isinstance(hook["address"], str) or not hook["address"].startswith(("http:", "https:")):
        return "address must be a URL"
    if hook["format"] not in ("json", "xml"):
        return "format must be json or xml"
    if not isinstance(hook["filter"], dict) or not isinstance(hook["headers"], dict):
        return "filter and headers must be objects"
    for name in map(str.lower, hook["headers"]):
        if name.startswith("x-kounta-") or not (name == "authorization" or name.startswith("x-")):
            return "headers may be Authorization or X-…, not X-Kounta-…"
    return None
