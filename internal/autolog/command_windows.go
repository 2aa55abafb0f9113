package autolog

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
)

// runCommand runs a command to its end and gives its exit code. Its output is passed on byte for byte and recorded
// beside; without recorders it has our own streams. The console sends Ctrl-C to the command itself.
func runCommand(ctx context.Context, command *exec.Cmd, options ExecOptions, stdout, stderr *recorder) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	var copying sync.WaitGroup
	var theirs []*os.File
	if stdout != nil {
		for _, stream := range []struct {
			set    func(*os.File)
			to     *os.File
			record *recorder
		}{
			{func(f *os.File) { command.Stdout = f }, options.Stdout, stdout},
			{func(f *os.File) { command.Stderr = f }, options.Stderr, stderr},
		} {
			ours, their, err := os.Pipe()
			if err != nil {
				fmt.Fprintf(options.Stderr, "%s: the output is not recorded: %v\n", options.Program, err)
				continue
			}
			stream.set(their)
			theirs = append(theirs, their)
			copying.Go(func() {
				passThrough(ours, stream.to, stream.record)
				_ = ours.Close()
			})
		}
	}
	err := command.Start()
	for _, file := range theirs {
		_ = file.Close()
	}
	if err != nil {
		copying.Wait()
		fmt.Fprintf(options.Stderr, "%s: %s: %v\n", options.Program, options.Command[0], err)
		return exitNotExecutable
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case <-ctx.Done():
			_ = command.Process.Kill()
		}
	}()
	_ = command.Wait() // its state tells
	close(ended)
	copying.Wait()
	return command.ProcessState.ExitCode()
}

// interrupts gives the signals that end a wait. From then on they end nothing else.
func interrupts() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	return signals
}
