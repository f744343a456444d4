-- fail: two versions of a list hold at the same time
select vendor, tenant_id, list_kind, list_id, valid_from
from (
    select
        vendor, tenant_id, list_kind, list_id, valid_from, valid_to,
        lead(valid_from) over (
            partition by vendor, tenant_id, list_kind, list_id order by valid_from
        ) as next_from
    from core.list_history
    where {rewritten_lists}
) as spans
where valid_to <= valid_from or next_from < valid_to or (valid_to is null and next_from is not null)
