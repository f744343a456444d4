"""LOKE's documented fields and their types (developers.loke.global, customer and customer-list)."""

from __future__ import annotations

import pyarrow as pa

from sources.cleaning import email, phone
from sources.convert import Bad, Kind
from sources.records import Context, Derived, Field, Shape

TEXT, INTEGER, BOOLEAN = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN
TIMESTAMP, DATE = Kind.TIMESTAMP, Kind.DATE

_OWN = "none: every table has `tenant_id`"
_RAW = "none: not asked of all vendors alike"
_COPY = "none: the customer's own record is believed"


def _statistic(
    column: str, kind: Kind, name: str, doc: str, older: str = "", core: str = _RAW
) -> Field:
    also = ("statistics", older) if older else ()
    return Field(f"statistics_{column}", kind, ("statistics", name), doc, also, core)


def _currency(_: pa.Array | None, count: int, context: Context) -> tuple[pa.Array, list[Bad]]:
    return pa.array([context["currency"]] * count, pa.string()), []


ORGANIZATIONS = Shape(
    "organizations",
    (
        Field("id", TEXT, ("id",), "ULID of the organisation; `tenant_id` everywhere.", core=_OWN),
        Field("name", TEXT, ("name",), "Trading name.", core=_RAW),
        Field("created_at", TIMESTAMP, ("createdAt",), "When LOKE created it.", core=_RAW),
        Field("currency", TEXT, ("currency",), "ISO 4217; the currency of every spend.",
              core="customers.currency"),
        Field("timezone", TEXT, ("timezone",), "IANA zone; gives the default phone region.",
              core="customers.phone"),
    ),
    "Every organisation the credential sees; each is a tenant.",
)  # fmt: skip

CUSTOMERS = Shape(
    "customers",
    (
        Field("id", TEXT, ("id",), "ULID; stable, while e-mail and phone may change.",
              core="customers.customer_id"),
        Field("created_at", TIMESTAMP, ("createdAt",), "When the customer was created; optional.",
              core="customers.created_at"),
        Field("updated_at", TIMESTAMP, ("updatedAt",), "When it was last updated; optional.",
              core="customers.updated_at"),
        Field("dob", DATE, ("dob",), "Date of birth.", core="customers.birth_date"),
        Field("email", TEXT, ("email",), "As the vendor has it.", core="customers.email"),
        Field("first_name", TEXT, ("firstName",), "First or given name.",
              core="customers.first_name"),
        Field("last_name", TEXT, ("lastName",), "Last name or surname.",
              core="customers.last_name"),
        Field("gender", TEXT, ("gender",), "As the vendor has it; no list of values is given.",
              core="customers.gender"),
        Field("has_agreed_to_marketing", BOOLEAN, ("hasAgreedToMarketing",), "Missing ≠ false.",
              core="customers.accepts_marketing"),
        Field("phone_number", TEXT, ("phoneNumber",), "Mobile number; not unique.",
              core="customers.phone"),
        _statistic("last_points_earned_at", TIMESTAMP, "lastPointsEarnedAt",
                   "When points were last earned.", "lastPointsEarned"),
        _statistic("last_points_redeemed_at", TIMESTAMP, "lastPointsRedeemedAt",
                   "When points were last redeemed.", "lastPointsRedeemed"),
        _statistic("last_spent_at", TIMESTAMP, "lastSpentAt", "Last spend.", "lastSpend",
                   core="customers.last_order_at"),
        _statistic("points_balance", INTEGER, "pointsBalance", "Points held now.",
                   core="customers.points_balance"),
        _statistic("total_points_earned", INTEGER, "totalPointsEarned", "Points ever earned."),
        _statistic("total_points_redeemed", INTEGER, "totalPointsRedeemed", "Ever redeemed."),
        _statistic("total_spend", INTEGER, "totalSpend", "Minor units of `_currency`.",
                   core="customers.total_spend"),
    ),
    "Customers of each organisation.",
    stamp="updated_at",
    derived=(
        Derived("_email", "`email` trimmed, lower case; NULL unless an address.", email, "email",
                core="customers.email"),
        Derived("_phone_e164", "`phone_number` as E.164, or NULL.", phone, "phone_number",
                core="customers.phone"),
        Derived("_currency", "The organisation's currency when this was seen.", _currency,
                core="customers.currency"),
    ),
)  # fmt: skip

CUSTOMER_LISTS = Shape(
    "customer_lists",
    (
        Field("id", TEXT, ("id",), "ULID of the list.", core="lists.list_id"),
        Field("name", TEXT, ("name",), "The list's name.", core="lists.name"),
        Field("created_at", TIMESTAMP, ("createdAt",), "When the list was created.",
              core="lists.created_at"),
        Field("member_count", INTEGER, ("memberCount",), "Members, as LOKE counts them; optional.",
              core="lists.member_count"),
    ),
    "Customer lists of each organisation.",
)  # fmt: skip

MEMBERS = Shape(
    "customer_list_members",
    (
        Field("id", TEXT, ("id",), "The customer's id, not the membership's.",
              core="memberships.customer_id"),
        Field("added_at", TIMESTAMP, ("addedAt",), "When the customer was put on the list.",
              core="memberships.added_at"),
        Field("email", TEXT, ("email",), "As the vendor has it.", core=_COPY),
        Field("first_name", TEXT, ("firstName",), "First or given name.", core=_COPY),
        Field("last_name", TEXT, ("lastName",), "Last name or surname.", core=_COPY),
        Field("phone_number", TEXT, ("phoneNumber",), "As the vendor has it.", core=_COPY),
    ),
    "Who is on which list.",
    scope="list_id",
)  # fmt: skip

SHAPES = (ORGANIZATIONS, CUSTOMERS, CUSTOMER_LISTS, MEMBERS)
