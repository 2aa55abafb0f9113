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
// with adapter implementing Adapter.
//
// # Hooks
//
// A hook is one Python file, Description.Hook, or a package of several, Description.HookFiles:
//
//	//go:embed hook/*.py
//	var hook embed.FS
//
// Its __init__.py defines install(cairn), which is called once, right after the first of Description.Modules has been
// imported. The modules beside it are imported relatively, when they are needed: "from . import search". They, and the
// __init__.py, find the object that install is given as "from . import cairn". No file is written into the training's
// environment, and no name of a hook's module meets one of the user's.
//
// A hook runs inside the user's training, on Python 3.9 and newer. It imports nothing that the user did not import, but for
// the standard library, and guards whatever it does (cairn.guard), since nothing of it may reach the training.
//
// # Elsewhere
//
// Authors see neither protobuf nor go-plugin. Package sdktest checks an adapter against
// recorded observations.
package sdk
