package autolog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/cairnml/cairn/internal/errs"
	"github.com/cairnml/cairn/plugins/sdk"
	"github.com/cairnml/cairn/plugins/sdk/grpcplugin"
	autologv1 "github.com/cairnml/cairn/plugins/sdk/proto/autolog/v1"
)

const (
	adapterStartTimeout = 10 * time.Second
	// maxStarts is how often in a row an adapter is started without answering anything, before it is given up.
	maxStarts = 5
	// adapterEndTimeout is how long an adapter may take to end when it is asked to, before it is killed.
	adapterEndTimeout = 2 * time.Second
)

// adapterHost keeps one adapter's process: it is started when first needed, again when it died, and given up when it
// keeps dying. It is safe for concurrent use.
type adapterHost struct {
	file    adapterFile
	home    string
	tempDir string
	spawner *spawner
	log     *slog.Logger

	mu       sync.Mutex
	current  *adapterProcess
	starts   int // since it last answered
	gaveUp   error
	lastDown time.Time
	closed   bool
}

// adapterProcess is one start of an adapter.
type adapterProcess struct {
	client      *plugin.Client
	command     *exec.Cmd
	rpc         autologv1.AdapterClient
	description sdk.Description
	// hookModules are the modules beside the hook of the description, by name.
	hookModules map[string][]byte
	pid         int
}

var errHostClosed = errors.New("the agent is ending")

// get gives the running adapter, starting it where needed. An error is final: the adapter is not what was trusted, or it
// does not stay up.
func (h *adapterHost) get(ctx context.Context) (*adapterProcess, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.closed:
			return nil, errHostClosed
		case h.gaveUp != nil:
			return nil, h.gaveUp
		case h.current != nil:
			return h.current, nil
		case h.starts >= maxStarts:
			h.gaveUp = errs.New(errs.Unavailable, "the adapter %s ended %d times in a row and was given up", h.file.name, h.starts)
			return nil, h.gaveUp
		}
		if err := h.backOff(ctx); err != nil {
			return nil, err
		}
		h.starts++
		process, err := h.start(ctx)
		if err == nil {
			h.current = process
			h.log.Debug("adapter started", "adapter", h.file.name, "pid", process.pid)
			return process, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("start adapter: %w", ctx.Err())
		}
		h.log.Warn("adapter did not start", "adapter", h.file.name, "error", err)
		h.lastDown = time.Now()
		if errs.KindOf(err) != errs.Internal {
			h.gaveUp = err
			return nil, err
		}
	}
}

// backOff waits before a restart: not at all before the first, then 100 ms, 200 ms, … after the process ended.
func (h *adapterHost) backOff(ctx context.Context) error {
	if h.starts == 0 {
		return nil
	}
	wait := time.Until(h.lastDown.Add(100 * time.Millisecond << (h.starts - 1)))
	if wait <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("start adapter: %w", ctx.Err())
	case <-time.After(wait):
		return nil
	}
}

func (h *adapterHost) start(ctx context.Context) (*adapterProcess, error) {
	if h.file.path == "" {
		return nil, h.file.verify()
	}
	checksum, err := hex.DecodeString(h.file.digest)
	if err != nil || len(checksum) != sha256.Size {
		return nil, errs.New(errs.Invalid, "the digest of the adapter %s is damaged in this program: %s", h.file.name, reinstall)
	}
	command := exec.Command(h.file.path) //nolint:gosec,noctx // its digest is checked before it is started; the host ends it
	command.Env = adapterEnvironment()
	dieWithParent(command)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: grpcplugin.Handshake, VersionedPlugins: grpcplugin.Plugins(nil),
		Cmd: command, SecureConfig: &plugin.SecureConfig{Checksum: checksum, Hash: sha256.New()},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, SkipHostEnv: true,
		StartTimeout: adapterStartTimeout, GRPCDialOptions: grpcplugin.DialOptions(),
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: h.tempDir},
		Logger:           hclog.New(&hclog.LoggerOptions{Name: h.file.name, Level: hclog.Warn, Output: logWriter{h.log}, JSONFormat: false}),
	})
	var protocol plugin.ClientProtocol
	// Also on this thread: everything that go-plugin starts.
	h.spawner.do(func() { protocol, err = client.Client() })
	if err != nil {
		endAdapter(client, command, 0)
		if errors.Is(err, plugin.ErrChecksumsDoNotMatch) {
			if mismatch := h.file.verify(); mismatch != nil {
				return nil, mismatch
			}
		}
		return nil, fmt.Errorf("start adapter %s: %w", h.file.name, err)
	}
	process, err := h.handshake(ctx, client, protocol)
	if err != nil {
		endAdapter(client, command, 0)
		return nil, err
	}
	process.command = command
	return process, nil
}

