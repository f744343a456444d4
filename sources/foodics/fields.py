"""Foodics' documented fields and their types (apidocs.foodics.com, v5: customers, tags)."""

from __future__ import annotations

from sources.children import objects
from sources.cleaning import email, phone
from sources.convert import Kind
from sources.payload import Record
from sources.records import Child, Context, Derived, Field, Shape

TEXT, INTEGER, BOOLEAN, DECIMAL = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.DECIMAL
TIMESTAMP, DATE, NUMBER = Kind.TIMESTAMP, Kind.DATE, Kind.NUMBER

_OWN = "none: every table has `tenant_id`"
_RAW = "none: not asked of all vendors alike"


def _dialled(record: Record, _: Context) -> str | None:
    """Return dial code and national number as one, which is how they were typed in."""
    code, number = record.get("dial_code"), record.get("phone")
    local = "" if number is None else str(number).strip()
    if not local:
        return None
    if code in (None, "") or local.startswith("+"):
        return local
    return f"+{str(code).strip().lstrip('+')}{local.lstrip('0')}"


BUSINESSES = Shape(
    "businesses",
    (
        Field("id", TEXT, ("id",), "Id of the business; `tenant_id` everywhere.", core=_OWN),
        Field("name", TEXT, ("name",), "Trading name.", core=_RAW),
        Field("reference", TEXT, ("reference",), "The business's account number.", core=_RAW),
    ),
    "The business the token belongs to.",
)

CUSTOMER_TAGS = Shape(
    "customer_tags",
    (
        Field("id", TEXT, ("id",), "The tag's id.", core="memberships.list_id"),
        Field("name", TEXT, ("name",), "The tag's name as the customer's record has it.",
              core="none: lists.name is the tag's own"),
    ),
    "Which tags a customer has.",
    scope="customer_id",
)  # fmt: skip

CUSTOMER_ADDRESSES = Shape(
    "customer_addresses",
    (
        Field("id", TEXT, ("id",), "Id of the address.", core="customer_addresses.address_id"),
        Field("name", TEXT, ("name",), "Home, work …", core="customer_addresses.label"),
        Field("description", TEXT, ("description",), "The address as one text.",
              core="customer_addresses.lines"),
        Field("details", TEXT, ("details",), "More of it; not always sent.",
              core="customer_addresses.lines"),
        Field("city_id", TEXT, ("city_id",), "Id of the city; cities have no documented list.",
              core="none: an id without a name"),
        Field("latitude", NUMBER, ("latitude",), "Degrees; the vendor sends text.",
              core="customer_addresses.latitude"),
        Field("longitude", NUMBER, ("longitude",), "Degrees; the vendor sends text.",
              core="customer_addresses.longitude"),
        Field("delivery_zone_id", TEXT, ("delivery_zone", "id"), "Delivery zone.", core=_RAW),
        Field("delivery_zone_name", TEXT, ("delivery_zone", "name"), "Its name.",
              core="none: a delivery zone is not a region"),
        Field("created_at", TIMESTAMP, ("created_at",), "When it was added, UTC.", core=_RAW),
        Field("updated_at", TIMESTAMP, ("updated_at",), "When it was changed, UTC.", core=_RAW),
        Field("deleted_at", TIMESTAMP, ("deleted_at",), "When it was deleted, UTC.",
              core="none: a deleted address is not shown"),
    ),
    "Delivery addresses of a customer.",
    scope="customer_id",
)  # fmt: skip

CUSTOMERS = Shape(
    "customers",
    (
        Field("id", TEXT, ("id",), "UUID, or a short text.", core="customers.customer_id"),
        Field("name", TEXT, ("name",), "The whole name, in one field.", core="customers.full_name"),
        Field("dial_code", INTEGER, ("dial_code",), "Country code of `phone`.",
              core="customers.phone"),
        Field("phone", TEXT, ("phone",), "National part of the number.", core="customers.phone"),
        Field("email", TEXT, ("email",), "As the vendor has it.", core="customers.email"),
        Field("gender", INTEGER, ("gender",), "1 male, 2 female.", core="customers.gender"),
        Field("birth_date", DATE, ("birth_date",), "Date of birth.", core="customers.birth_date"),
        Field("notes", TEXT, ("notes",), "Free text; sent though not documented.",
              core="none: free text"),
        Field("house_account_limit", DECIMAL, ("house_account_limit",),
              "Major units; NULL without the scope customers.accounts.read.", core=_RAW),
        Field("house_account_balance", DECIMAL, ("house_account_balance",),
              "Major units; NULL without the scope customers.accounts.read.", core=_RAW),
        Field("loyalty_balance", DECIMAL, ("loyalty_balance",),
              "NULL without the scope customers.loyalty.read.", core="customers.points_balance"),
        Field("is_loyalty_enabled", BOOLEAN, ("is_loyalty_enabled",), "Sent as 1 or true.",
              core=_RAW),
        Field("is_blacklisted", BOOLEAN, ("is_blacklisted",), "Barred from ordering.",
              core="customers.is_blacklisted"),
        Field("is_house_account_enabled", BOOLEAN, ("is_house_account_enabled",),
              "May pay by house account.", core=_RAW),
        Field("last_order_at", TIMESTAMP, ("last_order_at",), "Last order, UTC.",
              core="customers.last_order_at"),
        Field("order_count", INTEGER, ("order_count",), "Orders ever placed.",
              core="customers.order_count"),
        Field("created_at", TIMESTAMP, ("created_at",), "When it was created, UTC.",
              core="customers.created_at"),
        Field("updated_at", TIMESTAMP, ("updated_at",), "When it was last changed, UTC.",
              core="customers.updated_at"),
        Field("deleted_at", TIMESTAMP, ("deleted_at",), "When it was deleted, UTC.",
              core="none: a deleted customer is not shown"),
    ),
    "Customers of the business.",
    stamp="updated_at",
    tombstone="deleted_at",
    derived=(
        Derived("_email", "`email` trimmed, lower case; NULL unless an address.", email, "email",
                core="customers.email"),
        Derived("_phone_e164", "`dial_code` and `phone` as E.164, or NULL.", phone, value=_dialled,
                core="customers.phone"),
    ),
    children=(
        Child(CUSTOMER_TAGS, ("tags",), objects("tags")),
        Child(CUSTOMER_ADDRESSES, ("addresses",), objects("addresses")),
    ),
)  # fmt: skip

TAGS = Shape(
    "tags",
    (
        Field("id", TEXT, ("id",), "Id of the tag.", core="lists.list_id"),
        Field("name", TEXT, ("name",), "The tag's name.", core="lists.name"),
        Field("name_localized", TEXT, ("name_localized",), "Its name in the second language.",
              core=_RAW),
        Field("type", INTEGER, ("type",), "What it is for; the numbers are not documented.",
              core="none: not documented"),
        Field("customers_count", INTEGER, ("customers_count",), "Customers who have it, as Foodics "
              "counts them.", also=("customersCount",), core="lists.member_count"),
        Field("created_at", TIMESTAMP, ("created_at",), "When it was created, UTC.",
              core="lists.created_at"),
        Field("updated_at", TIMESTAMP, ("updated_at",), "When it was changed, UTC.",
              core="lists.updated_at"),
        Field("deleted_at", TIMESTAMP, ("deleted_at",), "When it was deleted, UTC.",
              core="none: a deleted tag is not shown"),
    ),
    "Every tag, of customers or of anything else.",
    tombstone="deleted_at",
)  # fmt: skip

SHAPES = (BUSINESSES, TAGS, CUSTOMERS)
