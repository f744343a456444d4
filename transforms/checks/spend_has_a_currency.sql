-- warn: customers whose spend is unknown because its currency has no known minor unit
select vendor, tenant_id, customer_id
from core.customers
where {changed_customers} and currency is not null and total_spend is null
