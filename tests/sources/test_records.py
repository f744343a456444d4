"""Records become typed rows; what cannot be kept is told, and nothing else is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.convert import Kind, column, moments
from sources.loke.fields import CUSTOMERS
from sources.payload import MalformedBodyError, clean, parse, records_in
from sources.records import Child

NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
CONTEXT = {"currency": "AUD", "country": "AU"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _rows(*records):
    return CUSTOMERS.rows(
        records, ids=[record["id"] for record in records], hashes=["1:x"] * len(records),
        observed=[NOON] * len(records), tenant_id="T", scan_id="S",
        scopes=[""] * len(records), context=CONTEXT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.INTEGER, 5, 5),
        (Kind.INTEGER, "5", 5),
        (Kind.INTEGER, 5.0, 5),
        (Kind.INTEGER, 1.5, None),
        (Kind.INTEGER, 2**63, None),
        (Kind.INTEGER, True, None),
        (Kind.BOOLEAN, 1, True),
        (Kind.BOOLEAN, "false", False),
        (Kind.BOOLEAN, "perhaps", None),
        (Kind.TEXT, 61491570006, "61491570006"),
        (Kind.TEXT, ["a"], None),
        (Kind.DATE, "1988-02-29", date(1988, 2, 29)),
        (Kind.DATE, "1988-02-29T00:00:00", date(1988, 2, 29)),
        (Kind.DATE, "1987-02-29", None),
        (Kind.DATE, "0000-01-01", None),
        (Kind.DATE, "0001-01-01", None),
        (Kind.DECIMAL, "999999999999.9999999", None),
        (Kind.DATE, "", None),
        (Kind.TIMESTAMP, "2026-05-02T12:00:00Z", NOON),
        (Kind.TIMESTAMP, "2026-05-02T12:00:00.000Z", NOON),
        (Kind.TIMESTAMP, "2026-05-02T22:00:00+10:00", NOON),
        (Kind.TIMESTAMP, "2026-05-02T11:30:00-00:30", NOON),
        (Kind.TIMESTAMP, "2026-05-02 12:00:00", NOON),
        (Kind.TIMESTAMP, "yesterday", None),
        (Kind.TIMESTAMP, 1777777777, None),
    ],
)
def test_value_is_what_it_is_declared_to_be_or_null(kind, value, expected):
    """Cases 10, 52: each value becomes its declared type, or NULL with a reason."""
    made, bad = column(kind, [value, None])
    assert made.to_pylist() == [expected, None]
    assert made.type == kind.arrow
    assert bool(bad) == (expected is None and value != "")


def test_stamps_of_any_form_side_by_side_are_the_moments_they_name():
    """Case 10: zones count, and none is UTC, also where the forms of a column are mixed."""
    forms = [
        "2026-05-02T12:00:00Z", "2026-05-02 12:00:00", "2026-05-02T22:00:00+10:00",
        "2026-05-02T11:30:00-00:30", "2026-05-02T12:00:00.000Z", "20260502T120000Z",
    ]  # fmt: skip
    made, bad = column(Kind.TIMESTAMP, forms)
    assert (made.to_pylist(), bad) == ([NOON] * 6, [])
    stamps = CUSTOMERS.stamps([{"updatedAt": "2026-05-02T21:59:59+10:00"}, {"updatedAt": forms[1]}])
    assert max(stamps) == NOON


@pytest.mark.parametrize("words", ["now", "12:00", "12:00:00", "P1D", "1200", "tomorrow"])
def test_what_names_no_day_is_no_moment(words):
    """A time that depends on when it is read would be an invention."""
    made, bad = column(Kind.TIMESTAMP, [words])
    assert (made.to_pylist(), bad) == ([None], [(0, "not a timestamp")])
    assert moments([words]) == [None]


def test_one_bad_value_costs_no_good_one():
    """A column with a bad value keeps every other value of it."""
    made, bad = column(Kind.TIMESTAMP, ["2026-05-02T12:00:00Z", "never", "2026-05-02T12:00:00Z"])
    assert made.to_pylist() == [NOON, None, NOON]
    assert bad == [(1, "not a timestamp")]


MOMENT = st.integers(-(2**31), 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
FORMS = (
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(-1000, 1000, places=2).map(float),
    st.decimals(places=3).map(str),
    st.floats().map(str),
    st.sampled_from([" 1", "+1", "1_0", "0x1", "1e400", "1e-400", "infinity", "-0"]),
    MOMENT.map("{:%Y-%m-%d %H:%M:%S}".format),
    MOMENT.map("{:%Y-%m-%dT%H:%M:%SZ}".format),
    MOMENT.map("{:%Y-%m-%dT%H:%M:%S+10:00}".format),
    MOMENT.map("{:%Y-%m-%d}".format),
    st.sampled_from(["999999999999.9999999", "0000-01-01", "0001-01-01", "1799-12-31"]),
    st.text(max_size=4),
)
COLUMN = st.one_of(
    st.lists(st.none() | st.one_of(FORMS), max_size=5),
    *(st.lists(st.none() | form, max_size=5) for form in FORMS),
)


@pytest.mark.parametrize("kind", [each for each in Kind if each is not Kind.JSON])
@given(values=COLUMN)
def test_column_converted_whole_says_what_its_values_say_one_by_one(kind, values):
    """What has no meaning in any type makes a column be walked value by value."""
    whole, bad = column(kind, values)
    one_by_one, more = column(kind, [*values, {}])
    assert whole.to_pylist() == one_by_one.to_pylist()[:-1]
    assert bad == more[:-1]
    if kind is Kind.TIMESTAMP:
        assert moments(values) == whole.to_pylist()


@given(st.dictionaries(st.sampled_from([*CUSTOMERS.documented, "nickname"]), JSON), JSON)
def test_any_record_becomes_a_row_of_the_same_schema(record, statistics):
    """Case 52: whatever JSON a field holds, the columns and their types stay the same."""
    cleaned = (
        clean(orjson.loads(orjson.dumps(record | {"statistics": None}, default=str)))
        if (_storable(record))
        else {}
    )
    rows = _rows({**cleaned, "id": "C1"}, {"id": "C2", "statistics": statistics})
    assert rows.table.schema == CUSTOMERS.schema
    assert rows.table.num_rows == 2
    assert rows.table.column("id").to_pylist() == ["C1", "C2"]


def _storable(value) -> bool:
    try:
        orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return False
    return True


@given(st.text())
def test_text_is_kept_as_it_came_but_for_what_cannot_be_stored(text):
    """Case 61: NUL goes, half a surrogate pair becomes U+FFFD, everything else stays."""
    expected = "".join(
        "\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text.replace("\x00", "")
    )
    assert clean(text) == expected


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_values_or_a_broken_promise(body):
    """Fuzz: a body is JSON we can use, or MalformedBodyError."""
    try:
        records_in(parse(body))
    except MalformedBodyError:
        return


@pytest.mark.parametrize(
    "body",
    [b'[{"id":"a","firstName":"\\ud800x"}]', b'[{"id":"a","n":NaN}]', b'[{"id":"a\\u0000"}]'],
)
def test_one_odd_record_does_not_cost_its_page(body):
    """A lone surrogate, NaN or NUL is cleaned, and the page is read."""
    assert records_in(parse(body))[0]["id"] == "a"


def test_deeply_nested_body_is_refused_and_not_a_crash():
    """A body nested beyond reason is a broken promise."""
    with pytest.raises(MalformedBodyError):
        parse(b"[" * 100_000 + b"NaN" + b"]" * 100_000)


def test_hash_knows_content_from_form():
    """Key order, absence against null, and nothing else, make no difference."""
    one = CUSTOMERS.fingerprint({"id": "a", "dob": None, "statistics": {"x": 1, "y": None}}, b"")
    assert one == CUSTOMERS.fingerprint({"statistics": {"x": 1}, "id": "a"}, b"")
    assert one != CUSTOMERS.fingerprint({"statistics": {"x": 2}, "id": "a"}, b"")
    quoted = {"id": "a", "lastName": '"dob":null,', "statistics": {"x": 1}}
    assert CUSTOMERS.fingerprint(quoted, b"") != CUSTOMERS.fingerprint(
        {**quoted, "lastName": ""}, b""
    )
    for nulls in ({"a": None}, {"a": None, "b": None}, {"z": None}, {"statistics": {"x": None}}):
        for number in (1, 2**70):
            assert CUSTOMERS.fingerprint({**nulls, "i": number}, b"") == CUSTOMERS.fingerprint(
                {"i": number} | ({"statistics": {}} if "statistics" in nulls else {}), b""
            )
    assert one != CUSTOMERS.fingerprint({"id": "a", "dob": "", "statistics": {"x": 1}}, b"")
    assert one != CUSTOMERS.fingerprint({"statistics": {"x": 1}, "id": "a"}, b"AUD")


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        (" Mara.Quill@Example.COM ", "mara.quill@example.com"),
        ("o'brien@example.org", "o'brien@example.org"),
        ("no address", None),
        ("two@@example.com", None),
        ("dot.@example.com", None),
        ("", None),
        (None, None),
    ],
)
def test_email_is_trimmed_lower_case_or_null(email, expected):
    """core.customers.email: trimmed, lower case, NULL unless it is an address."""
    rows = _rows({"id": "a", "email": email})
    assert rows.table.column("_email").to_pylist() == [expected]
    assert rows.table.column("email").to_pylist() == [email]


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+61491570006", "+61491570006"),
        ("0491 570 006", "+61491570006"),
        ("+44 7700 900123", "+447700900123"),
        ("n/a", None),
        ("12", None),
        (None, None),
    ],
)
def test_phone_is_e164_or_null(phone, expected):
    """core.customers.phone: E.164, local numbers by the tenant's country, else NULL and told."""
    rows = _rows({"id": "a", "phoneNumber": phone})
    assert rows.table.column("_phone_e164").to_pylist() == [expected]
    told = [reject.field for _, reject in rows.rejects]
    assert told == (["_phone_e164"] if expected is None and phone else [])


def test_undocumented_fields_are_kept_nested_ones_too():
    """What nobody documented is in _extra as JSON."""
    rows = _rows({"id": "a", "nickname": "M", "statistics": {"visits": 3}})
    assert orjson.loads(rows.table.column("_extra")[0].as_py()) == {
        "nickname": "M",
        "statistics.visits": 3,
    }
    assert rows.unknown == {"nickname", "statistics.visits"}


def test_record_within_a_scope_may_have_no_children():
    """A scan knows a parent by its id alone: it could not keep two apart."""
    child = Child(CUSTOMERS, ("tags",), lambda _: None)
    with pytest.raises(ValueError, match="within a scope"):
        replace(CUSTOMERS, scope="list_id", children=(child,))
