-- core.customer_address_history: every version ever seen of every customer's addresses.
-- grain: one row per customer, address and span of time in which nothing about it changed
-- key: vendor, tenant_id, customer_id, address_id, valid_from
create table if not exists core.customer_address_history (
    vendor text not null, -- Who said so: `collins`, `kounta` or `foodics`; LOKE has none.
    tenant_id text not null, -- As in core.customers.
    customer_id text not null, -- As in core.customers.
    address_id text not null, -- The vendor's id of the address; where it has none, its place.
    label text, -- What the address is called: `Home`, `shipping`, `company`.
    lines text, -- Street lines, one to a line.
    city text, -- Town or city.
    region text, -- State or province, as the vendor has it.
    postal_code text, -- Post code.
    country text, -- ISO 3166-1 alpha-2, as the vendor has it.
    latitude double, -- Degrees north.
    longitude double, -- Degrees east.
    first_seen_at timestamptz not null, -- When we first saw this address of this customer.
    changed_at timestamptz not null, -- When we first saw this version.
    valid_from timestamptz not null, -- From when this version held, by our observation.
    valid_to timestamptz -- Until when; NULL while it still holds.
)
