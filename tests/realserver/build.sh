#!/bin/sh
# Builds kube-apiserver, kubectl and etcd from their Go modules, pinned by kubernetes/go.mod and etcd/go.mod.
#
# They go into the folder that KUBEBUILDER_ASSETS names, or else into a cache outside the checkout. What is there
# already is kept. Exit codes: 0 all there; 3 not built, since Go is missing or too old (one line says so); else a
# build failed.
set -eu

kubernetes=1.37.2
etcd=3.7.3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/informers/kube-v$kubernetes}

missing=''
for name in etcd kube-apiserver kubectl; do
    [ -x "$bin/$name" ] || missing="$missing $name"
done
if [ -z "$missing" ]; then
    echo "kube-apiserver, kubectl and etcd are in $bin"
    exit 0
fi

. "$(dirname -- "$0")/../go.sh"
need_go "tests on a real kube-apiserver"

# build NAME MODULE_FOLDER PACKAGE LDFLAGS: the file takes its name when it is whole, so that a build that was cut
# short leaves nothing that looks finished.
build() {
    case " $missing " in *" $1 "*) ;; *) return 0 ;; esac
    echo "building $1 from $3 into $bin"
    started=$(date +%s)
    (cd "$here/$2" && go build -mod=readonly -trimpath -ldflags "-s -w $4" -o "$bin/.$1.$$" "$3")
    mv "$bin/.$1.$$" "$bin/$1"
    echo "built $1 in $(($(date +%s) - started)) s"
}

mkdir -p "$bin"
trap 'rm -f "$bin"/.*.$$' EXIT
trap 'exit 130' INT TERM

stamp=''
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    stamp="$stamp -X $package.gitVersion=v$kubernetes -X $package.gitMajor=${kubernetes%%.*}"
    stamp="$stamp -X $package.gitMinor=37 -X $package.gitTreeState=archive -X $package.gitCommit="
done
build etcd etcd go.etcd.io/etcd/server/v3 ''
build kube-apiserver kubernetes k8s.io/kubernetes/cmd/kube-apiserver "$stamp"
build kubectl kubernetes k8s.io/kubernetes/cmd/kubectl "$stamp"
