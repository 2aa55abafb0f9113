// Package sdk is what an autolog adapter is written against.
//
// An adapter is a program that Cairn's agent starts when a training imports the framework that the adapter knows. It has
// two halves: a hook in Python, which the training loads and which sends observations ("a fit began, with these
// params"), and an Adapter in Go, which turns observations into records ("the run has this param"). The Go half never
// sees the training's objects, and the training never waits for it.
//
// A whole adapter:
//
//	func main() { sdk.Serve(adapter{}) }
//
// with adapter implementing Adapter. Authors see neither protobuf nor go-plugin. Package sdktest checks an adapter against
// recorded observations.
package sdk
