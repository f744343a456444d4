"""Kounta's documented fields and their types (apidoc.kounta.com, customers)."""

from __future__ import annotations

from typing import Any

from sources.children import names
from sources.cleaning import email, phone
from sources.convert import Kind
from sources.payload import Record
from sources.records import Child, Context, Derived, Field, Shape

TEXT, INTEGER, BOOLEAN = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN
TIMESTAMP, JSON = Kind.TIMESTAMP, Kind.JSON

_OWN = "none: every table has `tenant_id`"
_RAW = "none: not asked of all vendors alike"
_FAKE = "none: always the moment of asking"
_USES = {"shipping_address": "shipping", "primary_address": "primary", "postal_address": "primary"}


def addresses(record: Record) -> list[Record] | None:
    """Return the addresses a customer's record holds, each once, with what it is used for.

    Both the current and the older name and form of an address are read; the current one wins.
    """
    told = [key for key in _USES if key in record]
    found = dict[str, Record]()
    for key in told:
        value: Any = record[key]
        if not isinstance(value, dict) or not any(value.values()):
            continue
        lines = _either(value, "lines", "address")
        address: Record = {
            **{name: held for name, held in value.items() if name not in ("address", "state")},
            "id": str(value.get("id") or _USES[key]),
            "kind": _USES[key],
            "lines": [lines] if isinstance(lines, str) else lines,
            "zone": _either(value, "zone", "state"),
        }
        same = found.setdefault(address["id"], address)
        if same["kind"] != address["kind"]:
            same["kind"] = f"{same['kind']}, {address['kind']}"
    return list(found.values()) if told else None


def _either(value: Record, current: str, older: str) -> Any:
    held = value.get(current)
    return value.get(older) if held is None else held


def _lines(record: Record, _: Context) -> str | None:
    held = record.get("lines")
    parts = [str(part) for part in held if part] if isinstance(held, list) else []
    return "\n".join(parts) or None


def _reach(record: Record, _: Context) -> str | None:
    """Return the number to ring: the mobile, which is unique in the company, else the phone."""
    for key in ("mobile", "phone"):
        if value := record.get(key):
            return str(value)
    return None


COMPANIES = Shape(
    "companies",
    (
        Field("id", TEXT, ("id",), "Id of the company; `tenant_id` everywhere.", core=_OWN),
        Field("name", TEXT, ("name",), "Trading name.", core=_RAW),
        Field("currency", TEXT, ("currency",), "ISO 4217.", core=_RAW),
        Field("timezone", TEXT, ("timezone", "name"), "IANA zone; gives the phone region.",
              core=_RAW),
        Field("timezone_offset", TEXT, ("timezone", "offset"), "Its offset.", core=_RAW),
        Field("business_number", TEXT, ("business_number",), "Registration number.", core=_RAW),
        Field("image", TEXT, ("image",), "Address of a picture.", core=_RAW),
        Field("website", TEXT, ("website",), "Address of the web site.", core=_RAW),
        Field("shipping_address", JSON, ("shipping_address",), "The company's own.", core=_RAW),
        Field("postal_address", JSON, ("postal_address",), "The company's own.", core=_RAW),
        Field("addresses", JSON, ("addresses",), "Count and stamp.", core=_FAKE, volatile=True),
        Field("sites", JSON, ("sites",), "Count and stamp.", core=_FAKE, volatile=True),
        Field("registers", JSON, ("registers",), "Count and stamp.", core=_FAKE, volatile=True),
        Field("created_at", TIMESTAMP, ("created_at",), "As the vendor says.", core=_FAKE,
              volatile=True),
        Field("updated_at", TIMESTAMP, ("updated_at",), "As the vendor says.", core=_FAKE,
              volatile=True),
    ),
    "The company the credential belongs to.",
)  # fmt: skip

TAGS = Shape(
    "tags",
    (Field("id", TEXT, ("id",), "The tag's exact text.", core="lists.list_id, lists.name"),),
    "Every tag some customer has; Kounta has no list of them.",
)

