"""Collins's customers as they are drawn, written as JSON at once: a million take seconds."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from simulator.collins.world import Account
from simulator.people import People, Stamps

LABELS = ("VIP", "Regular Customer", "vip", "Wine club 🍷", "Staff")
_LABEL_SHARES = (0.12, 0.25, 0.03, 0.05, 0.01)
_CONSENT_SHARES = ((0.50, 0.12), (0.30, 0.10), (0.08, 0.04))  # in, out; by preference
_COMPANIES = ("Quill & Sons", "Łódź Café GmbH", "Moss, Pike and Tan Ltd", "合同会社テスト", "A")
_NOTES = ("window seat", 'calls herself "Bee"', "allergic to nuts 🥜", "wheelchair\nramp")
_PAST = ("complete", "complete", "complete", "rejected", "deleted", "lost")
_DAY = 86_400
_YEAR = 365 * _DAY
# Of customers made before, no date of creation was kept.
_UNKEPT = (
    int(datetime(2014, 1, 1, tzinfo=UTC).timestamp()),
    int(datetime(2019, 2, 1, tzinfo=UTC).timestamp()),
)


class Crowd:
    """Draws the customers of one account."""

    def __init__(self, chance: random.Random, now: datetime, account: Account) -> None:
        self._chance, self._bits = chance.random, chance.getrandbits
        self._people, self._stamps = People(chance), Stamps()
        self._now = int(now.timestamp())
        self._venues = [f'"{venue_id}"' for venue_id in account.venues]
        self._preferences = list(zip(account.preferences, _CONSENT_SHARES, strict=True))

    def customer(self) -> tuple[str, bytes]:
        """Return a customer's id and record, with the gaps real ones have."""
        chance = self._chance
        kept = chance() >= 0.15
        if kept:
            created = self._now - _DAY - int(chance() * (5 * _YEAR - _DAY))
        else:
            created = _UNKEPT[0] + int(chance() * (_UNKEPT[1] - _UNKEPT[0]))
        # Few were touched lately: two years, the last hour left out.
        updated = max(created, self._now - 3600 - int(chance() * (2 * _YEAR - 3600)))
        customer_id = self._id(created)
        parts = [f'{{"id":"{customer_id}"']
        self._person(parts)
        self._company(parts)
        self._memberships(parts, created, updated)
        if (luck := chance()) < 0.15:
            parts.append(f'"notes":{_quoted(_NOTES[int(luck / 0.15 * 4)] if luck > 0.05 else "")}')
        parts.append(f'"created_date":"{self._at(created)}"' if kept else '"created_date":null')
        if chance() >= 0.005:
            parts.append(f'"last_updated":"{self._at(updated)}"')
        # Joined with the brace last: an object of just this size, no larger buffer cut short.
        return customer_id, (",".join(parts) + "}").encode()

    def _id(self, second: int) -> str:
        return f"{second:08x}{self._bits(64):016x}"

    def _at(self, second: int) -> str:
        return self._stamps.second(second).replace("T", " ")

    def _gap(self, parts: list[str], name: str) -> None:
        """Leave a field out, or send it empty; both are ways of not knowing."""
        if self._bits(1):
            parts.append(f'"{name}":""')

    def _person(self, parts: list[str]) -> None:
        chance, name = self._chance, self._people.name()
        found = {
            "email": self._people.email(name),
            "first_name": name.first if chance() >= 0.04 else None,
            "last_name": name.last if chance() >= 0.04 else None,
            "phone": self._people.phone(),
            # Born between 1935 and 2007.
            "dob": self._stamps[int(chance() * 26_298) - 12_784] if chance() >= 0.5 else None,
            "custom_field_value": f"A-{self._bits(20)}" if chance() >= 0.7 else None,
        }
        for field, value in found.items():
            if value is None:
                self._gap(parts, field)
            else:
                parts.append(f'"{field}":{_quoted(value)}' if field.endswith("name") else
                             f'"{field}":"{value}"')  # fmt: skip

    def _company(self, parts: list[str]) -> None:
        luck = self._chance()
        if luck >= 0.2:
            return
        if luck >= 0.1:
            parts.append('"company":""')
            return
        parts.append(f'"company":{_quoted(_COMPANIES[int(luck * 50)])}')
        if luck < 0.07:
            city = "London" if luck < 0.05 else ""
            parts.append(
                f'"company_address":{{"street":"1 Test Row","city":"{city}",'
                '"post_code":"ZZ99 9ZZ"}'
            )

    def _memberships(self, parts: list[str], created: int, updated: int) -> None:
        chance = self._chance
        labels = [
            _quoted(label)
            for label, share in zip(LABELS, _LABEL_SHARES, strict=True)
            if chance() < share
        ]
        start, count = int(chance() * 4), int(chance() * 4)
        venues = (self._venues + self._venues)[start : start + count]
        consents = [self._consent(one, shares, created) for one, shares in self._preferences]
        bookings = [self._booking(updated) for _ in range(max(0, int(chance() * 8) - 3))]
        for name, values in (
            ("associated_venues", venues),
            ("marketing_preferences", list(filter(None, consents))),
            ("bookings", bookings),
            ("labels", labels),
        ):
            # What has nothing is mostly sent empty, sometimes left out.
            if values or chance() >= 0.1:
                parts.append(f'"{name}":[{",".join(values)}]')

    def _consent(self, preference_id: str, shares: tuple[float, float], created: int) -> str:
        """Return a consent, empty where nothing was ever said."""
        luck, (yes, no) = self._chance(), shares
        if luck >= yes + no:
            return ""
        said = created + int(self._chance() * (self._now - created))
        since = f'"opt_in_date":"{self._at(said)}"'
        if luck < yes:
            rest = ',"opt_out_date":null' if self._bits(1) else ""
            return f'{{"id":"{preference_id}",{since}{rest},"opted_in":true}}'
        left = self._at(min(self._now, said + 30 * _DAY))
        since = (since, '"opt_in_date":null')[self._bits(1)]
        return f'{{"id":"{preference_id}",{since},"opt_out_date":"{left}","opted_in":false}}'

    def _booking(self, updated: int) -> str:
        # Half an hour apart, from two years before the last change until two months after it.
        at = updated - updated % 1800 + (int(self._chance() * 38_000) - 35_000) * 1800
        venue, luck = self._venues[self._bits(2)], self._chance()
        status = _PAST[int(luck * 6)] if at < self._now else ("new", "in_progress")[luck > 0.3]
        people = f',"num_people":{1 + int(luck * 90) % 12}' if luck > 0.1 else ""
        return (
            f'{{"id":"{self._id(updated)}","date":"{self._at(at)}","venue_id":{venue}{people},'
            f'"status":"{status}"}}'
        )


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
