-- core.membership_history: who was on which list, and when.
-- grain: one row per customer, list and span of uninterrupted membership
-- key: vendor, tenant_id, list_kind, list_id, customer_id, valid_from
create table if not exists core.membership_history (
    vendor text not null, -- Who said so, as in core.customers.
    tenant_id text not null, -- The organisation, company or business inside the vendor.
    list_kind text not null, -- As in core.lists.
    list_id text not null, -- As in core.lists.
    customer_id text not null, -- As in core.customers.
    added_at timestamptz, -- When the vendor put the customer on the list; NULL if it does not say.
    first_seen_at timestamptz not null, -- When we first saw this customer on this list.
    valid_from timestamptz not null, -- From when the membership held, by our observation.
    valid_to timestamptz -- Until when; NULL while it still holds.
)
