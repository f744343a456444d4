-- raw_collins.labels → the shape of core.list_history; renames and casts only.
select
    'collins' as vendor,
    tenant_id,
    'label' as list_kind,
    id as list_id,
    id as name,
    cast(null as bigint) as member_count,
    cast(null as timestamptz) as created_at,
    cast(null as timestamptz) as updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_collins.labels
