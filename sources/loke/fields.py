"""LOKE's documented fields and their types (developers.loke.global, customer and customer-list)."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from sources.convert import Bad, Kind
from sources.normalise import emails, phones
from sources.records import Derived, Field, Shape

TEXT, INTEGER, BOOLEAN = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN
TIMESTAMP, DATE = Kind.TIMESTAMP, Kind.DATE


def _statistic(column: str, kind: Kind, name: str, doc: str, older: str = "") -> Field:
    also = ("statistics", older) if older else ()
    return Field(f"statistics_{column}", kind, ("statistics", name), doc, also)


def _email(
    values: pa.Array | None, _: int, __: Mapping[str, str | None]
) -> tuple[pa.Array, list[Bad]]:
    return emails(values)


def _phone(
    values: pa.Array | None, _: int, context: Mapping[str, str | None]
) -> tuple[pa.Array, list[Bad]]:
    return phones(values, context["country"])


def _currency(
    _: pa.Array | None, count: int, context: Mapping[str, str | None]
) -> tuple[pa.Array, list[Bad]]:
    return pa.array([context["currency"]] * count, pa.string()), []


ORGANIZATIONS = Shape(
    "organizations",
    (
        Field("id", TEXT, ("id",), "ULID of the organisation; `tenant_id` everywhere."),
        Field("name", TEXT, ("name",), "Trading name."),
        Field("created_at", TIMESTAMP, ("createdAt",), "When LOKE created it."),
        Field("currency", TEXT, ("currency",), "ISO 4217; the currency of every spend."),
        Field("timezone", TEXT, ("timezone",), "IANA zone; gives the default phone region."),
    ),
    "Every organisation the credential sees; each is a tenant.",
)

CUSTOMERS = Shape(
    "customers",
    (
        Field("id", TEXT, ("id",), "ULID; stable, while e-mail and phone may change."),
        Field("created_at", TIMESTAMP, ("createdAt",), "When the customer was created; optional."),
        Field("updated_at", TIMESTAMP, ("updatedAt",), "When it was last updated; optional."),
        Field("dob", DATE, ("dob",), "Date of birth."),
        Field("email", TEXT, ("email",), "As the vendor has it."),
        Field("first_name", TEXT, ("firstName",), "First or given name."),
        Field("last_name", TEXT, ("lastName",), "Last name or surname."),
        Field("gender", TEXT, ("gender",), "As the vendor has it; no list of values is given."),
        Field("has_agreed_to_marketing", BOOLEAN, ("hasAgreedToMarketing",), "Missing ≠ false."),
        Field("phone_number", TEXT, ("phoneNumber",), "Mobile number; not unique."),
        _statistic("last_points_earned_at", TIMESTAMP, "lastPointsEarnedAt",
                   "When points were last earned.", "lastPointsEarned"),
        _statistic("last_points_redeemed_at", TIMESTAMP, "lastPointsRedeemedAt",
                   "When points were last redeemed.", "lastPointsRedeemed"),
        _statistic("last_spent_at", TIMESTAMP, "lastSpentAt", "Last spend.", "lastSpend"),
        _statistic("points_balance", INTEGER, "pointsBalance", "Points held now."),
        _statistic("total_points_earned", INTEGER, "totalPointsEarned", "Points ever earned."),
        _statistic("total_points_redeemed", INTEGER, "totalPointsRedeemed", "Ever redeemed."),
        _statistic("total_spend", INTEGER, "totalSpend", "Minor units of `_currency`."),
    ),
    "Customers of each organisation.",
    stamp="updated_at",
    derived=(
        Derived("_email", "`email` trimmed, lower case; NULL unless an address.", _email, "email"),
        Derived("_phone_e164", "`phone_number` as E.164, or NULL.", _phone, "phone_number"),
        Derived("_currency", "The organisation's currency when this was seen.", _currency),
    ),
)  # fmt: skip

CUSTOMER_LISTS = Shape(
    "customer_lists",
    (
        Field("id", TEXT, ("id",), "ULID of the list."),
        Field("name", TEXT, ("name",), "The list's name."),
        Field("created_at", TIMESTAMP, ("createdAt",), "When the list was created."),
        Field("member_count", INTEGER, ("memberCount",), "Members, as LOKE counts them; optional."),
    ),
    "Customer lists of each organisation.",
)

MEMBERS = Shape(
    "customer_list_members",
    (
        Field("id", TEXT, ("id",), "The customer's id, not the membership's."),
        Field("added_at", TIMESTAMP, ("addedAt",), "When the customer was put on the list."),
        Field("email", TEXT, ("email",), "As the vendor has it."),
        Field("first_name", TEXT, ("firstName",), "First or given name."),
        Field("last_name", TEXT, ("lastName",), "Last name or surname."),
        Field("phone_number", TEXT, ("phoneNumber",), "As the vendor has it."),
    ),
    "Who is on which list.",
    scope="list_id",
)

SHAPES = (ORGANIZATIONS, CUSTOMERS, CUSTOMER_LISTS, MEMBERS)
