-- raw_kounta.customer_addresses → the shape of core.customer_address_history; renames and casts
-- only.
select
    'kounta' as vendor,
    tenant_id,
    customer_id,
    id as address_id,
    kind as label,
    _lines as lines,
    nullif(trim(city), '') as city,
    nullif(trim(zone), '') as region,
    nullif(trim(postal_code), '') as postal_code,
    nullif(upper(trim(country)), '') as country,
    cast(null as double) as latitude,
    cast(null as double) as longitude,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_kounta.customer_addresses
