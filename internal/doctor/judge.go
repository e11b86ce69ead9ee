package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// Descriptors judges how many the process may open, for so many connections.
// An upload has two.
func Descriptors(allowed uint64, connections int) Finding {
	const check, others = "descriptors", 64
	seen := fmt.Sprintf("%d may be open", allowed)
	switch {
	case allowed < 256:
		return wrong(check, seen, "raise the limit: ulimit -n, or LimitNOFILE= of the unit")
	case allowed < uint64(connections)+others:
		return hint(check, seen, fmt.Sprintf("max_connections %d will be lowered to fit; raise ulimit -n, or LimitNOFILE= of the unit", connections))
	}
	return good(check, seen)
}

// A Space is what is free on the file system of the data directory.
type Space struct {
	Free, Total        uint64 // bytes
	Keep               uint64 // bytes that uploads leave free (quota.free_space)
	Inodes, InodesSize uint64 // free and in all; 0 in all: they do not run out
}

// judge is about bytes and inodes.
func (s Space) judge() []Finding {
	bytes := func() Finding {
		seen := fmt.Sprintf("%d MiB of %d MiB are free", s.Free/mib, s.Total/mib)
		switch {
		case s.Free < 64*mib:
			return wrong("space", seen, "make room: uploads are refused when the disk is full")
		case s.Free <= s.Keep:
			return wrong("space", fmt.Sprintf("%s, quota.free_space is %d MiB", seen, s.Keep/mib), "make room, or lower quota.free_space: every upload is refused")
		case s.Free < gib || s.Free < s.Total/20:
			return hint("space", seen, "make room soon; retention or quotas can keep it free")
		}
		return good("space", seen)
	}
	inodes := func() Finding {
		if s.InodesSize == 0 {
			return good("inodes", "they do not run out on this file system")
		}
		seen := fmt.Sprintf("%d of %d are free", s.Inodes, s.InodesSize)
		switch {
		case s.Inodes < 1000:
			return wrong("inodes", seen, "remove files: each upload takes an inode, and none will be left")
		case s.Inodes < s.InodesSize/20:
			return hint("inodes", seen, "many small files: make the file system anew with more inodes (mkfs -N)")
		}
		return good("inodes", seen)
	}
	return []Finding{bytes(), inodes()}
}

// FileSystem judges the kind and the options of the data directory's mount.
func FileSystem(kind string, options []string) Finding {
	const check = "file system"
	seen := kind + ", " + strings.Join(options, ",")
	switch {
	case slices.Contains(options, "ro"):
		return wrong(check, seen, "it is mounted read-only: mount it rw, or choose another data_dir")
	case slices.Contains(options, "nobarrier") || slices.Contains(options, "barrier=0"):
		return wrong(check, seen, "without barriers acknowledged files do not survive a power cut: mount it without this option")
	case kind == "tmpfs" || kind == "ramfs":
		return wrong(check, seen, "it is memory: files are gone at the next start; choose a data_dir on a disk")
	case strings.HasPrefix(kind, "nfs") || kind == "cifs" || kind == "smb3":
		return wrong(check, seen, "the database needs a local file system: choose another data_dir, or rows in PostgreSQL")
	case kind == "overlay":
		return hint(check, seen, "in a container this is gone with it: mount a volume at data_dir")
	case strings.HasPrefix(kind, "fuse") || kind == "9p" || kind == "virtiofs":
		return hint(check, seen, "make sure that it keeps what fsync was called for")
	}
	return good(check, seen)
}

// Unnamed judges whether files can be written without a name first (O_TMPFILE).
func Unnamed(err error) Finding {
	const check = "unnamed files"
	if err != nil {
		return hint(check, err.Error(), "uploads take a named temporary file instead, which is slower: ext4, xfs, btrfs and tmpfs have this")
	}
	return good(check, "the file system has them")
}

// SyncSpeed judges how long a small write and its fsync took, the middle of
// several.
func SyncSpeed(middle time.Duration, err error) Finding {
	const check = "sync speed"
	seen := fmt.Sprintf("%v for 4 KiB and fsync", middle.Round(10*time.Microsecond))
	switch {
	case err != nil:
		return wrong(check, err.Error(), "the data directory cannot be written: see permissions and space")
	case middle > 50*time.Millisecond:
		return hint(check, seen, "each small file waits for two of these: use a faster disk, or one with a protected write cache")
	}
	return good(check, seen)
}

