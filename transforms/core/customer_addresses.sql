-- core.customer_addresses: the addresses customers have now.
-- grain: one row per customer and address
-- key: vendor, tenant_id, customer_id, address_id
create or replace view core.customer_addresses as
select
    vendor, tenant_id, customer_id, address_id, label, lines, city, region, postal_code, country,
    latitude, longitude, first_seen_at, changed_at
from core.customer_address_history
where valid_to is null
