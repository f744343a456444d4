-- warn: customers whose spend is unknown because its currency has no known minor unit
select vendor, tenant_id, customer_id
from core.customers
where currency is not null and total_spend is null
    -- of these few alone, which a plain condition would make DuckDB ask of everybody
    and case when {changed_customers} then 1 else 0 end = 1
