package sdk

import (
	"fmt"
	"io/fs"
	"regexp"
)

// Adapter turns what a hook observes in trainings into records. One Adapter serves all training processes of a machine's
// agent, so its methods are called concurrently.
type Adapter interface {
	// Describe says what the adapter is. It is called once after each start and always gives the same answer.
	Describe() Description
	// NewSession begins a training process.
	NewSession(SessionInfo) Session
}

// Session turns the observations of one training process into records. Its methods are called from one goroutine, in the
// order of the observations. It must be a pure function of what it is sent: after a crash the agent replays the
// observations of the process to a new Session and drops the records that it has already.
type Session interface {
	// Observe gives the records that follow from an observation, which may be none. An error is shown as a warning on the
	// run; records given beside it are kept, and the session goes on.
	Observe(Observation) ([]Record, error)
	// Close gives what the session had kept to its end. Nothing is called after it.
	Close() ([]Record, error)
}

// Description says what an adapter is.
type Description struct {
	// Name is the adapter's, [a-z][a-z0-9_-]{0,63}; for example "sklearn".
	Name string
	// Version is the adapter's, by semantic versioning.
	Version string
	// Modules are the Python modules whose import makes the hook load; for example "sklearn.base".
	Modules []string
	// Distribution is the Python distribution whose version is checked; for example "scikit-learn".
	Distribution string
	// FrameworkRange is a PEP 440 specifier of the versions that the adapter was tested with. Outside it the adapter still
	// runs, and the run says so.
	FrameworkRange string
	// Hook is Python source that defines install(cairn): a hook of one file.
	Hook []byte
	// HookFiles has the hook of several files, instead: a directory with an __init__.py, which defines install(cairn), and
	// further modules, as a variable with `//go:embed hook/*.py` holds it. See "Hooks" in the package's documentation.
	HookFiles fs.FS
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// Validate tells what is wrong with a description.
func (d Description) Validate() error {
	switch {
	case !namePattern.MatchString(d.Name):
		return fmt.Errorf("adapter name %q: must match %s", d.Name, namePattern)
	case d.Version == "":
		return fmt.Errorf("adapter %s: version is missing", d.Name)
	case len(d.Modules) == 0:
		return fmt.Errorf("adapter %s: names no module to watch for", d.Name)
	}
	if _, err := d.hook(); err != nil {
		return fmt.Errorf("adapter %s: %w", d.Name, err)
	}
	return nil
}

// SessionInfo is what is known of a training process.
type SessionInfo struct {
	// PythonVersion is like "3.11.7".
	PythonVersion string
	// Distribution and FrameworkVersion are those of the framework; the version is empty when it could not be read.
	Distribution, FrameworkVersion string
	// FilesDir is the directory in which the files of observations lie.
	FilesDir string
	// Options are the user's for autologging.
	Options map[string]string
}
