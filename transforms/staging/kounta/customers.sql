-- raw_kounta.customers → the shape of core.customer_history. Its stamps are always the moment of
-- asking, and no one's truth.
select
    'kounta' as vendor,
    tenant_id,
    id as customer_id,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    nullif(trim(concat(coalesce(first_name, ''), ' ', coalesce(last_name, ''))), '') as full_name,
    _email as email,
    _phone_e164 as phone,
    cast(null as date) as birth_date,
    cast(null as text) as gender,
    cast(null as text) as company,
    accepts_marketing,
    cast(null as boolean) as is_blacklisted,
    cast(null as decimal(18, 3)) as points_balance,
    cast(null as decimal(18, 3)) as total_spend,
    cast(null as text) as currency,
    cast(null as bigint) as order_count,
    cast(null as timestamptz) as last_order_at,
    cast(null as timestamptz) as created_at,
    cast(null as timestamptz) as updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_kounta.customers
