-- raw_collins.customer_labels → the shape of core.membership_history; renames and casts only.
select
    'collins' as vendor,
    tenant_id,
    'label' as list_kind,
    id as list_id,
    customer_id,
    cast(null as timestamptz) as added_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_collins.customer_labels
