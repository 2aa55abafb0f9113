//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine describes what was measured on.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory"`
	Kernel    string `json:"kernel"`
	Go        string `json:"go"`
	Versions  string `json:"versions"`
	// Sync is the median time to write 4 KiB and make them durable, in milliseconds.
	Sync float64 `json:"sync_ms"`
	// revision is the commit that was measured, empty outside a git checkout.
	revision string
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores of %s, %d GiB, Linux %s", m.Cores, m.Processor, (m.Memory+1<<29)>>30, m.Kernel)
}

// describe looks at the machine.
func (m *machine) describe(ctx context.Context, python string) error {
	m.Cores, m.Go = runtime.NumCPU(), runtime.Version()
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(info) {
		if name, value, _ := strings.Cut(string(line), ":"); strings.TrimSpace(name) == "model name" {
			m.Processor = strings.TrimSpace(value)
			break
		}
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	// Without git the report lacks the commit, and nothing else. Results that were just written change nothing that is measured.
	if m.revision, err = output(ctx, "git", "describe", "--always", "--abbrev=12"); err != nil {
		m.revision = ""
	} else if changed, err := output(ctx, "git", "status", "--porcelain", "--", ".", ":!bench/results", ":!bench/RESULTS.md"); err == nil && changed != "" {
		m.revision += "-dirty"
	}
	m.Kernel = strings.TrimSpace(string(release))
	var system syscall.Sysinfo_t
	if err := syscall.Sysinfo(&system); err != nil {
		return err
	}
	m.Memory = int64(system.Totalram) * int64(system.Unit)
	m.Versions, err = output(ctx, python, "-c",
		"import platform, importlib.metadata as m; print(f'Python {platform.python_version()}, "+
			"mlflow {m.version(\"mlflow\")}, scikit-learn {m.version(\"scikit-learn\")}')")
	if err != nil {
		return err
	}
	sync, err := syncTime()
	m.Sync = milliseconds(sync)
	return err
}

// syncTime times durable writes, which bound what one connection can reach.
func syncTime() (time.Duration, error) {
	file, err := os.CreateTemp("", "cairn-bench-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, 4<<10)
	var times []float64
	for range 200 {
		began := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, err
		}
		if err := file.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began).Seconds())
	}
	return time.Duration(median(times) * float64(time.Second)), nil
}
