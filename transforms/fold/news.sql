-- The keys the log says something new about, some of them.
select distinct {key}
from {staged} as news
where news.scan_id in ({scans}) and {within}
