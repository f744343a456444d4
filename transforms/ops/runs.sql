-- ops.runs: one row per run of a command that changes something.
-- grain: one row per run
-- key: run_id
create table if not exists ops.runs (
    run_id text not null, -- Sorts by time.
    command text not null, -- What was asked: `sync`, `transform`.
    started_at timestamptz not null, -- By our clock.
    finished_at timestamptz not null, -- By our clock.
    status text not null, -- `ok`, `partial` (some scans failed), `held` (see status), `failed`.
    exit_code bigint not null -- What the shell was told.
)
