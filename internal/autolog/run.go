package autolog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"sync"
	"time"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/errs"
)

// AgentOptions say what an agent records.
type AgentOptions struct {
	// Spool is the directory that `cairn exec` made for the command. Not used with Serve.
	Spool string
	// Serve makes an agent without a command, for notebooks: it makes its own socket, tells it in one line of JSON on
	// Stdout, and ends when Stdin does and no training is connected.
	Serve bool
	// Server, Experiment and RunName are those of an agent with Serve; empty ones have the same defaults as for `cairn exec`.
	Server, Experiment, RunName string
	// Choices are those of an agent with Serve.
	Choices Choices
	// Warning is shown on the run: what exec knows of the agent before this one. Empty for none.
	Warning string
	// Stdin ends when `cairn exec` or the notebook does.
	Stdin  io.Reader
	Stdout io.Writer
	// Log gets the agent's own log; nil for none.
	Log io.Writer

	settings *agentSettings // of tests
}

// ending is how long the last delivery may take when it is making progress, and triesAtEnd how many attempts may fail in a
// row before what is left stays in the spool.
const (
	ending     = 30 * time.Minute
	triesAtEnd = 2
)

// RunAgent is the hidden command `cairn agent`: it records one command until the command ended, delivers or spools the
// rest, and returns. Everything that it started has ended by then.
func RunAgent(ctx context.Context, options AgentOptions) error {
	log := slog.New(slog.DiscardHandler)
	if options.Log != nil {
		log = slog.New(slog.NewTextHandler(options.Log, &slog.HandlerOptions{Level: logLevel()}))
	}
	home, err := Home()
	if err != nil {
		return err
	}
	var listener net.Listener
	dir := options.Spool
	if options.Serve {
		if dir, listener, err = newServeSpool(home, options); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(filepath.Dir(listener.Addr().String())) }()
	} else if listener, err = inheritedListener(); err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	unlock, err := lockSpool(dir)
	if err != nil {
		return err
	}
	defer unlock()
	config, err := readConfig(dir)
	if err != nil {
		return err
	}
	settings := options.settings
	if settings == nil {
		settings = defaultSettings()
	}
	settings.tempDir = filepath.Dir(listener.Addr().String())
	a, err := newAgent(dir, home, config, *settings, log)
	if err != nil {
		return err
	}
	if options.Warning != "" {
		a.warn(config.RunID, options.Warning)
	}
	return a.serve(ctx, listener, options, unlock)
}

func defaultSettings() *agentSettings {
	return &agentSettings{
		server: client.FromEnvironment(""), maxSpool: defaultMaxSpool, dirs: adapterDirs(), trusted: trustedDigests(), stall: stallTimeout,
		patience: adaptersTimeout,
	}
}

func logLevel() slog.Level {
	if os.Getenv("CAIRN_DEBUG") != "" {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// serve records until the command ended, and ends everything. It gives the spool free before it says that it is done.
func (a *agent) serve(ctx context.Context, listener net.Listener, options AgentOptions, unlock func()) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.pumpCtx = work
	if !a.config.Lazy {
		if err := a.begin(); err != nil {
			a.closeHosts()
			return errors.Join(err, a.closeSpool())
		}
	}
	var running sync.WaitGroup
	uploading, stopUpload := context.WithCancel(work)
	defer stopUpload()
	running.Go(func() {
		if err := a.uploader.run(uploading); err != nil {
			a.log.Error("the uploader ended", "error", err)
		}
	})
	running.Go(func() { a.heartbeat(uploading) })
	running.Go(func() { a.uploader.keepAlive(uploading, heartbeatEvery, a.concluded) })
	origin := a.findOrigin(work)
	a.resumePumps()

	in := newIntake(a)
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		in.serve(listener)
	}()
	if a.state.end != nil {
		in.finished <- *a.state.end // told to an agent before this one
	}
	if options.Serve {
		a.tellSocket(listener, options)
	}
	// Ends with the process: a read of standard input cannot be called back.
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, options.Stdin)
	}()
	end, told := a.awaitEnd(ctx, in, gone)
	if told {
		in.linger(ctx, lingerTimeout)
		in.hangUp()
		in.linger(ctx, lastReads)
		origin.settle()
		a.conclude(ctx, end)
	}
	failure := a.finishDelivery(ctx)
	stopUpload()
	running.Wait()
	stop()
	_ = listener.Close()
	<-accepting
	a.pumping.Wait()
	origin.settle()
	// Counted now that nothing more is answered.
	out := a.result(failure)
	// The spool is free or gone before exec is told, so that what exec says of it holds; the adapters may take longer to end.
	err := a.closeSpool()
	if out.Pending == 0 && told {
		err = errors.Join(err, a.removeSpool())
	}
	unlock()
	in.finish(out)
	in.closeAll()
	a.closeHosts()
	return err
}

