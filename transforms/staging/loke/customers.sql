-- raw_loke.customers → the shape of core.customer_history; renames and casts only.
select
    'loke' as vendor,
    tenant_id,
    id as customer_id,
    nullif(trim(first_name), '') as first_name,
    nullif(trim(last_name), '') as last_name,
    nullif(trim(concat(coalesce(first_name, ''), ' ', coalesce(last_name, ''))), '') as full_name,
    _email as email,
    _phone_e164 as phone,
    dob as birth_date,
    -- LOKE lists no values; what none of these words says is unknown.
    case
        when upper(trim(gender)) in ('FEMALE', 'F', 'WOMAN') then 'female'
        when upper(trim(gender)) in ('MALE', 'M', 'MAN') then 'male'
        when upper(trim(gender)) in ('OTHER', 'X', 'DIVERSE', 'NON-BINARY', 'NONBINARY', 'NON_BINARY')
            then 'other'
    end as gender,
    cast(null as text) as company,
    has_agreed_to_marketing as accepts_marketing,
    cast(null as boolean) as is_blacklisted,
    -- A number too large for its column is no number of points and no amount; the log keeps it.
    case
        when statistics_points_balance between -999999999999999 and 999999999999999
            then cast(statistics_points_balance as decimal(18, 3))
    end as points_balance,
    -- Minor units: each of LOKE's documented currencies has a hundred of them to the major one.
    -- For any other currency the unit is unknown, and so is the amount.
    case
        when _currency in ('AUD', 'GBP', 'NZD', 'SGD', 'USD')
            and statistics_total_spend between -999999999999999 and 999999999999999
            then cast(cast(statistics_total_spend as decimal(18, 3)) * 0.01 as decimal(18, 3))
    end as total_spend,
    case when statistics_total_spend is not null then _currency end as currency,
    cast(null as bigint) as order_count,
    statistics_last_spent_at as last_order_at,
    created_at,
    updated_at,
    _op as op,
    _observed_at as observed_at,
    _scan_id as scan_id
from raw_loke.customers
