package autolog

import (
	"context"
	"log/slog"
	"os"

	"github.com/cairnml/cairn/internal/errs"
)

// AdapterStatus is an adapter of this program.
type AdapterStatus struct {
	Name string `json:"name"`
	// Version, Modules, Distribution and FrameworkRange are the adapter's own words; empty when it cannot be started.
	Version        string   `json:"version,omitempty"`
	Modules        []string `json:"modules,omitempty"`
	Distribution   string   `json:"distribution,omitempty"`
	FrameworkRange string   `json:"frameworkRange,omitempty"`
	// Path is where it lies; empty when it is not installed.
	Path string `json:"path,omitempty"`
	// SHA256 is what it must have.
	SHA256 string `json:"sha256"`
	// Problem says what keeps it from being used, and what to do; empty when nothing does.
	Problem string `json:"problem,omitempty"`
}

// ListAdapters gives the adapters of this program by name. Each is checked against its digest and started once to ask
// what it is, unless that is known from before.
func ListAdapters(ctx context.Context) ([]AdapterStatus, error) {
	return listAdapters(ctx, defaultSettings())
}

// VerifyAdapters checks the digest of every adapter of this program, and that it starts and answers. The error, of kind
// Conflict, names the first that does not.
func VerifyAdapters(ctx context.Context) ([]AdapterStatus, error) {
	return verifyAdapters(ctx, defaultSettings())
}

func listAdapters(ctx context.Context, settings *agentSettings) ([]AdapterStatus, error) {
	return inspect(ctx, settings, false)
}

func verifyAdapters(ctx context.Context, settings *agentSettings) ([]AdapterStatus, error) {
	list, err := inspect(ctx, settings, true)
	if err != nil {
		return nil, err
	}
	for _, adapter := range list {
		if adapter.Problem != "" {
			return list, errs.New(errs.Conflict, "%s", adapter.Problem)
		}
	}
	return list, nil
}

func inspect(ctx context.Context, settings *agentSettings, start bool) ([]AdapterStatus, error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "cairn-")
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "a temporary directory cannot be made: %v", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	spawner := newSpawner()
	defer spawner.close()
	list := []AdapterStatus{}
	for _, file := range findAdapters(settings.dirs, settings.trusted) {
		status := AdapterStatus{Name: file.name, Path: file.path, SHA256: file.digest}
		host := &adapterHost{file: file, home: home, tempDir: temp, spawner: spawner, log: slog.New(slog.DiscardHandler)}
		d, err := inspectOne(ctx, host, start)
		host.close()
		if err != nil {
			status.Problem = err.Error()
		}
		status.Version, status.Modules, status.Distribution, status.FrameworkRange = d.Version, d.Modules, d.Distribution, d.FrameworkRange
		list = append(list, status)
	}
	return list, nil
}

func inspectOne(ctx context.Context, host *adapterHost, start bool) (description, error) {
	if err := host.file.verify(); err != nil {
		return description{}, err
	}
	if known, err := readDescription(host.home, host.file.digest); err == nil && !start {
		return known, nil
	}
	process, err := host.get(ctx)
	if err != nil {
		return description{}, err
	}
	return describe(process.description), nil
}
