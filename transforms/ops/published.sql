-- ops.published: which part of the log core is the fold of.
-- grain: one row per entity and scan; entity `*` holds the version of the SQL that made core
-- key: entity, scan_id
create table if not exists ops.published (
    entity text not null, -- The core table.
    scan_id text not null, -- A scan that is folded.
    log_rows bigint not null -- How many of its rows are.
)