func (h *adapterHost) handshake(ctx context.Context, client *plugin.Client, protocol plugin.ClientProtocol) (*adapterProcess, error) {
	raw, err := protocol.Dispense(grpcplugin.Name)
	if err != nil {
		return nil, fmt.Errorf("reach adapter %s: %w", h.file.name, err)
	}
	rpc, ok := raw.(autologv1.AdapterClient)
	if !ok {
		return nil, fmt.Errorf("reach adapter %s: unexpected %T", h.file.name, raw)
	}
	ctx, cancel := context.WithTimeout(ctx, adapterStartTimeout)
	defer cancel()
	answer, err := rpc.Describe(ctx, &autologv1.DescribeRequest{})
	if err != nil {
		return nil, fmt.Errorf("describe adapter %s: %w", h.file.name, err)
	}
	d := sdk.Description{
		Name: answer.GetName(), Version: answer.GetVersion(), Modules: answer.GetModules(), Distribution: answer.GetDistribution(),
		FrameworkRange: answer.GetFrameworkRange(), Hook: answer.GetHook(),
	}
	if err := d.Validate(); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "the adapter %s is not usable: %v", h.file.name, err)
	}
	if err := writeDescription(h.home, h.file.digest, describe(d)); err != nil {
		h.log.Warn("adapter's description was not kept", "adapter", h.file.name, "error", err)
	}
	process := &adapterProcess{client: client, rpc: rpc, description: d, hookModules: answer.GetHookModules()}
	_, _ = fmt.Sscan(client.ID(), &process.pid)
	return process, nil
}

// answered says that the adapter works: its next death is a first one.
func (h *adapterHost) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.starts = min(h.starts, 1)
}

// discard kills a process that failed, so that the next get starts another. Several may discard the same one.
func (h *adapterHost) discard(process *adapterProcess) {
	h.mu.Lock()
	if h.current == process {
		h.current = nil
		h.lastDown = time.Now()
	}
	h.mu.Unlock()
	endAdapter(process.client, process.command, 0)
}

// close ends the adapter for good.
func (h *adapterHost) close() {
	h.mu.Lock()
	h.closed = true
	last := h.current
	h.current = nil
	h.mu.Unlock()
	if last != nil {
		endAdapter(last.client, last.command, adapterEndTimeout)
	}
}

// endAdapter asks a process to end and kills it when it has not after a while; without a while it is killed at once.
// go-plugin alone would wait forever for a process that is stopped: such a one neither answers the question nor ends.
func endAdapter(client *plugin.Client, command *exec.Cmd, grace time.Duration) {
	kill := func() {
		if command.Process != nil {
			_ = command.Process.Kill() // the only error is that it has ended
		}
	}
	if grace == 0 {
		kill()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		client.Kill()
	}()
	select {
	case <-ended:
	case <-time.After(grace):
		kill()
		<-ended
	}
}

// adapterEnvironment is all that an adapter sees of the environment: nothing of the user's but where temporary files go.
func adapterEnvironment() []string {
	env := []string{"LANG=C.UTF-8", "TMPDIR=" + os.TempDir()}
	if runtime.GOOS == "windows" {
		env = append(env, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"), "TEMP="+os.TempDir(), "TMP="+os.TempDir())
	}
	return env
}

// logWriter sends go-plugin's and the adapters' lines to the agent's log.
type logWriter struct{ log *slog.Logger }

func (w logWriter) Write(line []byte) (int, error) {
	w.log.Warn("adapter", "line", truncate(string(bytes.TrimSpace(line)), 2000))
	return len(line), nil
}
