//go:build !windows

package autolog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// drainTimeout is how long output is still read after the command ended, while processes that it left hold the pipe.
const drainTimeout = 250 * time.Millisecond

// stdio is the command's end of its three streams and our end of them.
type stdio struct {
	command *exec.Cmd
	options ExecOptions

	theirs  []*os.File // closed once the command has them
	ours    []*os.File
	master  *os.File // of the pseudo-terminal, where there is one
	copying sync.WaitGroup
	restore func()
}

// runCommand runs a command to its end and gives its exit code. Its output is passed on byte for byte and recorded beside;
// without recorders it has our own streams. Where we write to a terminal, it has one too (a pseudo-terminal), so that it
// behaves as it would without us.
func runCommand(ctx context.Context, command *exec.Cmd, options ExecOptions, stdout, stderr *recorder) int {
	s := &stdio{command: command, options: options, restore: func() {}}
	if stdout != nil {
		if err := s.connect(stdout, stderr); err != nil {
			fmt.Fprintf(options.Stderr, "%s: the output is not recorded: %v\n", options.Program, err)
		}
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH)
	err := command.Start()
	s.closeTheirs()
	if err != nil {
		signal.Stop(signals)
		s.finish()
		fmt.Fprintf(options.Stderr, "%s: %s: %v\n", options.Program, options.Command[0], errors.Unwrap(err))
		return exitNotExecutable
	}
	ended := make(chan struct{})
	var forwarding sync.WaitGroup
	forwarding.Go(func() { s.forward(ctx, signals, ended) })
	_ = command.Wait() // its state tells
	close(ended)
	signal.Stop(signals)
	forwarding.Wait()
	s.finish()
	if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal())
	}
	return command.ProcessState.ExitCode()
}

// connect puts pipes or a pseudo-terminal between the command and our output.
func (s *stdio) connect(stdout, stderr *recorder) error {
	outTerminal, errTerminal := term.IsTerminal(int(s.options.Stdout.Fd())), term.IsTerminal(int(s.options.Stderr.Fd()))
	var terminal *os.File
	if outTerminal || errTerminal {
		var err error
		if terminal, err = s.openTerminal(outTerminal); err != nil {
			return err
		}
	}
	if outTerminal {
		s.command.Stdout = terminal
		s.copy(s.master, s.options.Stdout, stdout)
	} else if err := s.pipe(&s.command.Stdout, s.options.Stdout, stdout); err != nil {
		return err
	}
	switch {
	case errTerminal:
		s.command.Stderr = terminal
		if !outTerminal {
			s.copy(s.master, s.options.Stderr, stderr)
		}
	case sameFile(s.options.Stdout, s.options.Stderr):
		// One pipe for both keeps the order in which the command wrote to them.
		s.command.Stderr = s.command.Stdout
	default:
		return s.pipe(&s.command.Stderr, s.options.Stderr, stderr)
	}
	return nil
}

func sameFile(a, b *os.File) bool {
	infoA, errA := a.Stat()
	infoB, errB := b.Stat()
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

func (s *stdio) pipe(target *io.Writer, to *os.File, record *recorder) error {
	ours, theirs, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	*target = theirs
	s.theirs, s.ours = append(s.theirs, theirs), append(s.ours, ours)
	s.copy(ours, to, record)
	return nil
}

func (s *stdio) copy(from, to *os.File, record *recorder) {
	s.copying.Go(func() { passThrough(from, to, record) })
}

// openTerminal makes a pseudo-terminal of the size of ours. Keys go to it when our input is a terminal too and we are in
// front of it; else the command has our input as it is.
func (s *stdio) openTerminal(outTerminal bool) (*os.File, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("make pseudo-terminal: %w", err)
	}
	s.master = master
	s.theirs, s.ours = append(s.theirs, slave), append(s.ours, master)
	s.resize()
	fd := 2
	if outTerminal {
		fd = 1
	}
	s.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: fd}
	input := int(s.options.Stdin.Fd())
	if !term.IsTerminal(input) || !inFront(input) {
		return slave, nil
	}
	state, err := term.MakeRaw(input)
	if err != nil {
		return slave, nil //nolint:nilerr // the command then reads our terminal itself
	}
	s.restore = func() { _ = term.Restore(input, state) }
	s.command.Stdin = slave
	// Ends with the process: a read of the terminal cannot be called back.
	go func() { _, _ = io.Copy(master, s.options.Stdin) }()
	return slave, nil
}

// inFront tells whether we are the terminal's foreground job: another may not change its modes.
func inFront(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func (s *stdio) resize() {
	if s.master == nil {
		return
	}
	for _, file := range []*os.File{s.options.Stdout, s.options.Stderr, s.options.Stdin} {
		if pty.InheritSize(file, s.master) == nil {
			return
		}
	}
}

// forward passes signals on until the command ended. What the terminal sends to the whole foreground job reached the
// command without us when it is in our group.
func (s *stdio) forward(ctx context.Context, signals <-chan os.Signal, ended <-chan struct{}) {
	cancelled := ctx.Done()
	for {
		select {
		case <-ended:
			return
		case <-cancelled:
			cancelled = nil
			_ = s.command.Process.Signal(syscall.SIGTERM)
		case received := <-signals:
			switch received {
			case syscall.SIGWINCH:
				s.resize()
				continue
			case syscall.SIGINT, syscall.SIGQUIT:
				if s.master == nil && term.IsTerminal(int(s.options.Stdin.Fd())) && inFront(int(s.options.Stdin.Fd())) {
					continue
				}
			}
			_ = s.command.Process.Signal(received)
		}
	}
}

func (s *stdio) closeTheirs() {
	for _, file := range s.theirs {
		_ = file.Close()
	}
}

// finish reads what is left of the output. Processes that the command left behind may hold the streams open for long:
// they are read until they have been silent for a while.
func (s *stdio) finish() {
	defer s.restore()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.copying.Wait()
	}()
	select {
	case <-done:
	case <-time.After(drainTimeout):
		for _, file := range s.ours {
			// What cannot be given a deadline is closed.
			if file.SetReadDeadline(time.Now().Add(drainTimeout)) != nil {
				_ = file.Close()
			}
		}
		<-done
	}
	for _, file := range s.ours {
		_ = file.Close()
	}
}

// interrupts gives the signals that end a wait. From then on they end nothing else.
func interrupts() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	return signals
}
