"""What Foodics' records become: numbers, flags, phones, addresses, and what is none of these."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulator import MISSING
from simulator.foodics.switches import READ_SCOPES
from tests.sources.foodics import BY_NUMBER, LIST, Foodics

GATED = ("house_account_limit", "house_account_balance", "loyalty_balance")
FLAGS = ("is_loyalty_enabled", "is_blacklisted", "is_house_account_enabled")


@pytest.fixture
def foodics(tmp_path):
    """A small account."""
    return Foodics(tmp_path, 10)


def raw(foodics, customer_id, *columns):
    """Return what the log holds of a customer now."""
    names = ", ".join(columns)
    return foodics.rows(
        f"select {names} from raw_foodics.customers where id = '{customer_id}' "
        "order by _observed_at desc limit 1"
    )[0]


def sent(foodics, customer_id, **texts):
    """Let the vendor send these JSON texts as fields of a customer."""
    mark = f'"id":"{customer_id}",'.encode()
    told = "".join(f'"{name}":{text},' for name, text in texts.items())

    def body(before):
        head, found, tail = before.partition(mark)
        for name in texts:
            tail = tail.replace(f'"{name}":'.encode(), f'"was_{name}":'.encode(), 1)
        return head + found + told.encode() + tail if found else before

    foodics.sim.fault(LIST, times=None, body=body)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12.345", "12.345"),
        ("0.1", "0.1"),
        ("-0.005", "-0.005"),
        ("1234567890.123", "1234567890.123"),
        ('"7.250"', "7.25"),
        ("0", "0"),
        ("1e2", "100"),
        ("null", None),
    ],
)
def test_balances_are_as_exact_as_they_were_sent(foodics, text, kept):
    """Dinars have three decimals, and no sum may be a float's idea of it."""
    one = foodics.ids[0]
    sent(foodics, one, loyalty_balance=text, house_account_balance=text)
    assert foodics.sync() == 0
    wanted = None if kept is None else Decimal(kept)
    assert raw(foodics, one, "loyalty_balance", "house_account_balance") == (wanted, wanted)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("1", True), ("0", False), ("true", True), ("false", False), ("null", None), ('"1"', True)],
)
def test_flags_come_as_numbers_or_as_booleans(foodics, text, kept):
    """1 and true are one; nothing is no false."""
    one = foodics.ids[0]
    sent(foodics, one, **dict.fromkeys(FLAGS, text))
    assert foodics.sync() == 0
    assert raw(foodics, one, *FLAGS) == (kept,) * 3


@pytest.mark.parametrize("gated", ["absent", "null"])
def test_balances_without_their_scope_are_unknown(foodics, gated):
    """Missing or null, what we may not see is NULL and no zero; with the scope it is there."""
    one = foodics.ids[0]
    values = {"house_account_limit": 100, "house_account_balance": 20, "loyalty_balance": 7}
    foodics.set(one, **values)
    foodics.turn(
        scopes=[each for each in READ_SCOPES if "s.read" not in each and "y.r" not in each]
    )
    foodics.turn(scopes=[*foodics.foodics.switches.scopes, "general.read"], gated=gated)
    assert foodics.sync() == 0
    assert raw(foodics, one, *GATED) == (None, None, None)
    foodics.turn(scopes=READ_SCOPES)
    assert foodics.later(full=True) == 0
    assert raw(foodics, one, *GATED) == (100, Decimal(20), Decimal(7))


@pytest.mark.parametrize(
    ("code", "phone", "e164"),
    [
        (966, "512345678", "+966512345678"),
        (966, "0512345678", "+966512345678"),
        (965, "50000001", "+96550000001"),
        ("966", " 512 345 678 ", "+966512345678"),
        ("+966", "512345678", "+966512345678"),
        (971, "+966512345678", "+966512345678"),
        (966, "", None),
        (966, None, None),
        (None, "512345678", None),
        (966, "12", None),
    ],
)
def test_dial_code_and_number_are_one_phone(foodics, code, phone, e164):
    """Joined as they were typed; what is no number is NULL and told, without the number."""
    one = foodics.ids[0]
    foodics.set(one, dial_code=code, phone=phone)
    assert foodics.sync() == 0
    assert foodics.one(f"select phone from core.customers where customer_id = '{one}'") == e164
    assert all(
        "12" not in str(row)
        for row in foodics.rows("select reason, value from raw_foodics.rejects")
    )


