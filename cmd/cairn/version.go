package main

import (
	"fmt"
	"runtime"
)

type versionCommand struct {
	listing
}

func (v *versionCommand) Run(std streams) error {
	if v.JSON {
		return putJSON(std.out, map[string]string{
			"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	return put(std.out, fmt.Sprintf("cairn %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH))
}
