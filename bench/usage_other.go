//go:build !linux

package bench

import (
	"errors"
	"runtime"
	"time"
)

// ProcessUsage needs /proc.
func ProcessUsage(int) (Usage, error) {
	return Usage{}, errors.New("the use of another process is known on Linux only")
}

func ownUsage() Usage { return Usage{} }

func machineIdle() time.Duration { return 0 }

func descriptorLimit() uint64 { return 0 }

func machine() (cpu, kernel string, memory int64) { return "", runtime.GOOS, 0 }
