#!/bin/sh
# After the files are there, at the first installation and at each upgrade: the
# user and the folders. A server that runs is replaced; none is started unasked.
set -e
systemd-sysusers sealquay.conf
systemd-tmpfiles --create sealquay.conf
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
systemctl try-restart sealquay.service
