-- fail: a customer has more than one current version
select vendor, tenant_id, customer_id
from core.customers
where {changed_customers}
group by vendor, tenant_id, customer_id
having count(*) > 1
