-- raw_foodics.customer_addresses → the shape of core.customer_address_history; a deleted address
-- ends.
select
    'foodics' as vendor,
    tenant_id,
    customer_id,
    id as address_id,
    nullif(trim(name), '') as label,
    case
        when coalesce(trim(details), '') = '' then nullif(trim(description), '')
        when coalesce(trim(description), '') = '' then trim(details)
        else concat(trim(description), chr(10), trim(details))
    end as lines,
    cast(null as text) as city,
    cast(null as text) as region,
    cast(null as text) as postal_code,
    cast(null as text) as country,
    latitude,
    longitude,
    case when deleted_at is null then _op else 'delete' end as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_foodics.customer_addresses
