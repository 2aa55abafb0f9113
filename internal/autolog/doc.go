// Package autolog is Cairn's agent: what records a training without being part of it.
//
// `cairn exec` (Exec) starts the agent (RunAgent, a process of its own) and the command. Inside the command's Python a
// small bootstrap sends what it sees over a unix socket; the agent hands it to adapters, processes of their own too, and
// writes the records that they give to a spool on disk, from which an uploader delivers them to the server in order and
// exactly once. What could not be delivered stays on disk until `cairn sync` (Sync).
//
//	training ─socket─► intake ─► journal ─► pump ─► adapter ─► records ─► journal ─► uploader ─► server
//
// Everything durable is an entry of one journal (journal.go), and what the agent knows (state.go) is a fold over its
// entries: an agent that is killed and started again on the same spool goes on where the journal ends. An observation is
// acknowledged to the training when its entry is on disk; adapters are pure functions of observations, so that replaying
// them loses and doubles nothing.
//
// Whoever waits for another process waits for a bounded time: an adapter that does not answer is killed and replaced (pump.go),
// an agent that gives no sign of life too (watch.go), and a run that ends before its answers came says so (late.go).
//
// Nothing here may hurt the training: no failure of the agent, an adapter or the server reaches it.
package autolog
