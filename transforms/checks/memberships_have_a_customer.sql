-- warn: memberships of customers who are not in core.customers
select vendor, tenant_id, list_kind, list_id, customer_id
from core.memberships
where {changed_memberships} and not exists (
    select 1 from core.customers
    where customers.vendor = memberships.vendor
        and customers.tenant_id = memberships.tenant_id
        and customers.customer_id = memberships.customer_id
)
