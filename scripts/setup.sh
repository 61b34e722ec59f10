#!/usr/bin/env bash
# Installs what the machine lacks, or says exactly what to install: setup.sh [server] [browser] [faketime]
set -euo pipefail

packages=()
postgres_bin() {
    local folder
    for folder in $( (pg_config --bindir 2>/dev/null; ls -d /usr/lib/postgresql/*/bin 2>/dev/null) || true); do
        if [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ]; then
            local major
            major=$("$folder/postgres" --version | sed -E 's/.* ([0-9]+).*/\1/')
            [ "$major" -ge 15 ] && return 0
        fi
    done
    return 1
}

command -v cc >/dev/null || packages+=(gcc libc6-dev)
for need in "$@"; do
    case "$need" in
        server) postgres_bin || packages+=(postgresql) ;;
        browser)
            command -v chromium >/dev/null || packages+=(chromium)
            command -v chromedriver >/dev/null || packages+=(chromium-driver)
            ;;
        faketime) compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null || packages+=(libfaketime) ;;
        *) echo "setup.sh: unknown need '$need'" >&2; exit 2 ;;
    esac
done
[ ${#packages[@]} -eq 0 ] && exit 0

install="apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
if ! command -v apt-get >/dev/null; then
    echo "Missing: ${packages[*]}. Install them with your system's package manager, then run this again." >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    run=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    run=(sudo)
else
    echo "Missing: ${packages[*]}. As root, run:" >&2
    echo "    $install" >&2
    exit 1
fi

echo "Installing ${packages[*]} ..."
# Entrepot runs its own server; the distribution's default cluster would only sit there.
if [[ " ${packages[*]} " == *" postgresql "* ]]; then
    "${run[@]}" mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" | "${run[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "${packages[@]}"
