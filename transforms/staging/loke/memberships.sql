-- raw_loke.customer_list_members → the shape of core.membership_history; renames and casts only.
select
    'loke' as vendor,
    tenant_id,
    'customer_list' as list_kind,
    list_id,
    id as customer_id,
    added_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_loke.customer_list_members
