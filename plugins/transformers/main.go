// Command cairn-adapter-transformers is the autolog adapter for the Trainer of transformers. The agent starts it when a training imports it; its hook
// (hook/) runs in the training and sends what it sees, and this program turns that into records.
package main

import "github.com/cairnml/cairn/plugins/sdk"

func main() { sdk.Serve(adapter{}) }
