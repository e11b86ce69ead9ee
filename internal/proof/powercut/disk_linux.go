package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// largestRequest of the kernel to the file behind the disk, in bytes.
const largestRequest = 1 << 20

// disk makes a device a real one: a file in a FUSE file system of this process,
// and a loop device on it, which can be mounted.
type disk struct {
	device *device
	folder string // where the FUSE file system is
	at     string // where the disk is mounted
}

// unsupported says why this machine cannot do it, or nil.
func unsupported() error {
	if os.Geteuid() != 0 {
		return errors.New("mounting needs root")
	}
	for _, path := range []string{"/dev/fuse", "/dev/loop-control"} {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// newDisk serves a device in a directory, which is to be empty.
func newDisk(dir string, d *device) (*disk, error) {
	k := &disk{device: d, folder: filepath.Join(dir, "device"), at: filepath.Join(dir, "disk")}
	for _, folder := range []string{k.folder, k.at} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, err
		}
	}
	// Mounted here, so that no worker inherits the descriptor: the kernel would
	// wait for a server that is gone.
	server, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=%d", server, largestRequest)
	if err := unix.Mount("sealquay-powercut", k.folder, "fuse.sealquay", unix.MS_NOSUID|unix.MS_NODEV, data); err != nil {
		return nil, errors.Join(fmt.Errorf("mount the device's folder: %w", err), unix.Close(server))
	}
	_, err = fs.Mount(fmt.Sprintf("/dev/fd/%d", server), &root{device: d}, &fs.Options{MountOptions: fuse.MountOptions{
		MaxWrite:      largestRequest,
		DisableXAttrs: true,
	}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("serve the device: %w", err), k.close())
	}
	return k, nil
}

// close ends the service of the device. It must not be mounted.
func (k *disk) close() error { return unix.Unmount(k.folder, unix.MNT_DETACH) }

// mount puts the device, which has power, under a loop device of its own and
// mounts the ext4 on it.
func (k *disk) mount() error {
	// Not os.Open: its descriptor would be polled, which asks this process.
	file, err := unix.Open(filepath.Join(k.folder, diskName), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the device: %w", err)
	}
	defer unix.Close(file)
	loop, err := attach(file)
	if err != nil {
		return fmt.Errorf("attach a loop device: %w", err)
	}
	defer unix.Close(loop.fd)
	if err := unix.Mount(loop.path, k.at, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount ext4: %w", err)
	}
	return nil
}

// unmount unmounts the disk, with which its loop device goes.
func (k *disk) unmount() error {
	var err error
	for range 200 {
		if err = unix.Unmount(k.at, 0); err != unix.EBUSY {
			break
		}
		time.Sleep(10 * time.Millisecond) // a killed process may be still on its way out
	}
	if err != nil {
		return fmt.Errorf("unmount: %w", errors.Join(err, unix.Unmount(k.at, unix.MNT_DETACH)))
	}
	return nil
}

// loopDevice is held by its descriptor, and by what is mounted on it.
type loopDevice struct {
	fd   int
	path string
}

// attach finds a free loop device. Others may take it before.
func attach(file int) (loopDevice, error) {
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return loopDevice{}, err
	}
	defer unix.Close(control)
	for {
		number, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return loopDevice{}, err
		}
		loop := loopDevice{path: fmt.Sprintf("/dev/loop%d", number)}
		if loop.fd, err = unix.Open(loop.path, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return loopDevice{}, err
		}
		err = unix.IoctlLoopConfigure(loop.fd, &unix.LoopConfig{
			Fd:   uint32(file),
			Size: sectorSize,
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return loop, nil
		}
		unix.Close(loop.fd)
		if err != unix.EBUSY {
			return loopDevice{}, err
		}
	}
}

const diskName = "disk"

// root is the FUSE file system: one file, the device.
type root struct {
	fs.Inode
	device *device
}

func (r *root) OnAdd(ctx context.Context) {
	file := r.NewPersistentInode(ctx, &diskFile{device: r.device}, fs.StableAttr{Mode: syscall.S_IFREG})
	r.AddChild(diskName, file, true)
}

type diskFile struct {
	fs.Inode
	device *device
}

// Open gives a handle of the device's present life. Nothing is cached by the
// kernel.
func (f *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f.device.mu.Lock()
	defer f.device.mu.Unlock()
	return &handle{device: f.device, life: f.device.life}, fuse.FOPEN_DIRECT_IO, 0
}

func (f *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = syscall.S_IFREG|0o600, uint64(len(f.device.current))
	return 0
}

// handle is the device, from its opening until the power fails.
type handle struct {
	device *device
	life   int
}

func (h *handle) Read(_ context.Context, dest []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	n, err := h.device.readAt(h.life, dest, at)
	return fuse.ReadResultData(dest[:n]), errno(err)
}

func (h *handle) Write(_ context.Context, data []byte, at int64) (uint32, syscall.Errno) {
	err := h.device.writeAt(h.life, data, at)
	return uint32(len(data)), errno(err)
}

func (h *handle) Fsync(context.Context, uint32) syscall.Errno { return errno(h.device.flush(h.life)) }

func errno(err error) syscall.Errno {
	if err != nil {
		return syscall.EIO
	}
	return 0
}
