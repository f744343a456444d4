-- fail: a list has more than one current version
select vendor, tenant_id, list_kind, list_id
from core.lists
where {changed_lists}
group by vendor, tenant_id, list_kind, list_id
having count(*) > 1
