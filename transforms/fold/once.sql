-- Some keys the log holds one row of: their only row is their only version.
insert into core.{history} ({columns}, {ours})
select {columns}, {ours_once}
from (
    select entry.*
    from {touched} as entry
    join {part} as changed on {changed_is_entry}
    where entry.op = 'upsert' and entry.scan_id not in ({open_scans})
) as told
