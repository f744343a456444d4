-- warn: customers without a name, an e-mail address and a phone number
select vendor, tenant_id, customer_id
from core.customers
where full_name is null and email is null and phone is null and {changed_customers}