CUSTOMER_TAGS = Shape(
    "customer_tags",
    (Field("id", TEXT, ("id",), "The tag's exact text.", core="memberships.list_id"),),
    "Which tags a customer has.",
    scope="customer_id",
)

CUSTOMER_ADDRESSES = Shape(
    "customer_addresses",
    (
        Field("id", TEXT, ("id",), "Id of the address; its use where it has none.",
              core="customer_addresses.address_id"),
        Field("kind", TEXT, ("kind",), "`shipping`, `primary` (also sent as postal_address).",
              core="customer_addresses.label"),
        Field("lines", JSON, ("lines",), "Street lines, a JSON array.",
              core="customer_addresses.lines"),
        Field("city", TEXT, ("city",), "Town or city.", core="customer_addresses.city"),
        Field("zone", TEXT, ("zone",), "State; also sent as `state`.",
              core="customer_addresses.region"),
        Field("postal_code", TEXT, ("postal_code",), "Post code.",
              core="customer_addresses.postal_code"),
        Field("country", TEXT, ("country",), "ISO 3166-1 alpha-2.",
              core="customer_addresses.country"),
    ),
    "Shipping and primary address of a customer.",
    scope="customer_id",
    derived=(Derived("_lines", "`lines`, one to a line.", value=_lines,
                     core="customer_addresses.lines"),),
)  # fmt: skip

CUSTOMERS = Shape(
    "customers",
    (
        Field("id", TEXT, ("id",), "A 64-bit number, as text.", core="customers.customer_id"),
        Field("company_id", TEXT, ("company_id",), "The company's id.", core=_OWN),
        Field("people_id", TEXT, ("people_id",), "The person's id.", core=_RAW),
        Field("first_name", TEXT, ("first_name",), "Given name.", core="customers.first_name"),
        Field("last_name", TEXT, ("last_name",), "Family name.", core="customers.last_name"),
        Field("description", TEXT, ("description",), "Free text.", core="none: free text"),
        Field("primary_email_address", TEXT, ("primary_email_address",), "As the vendor has it.",
              core="customers.email"),
        Field("email_addresses", JSON, ("email_addresses",), "All addresses, a JSON array.",
              core="none: customers.email is the primary one"),
        Field("phone", TEXT, ("phone",), "Free format.", core="customers.phone"),
        Field("mobile", TEXT, ("mobile",), "Free format; unique in the company.",
              core="customers.phone"),
        Field("fax", TEXT, ("fax",), "Free format.", core=_RAW),
        Field("image", TEXT, ("image",), "Address of a picture.", core=_RAW),
        Field("reference_id", TEXT, ("reference_id",), "Set by this application; '' for none.",
              core=_RAW),
        Field("accepts_marketing", BOOLEAN, ("accepts_marketing",), "Missing ≠ false.",
              core="customers.accepts_marketing"),
        Field("addresses_count", INTEGER, ("addresses", "count"), "How many addresses.",
              core="none: customer_addresses can be counted"),
        Field("addresses_updated_at", TIMESTAMP, ("addresses", "updated_at"),
              "Perhaps true, perhaps the moment of asking.", core=_FAKE, volatile=True),
        Field("created_at", TIMESTAMP, ("created_at",), "The moment of asking.", core=_FAKE,
              volatile=True),
        Field("updated_at", TIMESTAMP, ("updated_at",), "The moment of asking.", core=_FAKE,
              volatile=True),
    ),
    "Customers of the company, in full.",
    derived=(
        Derived("_email", "`primary_email_address` trimmed, lower case; NULL unless an address.",
                email, "primary_email_address", core="customers.email"),
        Derived("_phone_e164", "`mobile`, else `phone`, as E.164, or NULL.", phone, value=_reach,
                core="customers.phone"),
    ),
    children=(
        Child(CUSTOMER_TAGS, ("tags",), names("tags"), lists=TAGS),
        Child(CUSTOMER_ADDRESSES, tuple(_USES), addresses),
    ),
)  # fmt: skip

SHAPES = (COMPANIES, CUSTOMERS)
