#!/usr/bin/env bash
# Renews .sqlx: a throw-away server gets the migrations, then every query is compiled against it once.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
work=$(mktemp -d /tmp/entrepot-sqlx.XXXXXX)
as() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=postgres --regid=postgres --init-groups "$@"; else "$@"; fi; }
[ "$(id -u)" -eq 0 ] && chown postgres "$work"
trap 'as "$bin/pg_ctl" -D "$work/data" -m immediate stop >/dev/null; rm -rf "$work"' EXIT
as "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
as "$bin/pg_ctl" -D "$work/data" -w -o "-c listen_addresses='' -k $work -c fsync=off" -l "$work/log" start >/dev/null
sql() { psql -q -v ON_ERROR_STOP=1 -h "$work" -U postgres "$@" >/dev/null; }
sql -d postgres -c "CREATE ROLE wms_application_role LOGIN" -c "CREATE ROLE wms_runtime LOGIN" \
    -c "CREATE DATABASE cache OWNER wms_application_role"
for file in migrations/*.up.sql; do
    PGOPTIONS="-c role=wms_application_role -c client_min_messages=warning" sql -d cache -1 -f "$file"
done
rm -rf .sqlx && mkdir .sqlx
# The macros write the cache while they check; they only run when the crates are compiled again.
touch crates/*/src/lib.rs crates/entrepot/src/main.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$PWD/.sqlx DATABASE_URL="postgres://postgres@localhost/cache?host=$work" cargo test --workspace --no-run
echo "$(ls .sqlx | wc -l) queries cached"
