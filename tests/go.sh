# Sourced by what builds with Go.

# need_go WHAT: ends the script with 3 where Go is missing or too old, and says in one line that WHAT is not run.
need_go() {
    # The newest Go that is wanted is the one that is installed: no toolchain is fetched behind anybody's back.
    export GOTOOLCHAIN=local CGO_ENABLED=0 GOWORK=off
    if ! go_version=$(go env GOVERSION 2>/dev/null); then
        echo "not run: $1, because Go is not installed (1.26 or newer builds it)"
        exit 3
    fi
    go_minor=$(echo "$go_version" | sed -n 's/^go1\.\([0-9][0-9]*\).*/\1/p')
    if [ "${go_minor:-0}" -lt 26 ]; then
        echo "not run: $1, because $go_version is installed and 1.26 or newer builds it"
        exit 3
    fi
}
