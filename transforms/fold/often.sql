-- Some keys seen more than once: an observation that repeats the one before it
-- makes no version, a deletion ends one, whatever follows a deletion opens one.
insert into core.{history} ({columns}, {ours})
with touched as (
    select entry.*, row_number() over (
        partition by {entry_key}, entry.observed_at order by entry.scan_id desc
    ) as again
    from {touched} as entry
    join {part} as changed on {changed_is_entry}
    where entry.scan_id not in ({open_scans})
),
observed as (
    select touched.*, row_number() over (partition by {key} order by observed_at) as age
    from touched
    -- a package loaded twice after a crash holds the same observation twice
    where again = 1
),
kept as (
    select current_row.*
    from observed as current_row
    left join observed as earlier on {earlier_is_current} and earlier.age = current_row.age - 1
    where (earlier.op is null and current_row.op = 'upsert')
        or earlier.op <> current_row.op
        or (current_row.op = 'upsert' and ({differs}))
),
spans as (
    select
        kept.*,
        lead(observed_at) over (partition by {key} order by observed_at) as ends_at,
        min(observed_at) over (partition by {key}) as begins_at
    from kept
)
select {columns}, {ours_often}
from spans
where op = 'upsert'
