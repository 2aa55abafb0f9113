package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cairnml/cairn/internal/client"
	"github.com/cairnml/cairn/internal/store/storetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"cairn": func() { os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) },
	})
}

// TestScripts runs the command line as a shell would. Beside testscript's own commands a script has:
//
//	serve [FLAGS]                        starts `cairn server` on a free port, and points CAIRN_SERVER at it
//	halt                                 ends that server with SIGTERM, in order and in time
//	record NAME [below=ID] [k=v ...] [metric=V ...]
//	                                     records a run; what is a number is a metric; its id is in $NAME
//	code N cairn ARGS                    runs a command that must end with exit code N
//	keep NAME                            puts the last standard output into $NAME
//	points RUN KEY N                     records N points of a metric of a run
//	upload RUN PATH FILE                 stores a file of the script as an artifact of a run
//	get PATH                             gets a path of the server; headers go to standard error
//	query TEXT                           sends a GraphQL query to the server
//	sql URL STATEMENT                    changes a database past Cairn
//	postgres                             makes a database on PostgreSQL; its URL is in $POSTGRES
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("CAIRN_HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("CAIRN_SERVER", "http://127.0.0.1:1")
			e.Setenv("CAIRN_TOKEN", "")
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": serve, "halt": halt, "record": record, "code": code, "keep": keep,
			"points": points, "upload": upload, "get": get, "query": query, "sql": runSQL,
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Setenv("POSTGRES", storetest.PostgresURL(t)) },
		},
	})
}

const startTime = 30 * time.Second

func freePort(ts *testscript.TestScript) string {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	ts.Check(listener.Close())
	return port
}

// served is a server that a script started.
type served struct {
	command *exec.Cmd
	ended   chan error
}

// servers are those of the scripts that run now.
var servers sync.Map // *testscript.TestScript → *served

func serve(ts *testscript.TestScript, _ bool, args []string) {
	address := "127.0.0.1:" + freePort(ts)
	command := cairn(ts, append([]string{"server", "--listen", address, "--data-dir", ts.MkAbs("data")}, args...)...)
	log, err := os.Create(ts.MkAbs("server.log"))
	ts.Check(err)
	command.Stdout, command.Stderr = log, log
	ts.Check(command.Start())
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	servers.Store(ts, &served{command: command, ended: ended})
	ts.Defer(func() { _ = end(ts) })
	deadline := time.Now().Add(startTime)
	for !healthy("http://" + address) {
		select {
		case err := <-ended:
			ts.Fatalf("the server ended (%v):\n%s", err, ts.ReadFile("server.log"))
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the server did not start:\n%s", ts.ReadFile("server.log"))
		}
	}
	ts.Setenv("CAIRN_SERVER", "http://"+address)
}

// end stops the script's server, if it has one, and gives how it ended.
func end(ts *testscript.TestScript) error {
	found, ok := servers.LoadAndDelete(ts)
	if !ok {
		return nil
	}
	server := found.(*served)
	if err := server.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-server.ended:
		return err
	case <-time.After(10 * time.Second):
		return errors.Join(errors.New("the server did not end within 10 s"), server.command.Process.Kill())
	}
}

func halt(ts *testscript.TestScript, _ bool, _ []string) { ts.Check(end(ts)) }

func healthy(url string) bool {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/health", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return err == nil && string(body) == "OK"
}

// cairn makes a command with the script's environment.
func cairn(ts *testscript.TestScript, args ...string) *exec.Cmd {
	path, err := exec.LookPath("cairn")
	ts.Check(err)
	command := exec.Command(path, args...) // the script ends it
	command.Dir = ts.MkAbs(".")
	command.Env = os.Environ()
	for _, name := range []string{"CAIRN_HOME", "CAIRN_SERVER", "CAIRN_TOKEN", "TZ", "HOME"} {
		command.Env = append(command.Env, name+"="+ts.Getenv(name))
	}
	return command
}

