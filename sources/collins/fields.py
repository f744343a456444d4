"""Collins' documented fields and their types (the vendor's OpenAPI, customers and venues)."""

from __future__ import annotations

from sources.children import names, objects
from sources.cleaning import email, phone
from sources.convert import Kind
from sources.payload import Record
from sources.records import Child, Context, Derived, Field, Shape

TEXT, INTEGER, BOOLEAN, JSON = Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.JSON
TIMESTAMP, DATE = Kind.TIMESTAMP, Kind.DATE

_RAW = "none: not asked of all vendors alike"


def _accepts(record: Record, _: Context) -> bool | None:
    """Return whether any preference is opted into; None where the vendor says nothing of any."""
    held = record.get("marketing_preferences")
    entries = held if isinstance(held, list) else []
    said = [one.get("opted_in") for one in entries if isinstance(one, dict)]
    if True in said:
        return True
    return False if False in said else None


VENUES = Shape(
    "venues",
    (
        Field("id", TEXT, ("id",), "Id of the venue.", core="lists.list_id"),
        Field("title", TEXT, ("title",), "Its name; may be missing.", core="lists.name"),
        Field("venue_group", TEXT, ("venue_group",), "Id of its group.", core=_RAW),
        Field("manage_own_bookings", BOOLEAN, ("manage_own_bookings",), "Books by itself.",
              core=_RAW),
        Field("status", TEXT, ("status",), "`public`, `private` or `inactive`.", core=_RAW),
        Field("store_code", TEXT, ("store_code",), "The group's own code.", core=_RAW),
        Field("address_building_name", TEXT, ("address", "building_name"), "Building.", core=_RAW),
        Field("address_street", TEXT, ("address", "street"), "Street.", core=_RAW),
        Field("address_city", TEXT, ("address", "city"), "Town.", core=_RAW),
        Field("address_postcode", TEXT, ("address", "postcode"), "Post code.", core=_RAW),
        Field("tags", JSON, ("tags",), "Ids of tags, a JSON array.", core=_RAW),
        Field("created_date", TIMESTAMP, ("created_date",), "Taken as UTC.",
              core="lists.created_at"),
        Field("last_updated", TIMESTAMP, ("last_updated",), "Taken as UTC.",
              core="lists.updated_at"),
    ),
    "Every venue the token sees, inactive ones too.",
)  # fmt: skip

MARKETING_PREFERENCES = Shape(
    "marketing_preferences",
    (
        Field("id", TEXT, ("id",), "Id of the preference.", core="lists.list_id"),
        Field("name", TEXT, ("name",), "Its name.", core="lists.name"),
        Field("description", TEXT, ("description",), "What is offered.", core=_RAW),
        Field("created_date", TIMESTAMP, ("created_date",), "Taken as UTC.",
              core="lists.created_at"),
    ),
    "Marketing preferences of every venue group, retired ones too.",
)  # fmt: skip

LABELS = Shape(
    "labels",
    (Field("id", TEXT, ("id",), "The label's exact text.", core="lists.list_id, lists.name"),),
    "Every label some customer has; Collins has no list of them.",
)

CUSTOMER_LABELS = Shape(
    "customer_labels",
    (Field("id", TEXT, ("id",), "The label's exact text.", core="memberships.list_id"),),
    "Which labels a customer has.",
    scope="customer_id",
)

CUSTOMER_VENUES = Shape(
    "customer_venues",
    (Field("id", TEXT, ("id",), "The venue's id.", core="memberships.list_id"),),
    "Which venues a customer is associated with.",
    scope="customer_id",
)

CUSTOMER_PREFERENCES = Shape(
    "customer_marketing_preferences",
    (
        Field("id", TEXT, ("id",), "The preference's id.", core="memberships.list_id"),
        Field("opted_in", BOOLEAN, ("opted_in",), "Whether it is opted into now.",
              core="memberships (a row while true), customers.accepts_marketing"),
        Field("opt_in_date", TIMESTAMP, ("opt_in_date",), "Taken as UTC.",
              core="memberships.added_at"),
        Field("opt_out_date", TIMESTAMP, ("opt_out_date",), "Taken as UTC.",
              core="none: membership_history.valid_to is when we saw it"),
    ),
    "Consent by consent, with the vendor's times of opting in and out.",
    scope="customer_id",
)  # fmt: skip

CUSTOMER_BOOKINGS = Shape(
    "customer_bookings",
    (
        Field("id", TEXT, ("id",), "Id of the booking.", core="none: bookings are not modelled"),
        Field("date", TIMESTAMP, ("date",), "When the table is booked for; taken as UTC.",
              core="none: bookings are not modelled"),
        Field("venue_id", TEXT, ("venue_id",), "Where.", core="none: bookings are not modelled"),
        Field("num_people", INTEGER, ("num_people",), "How many.",
              core="none: bookings are not modelled"),
        Field("status", TEXT, ("status",), "new, in_progress, complete, rejected, deleted, lost.",
              core="none: bookings are not modelled"),
    ),
    "Bookings as the customer's record lists them.",
    scope="customer_id",
)  # fmt: skip

CUSTOMERS = Shape(
    "customers",
    (
        Field("id", TEXT, ("id",), "24 hexadecimal digits.", core="customers.customer_id"),
        Field("email", TEXT, ("email",), "As the vendor has it.", core="customers.email"),
        Field("first_name", TEXT, ("first_name",), "Given name.", core="customers.first_name"),
        Field("last_name", TEXT, ("last_name",), "Family name.", core="customers.last_name"),
        Field("phone", TEXT, ("phone",), "Free format.", core="customers.phone"),
        Field("company", TEXT, ("company",), "Company.", core="customers.company"),
        Field("company_address_street", TEXT, ("company_address", "street"), "Street.",
              core="customer_addresses.lines"),
        Field("company_address_city", TEXT, ("company_address", "city"), "Town.",
              core="customer_addresses.city"),
        Field("company_address_post_code", TEXT, ("company_address", "post_code"), "Post code.",
              core="customer_addresses.postal_code"),
        Field("dob", DATE, ("dob",), "Date of birth.", core="customers.birth_date"),
        Field("custom_field_value", JSON, ("custom_field_value",), "Whatever the group keeps here.",
              core="none: meaning is the group's own"),
        Field("notes", TEXT, ("notes",), "Free text.", core="none: free text"),
        Field("created_date", TIMESTAMP, ("created_date",),
              "Taken as UTC; missing for customers from before February 2019.",
              core="customers.created_at"),
        Field("last_updated", TIMESTAMP, ("last_updated",), "Taken as UTC.",
              core="customers.updated_at"),
    ),
    "Customers of every venue the token sees.",
    stamp="last_updated",
    derived=(
        Derived("_email", "`email` trimmed, lower case; NULL unless an address.", email, "email",
                core="customers.email"),
        Derived("_phone_e164", "`phone` as E.164, or NULL.", phone, "phone",
                core="customers.phone"),
        Derived("_accepts_marketing", "Whether any preference is opted into; NULL if none is told.",
                value=_accepts, kind=BOOLEAN, core="customers.accepts_marketing"),
    ),
    children=(
        Child(CUSTOMER_LABELS, ("labels",), names("labels"), lists=LABELS),
        Child(CUSTOMER_VENUES, ("associated_venues",), objects("associated_venues")),
        Child(CUSTOMER_PREFERENCES, ("marketing_preferences",), objects("marketing_preferences")),
        Child(CUSTOMER_BOOKINGS, ("bookings",), objects("bookings")),
    ),
)  # fmt: skip

SHAPES = (VENUES, MARKETING_PREFERENCES, CUSTOMERS)
