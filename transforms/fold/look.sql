-- All that the log holds of some keys: what is sorted in portions need not be looked for in each.
create temporary table look_{entity} as
select entry.*
from {touched} as entry
join {part} as changed on {changed_is_entry}
where entry.scan_id not in ({open_scans})
