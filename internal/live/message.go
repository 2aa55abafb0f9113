package live

import (
	"encoding/json"
	"fmt"
	"sync"
)

const (
	messageVersion = 1
	// maxPending bounds the events that wait to be sent. Beyond it, the other servers wake all their subscriptions.
	maxPending = 4096
)

// message is what servers tell each other. One without events only shows its sender that messages arrive.
type message struct {
	Version int    `json:"v"`
	From    string `json:"from"`
	// Number grows with each message of a sender.
	Number int64   `json:"n"`
	Events []Event `json:"events,omitempty"`
	// All: more was committed than is told.
	All bool `json:"all,omitempty"`
}

// encode makes one message, or as many as the events need.
func encode(from string, number *int64, events []Event, all bool, maxSize int) ([][]byte, error) {
	var out [][]byte
	for first := true; first || len(events) > 0; first = false {
		n := min(len(events), maxPending)
		for {
			text, err := json.Marshal(message{Version: messageVersion, From: from, Number: *number + 1, Events: events[:n], All: all && first})
			if err != nil {
				return nil, fmt.Errorf("encode hints: %w", err)
			}
			if len(text) > maxSize && n > 1 {
				n = max(min(n-1, n*maxSize/len(text)), 1)
				continue
			}
			*number++
			out = append(out, text)
			break
		}
		events = events[n:]
	}
	return out, nil
}

// decode reads a message. Of one in a form that this version does not know, it is only known that something was committed.
func decode(text []byte) (message, error) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, fmt.Errorf("decode hints: %w", err)
	}
	if m.Version != messageVersion {
		m.Events, m.All = nil, true
	}
	return m, nil
}

// outbox gathers what is to be told to other servers, each thing once.
type outbox struct {
	mu     sync.Mutex
	events map[Event]int64 // to the greatest sequence
	all    bool
	wake   chan struct{}
}

func newOutbox() *outbox { return &outbox{events: map[Event]int64{}, wake: make(chan struct{}, 1)} }

func (o *outbox) add(events ...Event) {
	o.mu.Lock()
	for _, e := range events {
		sequence := e.Sequence
		e.Sequence = 0
		if known, ok := o.events[e]; ok {
			o.events[e] = max(known, sequence)
		} else if len(o.events) < maxPending {
			o.events[e] = sequence
		} else {
			o.all = true
		}
	}
	o.mu.Unlock()
	signal(o.wake)
}

func (o *outbox) take() (events []Event, all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for e, sequence := range o.events {
		e.Sequence = sequence
		events = append(events, e)
	}
	clear(o.events)
	all, o.all = o.all, false
	return events, all
}

// giveBack takes again what could not be sent.
func (o *outbox) giveBack(events []Event, all bool) {
	o.add(events...)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = o.all || all
}
