-- raw_loke.customer_lists → the shape of core.list_history; renames and casts only.
select
    'loke' as vendor,
    tenant_id,
    'customer_list' as list_kind,
    id as list_id,
    name,
    member_count,
    created_at,
    cast(null as timestamptz) as updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_loke.customer_lists
