-- core.customer_history: every version ever seen of every customer.
-- grain: one row per customer and span of time in which nothing about the customer changed
-- key: vendor, tenant_id, customer_id, valid_from
create table if not exists core.customer_history (
    vendor text not null, -- Who said so: `loke`, `collins`, `kounta` or `foodics`.
    tenant_id text not null, -- The organisation, company or business inside the vendor.
    customer_id text not null, -- The vendor's id of the customer.
    first_name text, -- Given name, as the vendor has it.
    last_name text, -- Family name, as the vendor has it.
    full_name text, -- The vendor's own full name, else first and last name joined.
    email text, -- Trimmed, lower case; NULL unless it is an address.
    phone text, -- E.164; NULL when the vendor's value cannot be dialled.
    birth_date date, -- Date of birth, without a zone.
    gender text, -- `female`, `male`, `other`; NULL when unknown.
    company text, -- The customer's company; only Collins has one.
    accepts_marketing boolean, -- Consent to marketing; NULL when the vendor does not say.
    is_blacklisted boolean, -- Barred by the vendor; only Foodics says.
    points_balance decimal(18, 3), -- Loyalty points held now.
    total_spend decimal(18, 3), -- Everything ever spent, in major units of `currency`.
    currency text, -- ISO 4217, of `total_spend`.
    order_count bigint, -- Orders ever placed; only Foodics says.
    last_order_at timestamptz, -- Last order or spend.
    created_at timestamptz, -- When the vendor created the customer; NULL where it does not say.
    updated_at timestamptz, -- When the vendor last changed it; NULL where it has no true stamp.
    first_seen_at timestamptz not null, -- When we first saw this customer.
    changed_at timestamptz not null, -- When we first saw this version.
    valid_from timestamptz not null, -- From when this version held, by our observation.
    valid_to timestamptz -- Until when; NULL while it still holds.
)
