package autolog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
)

// fingerprint is what the agent knows of how a run could be repeated. Each part has a hash of its own, so that two runs can
// be compared part by part.
type fingerprint struct {
	Code         *codeFacts        `json:"code,omitempty"`
	Data         []dataFact        `json:"data,omitempty"`
	Dependencies *dependencies     `json:"dependencies,omitempty"`
	Seeds        map[string]string `json:"seeds,omitempty"`
	Command      *commandFacts     `json:"command,omitempty"`
	Hardware     *hardwareFacts    `json:"hardware,omitempty"`
	// Environment says how the environment was made. It has no hash: what is in it are the dependencies.
	Environment *environmentFacts `json:"environment,omitempty"`
}

// environmentFacts are of the environment that was built for a project; LockSHA256 is of the artifact cairn/environment.lock.
type environmentFacts struct {
	Manager    string `json:"manager"`
	LockSHA256 string `json:"lock_sha256,omitempty"`
}

type codeFacts struct {
	Commit     string `json:"commit,omitempty"`
	Branch     string `json:"branch,omitempty"`
	Repository string `json:"repository,omitempty"`
	// Dirty is true when anything differs from the commit, also files that the run has nothing to do with.
	Dirty bool `json:"dirty"`
	// Unrecorded is true when the commit and the diff are not all of the code.
	Unrecorded bool `json:"unrecorded,omitempty"`
	// DiffSHA256 is of the artifact cairn/code.diff.
	DiffSHA256 string `json:"diff_sha256,omitempty"`
}

type dataFact struct {
	Name    string `json:"name"`
	Digest  string `json:"digest"`
	Context string `json:"context,omitempty"`
}

type dependencies struct {
	Python   string   `json:"python,omitempty"`
	Packages []string `json:"packages,omitempty"`
}

type commandFacts struct {
	// Argv is the command line, secrets masked.
	Argv []string `json:"argv"`
	// Directory is relative to the root of the repository, where there is one.
	Directory string `json:"directory"`
}

type hardwareFacts struct {
	OS       string   `json:"os"`
	Arch     string   `json:"arch"`
	CPU      string   `json:"cpu,omitempty"`
	Cores    int      `json:"cores"`
	MemoryMB int64    `json:"memory_mb,omitempty"`
	GPUs     []string `json:"gpus,omitempty"`
}

// hashes are those of the parts; empty for a part that is not known.
func (f *fingerprint) hashes() (code, data, dependencies, seeds, command, hardware string) {
	if f.Code != nil {
		// The same code on another branch, in another clone or beside other files is the same code.
		code = hashOf(codeFacts{Commit: f.Code.Commit, DiffSHA256: f.Code.DiffSHA256, Unrecorded: f.Code.Unrecorded})
	}
	if len(f.Data) > 0 {
		sorted := slices.Clone(f.Data)
		slices.SortFunc(sorted, func(a, b dataFact) int {
			return strings.Compare(a.Digest+"\x00"+a.Name+"\x00"+a.Context, b.Digest+"\x00"+b.Name+"\x00"+b.Context)
		})
		data = hashOf(slices.Compact(sorted))
	}
	if f.Dependencies != nil {
		dependencies = hashOf(f.Dependencies)
	}
	if len(f.Seeds) > 0 {
		seeds = hashOf(f.Seeds)
	}
	if f.Command != nil {
		command = hashOf(f.Command)
	}
	if f.Hardware != nil {
		hardware = hashOf(f.Hardware)
	}
	return code, data, dependencies, seeds, command, hardware
}

// hashOf is the SHA-256 of a value's JSON, which Go writes the same way every time: members in order, keys of maps sorted.
func hashOf(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}
