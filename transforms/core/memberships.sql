-- core.memberships: who is on which list now.
-- grain: one row per customer and list
-- key: vendor, tenant_id, list_kind, list_id, customer_id
create or replace view core.memberships as
select vendor, tenant_id, list_kind, list_id, customer_id, added_at, first_seen_at
from core.membership_history
where valid_to is null
