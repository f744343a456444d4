-- raw_foodics.customer_tags → the shape of core.membership_history; renames and casts only.
select
    'foodics' as vendor,
    tenant_id,
    'tag' as list_kind,
    id as list_id,
    customer_id,
    cast(null as timestamptz) as added_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_foodics.customer_tags
