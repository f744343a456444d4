-- The keys the log says something new about, how much it holds of each, and a bucket from 00 to
-- ff that each key falls into for good: the fold takes a few buckets at a time, to bound memory.
insert into changed_{entity}
select {entry_key}, count(*) as times, substr(md5(entry.{last_key}), 1, 2) as bucket
from {staged} as entry
join (
    select distinct {key} from {staged} as news where news.scan_id in ({scans}) and {news_within}
) as news on {news_is_entry}
where entry.scan_id not in ({open_scans}) and {entry_within}
group by {entry_key}
