-- raw_collins.marketing_preferences → the shape of core.list_history; renames and casts only.
select
    'collins' as vendor,
    tenant_id,
    'marketing_preference' as list_kind,
    id as list_id,
    name,
    cast(null as bigint) as member_count,
    created_date as created_at,
    cast(null as timestamptz) as updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_collins.marketing_preferences
