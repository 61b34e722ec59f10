#!/usr/bin/env bash
# Fuzzes a throw-away Entrepot with Schemathesis: REST by its OpenAPI document, then GraphQL by its schema. Exit code 1 when an answer is
# a 5xx, is not in the document, or has another shape than the document says; what was sent stands above it as a curl command.
#
#   FUZZ_SECONDS   how long altogether, 240 by default        FUZZ_ONLY   rest or graphql, both by default
#   FUZZ_SEED      to repeat a run                            FUZZ_BIN    the binary, target/debug/entrepot by default
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
seconds=${FUZZ_SECONDS:-240}
seed=${FUZZ_SEED:-$RANDOM}
only=${FUZZ_ONLY:-rest graphql}
binary=$(realpath "${FUZZ_BIN:-target/debug/entrepot}")
venv=$root/target/fuzz/venv
st=$venv/bin/schemathesis

if [ ! -x "$st" ]; then
    command -v python3 >/dev/null || { echo "make fuzz needs python3 (3.10 or later) with venv: apt-get install python3-venv" >&2; exit 2; }
    echo "Installing Schemathesis under target/fuzz ..."
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'schemathesis>=4,<5'
fi

work=$(mktemp -d /tmp/entrepot-fuzz.XXXXXX)
# The private database drops to another user when we are root; it must be able to pass through.
chmod 755 "$work"
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

cd "$work"
env -u DATABASE_URL ENABLE_RATE_LIMITING=false "$binary" demo --data-dir "$work/data" --listen 127.0.0.1:0 --listen-ops 127.0.0.1:0 \
    >server.log 2>&1 &
server=$!
for _ in $(seq 120); do
    grep -q ' serving ' server.log && break
    kill -0 "$server" 2>/dev/null || { cat server.log >&2; exit 2; }
    sleep 0.5
done
url=$(sed -n 's/^ *Open *\(http:[^ ]*\)$/\1/p' server.log)
token=$(sed -n 's/^ *API token *\([^ ]*\)$/\1/p' server.log)
[ -n "$url" ] && [ -n "$token" ] || { echo "Entrepot did not start:" >&2; cat server.log >&2; exit 2; }
echo "Fuzzing $url for $seconds s, seed $seed"

documented=not_a_server_error,response_schema_conformance,status_code_conformance,content_type_conformance
export PYTHONPATH=$root/scripts SCHEMATHESIS_HOOKS=fuzz_hooks PYTHONDONTWRITEBYTECODE=1
failed=0
# fuzz NAME ADDRESS SHARE_OF_TIME CHECKS ARGUMENTS...
fuzz() {
    local name=$1 address=$2 share=$3 checks=$4
    shift 4
    echo "  $name ..."
    if "$st" run "$address" --header "Authorization: Bearer $token" --max-time $((seconds * share / 100 + 1)) --seed "$seed" \
        --checks "$checks" --generation-database none --suppress-health-check all --request-timeout 30 --continue-on-failure \
        --warnings off --no-color --output-sanitize true "$@" >"$name.log" 2>&1; then
        grep -E '^ *[0-9,]+ generated' "$name.log" || true
        return
    fi
    failed=1
    # What it found, or how it ended when it found nothing.
    sed -n '/=== \(ERRORS\|FAILURES\) ===/,$p' "$name.log" | grep -v -e '^$' -e 'st replay' -e 'Reproduce with' | cut -c1-700 >"$name.found" || true
    [ -s "$name.found" ] || tail -40 "$name.log" >"$name.found"
    sed -n 1,250p "$name.found"
}

# The call that would take the fuzzer's own token away is left to the tests, as is what makes it a stranger: its user.
own='^/api/v1/(tokens/\{|users/\{|auth/)'
for part in $only; do
    case $part in
        rest)
            fuzz rest "$url/api/openapi.json" 60 $documented --phases examples,coverage,fuzzing
            fuzz stateful "$url/api/openapi.json" 15 $documented --phases stateful --exclude-path-regex "$own"
            ;;
        graphql) fuzz graphql "$url/graphql" 25 no_fault_of_ours --phases examples,coverage,fuzzing ;;
        *) echo "FUZZ_ONLY is rest or graphql, not $part" >&2; exit 2 ;;
    esac
done

kill -0 "$server" 2>/dev/null || { echo "Entrepot died:" >&2; tail -20 server.log >&2; failed=1; }
if grep -E ' ERROR |panicked' server.log >errors.log; then
    echo "Entrepot logged errors:"
    cut -c1-400 errors.log | sort -u | head -20
    failed=1
fi
if [ "$failed" -eq 0 ]; then
    echo "No 5xx, no answer outside the document."
else
    echo "Run it again with FUZZ_SEED=$seed; Authorization is the ADMIN token of \`entrepot demo\`." >&2
fi
exit "$failed"
