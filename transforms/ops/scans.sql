-- ops.scans: one row per pass over one resource of one tenant.
-- grain: one row per run, tenant and resource
-- key: run_id, vendor, tenant_id, resource
create table if not exists ops.scans (
    run_id text not null, -- As in ops.runs.
    vendor text not null, -- Who was asked.
    tenant_id text not null, -- Which organisation, company or business.
    resource text not null, -- Which stream; the table in raw_<vendor>.
    scan_id text not null, -- The `_scan_id` of the rows it brought.
    kind text not null, -- `incremental`, `full` (absence means something), `backfill`.
    started_at timestamptz not null, -- By our clock.
    finished_at timestamptz, -- By our clock.
    complete boolean not null, -- Whether everything it set out to read was read.
    requests bigint not null, -- Requests sent, retries included; between tenants read at once roughly divided.
    rows_seen bigint not null, -- Records read.
    rows_changed bigint not null, -- Rows landed because they were new or different.
    rows_removed bigint not null, -- Deletions landed.
    vendor_total bigint, -- The vendor's own count, where it gives one, less whom we have erased.
    watermark timestamptz -- By the vendor's clock; where the next increment begins, less the lag.
)
