package autolog

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Config is what an agent records a command under. It lies in the spool, so it holds no credential.
type Config struct {
	Version int    `json:"version"`
	Server  string `json:"server"`
	ExecID  string `json:"exec_id"`
	RunID   string `json:"run_id"`
	// RunName is the user's; empty when the server shall make one up.
	RunName    string            `json:"run_name,omitempty"`
	Experiment string            `json:"experiment"`
	Tags       map[string]string `json:"tags,omitempty"`
	User       string            `json:"user"`
	// Argv is the command line, secrets masked; empty for a notebook.
	Argv       []string          `json:"argv,omitempty"`
	SourceName string            `json:"source_name,omitempty"`
	Directory  string            `json:"directory"`
	StartMS    int64             `json:"start_ms"`
	NoDiff     bool              `json:"no_diff,omitempty"`
	Options    map[string]string `json:"options,omitempty"`
	// Lazy is true when the run is opened by what is first recorded in it, as in a notebook.
	Lazy bool `json:"lazy,omitempty"`

	// Of a project's run: the run that it was started in, its params, how its environment was made, and the SHA-256 of the lock,
	// which lies beside this file. SourceType is LOCAL when empty.
	Parent     string            `json:"parent,omitempty"`
	SourceType string            `json:"source_type,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
	Manager    string            `json:"manager,omitempty"`
	LockSHA256 string            `json:"lock_sha256,omitempty"`
}

const (
	configVersion     = 1
	configFile        = "exec.json"
	environmentLock   = "environment.lock"
	defaultExperiment = "Default"
)

// newID gives 32 random hex digits.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program where there is no randomness
	return hex.EncodeToString(id[:])
}

// Home is the directory of the agent's state: CAIRN_HOME, else cairn below XDG_STATE_HOME, else ~/.local/state/cairn
// (%LocalAppData%\cairn on Windows).
func Home() (string, error) {
	if home := os.Getenv("CAIRN_HOME"); home != "" {
		return absolute(home)
	}
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "cairn"), nil
	}
	if local := os.Getenv("LocalAppData"); runtime.GOOS == "windows" && local != "" {
		return filepath.Join(local, "cairn"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home directory (set CAIRN_HOME): %w", err)
	}
	return filepath.Join(home, ".local", "state", "cairn"), nil
}

func absolute(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("make %s absolute: %w", path, err)
	}
	return path, nil
}

// spoolRoot is where the spools of all commands lie.
func spoolRoot(home string) string { return filepath.Join(home, "spool") }

func writeConfig(dir string, config Config) error {
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", configFile, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make spool: %w", err)
	}
	next := filepath.Join(dir, configFile+".new")
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", configFile, err)
	}
	if err := os.Rename(next, filepath.Join(dir, configFile)); err != nil {
		return fmt.Errorf("write %s: %w", configFile, err)
	}
	return nil
}

func readConfig(dir string) (Config, error) {
	data, err := os.ReadFile(filepath.Join(dir, configFile)) //nolint:gosec // below the agent's own spool
	if err != nil {
		return Config{}, fmt.Errorf("read spool: %w", err)
	}
	var config Config
	if err := json.Unmarshal(data, &config); err != nil {
		return Config{}, fmt.Errorf("read %s: %w", configFile, err)
	}
	if config.Version != configVersion {
		return Config{}, fmt.Errorf("spool %s has the version %d, this program reads %d: use the cairn that wrote it", dir, config.Version, configVersion)
	}
	if !runIDPattern.MatchString(config.ExecID) || !runIDPattern.MatchString(config.RunID) {
		return Config{}, fmt.Errorf("spool %s: its ids are damaged", dir)
	}
	return config, nil
}
