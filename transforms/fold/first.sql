-- Rows of keys the log holds one row of, as after a first load: no key is looked up.
insert into core.{history} ({columns}, {ours})
select {columns}, {ours_once}
from {staged} as entry
where op = 'upsert' and scan_id not in ({open_scans}) and {within}
