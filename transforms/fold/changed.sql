-- How much the log holds of each of these keys, and a bucket from 00 to ff that each key falls into
-- for good: the fold takes a few buckets at a time, to bound memory.
insert into changed_{entity}
select {entry_key}, count(*) as times, substr(md5(entry.{last_key}), 1, 2) as bucket
from {entries} as entry
join {news} as news on {news_is_entry}
where entry.scan_id not in ({open_scans}) and {within}
group by {entry_key}
