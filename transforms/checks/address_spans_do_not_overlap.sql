-- fail: two versions of an address hold at the same time
select vendor, tenant_id, customer_id, address_id, valid_from
from (
    select
        vendor, tenant_id, customer_id, address_id, valid_from, valid_to,
        lead(valid_from) over (
            partition by vendor, tenant_id, customer_id, address_id order by valid_from
        ) as next_from
    from core.customer_address_history
    where {rewritten_customer_addresses}
) as spans
where valid_to <= valid_from or next_from < valid_to or (valid_to is null and next_from is not null)
