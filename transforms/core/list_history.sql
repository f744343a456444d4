-- core.list_history: every version ever seen of every list, label, tag, preference or venue.
-- grain: one row per list and span of time in which nothing about the list changed
-- key: vendor, tenant_id, list_kind, list_id, valid_from
create table if not exists core.list_history (
    vendor text not null, -- Who said so, as in core.customers.
    tenant_id text not null, -- The organisation, company or business inside the vendor.
    list_kind text not null, -- `customer_list`, `tag`, `label`, `marketing_preference` or `venue`.
    list_id text not null, -- The vendor's id of the list; the exact string where it has only that.
    name text, -- The list's name.
    member_count bigint, -- Members as the vendor counts them; NULL where it does not say.
    created_at timestamptz, -- When the vendor created the list.
    updated_at timestamptz, -- When the vendor last changed it; NULL if it does not say.
    first_seen_at timestamptz not null, -- When we first saw this list.
    changed_at timestamptz not null, -- When we first saw this version.
    valid_from timestamptz not null, -- From when this version held, by our observation.
    valid_to timestamptz -- Until when; NULL while it still holds.
)
