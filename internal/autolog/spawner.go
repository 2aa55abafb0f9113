package autolog

import "runtime"

// A spawner runs functions on one operating system thread, which lives as long as the spawner. Processes that are to die
// with their parent are started there: Linux watches the starting thread, not the process.
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		defer close(s.done)
		for f := range s.work {
			f()
		}
	}()
	return s
}

// do runs f and returns when it did.
func (s *spawner) do(f func()) {
	finished := make(chan struct{})
	s.work <- func() {
		defer close(finished)
		f()
	}
	<-finished
}

// close ends the thread, and so what was started from it. Nothing may be started after it.
func (s *spawner) close() {
	close(s.work)
	<-s.done
}
