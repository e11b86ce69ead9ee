#!/bin/sh
# Before the files go, but not at an upgrade: dpkg says "remove", rpm says 0.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
[ -d /run/systemd/system ] || exit 0
systemctl disable --now sealquay.service