def test_local_number_is_of_the_region_that_is_set(foodics):
    """Without a dial code the configured region tells."""
    one = foodics.ids[0]
    foodics.set(one, dial_code=None, phone="0512345678")
    assert foodics.sync(default_region="SA") == 0
    told = foodics.one(f"select phone from core.customers where customer_id = '{one}'")
    assert told == "+966512345678"


def test_addresses_come_with_zones_and_go_when_they_are_not_sent(foodics):
    """Every address of a customer is a row; one that is no longer sent ends."""
    one = foodics.ids[0]
    home, work = {"name": "Home", "details": "Floor 3"}, {"name": "Work", "details": MISSING}
    foodics.foodics.set_addresses(foodics.tenant, one, [home, work], _touch=True)
    assert foodics.sync() == 0
    foodics.assert_true()
    zones = foodics.rows(
        f"select delivery_zone_name from raw_foodics.customer_addresses where customer_id = '{one}'"
    )
    assert zones == [("North",), ("North",)]
    kept = foodics.of(one)["addresses"][0]
    foodics.foodics.set_addresses(foodics.tenant, one, [kept], _touch=True)
    assert foodics.later() == 0
    foodics.assert_true()
    foodics.foodics.set_addresses(foodics.tenant, one, [], _touch=True)
    assert foodics.later() == 0
    foodics.assert_true()


def test_address_that_is_marked_deleted_is_none(foodics):
    """A soft-deleted address that is still sent is not shown."""
    one = foodics.ids[0]
    foodics.foodics.set_addresses(foodics.tenant, one, [{"name": "Home"}, {"name": "Old"}])
    assert foodics.sync() == 0
    home, old = foodics.of(one)["addresses"]
    old |= {"deleted_at": "2026-05-02 12:00:30"}
    foodics.foodics.set_addresses(foodics.tenant, one, [home, old], _touch=True)
    assert foodics.later() == 0
    shown = foodics.rows(f"select label from core.customer_addresses where customer_id = '{one}'")
    assert shown == [("Home",)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("birth_date", '"31 February"'),
        ("order_count", '"many"'),
        ("last_order_at", '"yesterday"'),
        ("loyalty_balance", '"a lot"'),
        ("is_blacklisted", '"maybe"'),
        ("house_account_balance", "[1]"),
        ("updated_at", '"2026-13-01 00:00:00"'),
    ],
)
def test_value_that_is_not_what_it_should_be_is_null_and_told(foodics, name, text):
    """The customer is there all the same, and the value stands nowhere."""
    one = foodics.ids[0]
    sent(foodics, one, **{name: text})
    assert foodics.sync() == 0
    assert raw(foodics, one, name) == (None,)
    told = foodics.rows(f"select field, value from raw_foodics.rejects where record_id = '{one}'")
    assert told == [(name, None)]


@pytest.mark.parametrize("text", ['""', "null", "[]", "{}", "true", "1.5"])
def test_customer_without_a_usable_id_is_left_out_and_told_once(foodics, text):
    """The others of its page are read; a quiet sync does not tell again."""
    one = foodics.ids[0]
    mark = f'"id":"{one}"'.encode()
    foodics.sim.fault(
        LIST, times=None, body=lambda body: body.replace(mark, f'"id":{text}'.encode())
    )
    for _ in range(2):
        assert foodics.later(full=True) == 0
        assert foodics.count(BY_NUMBER) == 0
    assert len(foodics.customers()) == 9
    assert len(foodics.rows("from raw_foodics.rejects")) == 1


def test_names_keep_every_letter(foodics):
    """Arabic, emoji and quotes are what they are; an address in capitals is one in small ones."""
    one = foodics.ids[0]
    foodics.set(one, name="نور 'Ö' 🥜", email=" Mixed.Case@Example.COM ")
    assert foodics.sync() == 0
    assert foodics.rows(
        f"select full_name, email from core.customers where customer_id = '{one}'"
    ) == [("نور 'Ö' 🥜", "mixed.case@example.com")]
