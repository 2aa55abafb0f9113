package autolog

import (
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

const (
	// aliveEvery is how often an agent says to exec that it is there, whatever it does.
	aliveEvery = time.Second
	// silenceTimeout is how long exec hears nothing of its agent before it takes it for one that hangs.
	silenceTimeout = 30 * time.Second
	// silenceTicks is in how many parts a silence is waited for. It counts ticks and no time: exec itself may have been stopped.
	silenceTicks = 30
	// agentEndTimeout is how long an agent may take to be gone.
	agentEndTimeout = 5 * time.Second
	// firstWord is how many times as long an agent may take for its first word: it reads its spool before.
	firstWord = 6
)

// watcher ends an agent that hangs, so that the next goes on with its spool: the lock on it ends with the process.
type watcher struct {
	process *os.Process
	silence time.Duration

	heard atomic.Bool
	quiet atomic.Int32 // ticks since something was heard
	hung  atomic.Bool
}

func (w *watcher) run(stop <-chan struct{}) {
	tick := time.NewTicker(w.silence / silenceTicks)
	defer tick.Stop()
	limit := int32(firstWord * silenceTicks)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if w.heard.Swap(false) {
			w.quiet.Store(0)
			limit = silenceTicks
			continue
		}
		if w.quiet.Add(1) > limit {
			w.hung.Store(true)
			_ = w.process.Kill()
			return
		}
	}
}

// silent tells whether the agent has missed several signs of life.
func (w *watcher) silent() bool { return w.quiet.Load() >= 4 }

// watch says which agent runs; nil for none.
func (l *link) watch(w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watcher = w
}

// silent tells whether there is no agent that could be heard lately.
func (l *link) silent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.watcher == nil || l.watcher.silent()
}

// kill ends the agent and waits until it is gone. After quit was closed no other is started.
func (l *link) kill() {
	l.mu.Lock()
	if l.watcher != nil {
		_ = l.watcher.process.Kill()
	}
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-time.After(agentEndTimeout):
	}
}

// hungUp has the next agent say on the run that the one before it hung. It is no message: the end of the command may be
// queued or journaled already, and what is sent after that is not waited for.
func (l *link) hungUp() {
	l.warning = fmt.Sprintf("the agent that recorded this command gave no sign of life for %v and was started again", l.silence)
}
