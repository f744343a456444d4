-- raw_collins.customer_marketing_preferences → the shape of core.membership_history; an opt-out ends it.
select
    'collins' as vendor,
    tenant_id,
    'marketing_preference' as list_kind,
    id as list_id,
    customer_id,
    opt_in_date as added_at,
    case when opted_in then _op else 'delete' end as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_collins.customer_marketing_preferences
