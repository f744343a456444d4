-- The keys the log says something new about, and how much the log holds of each.
-- `portion` numbers them into portions of about fifty thousand rows: what is folded at once.
create temporary table changed_{entity} as
select
    {key}, times,
    cast(floor(sum(times) over (
        order by {key_in_order} rows between unbounded preceding and current row
    ) / 50000) as bigint) as portion
from (
    select {key}, count(*) as times
    from {staged} as entry
    where exists (
        select 1 from {staged} as news
        where news.scan_id in ({scans}) and {news_is_entry}
    ) and entry.scan_id not in ({open_scans})
    group by {key}
) as counted
