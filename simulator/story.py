"""What happens at the vendors in the demo: one guest of all four, and an ordinary day.

She is Mara Quill, with one e-mail address and four different ideas of who she is.
"""

from __future__ import annotations

from typing import Any

import httpx

from simulator.core import Simulator

EMAIL = "mara.quill@example.com"
_PERSON = {"first_name": "Mara", "last_name": "Quill"}
_REFUSED = 400


def arrive(simulator: Simulator) -> dict[str, tuple[str, str]]:
    """Make one guest known to every vendor there is; return her tenant and id at each."""
    known = {"loke": _at_loke, "collins": _at_collins, "kounta": _at_kounta, "foodics": _at_foodics}
    return {vendor: known[vendor](simulator) for vendor in simulator.vendors}


def _at_loke(simulator: Simulator) -> tuple[str, str]:
    loke, org = simulator.loke, simulator.loke.organizations[0]
    made = loke.create_customer(
        org, firstName="Mara", lastName="Quill", email=EMAIL, phoneNumber="+61491570006",
        hasAgreedToMarketing=True, statistics={"pointsBalance": 420, "totalSpend": 15640},
    )  # fmt: skip
    loke.add_member(org, loke.list_ids(org)[0], made)
    return org, made


def _at_collins(simulator: Simulator) -> tuple[str, str]:
    collins, london = simulator.collins, simulator.collins.tenants[0]
    made = collins.create_customer(london, **_PERSON, email=EMAIL, phone="07700 900001")
    collins.set_labels(london, made, ["VIP"])
    collins.set_preference(london, made, collins.preference_ids(london)[0], True)  # noqa: FBT003
    return london, made


def _at_kounta(simulator: Simulator) -> tuple[str, str]:
    kounta, company = simulator.kounta, simulator.kounta.tenants[0]
    made = kounta.create_customer(
        company, **_PERSON, primary_email_address=EMAIL, mobile="0491 570 006",
        accepts_marketing=True,
    )  # fmt: skip
    kounta.set_tags(company, made, ["Regular"])
    return company, made


def _at_foodics(simulator: Simulator) -> tuple[str, str]:
    foodics, business = simulator.foodics, simulator.foodics.tenants[0]
    made = foodics.create_customer(
        business, name="Mara Quill", email=EMAIL.upper(), dial_code=61, phone="491570006"
    )
    foodics.attach(business, foodics.tag_ids(business)[0], made)
    return business, made


def day(simulator: Simulator, guest: dict[str, tuple[str, str]]) -> None:
    """Let a day pass: guests change, come and go; lists are edited through LOKE's own API."""
    loke, collins = simulator.loke, simulator.collins
    kounta, foodics = simulator.kounta, simulator.foodics
    loke.update_customer(*guest["loke"], hasAgreedToMarketing=False)
    preference = collins.preference_ids(guest["collins"][0])[0]
    collins.set_preference(*guest["collins"], preference, False)  # noqa: FBT003
    collins.set_labels(*guest["collins"], ["VIP", "Birthday club"])
    moved = {"id": 990001, "lines": ["7 Test Lane"], "city": "Sampleton", "zone": "VIC",
             "postal_code": "3000", "country": "AU"}  # fmt: skip
    kounta.set_address(*guest["kounta"], "shipping_address", moved)
    kounta.update_customer(*guest["kounta"], last_name="Quill-Tan")
    foodics.update_customer(*guest["foodics"], name="Mara Quill-Tan")
    org = guest["loke"][0]
    _loke_day(simulator, org)
    for vendor in (collins, kounta, foodics):
        tenant = vendor.tenants[0]
        vendor.touch(tenant, 5)
        vendor.create_customer(tenant)
        vendor.delete_customer(tenant, vendor.customer_ids(tenant)[0])
    business = foodics.tenants[0]
    tag = foodics.tag_ids(business)[1]
    foodics.detach(business, tag, foodics.tagged_ids(business, tag)[0])


def _loke_day(simulator: Simulator, org: str) -> None:
    loke = simulator.loke
    guests, lists = loke.customer_ids(org), loke.list_ids(org)
    loke.touch(org, 5)
    loke.update_statistics(org, guests[6], pointsBalance=9000)
    loke.delete_customer(org, guests[7])
    joined = [
        loke.create_customer(org, firstName=name, email=f"{name.lower()}@example.com")
        for name in ("Wren", "Sol", "Ines")
    ]
    with httpx.Client(base_url=loke.base_url) as api:
        token = api.post(
            loke.token_url, data={"grant_type": "client_credentials"},
            auth=(loke.client_id, loke.client_secret),
        ).json()["access_token"]  # fmt: skip
        api.headers["Authorization"] = f"Bearer {token}"
        made = _done(api.post(f"organizations/{org}/customer-lists", json={"name": "Newcomers"}))
        base = f"organizations/{org}/customer-lists"
        _done(api.put(f"{base}/{made['id']}/members", json={"customerIds": joined}))
        _done(api.put(f"{base}/{lists[1]}/members", json={"customerIds": []}))
        _done(api.delete(f"{base}/{lists[3]}"))


def _done(answer: httpx.Response) -> Any:
    if answer.status_code >= _REFUSED:
        raise RuntimeError(f"the pretended vendor answered {answer.status_code}")
    return answer.json() if answer.content else None
