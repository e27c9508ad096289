#!/usr/bin/env bash
# A release archive of this checkout for this machine: target/release-archives/proforma-VERSION-TRIPLE.tar.gz and its
# checksum. The archive holds the program, its completions and manual, the licences and the change log.
#
# The same commit on the same machine gives the same bytes: sorted names, one owner, and the commit's time.
# PROFILE (default `dist`) chooses how the program is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-dist}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
triple=$(rustc -vV | sed -n 's/^host: //p')
name=proforma-$version-$triple
out=target/release-archives
time=$(git log -1 --format=%ct 2>/dev/null || echo 0)

cargo build --locked --profile "$profile" --bin proforma
built=target/$([ "$profile" = dev ] && echo debug || echo "$profile")/proforma

rm -rf "${out:?}/$name"
mkdir -p "$out/$name/completions" "$out/$name/man"
cp "$built" LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md SECURITY.md "$out/$name/"
for shell in bash zsh fish elvish powershell; do
    "$built" completions "$shell" >"$out/$name/completions/proforma.$shell"
done
"$built" man "$out/$name/man"

tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -C "$out" -cf - "$name" | gzip -n9 >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
