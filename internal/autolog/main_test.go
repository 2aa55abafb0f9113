package autolog

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cairnml/cairn/plugins/sdk"
)

// The test program plays every process: the adapter, by the name it is started under, the agent and the training, by its
// first argument.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "cairn-adapter-") {
		if os.Getenv("GORACE") == "" {
			// The race detector else waits a second at the end of every process; an adapter inherits no such setting.
			panic(syscall.Exec(os.Args[0], os.Args, append(os.Environ(), "GORACE=atexit_sleep_ms=0")))
		}
		sdk.Serve(fakeAdapter{})
		return
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "agent":
			os.Exit(agentMain(os.Args[2:]))
		case "training":
			os.Exit(trainingMain(os.Args[2:]))
		case "exec":
			os.Exit(execMain(os.Args[2:]))
		}
	}
	os.Exit(m.Run())
}

// execMain is what `cairn exec` does, of a training.
func execMain(steps []string) int {
	code, err := Exec(context.Background(), ExecOptions{
		Command: append([]string{os.Args[0], "training"}, steps...), Agent: []string{os.Args[0], "agent"}, NoDiff: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

// agentMain is what `cairn agent` does.
func agentMain(args []string) int {
	shippedDigests = os.Getenv("CAIRN_TEST_DIGESTS")
	options := AgentOptions{Log: os.Stderr, Stdin: os.Stdin, Stdout: os.Stdout}
	settings := defaultSettings()
	if limit, err := strconv.ParseInt(os.Getenv("CAIRN_TEST_MAX_SPOOL"), 10, 64); err == nil {
		settings.maxSpool = limit
	}
	if stall, err := time.ParseDuration(os.Getenv("CAIRN_TEST_STALL")); err == nil {
		settings.stall = stall
	}
	options.settings = settings
	if patience, err := time.ParseDuration(os.Getenv("CAIRN_TEST_PATIENCE")); err == nil {
		settings.patience = patience
	}
	for i, arg := range args {
		switch arg {
		case "--spool":
			options.Spool = args[i+1]
		case "--warning":
			options.Warning = args[i+1]
		case "--serve":
			options.Serve = true
		}
	}
	if once := os.Getenv("CAIRN_TEST_AGENT_DIES"); once != "" {
		if _, err := os.Stat(once); err != nil {
			watchForDeath(options.Spool, once)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := RunAgent(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// watchForDeath kills the agent with SIGKILL, or stops it, as soon as something of the training lies in its journal, once.
func watchForDeath(dir, marker string) {
	go func() {
		for {
			files, _ := filepath.Glob(filepath.Join(dir, "journal", journalPrefix+"*"))
			for _, file := range files {
				if data, err := os.ReadFile(file); err == nil && strings.Contains(string(data), `"kind":"die"`) {
					_ = os.WriteFile(marker, nil, 0o600)
					deadly := syscall.SIGKILL
					if os.Getenv("CAIRN_TEST_AGENT_STOPS") != "" {
						deadly = syscall.SIGSTOP
					}
					_ = syscall.Kill(os.Getpid(), deadly)
					return
				}
			}
		}
	}()
}

// trainingMain plays a training: each argument is a step.
func trainingMain(steps []string) int {
	t := &fakeTraining{}
	for _, step := range steps {
		name, argument, _ := strings.Cut(step, ":")
		switch name {
		case "out":
			fmt.Println(argument)
		case "err":
			fmt.Fprintln(os.Stderr, argument)
		case "raw":
			data, _ := hex.DecodeString(argument)
			_, _ = os.Stdout.Write(data)
		case "pid":
			fmt.Println(os.Getpid())
		case "echo":
			_, _ = io.Copy(os.Stdout, os.Stdin)
		case "env":
			fmt.Println(os.Getenv(argument))
		case "hello":
			if err := t.connect(os.Getenv("CAIRN_AGENT_SOCKET"), ""); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 99
			}
		case "resume":
			if err := t.connect(os.Getenv("CAIRN_AGENT_SOCKET"), t.welcome.Session); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 99
			}
			fmt.Println("accepted", t.welcome.Seq)
		case "import":
			t.send(map[string]any{"t": "import", "module": "fake.base", "version": argument})
			<-t.hooks
		case "obs":
			kind, rest, _ := strings.Cut(argument, ":")
			fit, payload, _ := strings.Cut(rest, ":")
			t.observe(kind, fit, payload)
		case "bulk":
			size, _ := strconv.Atoi(argument)
			t.observe("nothing", "f1", `{"text":"`+strings.Repeat("x", size)+`"}`)
		case "file":
			path := filepath.Join(t.filesDir, "note")
			_ = os.WriteFile(path, []byte(argument), 0o600)
			t.seq++
			t.send(map[string]any{"t": "obs", "seq": t.seq, "adapter": "fake", "kind": "file", "time_ms": 1700000000000, "files": map[string]string{"note": path}})
		case "msg":
			var m map[string]any
			_ = json.Unmarshal([]byte(argument), &m)
			if _, ok := m["seq"]; ok {
				t.seq++
				m["seq"] = t.seq
			}
			t.send(m)
		case "wait":
			t.await()
		case "gone":
			for range t.acked {
			}
		case "bye":
			t.send(map[string]any{"t": "bye", "dropped": 0})
			_ = t.conn.Close()
		case "die":
			number, _ := strconv.Atoi(argument)
			_ = syscall.Kill(os.Getpid(), syscall.Signal(number))
			select {}
		case "block":
			signals := make(chan os.Signal, 1)
			signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
			fmt.Println("blocking")
			fmt.Println("got", <-signals)
		case "exit":
			code, _ := strconv.Atoi(argument)
			return code
		}
	}
	return 0
}

// fakeTraining is the bootstrap's end of the socket.
type fakeTraining struct {
	conn     net.Conn
	filesDir string
	welcome  reply
	seq      uint64

	mu    sync.Mutex
	last  uint64
	acked chan struct{}
	hooks chan reply
}

func (t *fakeTraining) connect(socket, resume string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	t.conn = conn
	hooks, acked := make(chan reply, 10), make(chan struct{}, 1)
	t.hooks, t.acked = hooks, acked
	t.send(map[string]any{"t": "hello", "proto": 1, "pid": os.Getpid(), "python": "3.11.7", "main": "train.py", "resume": resume})
	reader := bufio.NewReader(conn)
	if err := readMessage(reader, &t.welcome); err != nil || t.welcome.T != "welcome" {
		return fmt.Errorf("no welcome but %q %q: %w", t.welcome.T, t.welcome.Why, err)
	}
	t.filesDir = t.welcome.FilesDir
	go func() {
		defer close(hooks)
		defer close(acked)
		for {
			var r reply
			if readMessage(reader, &r) != nil {
				return
			}
			switch r.T {
			case "hook", "nohook":
				hooks <- r
			case "ack":
				t.mu.Lock()
				t.last = r.Seq
				t.mu.Unlock()
				select {
				case acked <- struct{}{}:
				default:
				}
			}
		}
	}()
	return nil
}

func (t *fakeTraining) send(m any) { _ = writeMessage(t.conn, m) }

func (t *fakeTraining) observe(kind, fit, payload string) {
	t.seq++
	if payload == "" {
		payload = "{}"
	}
	t.send(map[string]any{"t": "obs", "seq": t.seq, "adapter": "fake", "kind": kind, "time_ms": 1700000000000 + t.seq, "fit": fit,
		"payload": json.RawMessage(payload)})
}

// await returns when everything that was sent is acknowledged, or the agent is gone.
func (t *fakeTraining) await() {
	for {
		t.mu.Lock()
		last := t.last
		t.mu.Unlock()
		if last >= t.seq {
			return
		}
		if _, ok := <-t.acked; !ok {
			return
		}
	}
}

// fakeAdapter records what it is told to, and dies when it is told to.
type fakeAdapter struct{}

func (fakeAdapter) Describe() sdk.Description {
	return sdk.Description{Name: "fake", Version: "1.0.0", Modules: []string{"fake.base"}, Distribution: "fake",
		FrameworkRange: ">=1,<2", HookFiles: fstest.MapFS{
			"hook/__init__.py": {Data: []byte("def install(cairn): pass\n")}, "hook/more.py": {Data: []byte("x = 1\n")}}}
}

func (fakeAdapter) NewSession(info sdk.SessionInfo) sdk.Session { return &fakeSession{info: info} }

type fakeSession struct {
	info sdk.SessionInfo
	seen int
}

func (s *fakeSession) Observe(o sdk.Observation) ([]sdk.Record, error) {
	s.seen++
	var p struct {
		Key   string    `json:"key"`
		Value sdk.Float `json:"value"`
		Step  int64     `json:"step"`
		Text  string    `json:"text"`
		Once  string    `json:"once"`
	}
	if err := o.Decode(&p); err != nil {
		return nil, err
	}
	switch o.Kind {
	case "param":
		return []sdk.Record{sdk.Param{Key: p.Key, Value: p.Text}}, nil
	case "metric":
		return []sdk.Record{sdk.Metric{Key: p.Key, Value: float64(p.Value), Step: p.Step, Model: p.Text}}, nil
	case "seen":
		return []sdk.Record{sdk.Metric{Key: "seen", Value: float64(s.seen)}}, nil
	case "child":
		return []sdk.Record{
			sdk.ChildRun{Run: "c", Name: "candidate"}, sdk.Param{Run: "c", Key: "depth", Value: "3"},
			sdk.Metric{Run: "c", Key: "score", Value: 0.5}, sdk.ChildEnd{Run: "c", Status: sdk.Finished},
		}, nil
	case "model":
		var metrics []string
		if p.Key != "" {
			metrics = strings.Split(p.Key, " ")
		}
		return []sdk.Record{sdk.Model{Name: "model", Type: "fake", Metrics: metrics, Files: []sdk.File{
			{Path: "MLmodel", Data: []byte("run_id: " + sdk.RunIDPlaceholder + "\nmodel_id: " + sdk.ModelIDPlaceholder + "\n")},
			{Path: "data/weights.bin", Data: make([]byte, 1000)},
		}, Params: map[string]string{"a": "1"}}, sdk.Metric{Key: "beside", Value: 7}}, nil
	case "dataset":
		return []sdk.Record{sdk.Dataset{Name: "X_train", Digest: "d1", SourceType: "code", Source: "{}", Context: "training"}}, nil
	case "file":
		return []sdk.Record{sdk.File{Path: "notes/a.txt", Source: o.Files["note"]}}, nil
	case "steal":
		return []sdk.Record{sdk.File{Path: "stolen.txt", Source: p.Text}}, nil
	case "escape":
		return []sdk.Record{sdk.File{Path: "../out.txt", Data: []byte("x")}}, nil
	case "bulk":
		var records []sdk.Record
		for i := range int64(p.Value) {
			records = append(records, sdk.Metric{Key: "loss", Value: float64(i), Step: i})
		}
		return records, nil
	case "crash":
		if p.Once == "" {
			os.Exit(3)
		}
		if _, err := os.Stat(p.Once); err != nil {
			_ = os.WriteFile(p.Once, nil, 0o600)
			os.Exit(3)
		}
	case "hang":
		select {}
	case "die":
		// The agent, which sees this in its journal, does not get to its end before it dies: its next one gets the answer.
		if _, err := os.Stat(p.Once); err != nil {
			select {}
		}
	case "stop":
		// Once: the next start goes on.
		if _, err := os.Stat(p.Once); err != nil {
			_ = os.WriteFile(p.Once, nil, 0o600)
			_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
			select {} // the signal may take a moment to reach every thread
		}
	}
	return nil, nil
}

func (s *fakeSession) Close() ([]sdk.Record, error) {
	return []sdk.Record{sdk.Tag{Key: "closed", Value: strconv.Itoa(s.seen)}}, nil
}

// testHome gives a test a home, a cache and an installed fake adapter of its own.
func testHome(t *testing.T, server string) string {
	t.Helper()
	home := t.TempDir()
	adapters := filepath.Join(home, "adapters")
	digest := installFake(t, adapters)
	for name, value := range map[string]string{
		"CAIRN_HOME": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "CAIRN_ADAPTERS": adapters, "CAIRN_SERVER": server,
		"CAIRN_TEST_DIGESTS": "fake=" + digest, "MLFLOW_TRACKING_URI": "", "MLFLOW_TRACKING_TOKEN": "", "CAIRN_TOKEN": "",
		"MLFLOW_EXPERIMENT_NAME": "", "CAIRN_AGENT_SOCKET": "",
		// The race detector else waits a second at the end of every process.
		"GORACE": "atexit_sleep_ms=0",
	} {
		t.Setenv(name, value)
	}
	return home
}

var testProgram = sync.OnceValues(func() (program, digest string) {
	program, err := os.Executable()
	if err != nil {
		panic(err)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(data)
	return program, hex.EncodeToString(sum[:])
})

func installFake(t *testing.T, dir string) string {
	t.Helper()
	program, digest := testProgram()
	target := filepath.Join(dir, "fake", "cairn-adapter-fake")
	require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o700))
	if os.Link(program, target) != nil {
		data, err := os.ReadFile(program)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(target, data, 0o700))
	}
	return digest
}