func code(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 || args[1] != "cairn" {
		ts.Fatalf("usage: code N cairn ARGS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	command := cairn(ts, args[2:]...)
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Check(err)
	}
	_, _ = ts.Stdout().Write(output)
	if got := command.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, not %d:\n%s", got, want, output)
	}
}

var runID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func record(ts *testscript.TestScript, _ bool, args []string) {
	c, err := client.New(client.Config{Server: ts.Getenv("CAIRN_SERVER"), Token: ts.Getenv("CAIRN_TOKEN")})
	ts.Check(err)
	defer c.Close()
	experiment := "scripts"
	input := client.CreateRunInput{Name: &args[0], ExperimentName: &experiment}
	pairs := args[1:]
	if len(pairs) > 0 {
		if parent, below := strings.CutPrefix(pairs[0], "below="); below {
			input.ParentRunId, pairs = &parent, pairs[1:]
		}
	}
	made, err := client.CreateRun(context.Background(), c, input)
	ts.Check(err)
	id := made.CreateRun.RunId
	if !runID.MatchString(id) {
		ts.Fatalf("%q is no run id", id)
	}
	batch := client.LogBatchInput{RunId: id}
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			batch.Metrics = append(batch.Metrics, client.MetricPointInput{Key: key, Value: client.MetricValue(number), Step: "1"})
		} else {
			batch.Params = append(batch.Params, client.ParamInput{Key: key, Value: value})
		}
	}
	_, err = client.LogBatch(context.Background(), c, batch)
	ts.Check(err)
	_, err = client.FinishRun(context.Background(), c, client.FinishRunInput{RunId: id, Status: client.RunStatusFinished})
	ts.Check(err)
	ts.Setenv(args[0], id)
}

func points(ts *testscript.TestScript, _ bool, args []string) {
	c, err := client.New(client.Config{Server: ts.Getenv("CAIRN_SERVER"), Token: ts.Getenv("CAIRN_TOKEN")})
	ts.Check(err)
	defer c.Close()
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	column := client.MetricColumnsInput{Key: args[1]}
	for i := range int64(n) {
		column.Steps, column.Times = append(column.Steps, i), append(column.Times, 1_700_000_000_000+i)
		column.Values = append(column.Values, 1/float64(i+1))
	}
	_, err = client.LogBatch(context.Background(), c, client.LogBatchInput{RunId: args[0], Columns: []client.MetricColumnsInput{column}})
	ts.Check(err)
}

func upload(ts *testscript.TestScript, _ bool, args []string) {
	c, err := client.New(client.Config{Server: ts.Getenv("CAIRN_SERVER"), Token: ts.Getenv("CAIRN_TOKEN")})
	ts.Check(err)
	defer c.Close()
	ts.Check(c.PutArtifact(context.Background(), args[0], args[1], ts.MkAbs(args[2])))
}

// answer writes a server's answer to a script.
func answer(ts *testscript.TestScript, request *http.Request, err error) {
	ts.Check(err)
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer func() { _ = response.Body.Close() }()
	ts.Check(response.Header.Write(ts.Stderr()))
	_, err = io.Copy(ts.Stdout(), response.Body)
	ts.Check(err)
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, ts.Getenv("CAIRN_SERVER")+args[0], http.NoBody)
	answer(ts, request, err)
}

func query(ts *testscript.TestScript, _ bool, args []string) {
	body, err := json.Marshal(map[string]string{"query": args[0]})
	ts.Check(err)
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, ts.Getenv("CAIRN_SERVER")+"/graphql", bytes.NewReader(body))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	answer(ts, request, nil)
}

// runSQL uses the drivers that the store has registered.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	driver, source := "postgres", args[0]
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		driver, source = "sqlite", ts.MkAbs(path)
	}
	db, err := sql.Open(driver, source)
	ts.Check(err)
	defer func() { _ = db.Close() }()
	result, err := db.ExecContext(context.Background(), args[1])
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("%s changed nothing: %v", args[1], err)
	}
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}
