-- core.customers: the customers a vendor has now.
-- grain: one row per customer
-- key: vendor, tenant_id, customer_id
create or replace view core.customers as
select
    vendor, tenant_id, customer_id, first_name, last_name, full_name, email, phone, birth_date,
    gender, company, accepts_marketing, is_blacklisted, points_balance, total_spend, currency,
    order_count, last_order_at, created_at, updated_at, first_seen_at, changed_at
from core.customer_history
where valid_to is null
