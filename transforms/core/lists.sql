-- core.lists: the lists, labels, tags, marketing preferences and venues a vendor has now.
-- grain: one row per list
-- key: vendor, tenant_id, list_kind, list_id
create or replace view core.lists as
select
    vendor, tenant_id, list_kind, list_id, name, member_count, created_at, updated_at,
    first_seen_at, changed_at
from core.list_history
where valid_to is null
