-- raw_collins.customers → the shape of core.customer_address_history: the company's address, one at
-- most; without any part of it there is none.
select
    'collins' as vendor,
    tenant_id,
    id as customer_id,
    'company' as address_id,
    'company' as label,
    nullif(trim(company_address_street), '') as lines,
    nullif(trim(company_address_city), '') as city,
    cast(null as text) as region,
    nullif(trim(company_address_post_code), '') as postal_code,
    cast(null as text) as country,
    cast(null as double) as latitude,
    cast(null as double) as longitude,
    case
        when trim(concat(
            coalesce(company_address_street, ''),
            coalesce(company_address_city, ''),
            coalesce(company_address_post_code, '')
        )) = '' then 'delete'
        else _op
    end as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_collins.customers