// awaitEnd waits until the command ended. told is false when the agent itself was told to end.
func (a *agent) awaitEnd(ctx context.Context, in *intake, gone <-chan struct{}) (end endEntry, told bool) {
	select {
	case end = <-in.finished:
		return end, true
	case <-ctx.Done():
		return endEntry{}, false
	case <-gone:
	}
	// Whoever started the agent is gone. A command may go on without it, and is still recorded.
	in.linger(ctx, 365*24*time.Hour)
	select {
	case end = <-in.finished:
		return end, true
	default:
	}
	end = endEntry{Status: statusKilled, Reason: "cairn exec ended before its command", EndMS: time.Now().UnixMilli()}
	if known, ok := a.writtenEnd(); ok {
		end = known
	} else if a.config.Lazy {
		end = endEntry{Status: statusFinished, EndMS: time.Now().UnixMilli()}
	}
	return end, ctx.Err() == nil
}

// finishDelivery delivers what is left; where it cannot, the error is the reason that the uploader has.
func (a *agent) finishDelivery(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ending)
	defer cancel()
	if a.uploader.drain(ctx, triesAtEnd) == nil {
		return nil
	}
	return a.lastFailure()
}

func (a *agent) lastFailure() error {
	state, _ := a.uploader.status()
	if state.failure != nil {
		return state.failure
	}
	return errs.New(errs.Unavailable, "the agent was told to end")
}

// removeSpool removes a spool of which everything was delivered.
func (a *agent) removeSpool() error {
	if err := os.RemoveAll(a.dir); err != nil {
		return fmt.Errorf("remove delivered spool: %w", err)
	}
	return nil
}

// tellSocket says in one line of JSON where the agent listens.
func (a *agent) tellSocket(listener net.Listener, options AgentOptions) {
	line, err := json.Marshal(map[string]string{
		"socket": listener.Addr().String(), "run_id": a.config.RunID, "exec_id": a.config.ExecID, "server": a.config.Server})
	if err == nil {
		_, err = options.Stdout.Write(append(line, '\n'))
	}
	if err != nil {
		a.log.Error("tell the socket", "error", err)
	}
}

// newServeSpool makes the spool and the socket of an agent without a command.
func newServeSpool(home string, options AgentOptions) (string, net.Listener, error) {
	choices, err := options.Choices.options("")
	if err != nil {
		return "", nil, err
	}
	config := newConfig(client.FromEnvironment(options.Server).Server, options.Experiment, options.RunName, nil)
	config.Options = choices
	config.Lazy = true
	config.SourceName = "notebook"
	dir := filepath.Join(spoolRoot(home), config.ExecID)
	if err := writeConfig(dir, config); err != nil {
		return "", nil, err
	}
	listener, err := listenSocket()
	return dir, listener, err
}

func newConfig(server, experiment, runName string, tags map[string]string) Config {
	config := Config{
		Version: configVersion, Server: server, ExecID: newID(), RunID: newID(), RunName: runName, Experiment: experiment, Tags: tags,
		StartMS: time.Now().UnixMilli(), User: UserName(), Options: map[string]string{},
	}
	config.Experiment = ExperimentOf(config.Experiment)
	config.Directory, _ = os.Getwd() // unknown when it was removed: the run then says nothing of its code
	return config
}

// ExperimentOf gives the experiment of a run, by name: the one given, else MLFLOW_EXPERIMENT_NAME, else "Default".
func ExperimentOf(given string) string {
	return cmp.Or(given, os.Getenv("MLFLOW_EXPERIMENT_NAME"), defaultExperiment)
}

// UserName is the user as the machine knows them.
func UserName() string {
	for _, name := range []string{"LOGNAME", "USER", "USERNAME"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	if known, err := user.Current(); err == nil {
		return known.Username
	}
	return "unknown"
}

// listenSocket makes a socket in a directory of its own that only the user may enter. The path is short: a unix socket's
// may have about a hundred bytes.
func listenSocket() (net.Listener, error) {
	dir, err := os.MkdirTemp("", "cairn-")
	if err == nil && len(dir) > 80 {
		err = errors.Join(os.Remove(dir))
		if err == nil {
			dir, err = os.MkdirTemp("/tmp", "cairn-")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make directory of the socket: %w", err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "agent")) //nolint:noctx // resolves no name
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make socket: %w", err), os.RemoveAll(dir))
	}
	return listener, nil
}