// Clock judges whether the kernel's clock is kept right.
func Clock(synchronised bool, now time.Time) Finding {
	const check = "clock"
	seen := now.UTC().Format(time.RFC3339)
	switch {
	case now.Year() < 2026:
		return wrong(check, seen, "set the clock: LastSeen, the log and the age of files depend on it")
	case !synchronised:
		return hint(check, seen+", not synchronised", "run chrony, ntpd or systemd-timesyncd")
	}
	return good(check, seen+", synchronised")
}

// A Holder is a process that listens on the server's port.
type Holder struct {
	ProcessID int    // 0: it could not be seen, as others than root cannot
	Name      string // of the program
}

// Port judges who has the port; nil is nobody, err is why it cannot be taken.
func Port(addr string, holder *Holder, err error) Finding {
	const check = "port"
	switch {
	case err == nil && holder == nil:
		return good(check, addr+" is free")
	case holder == nil:
		return wrong(check, addr+": "+err.Error(), "choose an address of this machine with server_ip_address, and a port above 1023 in port.info")
	case holder.Name == "sealquay" && holder.ProcessID == 0:
		return good(check, "a sealquay server answers at "+addr)
	case holder.Name == "sealquay":
		return good(check, fmt.Sprintf("%s has a sealquay server, process %d", addr, holder.ProcessID))
	case holder.ProcessID == 0:
		return wrong(check, addr+" is in use", "find out by whom, as root: ss -ltnp; or choose another port in port.info")
	}
	return wrong(check, fmt.Sprintf("%s is in use by %s, process %d", addr, holder.Name, holder.ProcessID), "end it, or choose another port in port.info")
}

// Permissions judges the data directory: whether it may be written, the files
// in it that belong to others, and its mode.
func Permissions(err error, foreign []string, mode uint32) Finding {
	const check = "permissions"
	seen := fmt.Sprintf("mode %04o", mode)
	switch {
	case err != nil:
		return wrong(check, err.Error(), "give data_dir to the user that the server runs as (chown), or run this as that user")
	case len(foreign) > 0:
		return wrong(check, strings.Join(foreign, ", ")+" belong to another user", "give them to the user that the server runs as (chown); run the tools as that user, too")
	case mode&0o002 != 0:
		return wrong(check, seen, "every user of the machine can change and remove files: chmod o= the data directory")
	case mode&0o007 != 0:
		return hint(check, seen, "other users of the machine can look in: chmod o= the data directory")
	}
	return good(check, seen)
}

// Restart judges whether the kernel can steer connections to a new server.
func Restart(err error) Finding {
	const check = "restart"
	if err != nil {
		return hint(check, "SO_ATTACH_REUSEPORT_CBPF: "+err.Error(), "serve --take-over will refuse connections for a moment: a kernel from 4.5 on has this")
	}
	return good(check, "the kernel can steer connections to a new server")
}

// Memory judges a limit of the control group in bytes, 0 for none, and of the
// machine, against memory_budget.
func Memory(limit, machine uint64, budget int64) Finding {
	const check, besides = "memory", 64 * mib
	most, whose := machine, "the machine has"
	if limit > 0 && limit < machine {
		most, whose = limit, "the control group allows"
	}
	seen := fmt.Sprintf("%s %d MiB, memory_budget is %d MiB", whose, most/mib, budget/mib)
	switch {
	case most < uint64(budget)+besides:
		return wrong(check, seen, fmt.Sprintf("lower memory_budget, or allow %d MiB: the kernel would end the server under load", (uint64(budget)+besides)/mib))
	case most < 2*uint64(budget)+besides:
		return hint(check, seen, "little is left for the page cache; lower memory_budget, or allow more")
	}
	return good(check, seen)
}

// Rows judges PostgreSQL: why it cannot be asked, why its commits may be lost,
// and why it may be damaged, by a power cut.
func Rows(away, lost, damaged error) Finding {
	const check = "PostgreSQL"
	switch {
	case away != nil:
		return wrong(check, away.Error(), "see that it runs, and that storage.postgres leads to it from this machine")
	case lost != nil:
		return wrong(check, lost.Error(), "mend it, or give the promise up with durability relaxed: the server does not start like this")
	case damaged != nil:
		return hint(check, damaged.Error(), "set it in postgresql.conf, and reload PostgreSQL")
	}
	return good(check, "what it commits survives a power cut")
}

// Configuration judges what reading the configuration brought.
func Configuration(warnings []string, err error) Finding {
	const check = "configuration"
	switch {
	case err != nil:
		return wrong(check, err.Error(), "sealquay config check shows each mistake with its line")
	case len(warnings) > 0:
		return hint(check, strings.Join(warnings, "; "), "sealquay config check shows each")
	}
	return good(check, "it is right")
}
