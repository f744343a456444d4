-- raw_foodics.tags → the shape of core.list_history; renames and casts only.
select
    'foodics' as vendor,
    tenant_id,
    'tag' as list_kind,
    id as list_id,
    name,
    customers_count as member_count,
    created_at,
    updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_foodics.tags
