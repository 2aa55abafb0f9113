// Command cairn is the whole of Cairn: the server, the agent that records trainings, and what one does with what they
// recorded. Each file here holds one command: its flags, and the calls that it is made of.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/cairnml/cairn/internal/errs"
)

// version is set by the linker.
var version = "unknown"

// Exit codes; exec passes on its command's, and 126 and 127 as shells use them.
const (
	exitError = 1
	exitUsage = 2
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are a command's standard streams.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitCode is the error of a command that has said all it had to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a mistake in a command line that only the command itself could see.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

type commands struct {
	Server      serverCommand      `cmd:"" help:"GraphQL, MLflow REST, artifacts and web pages on one port."`
	Exec        execCommand        `cmd:"" help:"Run any command with autologging and nothing changed in it."`
	Run         runCommand         `cmd:"" help:"Run a project: a directory or a git repository, with its environment, parameters and autologging."`
	Reproduce   reproduceCommand   `cmd:"" help:"Run a recorded run again from its fingerprint, compare, and record the verdict."`
	Sync        syncCommand        `cmd:"" help:"Deliver what was recorded while no server was there."`
	Runs        runsCommands       `cmd:"" help:"Look at runs."`
	Experiments experimentCommands `cmd:"" help:"Look at experiments and change them."`
	Models      modelCommands      `cmd:"" help:"Look at registered models and their versions, and change them."`
	Tokens      tokenCommands      `cmd:"" help:"Make, list and revoke access tokens."`
	Plugins     pluginCommands     `cmd:"" help:"Autolog adapters."`
	Import      importCommands     `cmd:"" help:"Bring in what others recorded."`
	DB          dbCommands         `cmd:"" name:"db" help:"The server's database."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
	Agent       agentCommand       `cmd:"" hidden:"" help:"Record for exec or a notebook; started by them."`
}

const description = "Cairn records machine-learning experiments so that anyone can find the way back to them."

// run runs one command line and gives the exit code.
func run(ctx context.Context, args []string, std streams) int {
	cli := &commands{}
	// What kong prints and where it exits is kept here, so that tests see what a shell would.
	var exited *int
	parser, err := kong.New(cli,
		kong.Name("cairn"), kong.Description(description), kong.UsageOnError(), kong.DefaultEnvars("CAIRN"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Writers(std.out, std.err), kong.Exit(func(code int) { exited = &code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(std),
	)
	if err != nil {
		_, _ = fmt.Fprintf(std.err, "cairn: %v\n", err)
		return exitError
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited != nil {
		return *exited // --help
	}
	if err != nil {
		_, _ = fmt.Fprintf(std.err, "cairn: %v\n%s\n", err, usageHint(err))
		return exitUsage
	}
	return report(parsed.Run(), std.err)
}

// usageHint names the command whose help says how it is used.
func usageHint(err error) string {
	command := "cairn"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			command = node.FullPath()
		}
	}
	return "See `" + command + " --help`."
}

// report shows an error, and gives the exit code.
func report(err error, out io.Writer) int {
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	_, _ = fmt.Fprintln(out, "cairn: "+strings.TrimSpace(err.Error()))
	if hint := hint(err); hint != "" {
		_, _ = fmt.Fprintln(out, hint)
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitError
}

// hint says what to do on a command line about an error whose message cannot know that it stands on one.
func hint(err error) string {
	var network *net.OpError
	var known *errs.Error
	switch {
	case errs.Is(err, errs.Unauthenticated):
		return "Set CAIRN_TOKEN to a token of this server; its administrator makes one with `cairn tokens create NAME`."
	case errors.As(err, &known) && known.Field == "database" && known.Kind == errs.Unavailable:
		return "Start PostgreSQL there, or name another database with --database or CAIRN_DATABASE."
	case errors.As(err, &network) && network.Op == "dial":
		return "Start a server with `cairn server`, or name one with --server or CAIRN_SERVER."
	}
	return ""
}
