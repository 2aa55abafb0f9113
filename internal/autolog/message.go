package autolog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cairnml/cairn/plugins/sdk"
)

// Bounds of the socket.
const (
	protocolVersion = 1
	// maxMessage bounds one message: a payload of 16 MiB and what stands around it.
	maxMessage = 20 << 20
	// maxConnections bounds the processes of one command that are recorded at once.
	maxConnections = 512
	maxString      = 64 << 10
)

// message is what a training or `cairn exec` sends. T says which members count.
type message struct {
	T string `json:"t"`

	// hello; also control, which is exec's.
	Proto      int      `json:"proto"`
	PID        int      `json:"pid"`
	PPID       int      `json:"ppid"`
	Python     string   `json:"python"`
	Executable string   `json:"executable"`
	Argv       []string `json:"argv"`
	Main       string   `json:"main"`
	Worker     bool     `json:"worker"`
	Resume     string   `json:"resume"`
	Token      string   `json:"token"`

	// import
	Module       string `json:"module"`
	Distribution string `json:"distribution"`
	Version      string `json:"version"`

	// obs
	Seq     uint64            `json:"seq"`
	Adapter string            `json:"adapter"`
	Kind    string            `json:"kind"`
	TimeMS  int64             `json:"time_ms"`
	Fit     string            `json:"fit"`
	Run     string            `json:"run"`
	Payload json.RawMessage   `json:"payload"`
	Files   map[string]string `json:"files"`

	// env
	Packages []string `json:"packages"`

	// code: source files that the process imported, absolute
	Imported []string `json:"imported"`

	// warn; unrecorded: for that reason nothing of the training is recorded
	Message    string `json:"message"`
	Unrecorded bool   `json:"unrecorded"`

	// bye
	Dropped int64 `json:"dropped"`

	// run, run.end, log, artifact: the user's own logging. Values are points of metrics at one step; the file of an artifact is
	// the one of Files, and Name its path.
	Name       string               `json:"name"`
	Experiment string               `json:"experiment"`
	Parent     string               `json:"parent"`
	Tags       map[string]string    `json:"tags"`
	Status     string               `json:"status"`
	Params     map[string]string    `json:"params"`
	Step       json.Number          `json:"step"`
	Values     map[string]sdk.Float `json:"values"`

	// output, finish: exec's
	Stream string `json:"stream"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// reply is what the agent sends.
type reply struct {
	T string `json:"t"`

	Proto    int               `json:"proto,omitempty"`
	RunID    string            `json:"run_id,omitempty"`
	ExecID   string            `json:"exec_id,omitempty"`
	Session  string            `json:"session,omitempty"`
	FilesDir string            `json:"files_dir,omitempty"`
	Modules  []string          `json:"modules,omitempty"`
	Options  map[string]string `json:"options,omitempty"`
	// Code asks for the source files that the process imports.
	Code bool `json:"code,omitempty"`

	Adapter string `json:"adapter,omitempty"`
	Module  string `json:"module,omitempty"`
	Source  string `json:"source,omitempty"`
	// Sources are of the modules beside the hook, by name.
	Sources map[string]string `json:"sources,omitempty"`
	SHA256  string            `json:"sha256,omitempty"`
	Why     string            `json:"why,omitempty"`

	// Seq is the last sequence that is durable: of an ack, and of a welcome to a session that goes on.
	Seq uint64 `json:"seq,omitempty"`

	Outcome *outcome `json:"outcome,omitempty"`
}

// outcome is how an agent ended.
type outcome struct {
	// Pending is how many records could not be delivered, and Why.
	Pending int    `json:"pending"`
	Why     string `json:"why,omitempty"`
	// Rejected is how many records the server refused for good.
	Rejected int `json:"rejected,omitempty"`
	// Dropped is how many did not fit into the spool.
	Dropped int64 `json:"dropped,omitempty"`
	// DroppedText says so, and why.
	DroppedText string `json:"droppedText,omitempty"`
	// Unrecorded says why a framework was not recorded at all.
	Unrecorded string `json:"unrecorded,omitempty"`
}

// writeMessage writes a value as one message.
func writeMessage(w io.Writer, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	if len(body) > maxMessage {
		return fmt.Errorf("message of %d bytes: at most %d", len(body), maxMessage)
	}
	out := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(out, uint32(len(body))) // bounded above
	if _, err := w.Write(append(out, body...)); err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

var errMessageTooLong = errors.New("message too long")

// readMessage reads one message into value. io.EOF at a clean end.
func readMessage(r io.Reader, value any) error {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("receive message: %w", err)
	}
	length := binary.BigEndian.Uint32(header[:])
	if length > maxMessage {
		return fmt.Errorf("%w: %d bytes; at most %d", errMessageTooLong, length, maxMessage)
	}
	// The length is the sender's claim: memory is taken as the bytes come.
	body, err := io.ReadAll(io.LimitReader(r, int64(length)))
	if err != nil {
		return fmt.Errorf("receive message: %w", err)
	}
	if len(body) < int(length) {
		return fmt.Errorf("receive message: %w", io.ErrUnexpectedEOF)
	}
	if err := json.Unmarshal(body, value); err != nil {
		return misread(body, err)
	}
	return nil
}

// misreadError is about a message that came whole, and whose content is not what it should be. Those after it can be read.
type misreadError struct {
	seq   uint64 // of the message, 0 where it has none that can be read
	cause error
}

func (e *misreadError) Error() string { return "decode message: " + e.cause.Error() }
func (e *misreadError) Unwrap() error { return e.cause }

func misread(body []byte, cause error) error {
	var numbered struct {
		Seq uint64 `json:"seq"`
	}
	if json.Unmarshal(body, &numbered) != nil {
		numbered.Seq = 0
	}
	return &misreadError{seq: numbered.Seq, cause: cause}
}
