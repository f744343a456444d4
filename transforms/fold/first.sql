-- A log that is all new and holds one row of each key, as after a first load: nothing to look up.
insert into core.{history} ({columns}, {ours})
select {columns}, {ours_once}
from {staged} as entry
where op = 'upsert' and scan_id not in ({open_scans})
