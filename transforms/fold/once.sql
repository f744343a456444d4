-- Keys the log holds one row of: their only row is their only version.
insert into core.{history} ({columns}, {ours})
select {columns}, {ours_once}
from {staged} as entry
where op = 'upsert' and scan_id not in ({open_scans}) and exists (
    select 1 from changed_{entity} as changed
    where changed.times = 1 and changed.bucket between '{low}' and '{high}'
        and {changed_is_entry}
)
