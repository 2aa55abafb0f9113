package autolog

import (
	"encoding/json"
	"fmt"
)

// entry is a frame of the journal: exactly one of its members is set.
type entry struct {
	Session     *sessionEntry     `json:"session,omitempty"`
	Observation *observationEntry `json:"obs,omitempty"`
	Ops         *opsEntry         `json:"ops,omitempty"`
	Facts       *factsEntry       `json:"facts,omitempty"`
	Bye         *byeEntry         `json:"bye,omitempty"`
	End         *endEntry         `json:"end,omitempty"`
}

// sessionEntry begins a training process.
type sessionEntry struct {
	ID     string `json:"id"`
	PID    int    `json:"pid"`
	Python string `json:"python"`
	Main   string `json:"main,omitempty"`
	Worker bool   `json:"worker,omitempty"`
}

// observationEntry is an observation that waits for its adapter. Run is where its fit writes, decided when it came.
type observationEntry struct {
	Session  string            `json:"session"`
	Adapter  string            `json:"adapter"`
	Sequence uint64            `json:"seq"`
	Kind     string            `json:"kind"`
	TimeMS   int64             `json:"time_ms"`
	Fit      string            `json:"fit,omitempty"`
	Run      string            `json:"run"`
	Payload  json.RawMessage   `json:"payload,omitempty"`
	Files    map[string]string `json:"files,omitempty"`
}

// opsEntry is something to deliver, and whose observation it answers. Both are one frame, so that a crash cannot come
// between the records and the mark that they were made.
type opsEntry struct {
	Session  string `json:"session,omitempty"`
	Adapter  string `json:"adapter,omitempty"`
	Sequence uint64 `json:"seq,omitempty"`
	// Answered is true when it answers the observation Sequence of Adapter.
	Answered bool `json:"answered,omitempty"`
	// Skipped is the number, from 1, of the adapter's observation that it will not be sent again.
	Skipped int `json:"skipped,omitempty"`
	// Closed is true when it is the last of the adapter for the session. GaveUp says why it came before the session's end.
	Closed bool   `json:"closed,omitempty"`
	GaveUp string `json:"gave_up,omitempty"`
	Ops    []op   `json:"ops,omitempty"`
}

// factsEntry is what a training process said of itself, or what the agent found out about the command.
type factsEntry struct {
	Session  string         `json:"session,omitempty"`
	Packages []string       `json:"packages,omitempty"`
	Command  *commandOrigin `json:"command,omitempty"`
	// Untracked is an untracked source file that a process imported.
	Untracked *untrackedFile `json:"untracked,omitempty"`
}

// commandOrigin is where and on what a command ran.
type commandOrigin struct {
	Code      *codeFacts     `json:"code,omitempty"`
	Hardware  *hardwareFacts `json:"hardware,omitempty"`
	Directory string         `json:"directory"`
}

// byeEntry ends a training process; Clean is false when it broke off.
type byeEntry struct {
	Session string `json:"session"`
	Clean   bool   `json:"clean"`
	Dropped int64  `json:"dropped,omitempty"`
}

// endEntry ends the command.
type endEntry struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	EndMS  int64  `json:"end_ms"`
}

// indispensable tells whether an entry is one of the few small ones for which room is kept on a disk that gets full: which
// processes there were, and how the runs and the command ended. Finishing says that the command has ended: what is said of a run
// then is among them.
func (e entry) indispensable(finishing bool) bool {
	if e.Ops == nil {
		return e.Session != nil || e.Bye != nil || e.End != nil
	}
	for _, o := range e.Ops.Ops {
		if o.Kind != opFinishRun && (!finishing || o.Kind != opTag) {
			return false
		}
	}
	return len(e.Ops.Ops) > 0
}

func (e entry) encode() ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode journal entry: %w", err)
	}
	return payload, nil
}

func decodeEntry(payload []byte) (entry, error) {
	var e entry
	if err := json.Unmarshal(payload, &e); err != nil {
		return entry{}, fmt.Errorf("decode journal entry: %w", err)
	}
	return e, nil
}
