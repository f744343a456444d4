-- fail: a customer is on the same list twice
select vendor, tenant_id, list_kind, list_id, customer_id
from core.memberships
where {changed_memberships}
group by vendor, tenant_id, list_kind, list_id, customer_id
having count(*) > 1
