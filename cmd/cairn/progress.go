package main

import (
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	// progressSteps is the least time between two states of a line on a terminal, and progressLines between two lines elsewhere.
	progressSteps = 200 * time.Millisecond
	progressLines = 10 * time.Second
)

// progress tells how far a long command is: on a terminal in one line that changes, elsewhere in a line now and then.
type progress struct {
	out      io.Writer
	terminal bool
	told     time.Time
	width    int
	err      error
}

func newProgress(out io.Writer) *progress {
	file, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(file.Fd())), told: time.Now()}
}

// show tells a state, unless the last one was told just now.
func (p *progress) show(state string) {
	every := progressLines
	if p.terminal {
		every = progressSteps
	}
	if now := time.Now(); now.Sub(p.told) >= every {
		p.told = now
		p.write(state)
	}
}

func (p *progress) write(state string) {
	if !p.terminal {
		p.err = put(p.out, state+"\n")
		return
	}
	width := columns(state)
	p.err = put(p.out, "\r"+state+strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}

// end clears the line, and gives what writing failed with.
func (p *progress) end() error {
	if p.terminal && p.width > 0 {
		p.err = put(p.out, "\r"+strings.Repeat(" ", p.width)+"\r")
	}
	return p.err
}
